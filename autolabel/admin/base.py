"""What the pages of our rows share."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin
from django.http import HttpRequest


class ReadOnlyAdmin(admin.ModelAdmin):
    """Rows that only the engine writes."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        # Django grants "view" through "change"; ours stands on the view permission alone.
        return request.user.has_perm(f"autolabel.view_{self.opts.model_name}")


class OfJobAdmin(ReadOnlyAdmin):
    """Rows that are looked at job by job."""

    list_select_related = ("job",)
    show_full_result_count = False
    search_fields: ClassVar[tuple[str, ...]] = ("=job__uid",)

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest | None = None) -> bool:
        return lookup == "job__id__exact" or super().lookup_allowed(lookup, value, request)  # type: ignore[arg-type]
