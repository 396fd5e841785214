"""Workers, and the versions of models that they run."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.db.models import Count, Exists, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest
from django.template.defaultfilters import filesizeformat
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.http import urlencode
from django.utils.safestring import SafeString

from autolabel.inference.registry import specs
from autolabel.jobs import versions
from autolabel.models import (
    Job,
    ModelDefault,
    ModelVersion,
    Worker,
)

from .base import ReadOnlyAdmin

# Larger weights are left to the workers: nobody waits before a form while gigabytes are read.
_VERIFY_BYTES = 500 * 1024 * 1024


@admin.register(Worker)
class WorkerAdmin(ReadOnlyAdmin):
    list_display = ("name", "is_alive", "heartbeat_at", "job", "memory", "ready_models", "hostname", "pid")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Worker]:
        rows: QuerySet[Worker] = super().get_queryset(request)
        return rows.annotate(alive=Exists(Worker.objects.live().filter(pk=OuterRef("pk"))))

    @admin.display(description="alive", boolean=True)
    def is_alive(self, worker: Worker) -> bool:
        return bool(getattr(worker, "alive", False))

    @admin.display(description="works on")
    def job(self, worker: Worker) -> SafeString | str:
        if not worker.job_uid:
            return "—"
        query = urlencode({"q": worker.job_uid})
        return format_html('<a href="{}?{}">{}</a>', reverse("admin:autolabel_job_changelist"), query, worker.job_uid)

    @admin.display(description="memory")
    def memory(self, worker: Worker) -> str:
        return filesizeformat(worker.memory_bytes) if worker.memory_bytes else "—"

    @admin.display(description="models")
    def ready_models(self, worker: Worker) -> str:
        return ", ".join(
            f"{model_type}: {'ready' if facts['ready'] else facts['reason']}"
            for model_type, facts in worker.served_models.items()
        )


# The fields of versions.NewVersion.
_NEW_VERSION = ("model_type", "version", "title", "weights", "sha256", "like")


class ModelVersionForm(forms.ModelForm):
    """What `versions.NewVersion` needs, and whether new jobs shall use it."""

    like = forms.ChoiceField(required=False, help_text="Of a new model: the entry of the settings whose code runs it.")
    default = forms.BooleanField(required=False, label="Use it for new jobs from now on")

    class Meta:
        model = ModelVersion
        fields = _NEW_VERSION[:-1]
        help_texts: ClassVar[dict[str, str]] = {
            "weights": "An absolute path on the workers, or storage:KEY for a file of the default storage.",
            "sha256": 'As "sha256sum FILE" prints it: other weights are refused.',
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        like = self.fields.get("like")  # a registered version is shown without it
        if isinstance(like, forms.ChoiceField):
            like.choices = [("", "—"), *((name, name) for name in specs())]

    def clean_sha256(self) -> str:
        return str(self.cleaned_data["sha256"]).lower()

    def clean(self) -> dict[str, Any]:
        given = super().clean() or self.cleaned_data
        if self.errors:
            return given
        new = versions.NewVersion(**{name: given[name] for name in _NEW_VERSION})
        try:
            self.judged = versions.checked(new, _VERIFY_BYTES)
        except versions.VersionInvalid as error:
            self.add_error(error.field, str(error))
        return given


@admin.register(ModelVersion)
class ModelVersionAdmin(admin.ModelAdmin):
    """Versions are added and made the default, never changed or deleted: jobs have recorded them."""

    form = ModelVersionForm
    list_display = (
        "__str__",
        "is_default",
        "base",
        "title",
        "weights",
        "short_sha256",
        "jobs",
        "created_by",
        "created_at",
    )
    list_filter = ("model_type",)
    list_select_related = ("created_by",)
    search_fields = ("model_type", "version", "=sha256")
    actions = ("make_default", "use_settings")

    def get_queryset(self, request: HttpRequest) -> QuerySet[ModelVersion]:
        of_version = Job.objects.filter(model_type=OuterRef("model_type"), model_version=OuterRef("version"))
        counted = of_version.order_by().values("model_version").annotate(number=Count("pk")).values("number")
        rows: QuerySet[ModelVersion] = super().get_queryset(request)
        return rows.annotate(
            default=Exists(ModelDefault.objects.filter(version=OuterRef("pk"))),
            job_count=Coalesce(Subquery(counted), 0),
        )

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("autolabel.view_modelversion")

    def has_choose_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("autolabel.change_modeldefault")

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is not None:
            return ["model_type", "version", "base", "title", "weights", "sha256", "created_by", "created_at"]
        fields = ["model_type", "version", "like", "title", "weights", "sha256"]
        return [*fields, "default"] if self.has_choose_permission(request) else fields

    def save_model(self, request: HttpRequest, obj: ModelVersion, form: Any, change: bool) -> None:
        judged: versions.Checked = form.judged
        obj.base = judged.row.base
        # A form keeps the fields that it declares, shown or not.
        default = form.cleaned_data.get("default", False) and self.has_choose_permission(request)
        versions.store(versions.Checked(obj, judged.verified), user=request.user, default=default)
        if not judged.verified:
            message = "The weights were not read here; workers verify their sha256 before they load them."
            self.message_user(request, message, messages.WARNING)

    @admin.display(description="default", boolean=True)
    def is_default(self, version: ModelVersion) -> bool:
        return bool(getattr(version, "default", False))

    @admin.display(description="jobs")
    def jobs(self, version: ModelVersion) -> int:
        return int(getattr(version, "job_count", 0))

    @admin.display(description="sha256")
    def short_sha256(self, version: ModelVersion) -> str:
        return f"{version.sha256[:12]}…"

    @admin.action(description="Use the selected version for new jobs", permissions=["choose"])
    def make_default(self, request: HttpRequest, rows: QuerySet[ModelVersion]) -> TemplateResponse | None:
        return self._choose(request, rows, {row.model_type: row.version for row in rows})

    @admin.action(description="Go back to the settings' weights for new jobs", permissions=["choose"])
    def use_settings(self, request: HttpRequest, rows: QuerySet[ModelVersion]) -> TemplateResponse | None:
        return self._choose(request, rows, {row.model_type: versions.SETTINGS for row in rows})

    def _choose(
        self, request: HttpRequest, rows: QuerySet[ModelVersion], chosen: dict[str, str]
    ) -> TemplateResponse | None:
        """Ask first, then point new jobs of each model to what was chosen for it."""
        if versions.SETTINGS not in chosen.values() and len(chosen) < len(rows):
            self.message_user(request, "Select one version of a model.", messages.ERROR)
            return None
        if "confirmed" not in request.POST:
            context = {
                **self.admin_site.each_context(request),
                "title": "Change what new jobs use",
                "opts": self.opts,
                "chosen": chosen,
                "rows": rows,
                "action": request.POST["action"],
            }
            return TemplateResponse(request, "admin/autolabel/choose_version.html", context)
        for model_type, version in chosen.items():
            try:
                versions.set_default(model_type, version, user=request.user)
            except versions.VersionInvalid as error:
                self.message_user(request, str(error), messages.ERROR)
                continue
            what = "the settings' weights" if version == versions.SETTINGS else f"version {version}"
            self.message_user(request, f"New jobs of {model_type} use {what}; jobs that exist keep theirs.")
        return None


@admin.register(ModelDefault)
class ModelDefaultAdmin(ReadOnlyAdmin):
    """Who has pointed new jobs where. A model that is not listed, or has no version, uses the settings' weights."""

    list_display = ("model_type", "version", "changed_by", "changed_at")
    list_select_related = ("version", "changed_by")
