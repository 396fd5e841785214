"""Job, its chunks and the result of every item."""

from __future__ import annotations

import uuid
from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

__all__ = ["Chunk", "ItemResult", "Job", "new_uid"]


def new_uid() -> str:
    """A random uid in the one spelling the API uses: a lowercase UUID."""
    return str(uuid.uuid4())


class JobQuerySet(models.QuerySet["Job"]):
    def active(self) -> JobQuerySet:
        return self.filter(status__in=Job.ACTIVE)

    def unpaused(self) -> JobQuerySet:
        return self.filter(paused_at=None)

    def ended(self) -> JobQuerySet:
        return self.exclude(status__in=Job.ACTIVE)


class Job(models.Model):
    """One run of one model over the unlabeled items of a project. Its status is written by jobs.lifecycle only."""

    class Status(models.TextChoices):
        PENDING = "pending"
        RUNNING = "running"
        COMPLETED = "completed"
        FAILED = "failed"
        CANCELLED = "cancelled"

    ACTIVE: ClassVar[tuple[str, ...]] = (Status.PENDING, Status.RUNNING)

    class ExistingDrafts(models.TextChoices):
        """What a job does on an item that has untouched drafts of an earlier one; reviewed work is never touched."""

        REPLACE = "replace"
        KEEP = "keep"  # and add only what none of them overlaps
        SKIP = "skip"

    uid = models.CharField(max_length=36, unique=True, default=new_uid, editable=False)
    project_uid = models.CharField(max_length=64)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    status = models.CharField(max_length=10, choices=Status, default=Status.PENDING)

    # What was asked for.
    model_type = models.CharField(max_length=64)
    confidence_threshold = models.FloatField(default=0.5)
    labels = models.JSONField(default=list, help_text="The project's labels to draft; an empty list means all.")
    dry_run = models.BooleanField(default=False)
    thresholds = models.JSONField(default=dict, blank=True, help_text="Label of the project to its own threshold.")
    label_map = models.JSONField(default=dict, blank=True, help_text="Class of the model to label of the project.")
    boxes_to_masks = models.BooleanField(
        default=False, help_text="Make masks from boxes that people have accepted, instead of finding objects."
    )
    model_version = models.CharField(
        max_length=64, blank=True, help_text="The registered version; blank for the weights that the settings name."
    )
    item_uids = models.JSONField(null=True, help_text="The items named by the request, or null.")
    sample = models.PositiveIntegerField(null=True)
    seed = models.BigIntegerField(default=0)
    existing_drafts = models.CharField(
        max_length=7,
        choices=ExistingDrafts,
        default=ExistingDrafts.REPLACE,
        help_text="What becomes of untouched drafts that are there already.",
    )
    retry_of = models.ForeignKey(
        "self",
        null=True,
        on_delete=models.SET_NULL,
        related_name="retries",
        help_text="The job whose failed items this one is about.",
    )
    idempotency_key = models.CharField(max_length=255, null=True)  # noqa: DJ001  (null keeps the unique pair free)
    request_hash = models.CharField(max_length=64, blank=True)

    # When it is to stop before its end; null is without a limit.
    max_items = models.PositiveIntegerField(null=True, help_text="So many items are planned at most.")
    max_seconds = models.PositiveIntegerField(
        null=True, help_text="From its start; time in which it is paused is free."
    )
    max_failed_pct = models.PositiveSmallIntegerField(null=True, help_text="Fail when a larger share of items failed.")
    max_failed_min = models.PositiveIntegerField(default=20, help_text="Judge that share from so many items on.")

    # How far it is.
    total_items = models.PositiveIntegerField(default=0)
    successful_items = models.PositiveIntegerField(default=0)
    failed_items = models.PositiveIntegerField(default=0)
    skipped_items = models.PositiveIntegerField(default=0)
    plan_cursor = models.CharField(max_length=64, blank=True, help_text="The last item that the planner has read.")
    plan_lease_until = models.DateTimeField(null=True)
    planned_at = models.DateTimeField(null=True)
    stalled_reason = models.CharField(max_length=200, blank=True)
    progressed_at = models.DateTimeField(null=True, help_text="When the last batch was committed.")
    work_seconds = models.FloatField(default=0, help_text="What lanes have spent on items, all of them together.")
    paused_at = models.DateTimeField(null=True)
    paused_seconds = models.PositiveIntegerField(default=0, help_text="In pauses that are over.")

    # What came out.
    model_info = models.JSONField(default=dict, help_text="The model as the first lane has loaded it.")
    error_message = models.TextField(blank=True)
    summary = models.JSONField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True)
    completed_at = models.DateTimeField(null=True)
    host_told_at = models.DateTimeField(null=True, help_text="When the host's on_finished has returned.")
    drafts_discarded_at = models.DateTimeField(null=True, help_text="When its untouched drafts were last taken back.")

    objects = JobQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["project_uid", "-id"], name="autolabel_job_by_project"),
            models.Index(fields=["status", "-id"], name="autolabel_job_by_status"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["project_uid"],
                condition=Q(status__in=["pending", "running"]),
                name="autolabel_one_active_job",
            ),
            models.UniqueConstraint(
                fields=["created_by", "idempotency_key"], name="autolabel_idempotency_key_once_per_user"
            ),
            models.CheckConstraint(
                condition=Q(status__in=["pending", "running", "completed", "failed", "cancelled"]),
                name="autolabel_job_status_known",
            ),
            models.CheckConstraint(
                condition=Q(confidence_threshold__gte=0, confidence_threshold__lte=1),
                name="autolabel_job_threshold_0_to_1",
            ),
            models.CheckConstraint(
                condition=Q(status__in=["pending", "running"], completed_at=None)
                | Q(status__in=["completed", "failed", "cancelled"], completed_at__isnull=False),
                name="autolabel_job_ended_has_a_time",
            ),
            models.CheckConstraint(
                condition=Q(existing_drafts__in=["replace", "keep", "skip"]), name="autolabel_existing_drafts_known"
            ),
            models.CheckConstraint(
                condition=Q(max_failed_pct=None) | Q(max_failed_pct__gte=1, max_failed_pct__lte=100),
                name="autolabel_max_failed_pct_1_to_100",
            ),
            models.CheckConstraint(
                condition=Q(total_items__gte=F("successful_items") + F("failed_items") + F("skipped_items")),
                name="autolabel_job_counts_within_total",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.model_type} job {self.uid}"

    @property
    def is_active(self) -> bool:
        return self.status in self.ACTIVE

    @property
    def processed_items(self) -> int:
        return self.successful_items + self.failed_items + self.skipped_items

    @property
    def progress_pct(self) -> int | None:
        """0–100, rounded down so that 100 means finished; None until the job is planned."""
        if self.planned_at is None:
            return None
        return 100 * self.processed_items // self.total_items if self.total_items else 100


