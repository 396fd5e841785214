"""The admin: jobs are watched and cancelled here, never edited; versions of models are added and made the default."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.db.models import Count, Exists, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest
from django.template.defaultfilters import filesizeformat
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.http import urlencode
from django.utils.safestring import SafeString

from autolabel.exceptions import AutolabelError
from autolabel.inference.registry import specs
from autolabel.jobs import drafts, lifecycle, services, versions
from autolabel.jobs.stalls import stalled
from autolabel.models import (
    Chunk,
    ItemResult,
    Job,
    ModelDefault,
    ModelVersion,
    Prediction,
    WebhookEvent,
    Worker,
)

# Larger weights are left to the workers: nobody waits before a form while gigabytes are read.
_VERIFY_BYTES = 500 * 1024 * 1024


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


@admin.register(Job)
class JobAdmin(ReadOnlyAdmin):
    list_display = (
        "uid",
        "status",
        "progress",
        "counts",
        "stalled",
        "model_type",
        "model_version",
        "dry_run",
        "created_at",
        "created_by",
        "project_uid",
    )
    list_filter = ("status", "model_type", "dry_run", "created_at")
    list_select_related = ("created_by",)
    search_fields = ("=uid", "=project_uid")
    date_hierarchy = "created_at"
    actions = ("cancel", "pause", "resume", "retry", "discard_drafts", "restore_drafts")
    show_full_result_count = False
    fields = (
        ("uid", "project_uid", "retry_of"),
        ("status", "progress", "counts", "paused_at"),
        "related",
        ("model_type", "model_version", "boxes_to_masks", "dry_run"),
        ("confidence_threshold", "thresholds", "labels", "label_map"),
        ("sample", "seed", "existing_drafts"),
        ("max_items", "max_seconds", "max_failed_pct", "max_failed_min"),
        ("created_by", "created_at", "planned_at", "started_at", "completed_at"),
        ("stalled", "error_message", "drafts_discarded_at"),
        "summary_text",
    )

    class Media:
        # Live: the list and an active job's page load themselves anew.
        js = ("autolabel/admin_refresh.js",)

    @admin.display(description="progress")
    def progress(self, job: Job) -> SafeString:
        if job.progress_pct is None:
            return format_html('<span data-autolabel-active="{}">not planned yet</span>', int(job.is_active))
        return format_html(
            '<progress max="100" value="{0}" aria-label="progress"></progress> '
            '<span data-autolabel-active="{1}">{0} %</span>',
            job.progress_pct,
            int(job.is_active),
        )

    @admin.display(description="drafted / skipped / failed")
    def counts(self, job: Job) -> str:
        return f"{job.successful_items} / {job.skipped_items} / {job.failed_items} of {job.total_items}"

    @admin.display(description="stalled")
    def stalled(self, job: Job) -> str:
        if job.paused_at is not None and job.is_active:
            return "paused"
        return stalled(job)

    @admin.display(description="related")
    def related(self, job: Job) -> SafeString:
        """Links to this job's item results by outcome, its predictions and its event."""
        links: list[tuple[str, str, dict[str, Any]]] = [("all item results", "itemresult", {"job__id__exact": job.pk})]
        for outcome in ItemResult.Outcome:
            links.append((f"{outcome} items", "itemresult", {"job__id__exact": job.pk, "outcome__exact": outcome}))
        links.append(("predictions", "prediction", {"job__id__exact": job.pk}))
        links.append(("webhook event", "webhookevent", {"job__id__exact": job.pk}))
        return format_html_join(
            " · ",
            '<a href="{}?{}">{}</a>',
            (
                (reverse(f"admin:autolabel_{model}_changelist"), urlencode(query), title)
                for title, model, query in links
            ),
        )

    @admin.display(description="summary")
    def summary_text(self, job: Job) -> SafeString:
        return format_html("<pre>{}</pre>", json.dumps(job.summary, indent=2))

    @admin.action(description="Cancel the selected jobs", permissions=["cancel"])
    def cancel(self, request: HttpRequest, jobs: QuerySet[Job]) -> None:
        cancelled = sum(lifecycle.cancel(job.pk) for job in jobs)
        ended = len(jobs) - cancelled
        if cancelled:
            self.message_user(request, f"{cancelled} cancelled; drafts already made stay.", messages.SUCCESS)
        if ended:
            self.message_user(request, f"{ended} had already ended.", messages.WARNING)

    @admin.action(description="Pause the selected jobs", permissions=["cancel"])
    def pause(self, request: HttpRequest, jobs: QuerySet[Job]) -> None:
        self._each(request, jobs, "paused", lambda job: services.pause_job(None, job))

    @admin.action(description="Resume the selected jobs", permissions=["cancel"])
    def resume(self, request: HttpRequest, jobs: QuerySet[Job]) -> None:
        self._each(request, jobs, "resumed", lambda job: services.resume_job(None, job))

    @admin.action(description="Retry the failed items of the selected jobs", permissions=["cancel"])
    def retry(self, request: HttpRequest, jobs: QuerySet[Job]) -> None:
        self._each(request, jobs, "retried by a new job", lambda job: services.retry_job(None, job))

    @admin.action(description="Discard the untouched drafts of the selected jobs", permissions=["cancel"])
    def discard_drafts(self, request: HttpRequest, jobs: QuerySet[Job]) -> TemplateResponse | None:
        """Shows first how many would go."""
        if "confirmed" in request.POST:
            self._each(request, jobs, "discarded", lambda job: f"{drafts.discard_drafts(job).drafts} drafts")
            return None
        counts = []
        for job in jobs:
            try:
                counts.append((job, drafts.count(job)))
            except AutolabelError as error:
                self.message_user(request, f"{job}: {error}", messages.WARNING)
        if not counts:
            return None
        context = {
            **self.admin_site.each_context(request),
            "title": "Discard the drafts of jobs",
            "opts": self.opts,
            "counts": counts,
        }
        return TemplateResponse(request, "admin/autolabel/discard_drafts.html", context)

    @admin.action(description="Bring back the discarded drafts of the selected jobs", permissions=["cancel"])
    def restore_drafts(self, request: HttpRequest, jobs: QuerySet[Job]) -> None:
        self._each(request, jobs, "brought back", lambda job: f"{drafts.restore_drafts(job).restored} drafts")

    def _each(self, request: HttpRequest, jobs: QuerySet[Job], done: str, action: Callable[[Job], object]) -> None:
        """Do it to each job; what cannot be done is said, and keeps nobody from the others."""
        for job in jobs:
            try:
                result = action(job)
            except (AutolabelError, LookupError) as error:
                self.message_user(request, f"{job}: {error}", messages.WARNING)
            else:
                what = f" ({result})" if isinstance(result, str) else ""
                self.message_user(request, f"{job}: {done}{what}.", messages.SUCCESS)

    def has_cancel_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("autolabel.change_job")


