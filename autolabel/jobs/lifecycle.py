"""The only writer of Job.status. A status changes by compare-and-set: one caller wins, the others are told so."""

from __future__ import annotations

from typing import Any, cast

from django.db import router, transaction
from django.utils import timezone

from autolabel.hosts.base import ExistingDrafts, JobRef
from autolabel.hosts.loader import get_host
from autolabel.models import Job
from autolabel.webhooks.events import record_end

from . import limits, tally

__all__ = [
    "SOURCES",
    "cancel",
    "fail",
    "fail_beyond_limits",
    "finish_if_done",
    "job_ref",
    "pause",
    "resume",
    "start",
    "tell_host",
]

Status = Job.Status
# Into each status, from these.
SOURCES: dict[str, frozenset[str]] = {
    Status.PENDING: frozenset(),
    Status.RUNNING: frozenset({Status.PENDING}),
    Status.COMPLETED: frozenset({Status.RUNNING}),
    Status.FAILED: frozenset({Status.PENDING, Status.RUNNING}),
    Status.CANCELLED: frozenset({Status.PENDING, Status.RUNNING}),
}


def start(job_id: int) -> bool:
    return _change(job_id, Status.RUNNING, started_at=timezone.now())


def cancel(job_id: int) -> bool:
    return _end(job_id, Status.CANCELLED)


def fail(job_id: int, message: str) -> bool:
    """End the job because nothing could run; `message` is for people."""
    return _end(job_id, Status.FAILED, error_message=message)


def fail_beyond_limits(job_id: int) -> bool:
    """Fail a running job that has gone beyond a limit of its request."""
    job = Job.objects.get(pk=job_id)
    message = limits.exceeded(job, timezone.now()) if job.status == Status.RUNNING else ""
    return bool(message) and fail(job_id, message)


def pause(job_id: int) -> bool:
    """Keep lanes and planner away from an active job until it is resumed; False if it is paused or has ended."""
    unpaused = Job.objects.active().unpaused().filter(pk=job_id)
    return unpaused.update(paused_at=timezone.now(), plan_lease_until=None, stalled_reason="") == 1


def resume(job_id: int) -> bool:
    """Let work on a paused job go on; False if it is not paused or has ended. The caller rings."""
    job = Job.objects.active().filter(pk=job_id).exclude(paused_at=None).first()
    if job is None or job.paused_at is None:
        return False
    now = timezone.now()
    paused = job.paused_seconds + round((now - job.paused_at).total_seconds())
    mine = Job.objects.active().filter(pk=job_id, paused_at=job.paused_at)
    # It has not stood still since its last batch, as far as anybody is to be told.
    return mine.update(paused_at=None, paused_seconds=paused, progressed_at=now) == 1


def finish_if_done(job_id: int) -> bool:
    """Complete a running job that is planned and has no open chunk; fail it if every one of its items failed.

    The job's row is locked first: of two lanes that close the last two chunks at once, the second then sees that
    both are closed.
    """
    with transaction.atomic(using=router.db_for_write(Job)):
        job = Job.objects.select_for_update().get(pk=job_id)
        if job.status != Status.RUNNING or job.planned_at is None or job.chunks.open().exists():
            return False
        if job.total_items and job.failed_items == job.total_items:
            return _end(job_id, Status.FAILED, error_message=_every_item_failed(job))
        return _end(job_id, Status.COMPLETED)


def tell_host(job: Job) -> None:
    """Call the host's on_finished and note that it returned; the reaper repeats it until it has."""
    get_host().on_finished(job_ref(job))
    Job.objects.filter(pk=job.pk, host_told_at=None).update(host_told_at=timezone.now())


def job_ref(job: Job) -> JobRef:
    info = job.model_info
    name, version = info.get("name", ""), info.get("version", "")
    existing = cast(ExistingDrafts, job.existing_drafts)
    return JobRef(job.uid, job.project_uid, job.status, name, version, job.boxes_to_masks, existing)


def _change(job_id: int, to: str, **fields: Any) -> bool:
    return Job.objects.filter(pk=job_id, status__in=SOURCES[to]).update(status=to, **fields) == 1


def _end(job_id: int, to: str, **fields: Any) -> bool:
    alias = router.db_for_write(Job)
    with transaction.atomic(using=alias):
        if not _change(job_id, to, completed_at=timezone.now(), **fields):
            return False
        job = Job.objects.get(pk=job_id)
        job.summary = tally.summary(job)
        Job.objects.filter(pk=job_id).update(summary=job.summary)
        record_end(job)
        transaction.on_commit(lambda: tell_host(job), using=alias, robust=True)
        return True


def _every_item_failed(job: Job) -> str:
    message = job.item_results.order_by("id").values_list("message", flat=True).first()
    return f"Every item failed. The first one: {message}"
