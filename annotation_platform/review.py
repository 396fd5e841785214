"""What people do with items and annotations: decide, edit, draw, finish.

Every use case runs in one transaction that first locks the item's row. This keeps the item's state true to
its annotations, and lets nobody change an annotation while somebody else finishes the item (on SQLite, where
rows cannot be locked, BEGIN IMMEDIATE does the same). Versions are compared by the UPDATE itself, so that a
client that has not seen the latest change is refused instead of overwriting it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models import Case, Count, Exists, F, Min, OuterRef, QuerySet, Subquery, Value, When
from django.db.models.functions import Coalesce
from django.utils import timezone

from .changes import Change, Plan, Refused, check_kind, find_label, placed, plan_changes
from .geometry import Parts
from .models import Annotation, Item

if TYPE_CHECKING:
    from django.contrib.auth.models import User

__all__ = [
    "RELEASED",
    "UNSAID",
    "Change",
    "DraftsLeft",
    "ItemFinished",
    "Refused",
    "VersionConflict",
    "add",
    "apply",
    "delete",
    "finish",
    "flag",
    "refresh_states",
    "remove",
    "reopen",
]

# What finishing and flagging write on an item, as it is where nobody has done either.
UNSAID: Mapping[str, Any] = {
    "finished_by": None,
    "finished_at": None,
    "finished_in": None,
    "flag_comment": "",
    "flagged_by": None,
    "flagged_at": None,
}
# Nobody works on the item any more.
RELEASED: Mapping[str, Any] = {"assigned_to": None, "assigned_until": None}


class ItemFinished(Exception):
    """The item is done; it takes no changes until somebody reopens it."""

    def __init__(self) -> None:
        super().__init__("The item is finished; reopen it first.")


class DraftsLeft(Exception):
    """The item cannot be finished while drafts wait for a verdict."""

    def __init__(self, count: int) -> None:
        drafts = "1 draft waits" if count == 1 else f"{count} drafts wait"
        super().__init__(f"{drafts} for a verdict; accept or discard each of them first.")


class VersionConflict(Exception):
    """Somebody has changed these annotations meanwhile; `current` holds them as they are now."""

    def __init__(self, current: Iterable[Annotation]) -> None:
        super().__init__("The annotation has been changed meanwhile.")
        self.current = list(current)


@transaction.atomic
def apply(item: Item, user: User, changes: Sequence[Change]) -> list[Annotation]:
    """Accept, discard, edit, relabel or put back to draft, all or nothing; returns them in that order.

    Accepting the mask of a box discards that box with it, and putting such a mask back to draft accepts the box again,
    unless one of the changes is about the box itself.
    Raises ItemFinished, VersionConflict with every annotation whose version differs, or Refused.
    """
    item = _lock(item, open_only=True)
    uids = [change.uid for change in changes]
    annotations = _by_uid(item, uids)
    plans = plan_changes(item, user, changes, annotations)
    stale = [plan.annotation for plan in plans if plan.annotation.version != plan.version]
    if stale or not _write(plans):
        raise VersionConflict(stale or _by_uid(item, uids).values())
    _discard_replaced(item, user, plans)
    _accept_replaced(item, user, plans)
    refresh_states(Item.objects.filter(pk=item.pk))
    changed = _by_uid(item, uids)
    return [changed[uid] for uid in uids]


@transaction.atomic
def add(
    item: Item,
    user: User,
    label: str,
    *,
    box: Sequence[float] | None = None,
    polygons: Parts | None = None,
) -> Annotation:
    """Draw a box, or a polygon where `polygons` is given; what a person draws is accepted from the start.

    Raises ItemFinished or Refused.
    """
    item = _lock(item, open_only=True)
    check_kind(item, Annotation.Kind.BOX if polygons is None else Annotation.Kind.POLYGON)
    annotation = Annotation.objects.create(
        item=item,
        label=find_label(item, label),
        **placed(item, box, polygons).columns(),
        status=Annotation.Status.ACCEPTED,
        source=Annotation.Source.MANUAL,
        reviewed_by=user,
        reviewed_at=timezone.now(),
    )
    refresh_states(Item.objects.filter(pk=item.pk))
    return annotation


@transaction.atomic
def delete(annotation: Annotation, version: int) -> None:
    """Delete what a person drew. Raises Refused for a model's work, ItemFinished or VersionConflict."""
    if annotation.source != Annotation.Source.MANUAL:
        raise Refused("detail", "A model has made this annotation: discard it instead.")
    item = _lock(annotation.item, open_only=True)
    deleted, _ = Annotation.objects.filter(pk=annotation.pk, version=version).delete()
    if not deleted:
        raise VersionConflict(_by_uid(item, [annotation.uid]).values())
    refresh_states(Item.objects.filter(pk=item.pk))


@transaction.atomic
def remove(item: Item) -> None:
    """Delete the item. Locked first: deleting takes its annotations before it, against everybody's order."""
    _lock(item).delete()


@transaction.atomic
def finish(item: Item, user: User) -> None:
    """Say that the item is complete, or that nothing is on it. Raises DraftsLeft."""
    item = _lock(item)
    drafts = item.annotations.drafts().count()
    if drafts:
        raise DraftsLeft(drafts)
    if item.state == Item.State.DONE:
        # Who finished it first stays; but it is a person's own word now, which no undone bulk review takes back.
        Item.objects.filter(pk=item.pk).update(finished_in=None, **RELEASED)
    else:
        _set_state(item, Item.State.DONE, finished_by=user, finished_at=timezone.now(), **RELEASED)


