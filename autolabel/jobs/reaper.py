"""The reaper: every few seconds it makes good what crashes, lost rings and restarts have left behind."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import timedelta

from django.core.cache import cache
from django.db.models.functions import Now
from django.utils import timezone

from autolabel import queue
from autolabel.conf import conf
from autolabel.exceptions import ModelUnavailable
from autolabel.inference.base import ModelSpec
from autolabel.models import Job, Worker

from . import leases, lifecycle, limits, turns
from .catalog import spec_for

__all__ = ["Reaped", "glance", "reap_once"]

logger = logging.getLogger(__name__)

# A lane of an ended job that is still at it after this time hangs inside its model, and is killed.
_HUNG_AFTER = timedelta(seconds=10)
_LOOK_BACK = timedelta(minutes=10)


@dataclass
class Reaped:
    """What one round has done, for logs and tests."""

    rung: int = 0
    released: int = 0
    closed: int = 0
    failed: int = 0
    told: int = 0
    stopped: int = 0


def reap_once() -> Reaped:
    """One round. Safe beside any number of others; a queue that is down leaves the rings to a later round."""
    reaped = Reaped()
    for job in Job.objects.active().order_by("id"):
        try:
            _tend(job, reaped)
        except Exception:
            logger.exception("The reaper cannot tend job %s; the others do not wait for it.", job.uid)
    for job in Job.objects.ended().filter(host_told_at=None, completed_at__lt=timezone.now() - timedelta(seconds=5)):
        try:
            lifecycle.tell_host(job)
            reaped.told += 1
        except Exception:
            logger.exception("The host's on_finished failed for job %s; it is repeated.", job.uid)
    _stop_hung_lanes(reaped)
    Worker.objects.filter(heartbeat_at__lt=timezone.now() - timedelta(days=1)).delete()
    return reaped


def glance(job: Job) -> None:
    """What the reaper would do for one job, for whoever looks at it: it goes on even where no reaper runs.

    Free of cost while the job makes progress, and done once a round at most. Never raises.
    """
    quiet_since = max(moment for moment in (job.created_at, job.started_at, job.progressed_at) if moment)
    is_quiet = timezone.now() - quiet_since > timedelta(seconds=2 * conf().reaper_seconds)
    if not is_quiet or not job.is_active or job.paused_at is not None:
        return
    try:
        if cache.add(f"autolabel-glance-{job.uid}", 1, timeout=conf().reaper_seconds):
            _tend(job, Reaped())
    except Exception:
        logger.exception("Job %s cannot be tended.", job.uid)


def _tend(job: Job, reaped: Reaped) -> None:
    reaped.released += leases.release_expired(job.pk)
    if lifecycle.finish_if_done(job.pk):
        reaped.closed += 1
        return
    if job.paused_at is not None:
        return
    if _is_too_old(job):
        reaped.failed += lifecycle.fail(job.pk, f"The job did not end within {conf().job_max_hours:g} hours.")
        return
    if limits.has_limits(job) and lifecycle.fail_beyond_limits(job.pk):
        reaped.failed += 1
        return
    try:
        spec = spec_for(job.model_type, job.model_version)
        missing = _missing_lanes(job, spec)
        if missing > 0:
            queue.ring(job.uid, spec.queue, missing)
            reaped.rung += missing
    except ModelUnavailable as error:
        reaped.failed += lifecycle.fail(job.pk, str(error))
    except queue.QueueDown as error:
        logger.warning("Cannot ring for job %s: %s", job.uid, error)


def _is_too_old(job: Job) -> bool:
    age = timezone.now() - job.created_at - timedelta(seconds=job.paused_seconds)
    return age > timedelta(hours=conf().job_max_hours)


def _missing_lanes(job: Job, spec: ModelSpec) -> int:
    """How many lanes could work on the job beyond those that do, or wait in the queue."""
    if not turns.has_room(spec):
        return 0  # a lane that leaves its place rings for the jobs that wait for it
    job.refresh_from_db(fields=["planned_at"])
    being_planned = Job.objects.filter(pk=job.pk, plan_lease_until__gte=Now()).exists()
    open_chunks = job.chunks.open().count()
    useful = turns.useful_lanes(job, spec, open_chunks)
    if job.planned_at is None and not being_planned:
        useful = max(useful, 1)
    return useful - job.chunks.leased().count() - queue.queued_lanes(job.uid, spec.queue)


def _stop_hung_lanes(reaped: Reaped) -> None:
    now = timezone.now()
    for job in Job.objects.ended().filter(completed_at__lt=now - _HUNG_AFTER, completed_at__gt=now - _LOOK_BACK):
        try:
            reaped.stopped += queue.stop_lanes(job.uid, spec_for(job.model_type, job.model_version).queue)
        except (queue.QueueDown, ModelUnavailable) as error:
            logger.warning("Cannot look for lanes of job %s: %s", job.uid, error)
