"""Where an item stands in its project, in the order of upload."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Count, Max, Min, Q

from .models import Item

__all__ = ["Position", "position_of"]


@dataclass(frozen=True, slots=True)
class Position:
    """`number` counts from 1; `previous` and `next` are the uids of the neighbours."""

    number: int
    total: int
    previous: str | None
    next: str | None


def position_of(item: Item) -> Position:
    before, behind = Q(pk__lt=item.pk), Q(pk__gt=item.pk)
    siblings = Item.objects.filter(project_id=item.project_id).order_by()
    found = siblings.aggregate(
        total=Count("pk"),
        before=Count("pk", filter=before),
        previous=Max("pk", filter=before),
        next=Min("pk", filter=behind),
    )
    neighbours = siblings.filter(pk__in=[found["previous"], found["next"]]).values_list("pk", "uid")
    uids = dict(neighbours)
    return Position(found["before"] + 1, found["total"], uids.get(found["previous"]), uids.get(found["next"]))
