"""The one transaction in which a batch becomes drafts, results and counts, or nothing at all.

The order is part of the promise: the chunk's fence first; then the host's drafts, which tells the items that people
took meanwhile; results and predictions; and last the job's row, because its lock makes all other lanes wait. Each
guarded update must hit exactly one row, or all is rolled back.
"""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from django.db import router, transaction
from django.db.models import F

from autolabel.hosts.base import Draft, Host, ItemDrafts
from autolabel.models import Chunk, ItemResult, Job, Prediction
from autolabel.shapes import Shape

from . import leases, lifecycle, tally
from .matching import LabelMatcher
from .pipeline import Outcome

__all__ = ["Fenced", "JobEnded", "commit_batch"]

Fate = Prediction.Fate
_MESSAGE_LENGTH = 500


class Fenced(Exception):
    """The lease was lost to another lane; nothing was written."""


class JobEnded(Exception):
    """The job is no longer running; nothing was written."""


@dataclass(frozen=True)
class _Judged:
    """An outcome with the fate of each of its shapes, best score first."""

    outcome: Outcome
    shapes: tuple[tuple[Fate, Shape], ...]
    prediction_uids: tuple[str, ...]

    def drafts(self) -> tuple[Draft, ...]:
        return tuple(
            Draft(uid, shape)
            for uid, (fate, shape) in zip(self.prediction_uids, self.shapes, strict=True)
            if fate == Fate.DRAFTED
        )


def commit_batch(
    job: Job, chunk: Chunk, outcomes: Sequence[Outcome], host: Host, matcher: LabelMatcher, *, close: bool
) -> None:
    """Write what came of a batch of the chunk's items; `close` ends the chunk, and the job if it was the last.

    Raises Fenced or JobEnded, and then nothing was written.
    """
    judged = [_judge(job, outcome, matcher) for outcome in outcomes]
    with transaction.atomic(using=router.db_for_write(Job)):
        _pass_fence(chunk, close)
        taken = _write_drafts(job, judged, host)
        results = [_result(job, one, matcher, one.outcome.item_uid in taken) for one in judged]
        ItemResult.objects.bulk_create(results)
        Prediction.objects.bulk_create(
            [row for one in judged for row in _predictions(job, one, one.outcome.item_uid in taken)]
        )
        chunk.tally = tally.merge([chunk.tally, _tally(judged, results, taken)])
        Chunk.objects.filter(pk=chunk.pk).update(tally=chunk.tally)
        _count(job, results)
        if close:
            lifecycle.finish_if_done(job.pk)


def _judge(job: Job, outcome: Outcome, matcher: LabelMatcher) -> _Judged:
    uids = tuple(prediction_uid(job.uid, outcome.item_uid, ordinal) for ordinal in range(len(outcome.shapes)))
    return _Judged(outcome, tuple(matcher.judge(shape) for shape in outcome.shapes), uids)


def prediction_uid(job_uid: str, item_uid: str, ordinal: int) -> str:
    """The uid of an item's prediction: the same whenever it is worked again."""
    return str(uuid.uuid5(uuid.UUID(job_uid), f"{item_uid}/{ordinal}"))


def _pass_fence(chunk: Chunk, close: bool) -> None:
    state = Chunk.State.DONE if close else Chunk.State.LEASED
    held = Chunk.objects.filter(pk=chunk.pk, token=chunk.token, state=Chunk.State.LEASED)
    if held.update(state=state, lease_until=leases.lease_end()) != 1:
        raise Fenced


def _write_drafts(job: Job, judged: Sequence[_Judged], host: Host) -> set[str]:
    """Hand the drafts to the host; returns the items that people took meanwhile. A dry run writes none."""
    if job.dry_run:
        return set()
    items = [
        ItemDrafts(one.outcome.item_uid, one.outcome.width, one.outcome.height, one.drafts())
        for one in judged
        if one.outcome.failure is None
    ]
    return host.write_drafts(lifecycle.job_ref(job), items) if items else set()


def _result(job: Job, one: _Judged, matcher: LabelMatcher, taken: bool) -> ItemResult:
    outcome, failure = one.outcome, one.outcome.failure
    row = ItemResult(job=job, item_uid=outcome.item_uid, predictions=len(one.shapes))
    if failure:
        row.outcome, row.reason = ItemResult.Outcome.FAILED, failure.reason
        row.message = failure.message[:_MESSAGE_LENGTH]
    elif taken:
        row.outcome, row.reason = ItemResult.Outcome.SKIPPED, ItemResult.Reason.LABELED_MEANWHILE
    elif drafts := one.drafts():
        row.outcome, row.drafts = ItemResult.Outcome.SUCCESSFUL, len(drafts)
    else:
        row.outcome, row.reason = ItemResult.Outcome.SKIPPED, _reason_for_none(one, matcher)
    return row


def _reason_for_none(one: _Judged, matcher: LabelMatcher) -> str:
    if not one.shapes and one.outcome.counts.get("dropped"):
        return ItemResult.Reason.LOW_QUALITY
    return matcher.reason_for_none(one.shapes)


def _fate(fate: Fate, taken: bool) -> Fate:
    return Fate.LABELED_MEANWHILE if taken and fate == Fate.DRAFTED else fate


def _predictions(job: Job, one: _Judged, taken: bool) -> list[Prediction]:
    return [
        Prediction(
            job=job,
            item_uid=one.outcome.item_uid,
            ordinal=ordinal,
            uid=uid,
            label=shape.label,
            score=shape.score,
            x_min=shape.bbox_xyxy[0],
            y_min=shape.bbox_xyxy[1],
            x_max=shape.bbox_xyxy[2],
            y_max=shape.bbox_xyxy[3],
            polygons=shape.polygons,
            fate=_fate(fate, taken),
        )
        for ordinal, (uid, shape, (fate, _)) in enumerate(
            zip(one.prediction_uids, one.outcome.shapes, one.shapes, strict=True)
        )
    ]


def _tally(judged: Sequence[_Judged], results: Sequence[ItemResult], taken: set[str]) -> tally.Tally:
    counts: dict[str, Counter[str]] = {group: Counter() for group in tally.GROUPS}
    for one in judged:
        for shape, (fate, named) in zip(one.outcome.shapes, one.shapes, strict=True):
            counts["predictions"][shape.label] += 1
            final = _fate(fate, one.outcome.item_uid in taken)
            counts["drafts" if final == Fate.DRAFTED else final.value][named.label] += 1
        for group, reasons in one.outcome.counts.items():
            counts[group].update(reasons)
    for row in results:
        if row.reason:
            counts[row.outcome][row.reason] += 1
    return {group: dict(counter) for group, counter in counts.items()}


def _count(job: Job, results: Sequence[ItemResult]) -> None:
    outcomes = Counter(row.outcome for row in results)
    running = Job.objects.filter(pk=job.pk, status=Job.Status.RUNNING)
    counted = running.update(
        successful_items=F("successful_items") + outcomes[ItemResult.Outcome.SUCCESSFUL],
        skipped_items=F("skipped_items") + outcomes[ItemResult.Outcome.SKIPPED],
        failed_items=F("failed_items") + outcomes[ItemResult.Outcome.FAILED],
        stalled_reason="",
    )
    if counted != 1:
        raise JobEnded
