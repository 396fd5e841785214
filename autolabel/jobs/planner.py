"""Planning: the host's unlabeled items, streamed into chunks slice by slice."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from itertools import islice

from django.db import router, transaction
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils import timezone

from autolabel.conf import conf
from autolabel.hosts.base import Host, Project, Scope
from autolabel.models import Chunk, ItemResult, Job

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
    place = _take_lease(job)
    if place is None:
        return
    cursor, planned = place
    while True:
        part = _next_slice(job, host, project, cursor, planned)
        chunks = _commit_slice(job, part, cursor)
        if chunks is None:
            return
        try:
            yield chunks
        except GeneratorExit:
            # Told to stop between two slices: the next lane goes on at once instead of waiting for the lease to end.
            Job.objects.filter(pk=job.pk, plan_cursor=part.cursor).update(plan_lease_until=None)
            raise
        if part.last:
            lifecycle.finish_if_done(job.pk)
            return
        cursor, planned = part.cursor, planned + len(part.refs)


@dataclass(frozen=True, slots=True)
class _Slice:
    """Items to plan, the cursor behind them, and whether they are the last."""

    refs: list[str]
    cursor: str
    last: bool


def _next_slice(job: Job, host: Host, project: Project, cursor: str, planned: int) -> _Slice:
    """The next items behind `cursor`, of which the job may have `max_items` in all; `planned` are there already."""
    size = conf().plan_slice
    if job.retry_of_id is None:
        refs = list(islice(host.iter_unlabeled(project, scope_of(job), after=cursor or None), size))
        end, last = refs[-1] if refs else cursor, len(refs) < size
    else:
        failed = ItemResult.objects.filter(
            job_id=job.retry_of_id, outcome=ItemResult.Outcome.FAILED, item_uid__gt=cursor
        )
        named = list(failed.order_by("item_uid").values_list("item_uid", flat=True)[:size])
        scope = Scope(tuple(named), boxes_to_masks=job.boxes_to_masks)
        refs = list(host.iter_unlabeled(project, scope)) if named else []
        end, last = named[-1] if named else cursor, len(named) < size
    if job.max_items is not None and planned + len(refs) >= job.max_items:
        refs, last = refs[: max(0, job.max_items - planned)], True
    return _Slice(refs, end, last)


def _take_lease(job: Job) -> tuple[str, int] | None:
    """The cursor to go on from and how many items are planned; None when the job is planned, has ended, is paused, or
    is being planned by another."""
    free = Q(plan_lease_until=None) | Q(plan_lease_until__lt=Now())
    unplanned = Job.objects.active().unpaused().filter(free, pk=job.pk, planned_at=None)
    mine = unplanned.update(plan_lease_until=leases.lease_end())
    return Job.objects.values_list("plan_cursor", "total_items").get(pk=job.pk) if mine else None


def _commit_slice(job: Job, part: _Slice, cursor: str) -> int | None:
    """Write the slice's chunks and move the cursor; None when another planner did, or the job is paused or over."""
    size, refs = conf().chunk_size, part.refs
    with transaction.atomic(using=router.db_for_write(Job)):
        moved = (
            Job.objects.active()
            .unpaused()
            .filter(pk=job.pk, plan_cursor=cursor, planned_at=None)
            .update(
                plan_cursor=part.cursor,
                total_items=F("total_items") + len(refs),
                plan_lease_until=None if part.last else leases.lease_end(),
                planned_at=timezone.now() if part.last else None,
            )
        )
        if not moved:
            return None
        Chunk.objects.bulk_create(
            [Chunk(job=job, item_uids=refs[start : start + size]) for start in range(0, len(refs), size)]
        )
        return job.chunks.open().count()
