"""What the review page knows of an item: its neighbours, and the configuration of its editor."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet
from django.urls import reverse

from ..access import role_may
from ..models import Item, Label, Project

__all__ = ["Position", "editor_config", "next_to_review", "position_of"]


@dataclass(frozen=True, slots=True)
class Position:
    """Where an item stands in its project, in the order of upload."""

    number: int
    total: int
    previous: str | None
    next: str | None


def position_of(item: Item) -> Position:
    """Next is the next item with drafts, as long as one follows; previous is always the neighbour."""
    siblings = Item.objects.filter(project_id=item.project_id).order_by("id")
    behind = siblings.filter(id__gt=item.pk)
    following = _first(behind.filter(state=Item.State.DRAFTED)) or _first(behind)
    previous = _first(siblings.filter(id__lt=item.pk).reverse())
    return Position(
        number=siblings.filter(id__lte=item.pk).count(),
        total=siblings.count(),
        previous=previous and previous.uid,
        next=following and following.uid,
    )


def next_to_review(project: Project, after: int | None) -> Item | None:
    """The next item with drafts or unfinished work behind `after` (an id), going round at the end.

    Who comes from an item and has no drafts left goes on with the next one without labels: whoever labels by
    hand walks through a project in that way.
    """
    others = project.items.order_by("id").exclude(pk=after)
    drafted = others.filter(state=Item.State.DRAFTED)
    behind = drafted.filter(id__gt=after or 0)
    found = _first(behind) or _first(drafted)
    if found is None and after is not None:
        found = _first(others.filter(state=Item.State.UNLABELED, id__gt=after))
    return found


def editor_config(item: Item, project: Project, labels: Iterable[Label], position: Position) -> dict[str, Any]:
    """Everything the editor's scripts have to know; `{uid}` in an address stands for an annotation's uid."""
    next_to_come = reverse("review-next", args=[project.uid])
    return {
        "item": {
            "uid": item.uid,
            "name": item.name,
            "state": item.state,
            "width": item.width,
            "height": item.height,
        },
        "labels": [{"name": label.name, "color": label.color} for label in labels],
        "mayReview": role_may(project.role, "review"),
        "api": {
            "image": _api("item-image", item.uid),
            "annotations": _api("annotations", item.uid),
            "annotation": _api("annotation", "{uid}").replace("%7Buid%7D", "{uid}"),
            "finish": _api("item-finish", item.uid),
            "reopen": _api("item-reopen", item.uid),
            "flag": _api("item-flag", item.uid),
        },
        "pages": {
            "previous": position.previous and reverse("item", args=[position.previous]),
            "next": position.next and reverse("item", args=[position.next]),
            "finished": f"{next_to_come}?after={item.uid}",
        },
    }


def _first(items: QuerySet[Item]) -> Item | None:
    return items.only("id", "uid", "state").first()


def _api(name: str, uid: str) -> str:
    return reverse(f"platform-api:{name}", args=[uid])