class ChunkQuerySet(models.QuerySet["Chunk"]):
    def open(self) -> ChunkQuerySet:
        return self.exclude(state=Chunk.State.DONE)

    def claimable(self) -> ChunkQuerySet:
        """Chunks nobody works on: waiting, or leased by somebody who has fallen silent (by the database's clock)."""
        return self.filter(Q(state=Chunk.State.WAITING) | Q(state=Chunk.State.LEASED, lease_until__lt=Now()))

    def leased(self) -> ChunkQuerySet:
        return self.filter(state=Chunk.State.LEASED, lease_until__gte=Now())


class Chunk(models.Model):
    """A slice of a job's items, worked by one lane at a time under a lease.

    `token` is the fence: it is new with every claim, and a lane whose token is no longer here writes nothing.
    """

    class State(models.TextChoices):
        WAITING = "waiting"
        LEASED = "leased"
        DONE = "done"

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="chunks")
    item_uids = models.JSONField()
    state = models.CharField(max_length=8, choices=State, default=State.WAITING)
    token = models.CharField(max_length=36, blank=True)
    lease_until = models.DateTimeField(null=True)
    holder = models.CharField(max_length=100, blank=True, help_text="The worker that has the lease, by its name.")
    attempts = models.PositiveSmallIntegerField(default=0)
    in_flight = models.CharField(
        max_length=64,
        blank=True,
        help_text="The item that is worked alone now; left behind by a crash, it is suspected.",
    )
    crashes: Any = models.JSONField(default=dict, help_text="Item to how often its worker crashed on it, alone.")
    crash_note = models.CharField(max_length=200, blank=True, help_text="How the last holder ended, if that is known.")
    tally: Any = models.JSONField(default=dict, help_text="Counts for the job's summary; see jobs.tally.")

    objects = ChunkQuerySet.as_manager()

    class Meta:
        ordering = ["id"]
        indexes = [
            models.Index(fields=["job", "state", "lease_until"], name="autolabel_chunk_to_claim"),
            models.Index(fields=["holder"], condition=Q(state="leased"), name="autolabel_chunk_by_holder"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=["waiting", "leased", "done"]), name="autolabel_chunk_state_known"
            ),
        ]

    def __str__(self) -> str:
        return f"chunk {self.pk} of job {self.job_id}"


class ItemResult(models.Model):
    """What a job made of one item; written once, in the commit that writes the item's drafts."""

    class Outcome(models.TextChoices):
        SUCCESSFUL = "successful"
        SKIPPED = "skipped"
        FAILED = "failed"

    class Reason(models.TextChoices):
        """Why an item was skipped or failed; blank where it was successful."""

        NOTHING_FOUND = "nothing_found"
        BELOW_THRESHOLD = "below_threshold"
        FILTERED_LABEL = "filtered_label"
        UNMAPPED_LABEL = "unmapped_label"
        LABELED_MEANWHILE = "labeled_meanwhile"
        EXISTING_DRAFTS = "existing_drafts"
        LOW_QUALITY = "low_quality"
        UNREADABLE = "unreadable"
        PREDICTION_FAILED = "prediction_failed"
        OUT_OF_MEMORY = "out_of_memory"
        CRASHED_THE_WORKER = "crashed_the_worker"

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="item_results")
    item_uid = models.CharField(max_length=64)
    outcome = models.CharField(max_length=10, choices=Outcome)
    reason = models.CharField(max_length=20, choices=Reason, blank=True)
    message = models.CharField(max_length=500, blank=True)
    predictions = models.PositiveIntegerField(default=0)
    drafts = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["id"]
        indexes = [models.Index(fields=["job", "outcome", "id"], name="autolabel_result_by_outcome")]
        constraints = [
            models.UniqueConstraint(fields=["job", "item_uid"], name="autolabel_one_result_per_item"),
            models.CheckConstraint(
                condition=Q(outcome="successful", drafts__gte=1, reason="")
                | (Q(outcome__in=["skipped", "failed"], drafts=0) & ~Q(reason="")),
                name="autolabel_result_reason_fits_outcome",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.outcome} {self.item_uid}"
