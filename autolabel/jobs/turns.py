"""The places of a model with a CONCURRENCY: how many lanes, over all workers and jobs, run it at once."""

from __future__ import annotations

import logging

from django.db.models.functions import Now

from autolabel import queue
from autolabel.conf import conf
from autolabel.inference.base import ModelSpec
from autolabel.models import Chunk, Job, ModelDefault, Worker

__all__ = ["has_room", "lock", "pass_on", "useful_lanes", "wait"]

logger = logging.getLogger(__name__)

# So many waiting jobs are told of a free place; the reaper rings for the others in its rounds.
_TELL_AT_MOST = 20


def has_room(spec: ModelSpec) -> bool:
    """Whether a place is free. A lane holds one chunk at a time, so that live leases count lanes; those of lanes that
    have died run out. Exact only under `lock`."""
    if spec.concurrency is None:
        return True
    return Chunk.objects.leased().filter(job__model_type=spec.model_type).count() < spec.concurrency


def lock(spec: ModelSpec) -> None:
    """Until the end of the transaction no other lane of the model counts: two would both find the last free place.

    Writing a row is the one lock that every database has: on PostgreSQL it holds that row, on SQLite the database.
    """
    mine = ModelDefault.objects.filter(model_type=spec.model_type)
    if not mine.update(model_type=spec.model_type):
        # Without a version the row says what its absence says: the settings' weights.
        ModelDefault.objects.get_or_create(model_type=spec.model_type)
        mine.update(model_type=spec.model_type)


def useful_lanes(job: Job, spec: ModelSpec, open_chunks: int) -> int:
    """How many lanes of the job can do something. Not more than workers: in the queue they would only stand before
    the lanes of other jobs."""
    workers = Worker.objects.lanes_for(job.model_type, job.model_version)
    return min(open_chunks, conf().lanes_per_job, spec.concurrency or open_chunks, workers)


def wait(job: Job) -> None:
    """Note that the job waits for a place, unless another lane works on it; the first lane to commit takes it back."""
    if not job.chunks.leased().exists():
        reason = "As many workers as this model may have are at work on other jobs."
        Job.objects.active().filter(pk=job.pk, stalled_reason="").update(stalled_reason=reason)


def pass_on(job: Job, spec: ModelSpec) -> None:
    """A lane of `job` leaves its place: ring for the other jobs that could use it, each in its turn."""
    if spec.concurrency is None:
        return
    others = Job.objects.active().unpaused().filter(model_type=spec.model_type).exclude(pk=job.pk).order_by("id")
    waiting = [other for other in others if _has_work(other)]
    # Round and round by id, beginning behind the job that has just had its turn.
    waiting.sort(key=lambda other: (other.pk < job.pk, other.pk))
    try:
        for other in waiting[:_TELL_AT_MOST]:
            if not queue.queued_lanes(other.uid, spec.queue):
                queue.ring(other.uid, spec.queue)
    except queue.QueueDown as error:
        logger.warning("The reaper rings for the jobs that wait for %s: %s", spec.model_type, error)


def _has_work(job: Job) -> bool:
    if job.chunks.claimable().exists():
        return True
    return job.planned_at is None and not Job.objects.filter(pk=job.pk, plan_lease_until__gte=Now()).exists()
