"""The administrator's view of the platform: people and projects; shapes are only looked at here."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.auth import get_user_model
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group
from django.db import transaction
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html

from autolabel import audit
from autolabel.models import WebhookEndpoint

from .keys import revoke_key
from .models import Annotation, ApiKey, BulkReview, Item, Label, Membership, Project
from .querysets import slices
from .review import refresh_states

# What of a user decides what that person may do.
_RIGHTS = {"is_active", "is_staff", "is_superuser", "groups", "user_permissions"}


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
        for one in formset.new_objects:
            _note_member(request, "member.add", one)
        for one, fields in formset.changed_objects:
            if "user" in fields:
                # One goes and another comes.
                before = next(form.initial["user"] for form in formset.forms if form.instance == one)
                _note_member(request, "member.remove", one, get_user_model().objects.filter(pk=before).first())
            _note_member(request, "member.add" if "user" in fields else "member.change", one)
        for one in formset.deleted_objects:
            _note_member(request, "member.remove", one)

    def delete_model(self, request: HttpRequest, obj: Project) -> None:
        audit.record(request.user, "project.delete", project_uid=obj.uid, name=obj.name)
        super().delete_model(request, obj)

    @transaction.atomic
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
    """To look up and to revoke, for good. People make their own on the settings page, operators with create_api_key."""

    list_display = ["name", "prefix", "user", "scope", "is_active", "expires_at", "created_at", "last_used_at"]
    list_filter = ["is_active", "scope", "created_at"]
    list_select_related = ["user"]
    search_fields = ["name", "prefix", "user__username"]
    fields = ["user", "name", "scope", "is_active", "expires_at", "prefix", "created_at", "last_used_at"]
    readonly_fields = fields
    actions = ["revoke"]

    @admin.action(description="Revoke the selected keys", permissions=["revoke"])
    def revoke(self, request: HttpRequest, rows: QuerySet[ApiKey]) -> None:
        active = list(rows.filter(is_active=True))
        for key in active:
            revoke_key(key, request.user)
        self.message_user(request, f"{len(active)} revoked. Programs that use them get 401 from now on.")

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("annotation_platform.change_apikey")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def delete_model(self, request: HttpRequest, obj: ApiKey) -> None:
        self.delete_queryset(request, ApiKey.objects.filter(pk=obj.pk))

    @transaction.atomic
    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[ApiKey]) -> None:
        for key in queryset:
            _note_deletion(request, key)
        super().delete_queryset(request, queryset)


admin.site.unregister(get_user_model())
admin.site.unregister(Group)


@admin.register(get_user_model())
class UserAdmin(DjangoUserAdmin):
    """Django's own. Rights are given by superusers alone, whom nobody else changes; what is done is in the audit log,
    with the memberships, keys and webhooks that go with a person."""

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        given = super().get_readonly_fields(request, obj)
        return given if request.user.is_superuser else (*given, *sorted(_RIGHTS - {"is_active"}))

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and _may_touch(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_delete_permission(request, obj) and _may_touch(request, obj)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        fields = sorted(set(form.changed_data) & _RIGHTS)
        if fields or not change:
            audit.record(request.user, "user.change" if change else "user.create", of=str(obj), fields=fields)

    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> HttpResponse:  # noqa: A002
        with transaction.atomic():
            response = super().user_change_password(request, id, form_url)
            if request.method == "POST" and response.status_code == 302:
                audit.record(request.user, "user.password", of=str(self.get_object(request, id)))
        return response

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        self.delete_queryset(request, get_user_model().objects.filter(pk=obj.pk))

    @transaction.atomic
    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        users = [user for user in queryset if _may_touch(request, user)]
        for member in Membership.objects.filter(user__in=users).select_related("project", "user"):
            _note_member(request, "member.remove", member)
        for key in ApiKey.objects.filter(user__in=users):
            _note_deletion(request, key)
        for user in users:
            hooks = WebhookEndpoint.objects.filter(owner=user, project_uid="").values_list("target_url", flat=True)
            audit.record(request.user, "user.delete", of=str(user), webhooks=list(hooks))
        super().delete_queryset(request, queryset.filter(pk__in=[user.pk for user in users]))


@admin.register(Group)
class GroupAdmin(DjangoGroupAdmin):
    """Django's own; for superusers, because whoever changes a group gives rights."""

    def has_module_permission(self, request: HttpRequest) -> bool:
        return request.user.is_superuser

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.is_superuser

    has_add_permission = has_module_permission
    has_change_permission = has_delete_permission = has_view_permission

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        names = [str(one) for one in form.instance.permissions.all()]
        audit.record(request.user, "group.change", of=str(form.instance), permissions=names)


def _may_touch(request: HttpRequest, user: Any) -> bool:
    """Whoever could set a superuser's password would be one."""
    return user is None or request.user.is_superuser or not user.is_superuser


def _note_deletion(request: HttpRequest, key: ApiKey) -> None:
    audit.record(request.user, "api_key.delete", target=key.prefix, name=key.name, of=str(key.user))


def _note_member(request: HttpRequest, action: str, member: Membership, user: Any = None) -> None:
    """About the member, or about `user`, who was it before."""
    name = str(user or member.user)
    audit.record(request.user, action, project_uid=member.project.uid, member=name, role=member.role)
