"""The administrator's view of the platform: people and projects; shapes are only looked at here."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db import transaction
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html

from autolabel import audit

from .keys import new_key
from .models import Annotation, ApiKey, BulkReview, Item, Label, Membership, Project
from .querysets import slices
from .review import refresh_states


class MembershipInline(admin.TabularInline):
    model = Membership
    extra = 0
    raw_id_fields = ["user"]


class LabelInline(admin.TabularInline):
    model = Label
    extra = 0


@admin.register(Project)
class ProjectAdmin(admin.ModelAdmin):
    list_display = ["name", "status", "shapes", "items_held", "created_at"]
    list_filter = ["status", "shapes", "created_at"]
    search_fields = ["name", "uid"]
    readonly_fields = ["uid", "created_at", "updated_at"]
    inlines = [MembershipInline, LabelInline]
    show_full_result_count = False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Project]:
        return super().get_queryset(request).annotate(items_held=Count("items"))

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        super().save_formset(request, form, formset, change)
        if formset.model is not Membership:
            return
        changed = [("member.add", one) for one in formset.new_objects]
        changed += [("member.change", one) for one, _ in formset.changed_objects]
        changed += [("member.remove", one) for one in formset.deleted_objects]
        for action, one in changed:
            audit.record(request.user, action, project_uid=one.project.uid, member=str(one.user), role=one.role)

    def delete_model(self, request: HttpRequest, obj: Project) -> None:
        audit.record(request.user, "project.delete", project_uid=obj.uid, name=obj.name)
        super().delete_model(request, obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Project]) -> None:
        for project in queryset:
            audit.record(request.user, "project.delete", project_uid=project.uid, name=project.name)
        super().delete_queryset(request, queryset)

    @admin.display(description="items", ordering="items_held")
    def items_held(self, project: Any) -> int:
        return project.items_held


@admin.register(Item)
class ItemAdmin(admin.ModelAdmin):
    """Items come from uploads, which are checked, and get their state from review; not from here."""

    list_display = ["name", "project", "state", "width", "height", "created_at"]
    list_filter = ["state", "created_at"]
    list_select_related = ["project"]
    search_fields = ["name", "uid", "project__name"]
    readonly_fields = [
        "uid",
        "project",
        "picture",
        "state",
        "width",
        "height",
        "draft_count",
        "lowest_score",
        "auto_labeled_at",
        "finished_by",
        "finished_at",
        "flag_comment",
        "flagged_by",
        "flagged_at",
        "assigned_to",
        "assigned_until",
    ]
    fields = ["name", *readonly_fields]
    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    @admin.display(description="image")
    def picture(self, item: Item) -> str:
        """For members of the project, as everywhere; the admin opens no way around that."""
        return format_html('<a href="{}">show</a>', reverse("platform-api:item-image", args=[item.uid]))


@admin.register(Annotation)
class AnnotationAdmin(admin.ModelAdmin):
    """To look up and to delete; changes are the review's business, which counts versions."""

    list_display = ["uid", "item", "label", "kind", "status", "edited", "source", "score", "reviewed_by"]
    list_filter = ["status", "source", "kind", "edited"]
    list_select_related = ["item", "label", "reviewed_by"]
    search_fields = ["uid", "item__uid", "item__name", "job_uid"]
    raw_id_fields = ["item", "label", "reviewed_by"]
    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def delete_model(self, request: HttpRequest, obj: Annotation) -> None:
        self.delete_queryset(request, Annotation.objects.filter(pk=obj.pk))

    @transaction.atomic
    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Annotation]) -> None:
        locked = Item.objects.filter(pk__in=queryset.order_by().values("item")).locked_keys()
        queryset.delete()
        for keys in slices(locked):
            refresh_states(Item.objects.filter(pk__in=keys))


@admin.register(BulkReview)
class BulkReviewAdmin(admin.ModelAdmin):
    """What was decided at one go. Taking it back is the API's business, which also restores the drafts."""

    list_display = ["created_at", "project", "user", "verdict", "drafts", "items", "finished", "undone_at"]
    list_filter = ["verdict", "created_at"]
    list_select_related = ["project", "user"]
    search_fields = ["uid", "project__name", "user__username"]
    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(ApiKey)
class ApiKeyAdmin(admin.ModelAdmin):
    list_display = ["name", "prefix", "user", "scope", "is_active", "expires_at", "created_at", "last_used_at"]
    list_filter = ["is_active", "scope", "created_at"]
    list_select_related = ["user"]
    search_fields = ["name", "prefix", "user__username"]
    raw_id_fields = ["user"]
    fields = ["user", "name", "scope", "is_active", "expires_at", "prefix", "created_at", "last_used_at"]
    readonly_fields = ["prefix", "created_at", "last_used_at"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Whoever makes a key for somebody acts in that person's name: no permission of a group is for that."""
        return request.user.is_superuser

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        """A key keeps its owner: with another one, its holder would act in that person's name."""
        return [*self.readonly_fields, "user"] if obj else self.readonly_fields

    def delete_model(self, request: HttpRequest, obj: ApiKey) -> None:
        _note_deletion(request, obj)
        super().delete_model(request, obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[ApiKey]) -> None:
        for key in queryset:
            _note_deletion(request, key)
        super().delete_queryset(request, queryset)

    def save_model(self, request: HttpRequest, obj: ApiKey, form: Any, change: bool) -> None:
        key = ""
        if not change:
            key, obj.prefix, obj.key_hash = new_key()
        super().save_model(request, obj, form, change)
        action = "api_key.change" if change else "api_key.create"
        changes = {name: str(form.cleaned_data[name]) for name in form.changed_data}
        audit.record(request.user, action, target=obj.prefix, of=str(obj.user), changes=changes)
        if key:
            messages.warning(request, f"The new API key, which is shown only this once: {key}")


def _note_deletion(request: HttpRequest, key: ApiKey) -> None:
    audit.record(request.user, "api_key.delete", target=key.prefix, name=key.name, of=str(key.user))
