"""Jobs, which are watched and acted on here, never edited; and what they have left."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.http import urlencode
from django.utils.safestring import SafeString

from autolabel.exceptions import AutolabelError
from autolabel.jobs import drafts, services
from autolabel.jobs.stalls import stalled
from autolabel.models import (
    Chunk,
    ItemResult,
    Job,
    Prediction,
)

from .base import OfJobAdmin, ReadOnlyAdmin


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
        cancelled = ended = 0
        for job in jobs:
            try:
                services.cancel_job(None, job, by=request.user)
                cancelled += 1
            except AutolabelError:
                ended += 1
        if cancelled:
            self.message_user(request, f"{cancelled} cancelled; drafts already made stay.", messages.SUCCESS)
        if ended:
            self.message_user(request, f"{ended} had already ended.", messages.WARNING)

    @admin.action(description="Pause the selected jobs", permissions=["cancel"])
    def pause(self, request: HttpRequest, jobs: QuerySet[Job]) -> None:
        self._each(request, jobs, "paused", lambda job: services.pause_job(None, job, by=request.user))

    @admin.action(description="Resume the selected jobs", permissions=["cancel"])
    def resume(self, request: HttpRequest, jobs: QuerySet[Job]) -> None:
        self._each(request, jobs, "resumed", lambda job: services.resume_job(None, job, by=request.user))

    @admin.action(description="Retry the failed items of the selected jobs", permissions=["cancel"])
    def retry(self, request: HttpRequest, jobs: QuerySet[Job]) -> None:
        self._each(request, jobs, "retried by a new job", lambda job: services.retry_job(None, job, by=request.user))

    @admin.action(description="Discard the untouched drafts of the selected jobs", permissions=["cancel"])
    def discard_drafts(self, request: HttpRequest, jobs: QuerySet[Job]) -> TemplateResponse | None:
        """Shows first how many would go."""
        if "confirmed" in request.POST:
            self._each(request, jobs, "discarded", lambda job: _discarded(job, request.user))
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
        self._each(request, jobs, "brought back", lambda job: _restored(job, request.user))

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


def _discarded(job: Job, user: Any) -> str:
    return f"{drafts.discard_drafts(job, by=user).drafts} drafts"


def _restored(job: Job, user: Any) -> str:
    return f"{drafts.restore_drafts(job, by=user).restored} drafts"


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