class OfJobAdmin(ReadOnlyAdmin):
    """Rows that are looked at job by job."""

    list_select_related = ("job",)
    show_full_result_count = False
    search_fields: ClassVar[tuple[str, ...]] = ("=job__uid",)

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest | None = None) -> bool:
        return lookup == "job__id__exact" or super().lookup_allowed(lookup, value, request)  # type: ignore[arg-type]


@admin.register(ItemResult)
class ItemResultAdmin(OfJobAdmin):
    list_display = ("item_uid", "outcome", "reason", "message", "predictions", "drafts", "job")
    list_filter = ("outcome", "reason")
    search_fields = ("=job__uid", "=item_uid")


@admin.register(Prediction)
class PredictionAdmin(OfJobAdmin):
    list_display = ("item_uid", "ordinal", "label", "rounded_score", "fate", "job")
    list_filter = ("fate",)
    search_fields = ("=job__uid", "=item_uid")

    @admin.display(description="score", ordering="score")
    def rounded_score(self, prediction: Prediction) -> str:
        return f"{prediction.score:.2f}"


@admin.register(Chunk)
class ChunkAdmin(OfJobAdmin):
    list_display = ("id", "job", "state", "attempts", "lease_until")
    list_filter = ("state",)


@admin.register(WebhookEvent)
class WebhookEventAdmin(OfJobAdmin):
    list_display = ("uid", "event_type", "job", "created_at")
    list_filter = ("event_type",)


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
