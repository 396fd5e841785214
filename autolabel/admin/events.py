"""Webhooks and the audit log: to look at; deliveries can be sent once more."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from autolabel.hosts.base import Actor
from autolabel.models import (
    AuditEntry,
    WebhookAttempt,
    WebhookDelivery,
    WebhookEndpoint,
    WebhookEvent,
)
from autolabel.webhooks import delivery, endpoints

from .base import OfJobAdmin, ReadOnlyAdmin


@admin.register(WebhookEvent)
class WebhookEventAdmin(OfJobAdmin):
    list_display = ("uid", "event_type", "job", "created_at")
    list_filter = ("event_type",)


@admin.register(WebhookEndpoint)
class WebhookEndpointAdmin(ReadOnlyAdmin):
    """Watched here, and stopped; people make and change theirs by the API or the host's pages. Secrets are shown to
    nobody."""

    list_display = ("target_url", "owner", "project_uid", "state", "failures_in_row", "last_success_at", "created_at")
    list_filter = ("state",)
    list_select_related = ("owner",)
    search_fields = ("target_url", "=owner__username", "=project_uid")
    exclude = ("secret", "previous_secrets")
    actions = ("pause",)

    @admin.action(description="Pause the selected endpoints", permissions=["pause"])
    def pause(self, request: HttpRequest, rows: QuerySet[WebhookEndpoint]) -> None:
        for row in rows:
            endpoints.pause(Actor(request.user), row)
        self.message_user(request, f"{len(rows)} paused. Events wait until somebody resumes them.")

    def has_pause_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("autolabel.change_webhookendpoint")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("autolabel.delete_webhookendpoint")

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> tuple[Any, Any, set[str], list[Any]]:
        """Deliveries go with their endpoint; who may delete that needs no permission for them."""
        shown, counts, _, protected = super().get_deleted_objects(objs, request)
        return shown, counts, set(), protected

    def delete_model(self, request: HttpRequest, obj: WebhookEndpoint) -> None:
        endpoints.delete(Actor(request.user), obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[WebhookEndpoint]) -> None:
        for row in queryset:
            self.delete_model(request, row)


class WebhookAttemptInline(admin.TabularInline):
    model = WebhookAttempt
    can_delete = False
    extra = 0
    fields = ("number", "status_code", "error", "seconds", "created_at")
    readonly_fields = fields

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("autolabel.view_webhookdelivery")


@admin.register(WebhookDelivery)
class WebhookDeliveryAdmin(ReadOnlyAdmin):
    list_display = ("uid", "event", "endpoint", "status", "attempts", "next_retry_at", "created_at")
    list_filter = ("status",)
    list_select_related = ("event", "endpoint")
    search_fields = ("=uid", "=event__uid", "=event__job__uid", "=endpoint__uid")
    inlines = (WebhookAttemptInline,)
    actions = ("redeliver",)

    @admin.action(description="Send the selected deliveries once more", permissions=["redeliver"])
    def redeliver(self, request: HttpRequest, rows: QuerySet[WebhookDelivery]) -> None:
        sent = sum(delivery.redeliver(row) for row in rows)
        self.message_user(request, f"{sent} of {len(rows)} deliveries are on their way again.")

    def has_redeliver_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("autolabel.change_webhookdelivery")


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadOnlyAdmin):
    list_display = ("created_at", "who", "credential", "action", "project_uid", "target", "detail")
    list_filter = ("action", "created_at")
    search_fields = ("=user_name", "=project_uid", "=target")
    date_hierarchy = "created_at"
    show_full_result_count = False

    @admin.display(description="who", ordering="user_name")
    def who(self, entry: AuditEntry) -> str:
        return entry.user_name or "command line"