@transaction.atomic
def reopen(item: Item) -> None:
    """Take back that an item is done or flagged."""
    item = _lock(item)
    if item.state in (Item.State.DONE, Item.State.FLAGGED):
        has_work = item.annotations.exists()
        _set_state(item, Item.State.DRAFTED if has_work else Item.State.UNLABELED)


@transaction.atomic
def flag(item: Item, user: User, comment: str | None = None) -> None:
    """Say that somebody else should look at the item; done or not, it is no longer done.

    On a flagged item, another comment takes the place of the first, and no comment leaves it as it is.
    """
    item = _lock(item)
    if item.state != Item.State.FLAGGED or comment not in (None, item.flag_comment):
        flagged = {"flag_comment": comment or "", "flagged_by": user, "flagged_at": timezone.now()}
        _set_state(item, Item.State.FLAGGED, **flagged, **RELEASED)
    else:
        Item.objects.filter(pk=item.pk).update(**RELEASED)


def refresh_states(items: QuerySet[Item], **also: Any) -> None:
    """Make what these items say of their annotations true; `also` names further columns to write.

    Done and flagged are a person's word and stay. The items must be locked since before their annotations
    were written, or two transactions could each count without the other's.
    """
    items.update(**{"updated_at": timezone.now(), **_from_annotations(), **also})


@cache
def _from_annotations() -> Mapping[str, Any]:
    """The columns that follow from an item's annotations. Made once, for a job asks for them with every batch."""
    of_item = Annotation.objects.filter(item=OuterRef("pk")).order_by()
    drafts = of_item.drafts().values("item")
    return {
        "state": Case(
            When(state__in=[Item.State.DONE, Item.State.FLAGGED], then=F("state")),
            When(Exists(of_item), then=Value(Item.State.DRAFTED)),
            default=Value(Item.State.UNLABELED),
        ),
        "draft_count": Coalesce(Subquery(drafts.annotate(n=Count("pk")).values("n")), 0),
        "lowest_score": Subquery(drafts.annotate(lowest=Min("score")).values("lowest")),
    }


def _lock(item: Item, *, open_only: bool = False) -> Item:
    """The item as it is now, ours until the transaction ends. A deleted one raises Item.DoesNotExist."""
    locked = Item.objects.select_for_update().get(pk=item.pk)
    if open_only and locked.state == Item.State.DONE:
        raise ItemFinished
    return locked


def _set_state(item: Item, state: Item.State, **columns: Any) -> None:
    """A new state, and none of what was said about the old one."""
    Item.objects.filter(pk=item.pk).update(**{**UNSAID, **columns}, state=state, updated_at=timezone.now())


def _by_uid(item: Item, uids: Sequence[str]) -> dict[str, Annotation]:
    return {found.uid: found for found in item.annotations.filter(uid__in=uids).with_related()}


def _write(plans: Sequence[Plan]) -> bool:
    """Write every plan if each annotation still has the version it was planned for.

    Equal changes go in one UPDATE, so that accepting a thousand drafts takes one statement, not a thousand.
    """
    now = timezone.now()
    return all(
        Annotation.objects.filter(pk__in=[plan.annotation.pk for plan in group], version=group[0].version).update(
            **group[0].values, version=F("version") + 1, updated_at=now
        )
        == len(group)
        for group in _grouped(plans, lambda plan: plan.key)
    )


def _discard_replaced(item: Item, user: User, plans: Sequence[Plan]) -> None:
    """Discard the accepted boxes whose masks these plans accept, except those that a plan is about itself."""
    replaced = {plan.annotation.replaces for plan in plans if plan.accepts} - {""}
    boxes = item.annotations.accepted_boxes().filter(uid__in=replaced - {plan.annotation.uid for plan in plans})
    if replaced:
        boxes.update(
            status=Annotation.Status.DISCARDED,
            reviewed_by=user,
            reviewed_at=timezone.now(),
            bulk_review=None,
            version=F("version") + 1,
            updated_at=timezone.now(),
        )


def _accept_replaced(item: Item, user: User, plans: Sequence[Plan]) -> None:
    """Accept again the boxes whose masks these plans make drafts, or the next job's masks could leave neither."""
    reopened = [plan.annotation for plan in plans if plan.reopens]
    replaced = {mask.replaces for mask in reopened} - {""} - {plan.annotation.uid for plan in plans}
    if replaced:
        item.annotations.filter(uid__in=replaced, kind=Annotation.Kind.BOX, status=Annotation.Status.DISCARDED).update(
            status=Annotation.Status.ACCEPTED,
            reviewed_by=user,
            reviewed_at=timezone.now(),
            bulk_review=None,
            version=F("version") + 1,
            updated_at=timezone.now(),
        )


def _grouped(plans: Sequence[Plan], key: Callable[[Plan], object]) -> list[list[Plan]]:
    groups: dict[object, list[Plan]] = {}
    for plan in plans:
        groups.setdefault(key(plan), []).append(plan)
    return list(groups.values())
