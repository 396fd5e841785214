"""Finished items that a job has opened again with masks: they are finished again when the masks are taken back.

Whether somebody has touched an item since is told by its `updated_at`, which every change of an item or of its
annotations sets; the items must be locked.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db.models import F, OuterRef, Subquery

from .models import Item, Reopening
from .review import RELEASED, UNSAID

__all__ = ["finish_again", "open_again", "untouched"]


def open_again(job_uid: str, items: Sequence[Item], now: datetime) -> None:
    """Open those of these items that are done; `now` is what their `updated_at` must become.

    One that another job has opened, and nobody has touched since, is from now on this job's to finish.
    """
    earlier = {reopening.item_id: reopening for reopening in Reopening.objects.filter(item__in=items)}
    opened = []
    for item in items:
        known = earlier.get(item.pk)
        if item.state == Item.State.DONE:
            finished_by, finished_at = item.finished_by_id, item.finished_at
        elif known is not None and known.left_at == item.updated_at:
            finished_by, finished_at = known.finished_by_id, known.finished_at
        else:
            continue
        opened.append(
            Reopening(item=item, job_uid=job_uid, finished_by_id=finished_by, finished_at=finished_at, left_at=now)
        )
    Reopening.objects.bulk_create(
        opened,
        update_conflicts=True,
        unique_fields=["item"],
        update_fields=["job_uid", "finished_by", "finished_at", "left_at"],
    )
    done = Item.objects.filter(pk__in=[item.pk for item in items], state=Item.State.DONE)
    done.update(state=Item.State.DRAFTED, **UNSAID)


def untouched(job_uid: str, keys: Sequence[int]) -> list[int]:
    """Which of these items are as the job's opening, or our finishing them again, has left them."""
    left = Reopening.objects.filter(item__in=keys, job_uid=job_uid, left_at=F("item__updated_at"))
    return list(left.values_list("item", flat=True))


def finish_again(keys: Sequence[int], now: datetime) -> None:
    """As the person had finished them, where no draft is left."""
    said = Reopening.objects.filter(item=OuterRef("pk"))
    Item.objects.filter(pk__in=keys, state=Item.State.DRAFTED, draft_count=0).update(
        state=Item.State.DONE,
        finished_by=Subquery(said.values("finished_by")),
        finished_at=Subquery(said.values("finished_at")),
        updated_at=now,
        **RELEASED,
    )
    Reopening.objects.filter(item__in=keys).update(left_at=now)
