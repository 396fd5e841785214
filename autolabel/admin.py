"""The admin: jobs are watched and cancelled here, never edited."""

from __future__ import annotations

import json
from typing import Any, ClassVar

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.http import urlencode
from django.utils.safestring import SafeString

from autolabel.jobs import lifecycle
from autolabel.models import Chunk, ItemResult, Job, Prediction, WebhookEvent, Worker


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
        "model_type",
        "dry_run",
        "created_at",
        "created_by",
        "project_uid",
    )
    list_filter = ("status", "model_type", "dry_run", "created_at")
    list_select_related = ("created_by",)
    search_fields = ("=uid", "=project_uid")
    date_hierarchy = "created_at"
    actions = ("cancel",)
    show_full_result_count = False
    fields = (
        ("uid", "project_uid"),
        ("status", "progress", "counts"),
        "related",
        ("model_type", "confidence_threshold", "labels", "dry_run"),
        ("sample", "seed"),
        ("created_by", "created_at", "planned_at", "started_at", "completed_at"),
        ("stalled_reason", "error_message"),
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
    list_display = ("name", "hostname", "pid", "heartbeat_at", "ready_models")

    @admin.display(description="models")
    def ready_models(self, worker: Worker) -> str:
        return ", ".join(
            f"{model_type}: {'ready' if facts['ready'] else facts['reason']}"
            for model_type, facts in worker.served_models.items()
        )
