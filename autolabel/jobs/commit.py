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
from django.db.models.functions import Now

from autolabel.hosts.base import Draft, Host, ItemDrafts, Written
from autolabel.models import Chunk, ItemResult, Job, Prediction
from autolabel.shapes import Shape

from . import leases, lifecycle, limits, tally
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
        """What is handed to the host, whatever that does with it."""
        return tuple(
            Draft(uid, shape)
            for uid, (fate, shape) in zip(self.prediction_uids, self.shapes, strict=True)
            if fate == Fate.DRAFTED
        )


def commit_batch(
    job: Job,
    chunk: Chunk,
    outcomes: Sequence[Outcome],
    host: Host,
    matcher: LabelMatcher,
    *,
    close: bool,
    seconds: float = 0,
) -> None:
    """Write what came of a batch of the chunk's items; `close` ends the chunk, and the job if it was the last.

    `seconds` is what the batch has taken. Raises Fenced or JobEnded, and then nothing was written.
    """
    judged = [_judge(job, outcome, matcher) for outcome in outcomes]
    with transaction.atomic(using=router.db_for_write(Job)):
        _pass_fence(chunk, close)
        written = _write_drafts(job, judged, host)
        results = [_result(job, one, matcher, written) for one in judged]
        ItemResult.objects.bulk_create(results)
        Prediction.objects.bulk_create([row for one in judged for row in _predictions(job, one, written)])
        counts = tally.merge([chunk.tally, _tally(judged, results, written)])
        Chunk.objects.filter(pk=chunk.pk).update(tally=counts)
        _count(job, results, seconds)
        ended = close and lifecycle.finish_if_done(job.pk)
        if limits.has_limits(job) and not ended:
            lifecycle.fail_beyond_limits(job.pk)
    # Not before the commit, for a batch that was rolled back is committed again.
    chunk.tally = counts


def _judge(job: Job, outcome: Outcome, matcher: LabelMatcher) -> _Judged:
    uids = tuple(prediction_uid(job.uid, outcome.item_uid, ordinal) for ordinal in range(len(outcome.shapes)))
    return _Judged(outcome, tuple(matcher.judge(shape) for shape in outcome.shapes), uids)


def prediction_uid(job_uid: str, item_uid: str, ordinal: int) -> str:
    """The uid of an item's prediction: the same whenever it is worked again."""
    return str(uuid.uuid5(uuid.UUID(job_uid), f"{item_uid}/{ordinal}"))


def _pass_fence(chunk: Chunk, close: bool) -> None:
    state = Chunk.State.DONE if close else Chunk.State.LEASED
    held = Chunk.objects.filter(pk=chunk.pk, token=chunk.token, state=Chunk.State.LEASED)
    if held.update(state=state, lease_until=leases.lease_end(), in_flight="") != 1:
        raise Fenced


def _write_drafts(job: Job, judged: Sequence[_Judged], host: Host) -> Written:
    """Hand the drafts to the host; returns what it did not write. A dry run writes none."""
    if job.dry_run:
        return Written()
    items = [
        ItemDrafts(one.outcome.item_uid, one.outcome.width, one.outcome.height, one.drafts())
        for one in judged
        if one.outcome.failure is None
    ]
    return host.write_drafts(lifecycle.job_ref(job), items) if items else Written()


def _result(job: Job, one: _Judged, matcher: LabelMatcher, written: Written) -> ItemResult:
    outcome, failure = one.outcome, one.outcome.failure
    row = ItemResult(job=job, item_uid=outcome.item_uid, predictions=len(one.shapes))
    if failure:
        row.outcome, row.reason = ItemResult.Outcome.FAILED, failure.reason
        row.message = failure.message[:_MESSAGE_LENGTH]
    elif outcome.item_uid in written.taken:
        row.outcome, row.reason = ItemResult.Outcome.SKIPPED, ItemResult.Reason.LABELED_MEANWHILE
    elif drafts := one.drafts():
        row.drafts = sum(draft.prediction_uid not in written.left_out | written.gone for draft in drafts)
        if row.drafts:
            row.outcome = ItemResult.Outcome.SUCCESSFUL
        else:
            row.outcome, row.reason = ItemResult.Outcome.SKIPPED, _reason_for_none_left(drafts, written)
    else:
        row.outcome, row.reason = ItemResult.Outcome.SKIPPED, _reason_for_none(one, matcher)
    return row


def _reason_for_none_left(drafts: Sequence[Draft], written: Written) -> str:
    if any(draft.prediction_uid in written.left_out for draft in drafts):
        return ItemResult.Reason.EXISTING_DRAFTS
    return ItemResult.Reason.LABELED_MEANWHILE


def _reason_for_none(one: _Judged, matcher: LabelMatcher) -> str:
    if not one.shapes and one.outcome.counts.get("dropped"):
        return ItemResult.Reason.LOW_QUALITY
    return matcher.reason_for_none(one.shapes)


def _fates(one: _Judged, written: Written) -> list[Fate]:
    """What became of each shape in the end."""
    taken = one.outcome.item_uid in written.taken
    return [
        fate if fate != Fate.DRAFTED else _fate_of_draft(uid, taken, written)
        for uid, (fate, _) in zip(one.prediction_uids, one.shapes, strict=True)
    ]


def _fate_of_draft(uid: str, taken: bool, written: Written) -> Fate:
    if taken or uid in written.gone:
        return Fate.LABELED_MEANWHILE
    return Fate.EXISTING_DRAFT if uid in written.left_out else Fate.DRAFTED


def _predictions(job: Job, one: _Judged, written: Written) -> list[Prediction]:
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
            source=shape.source,
            fate=fate,
        )
        for ordinal, (uid, shape, fate) in enumerate(
            zip(one.prediction_uids, one.outcome.shapes, _fates(one, written), strict=True)
        )
    ]


def _tally(judged: Sequence[_Judged], results: Sequence[ItemResult], written: Written) -> tally.Tally:
    counts: dict[str, Counter[str]] = {group: Counter() for group in tally.GROUPS}
    for one in judged:
        for shape, (_, named), fate in zip(one.outcome.shapes, one.shapes, _fates(one, written), strict=True):
            counts["predictions"][shape.label] += 1
            counts["drafts" if fate == Fate.DRAFTED else fate.value][named.label] += 1
        for group, reasons in one.outcome.counts.items():
            counts[group].update(reasons)
    for row in results:
        if row.reason:
            counts[row.outcome][row.reason] += 1
    return {group: dict(counter) for group, counter in counts.items()}


def _count(job: Job, results: Sequence[ItemResult], seconds: float) -> None:
    outcomes = Counter(row.outcome for row in results)
    running = Job.objects.filter(pk=job.pk, status=Job.Status.RUNNING)
    counted = running.update(
        successful_items=F("successful_items") + outcomes[ItemResult.Outcome.SUCCESSFUL],
        skipped_items=F("skipped_items") + outcomes[ItemResult.Outcome.SKIPPED],
        failed_items=F("failed_items") + outcomes[ItemResult.Outcome.FAILED],
        stalled_reason="",
        progressed_at=Now(),
        work_seconds=F("work_seconds") + seconds,
    )
    if counted != 1:
        raise JobEnded
