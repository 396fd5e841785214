"""Planning: the host's unlabeled items, streamed into chunks slice by slice."""

from __future__ import annotations

from collections.abc import Generator
from itertools import islice

from django.db import router, transaction
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils import timezone

from autolabel.conf import conf
from autolabel.hosts.base import Host, Project, Scope
from autolabel.models import Chunk, Job

from . import leases, lifecycle

__all__ = ["plan_slices", "scope_of"]


def scope_of(job: Job) -> Scope:
    named = tuple(job.item_uids) if job.item_uids is not None else None
    return Scope(named, job.sample, job.seed, job.boxes_to_masks)


def plan_slices(job: Job, host: Host, project: Project) -> Generator[int, None, None]:
    """Plan the job to its end, from where it stands; yields the number of chunks after each committed slice.

    The cursor moves by compare-and-set in the commit that writes the chunks: of two planners one wins each slice, and
    one that was killed is simply continued. Memory is flat, whatever the number of items.
    """
    size = conf().plan_slice
    cursor = _take_lease(job)
    if cursor is None:
        return
    while True:
        refs = list(islice(host.iter_unlabeled(project, scope_of(job), after=cursor or None), size))
        last = len(refs) < size
        chunks = _commit_slice(job, refs, cursor, last)
        if chunks is None:
            return
        try:
            yield chunks
        except GeneratorExit:
            # Told to stop between two slices: the next lane goes on at once instead of waiting for the lease to end.
            Job.objects.filter(pk=job.pk, plan_cursor=refs[-1] if refs else cursor).update(plan_lease_until=None)
            raise
        if last:
            lifecycle.finish_if_done(job.pk)
            return
        cursor = refs[-1]


def _take_lease(job: Job) -> str | None:
    """The cursor to go on from, or None when the job is planned, has ended, or is being planned by another."""
    free = Q(plan_lease_until=None) | Q(plan_lease_until__lt=Now())
    mine = Job.objects.active().filter(free, pk=job.pk, planned_at=None).update(plan_lease_until=leases.lease_end())
    return Job.objects.values_list("plan_cursor", flat=True).get(pk=job.pk) if mine else None


def _commit_slice(job: Job, refs: list[str], cursor: str, last: bool) -> int | None:
    """Write the slice's chunks and move the cursor; None when another planner did or the job has ended."""
    size = conf().chunk_size
    with transaction.atomic(using=router.db_for_write(Job)):
        moved = (
            Job.objects.active()
            .filter(pk=job.pk, plan_cursor=cursor, planned_at=None)
            .update(
                plan_cursor=refs[-1] if refs else cursor,
                total_items=F("total_items") + len(refs),
                plan_lease_until=None if last else leases.lease_end(),
                planned_at=timezone.now() if last else None,
            )
        )
        if not moved:
            return None
        Chunk.objects.bulk_create(
            [Chunk(job=job, item_uids=refs[start : start + size]) for start in range(0, len(refs), size)]
        )
        return job.chunks.open().count()
