"""The items that wait for a decision, given out so that no two people work on the same one.

Waiting are items with drafts or unfinished work, and items that a model went over without finding anything. Where
nothing waits, items that no model has seen are given out, for whoever labels by hand. An item that is given
out is assigned to its reviewer for a few minutes, which asking again renews.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from .models import Item, Project
from .review import RELEASED

if TYPE_CHECKING:
    from django.contrib.auth.models import User

__all__ = ["ASSIGNED_FOR", "ORDERS", "Claim", "Offer", "Request", "claim"]

ASSIGNED_FOR = timedelta(minutes=5)
ORDERS = ("score", "random", "upload")


@dataclass(frozen=True, slots=True)
class Request:
    """What a reviewer asks for. `hold` are the items they work on, `skip` those they do not want; all are uids.

    `after` is where the order of upload goes on; from its end, it goes round.
    """

    order: str = "score"
    count: int = 1
    after: str | None = None
    skip: Collection[str] = ()
    hold: Collection[str] = ()


@dataclass(frozen=True, slots=True)
class Offer:
    """An item to review, and why: its "drafts", a model has "nothing_found", or it is "unlabeled"."""

    uid: str
    reason: str


@dataclass(frozen=True, slots=True)
class Claim:
    """What the reviewer was given, and who works on those of the held items that they cannot have."""

    offers: Sequence[Offer]
    taken: Sequence[Item]


@transaction.atomic
def claim(project: Project, user: User, request: Request) -> Claim:
    """Give `user` up to `count` further items, renew the held ones, and release all others they had."""
    now = timezone.now()
    known = _locked(project, user, request)
    wanted = set(request.hold)
    held = [item for item in known if item.uid in wanted]
    taken = [item for item in held if _is_with_somebody_else(item, user, now)]
    found = _find(project, user, request, now)

    kept = {item.pk for item in [*held, *found]} - {item.pk for item in taken}
    Item.objects.filter(pk__in=kept).update(assigned_to=user, assigned_until=now + ASSIGNED_FOR)
    left = [item.pk for item in known if item.assigned_to_id == user.pk and item.pk not in kept]
    if left:
        Item.objects.filter(pk__in=left).update(**RELEASED)
    return Claim([Offer(item.uid, _reason(item)) for item in found], taken)


def _locked(project: Project, user: User, request: Request) -> Sequence[Item]:
    """The held items, and all that the user has already.

    Whatever a claim may have to wait for is locked here, at once and in order, and from the queue it only takes
    what nobody else has in hand. So two claims never wait for each other in a circle.
    """
    keys = project.items.order_by().values_list("pk", flat=True)
    mine, held = keys.filter(assigned_to=user), keys.filter(uid__in=request.hold)
    items = Item.objects.filter(pk__in={*mine, *held}).order_by("pk")
    # Not joined: PostgreSQL would join what a row said before we waited for it.
    return list(items.select_for_update().prefetch_related("assigned_to"))


def _find(project: Project, user: User, request: Request, now: datetime) -> list[Item]:
    """The first items of the queue that are free for this user, locked."""
    free = Q(assigned_until=None) | Q(assigned_until__lte=now) | Q(assigned_to=user)
    items = project.items.filter(free).exclude(uid__in={*request.skip, *request.hold})
    after = project.items.filter(uid=request.after or "").values_list("pk", flat=True).first() or 0
    found: list[Item] = []
    for queue in (Item.Queue.WAITING, Item.Queue.UNSEEN):
        for part in _in_order(items.filter(queue=queue), request.order, after):
            if len(found) < request.count:
                found += part.select_for_update(skip_locked=True)[: request.count - len(found)]
        # What waits and was skipped is held by somebody's transaction, and free again in a moment.
        if items.filter(queue=queue).exclude(pk__in=[item.pk for item in found]).exists():
            break
    return found


def _in_order(items: QuerySet[Item], order: str, after: int) -> list[QuerySet[Item]]:
    match order:
        case "score":  # items without a draft have none: nothing was found there, or all is decided
            return [items.order_by(F("lowest_score").asc(nulls_last=True), "id")]
        case "upload":
            return [items.filter(pk__gt=after).order_by("id"), items.filter(pk__lte=after).order_by("id")]
    return [items.order_by("uid")]


def _is_with_somebody_else(item: Item, user: User, now: datetime) -> bool:
    return item.assigned_to_id not in (None, user.pk) and item.assigned_until > now


def _reason(item: Item) -> str:
    if item.state == Item.State.DRAFTED:
        return "drafts"
    return "unlabeled" if item.auto_labeled_at is None else "nothing_found"
