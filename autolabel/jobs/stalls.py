"""Why an active job makes no progress, in words for people."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db.models import Count
from django.utils import timezone
from django.utils.timesince import timesince

from autolabel.conf import conf
from autolabel.models import Chunk, Job, Worker

__all__ = ["stalled", "stalled_jobs"]


def stalled(job: Job) -> str:
    """Empty while the job makes progress, is paused or has ended. At most two cheap queries."""
    return stalled_jobs([job]).get(job.pk, "")


def stalled_jobs(jobs: Iterable[Job]) -> dict[int, str]:
    """Why, of those of the jobs that make no progress, by their keys. Two cheap queries, however many there are."""
    open_jobs = [job for job in jobs if job.is_active and job.paused_at is None]
    reasons = {job.pk: job.stalled_reason for job in open_jobs if job.stalled_reason}
    now = timezone.now()
    quiet = {job: now - _since(job) for job in open_jobs if not job.stalled_reason}
    # A worker that starts needs a moment to say what it can do.
    unserved = _unserved([job for job in quiet if quiet[job] > timedelta(seconds=conf().worker_timeout_seconds)])
    for job in unserved:
        reasons[job.pk] = f"No live worker can run {job.model_type!r}. Start one: manage.py autolabel_worker"
    silent = [job for job in quiet if quiet[job] > timedelta(seconds=conf().stalled_seconds) and job not in unserved]
    held = _held(silent)
    for job in silent:
        since = timesince(_since(job), depth=1)
        reasons[job.pk] = f"No image was finished for {since}: {_where(held.get(job.pk, 0))}."
    return reasons


def _since(job: Job) -> datetime:
    """When the job was last seen to move."""
    return max(moment for moment in (job.created_at, job.started_at, job.progressed_at) if moment)


def _unserved(jobs: list[Job]) -> set[Job]:
    """Those that no live worker can run."""
    workers = list(Worker.objects.live()) if jobs else []
    # One that has not looked at its models yet says nothing of this one.
    return {
        job
        for job in jobs
        if not any(not one.served_models or one.may_run(job.model_type, job.model_version) for one in workers)
    }


def _held(jobs: list[Job]) -> dict[int, int]:
    """How many chunks workers hold, by the key of the job; jobs without any are left out."""
    if not jobs:
        return {}
    leased = Chunk.objects.leased().filter(job__in=jobs).order_by()
    return dict(leased.values("job").annotate(held=Count("pk")).values_list("job", "held"))


def _where(held: int) -> str:
    if held:
        return f"{held} worker{'s are' if held > 1 else ' is'} at it, see whether the model hangs or is very slow"
    return "it waits for a free worker, or the queue server is away"
