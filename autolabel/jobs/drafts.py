"""Taking back the drafts of a job that has ended, and taking that back, for as long as its predictions exist.

What a person has touched is never changed. Both work item by item in short transactions, within a time that a web
request can wait: whoever is told that something remains asks again.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from time import monotonic
from typing import Any

from django.db import router, transaction
from django.db.models import QuerySet
from django.utils import timezone

from autolabel.exceptions import JobActive, NothingToRestore
from autolabel.hosts.base import Actor, Draft, ItemDrafts
from autolabel.hosts.loader import get_host
from autolabel.models import Job, Prediction
from autolabel.shapes import Shape

from .access import allow, note
from .lifecycle import job_ref
from .matching import LabelMatcher

__all__ = ["Discarded", "Restored", "check_may_change", "count", "discard_drafts", "restore_drafts"]

Fate = Prediction.Fate
# Writes a row of the audit log.
Note = Callable[..., None]
# Items in one transaction.
_SLICE = 500


@dataclass(frozen=True, slots=True)
class Discarded:
    """`drafts` were taken back, or would be; `kept` stay, for people have touched them; `remaining` are still to do."""

    drafts: int
    kept: int
    remaining: int


@dataclass(frozen=True, slots=True)
class Restored:
    """`left_out` could not come back: their items or labels are no longer what they were. `remaining` are to do.

    `after` is where to go on, the argument of the next call; empty when nothing remains.
    """

    restored: int
    left_out: int
    remaining: int
    after: str


def check_may_change(actor: Actor | None, job: Job) -> None:
    """Who may cancel a job may take back what it made. Raises LookupError, NotAllowed."""
    allow(actor, "cancel", job.project_uid, "You may not take back what jobs of this project have made.")


def count(job: Job) -> Discarded:
    """What `discard_drafts` would do. Raises JobActive."""
    _check_ended(job)
    drafts = get_host().count_drafts(job_ref(job))
    return Discarded(drafts, _touched(job), drafts)


def discard_drafts(job: Job, seconds: float = 10, *, actor: Actor | None = None, by: Any = None) -> Discarded:
    """Take back the job's drafts that nobody has touched, for at most about `seconds`. Raises JobActive.

    Recorded, slice by slice, as done by `actor`, or by the user `by`; this does not ask whether they may.
    """
    _check_ended(job)
    ends_at = monotonic() + seconds
    who = partial(note, actor, by)
    drafts = 0
    while deleted := _discard_slice(job, who):
        drafts += deleted
        if monotonic() >= ends_at:
            return Discarded(drafts, _touched(job), get_host().count_drafts(job_ref(job)))
    return Discarded(drafts, _touched(job), 0)


def restore_drafts(
    job: Job, seconds: float = 10, after: str = "", *, actor: Actor | None = None, by: Any = None
) -> Restored:
    """Bring back drafts that `discard_drafts` has taken back, for at most about `seconds`.

    Only on items behind the uid `after`, see Restored. Raises JobActive, and NothingToRestore where the predictions
    have been pruned. Recorded as `discard_drafts` is.
    """
    _check_ended(job)
    job.refresh_from_db(fields=["drafts_discarded_at"])
    if job.drafts_discarded_at is not None and not _taken_back(job).exists():
        raise NothingToRestore("The job's predictions have been pruned, so that its drafts cannot come back.")
    ends_at = monotonic() + seconds
    who = partial(note, actor, by)
    matcher = _matcher(job)
    restored = left_out = 0
    while items := list(_taken_back(job, after).values_list("item_uid", flat=True).distinct()[:_SLICE]):
        back, out = _restore_slice(job, items, matcher, who)
        restored, left_out, after = restored + back, left_out + out, items[-1]
        if monotonic() >= ends_at and (remaining := _taken_back(job, after).count()):
            return Restored(restored, left_out, remaining, after)
    with _locked(job):
        if not _taken_back(job).exists():
            Job.objects.filter(pk=job.pk).update(drafts_discarded_at=None)
    return Restored(restored, left_out, 0, "")


def _check_ended(job: Job) -> None:
    if job.is_active:
        raise JobActive("The job is still active. Cancel it, or wait until it has ended.")


def _touched(job: Job) -> int:
    return sum(1 for _ in get_host().verdicts(job_ref(job)))


def _taken_back(job: Job, after: str = "") -> QuerySet[Prediction]:
    """Predictions whose drafts were taken back, in the order of the index that finds them by item."""
    return job.predictions.filter(item_uid__gt=after, fate=Fate.TAKEN_BACK).order_by("item_uid")


def _discard_slice(job: Job, who: Note) -> int:
    with _locked(job):
        deleted = get_host().delete_drafts(job_ref(job), _SLICE)
        if deleted:
            uids = [uid for of_item in deleted.values() for uid in of_item]
            _set_fate(job, deleted, uids, Fate.TAKEN_BACK)
            Job.objects.filter(pk=job.pk).update(drafts_discarded_at=timezone.now())
        drafts = sum(len(of_item) for of_item in deleted.values())
        if drafts:
            who("job.discard_drafts", job, drafts=drafts)
        return drafts


def _restore_slice(job: Job, items: Sequence[str], matcher: LabelMatcher, who: Note) -> tuple[int, int]:
    """How many drafts came back on these items, and how many did not."""
    host, ref = get_host(), job_ref(job)
    with _locked(job):
        rows = list(job.predictions.filter(item_uid__in=items, fate=Fate.TAKEN_BACK).order_by("item_uid", "ordinal"))
        drafts: dict[str, list[Draft]] = {}
        for row in rows:
            fate, shape = matcher.judge(_shape(row))
            if fate == Fate.DRAFTED:
                drafts.setdefault(row.item_uid, []).append(Draft(row.uid, shape))
        # The size of the image is not kept with a prediction; the host has the image.
        written = host.restore_drafts(ref, [ItemDrafts(uid, 0, 0, tuple(given)) for uid, given in drafts.items()])
        used = set(host.used_predictions(ref, items))
        back = [row.uid for row in rows if row.uid in used]
        _set_fate(job, items, back, Fate.DRAFTED)
        if written:
            who("job.restore_drafts", job, drafts=written)
        return written, len(rows) - len(back)


@contextmanager
def _locked(job: Job) -> Iterator[None]:
    """A transaction in which nobody else takes back, restores or prunes what the job has made."""
    with transaction.atomic(using=router.db_for_write(Job)):
        Job.objects.select_for_update(no_key=True).get(pk=job.pk)
        yield


def _set_fate(job: Job, items: Collection[str], uids: Sequence[str], fate: Fate) -> None:
    """In pieces, for databases limit the length of a statement. The items are there for the index."""
    for start in range(0, len(uids), 2000):
        rows = job.predictions.filter(item_uid__in=items, uid__in=uids[start : start + 2000])
        rows.filter(fate__in=(Fate.DRAFTED, Fate.TAKEN_BACK)).update(fate=fate)


def _matcher(job: Job) -> LabelMatcher:
    """As the job's lanes had it, over the labels that the project has today."""
    host = get_host()
    targets = host.label_targets(host.get_project_trusted(job.project_uid))
    return LabelMatcher(
        targets, job.labels, job.confidence_threshold, thresholds=job.thresholds, label_map=job.label_map
    )


def _shape(row: Prediction) -> Shape:
    polygons = row.polygons and tuple(
        tuple(tuple((float(x), float(y)) for x, y in ring) for ring in part) for part in row.polygons
    )
    return Shape(row.label, row.score, (row.x_min, row.y_min, row.x_max, row.y_max), polygons, row.source)
