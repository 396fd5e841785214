"""One verdict on many drafts at once, over a whole project, and taking it back.

Items are locked in the order of their keys and in slices, so that the number of statements depends on how many
items there are and not on how many drafts lie on them, and so that two people's bulk reviews cannot block each other.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet
from django.utils import timezone

from autolabel.jobs.matching import fold

from .changes import Refused, labels_by_name
from .models import Annotation, BulkReview, Item, Label, Project
from .querysets import slices
from .review import RELEASED, UNSAID, refresh_states

if TYPE_CHECKING:
    from django.contrib.auth.models import User

__all__ = ["AlreadyUndone", "Forecast", "Selection", "Undone", "apply", "forecast", "undo"]


class AlreadyUndone(Exception):
    def __init__(self) -> None:
        super().__init__("This bulk review has already been undone.")


@dataclass(frozen=True, slots=True)
class Selection:
    """Which drafts a bulk review is about, on open items only.

    `items` are uids, None for all items of the project; `labels` are names without regard to case, none for all
    labels; the scores are both inclusive. Where `finish` is set, items that end without a draft are finished: those
    named in `items`, and otherwise those that had one of these drafts.
    """

    items: Collection[str] | None = None
    labels: Collection[str] = ()
    min_score: float = 0.0
    max_score: float = 1.0
    finish: bool = False


@dataclass(frozen=True, slots=True)
class Forecast:
    """What a bulk review would come to."""

    drafts: int
    items: int
    finished: int
    by_label: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Undone:
    """How many drafts and items are again as they were, and how many drafts people have dealt with since."""

    restored: int
    reopened: int
    kept: int


def forecast(project: Project, selection: Selection) -> Forecast:
    """What `apply` would do, with nothing written. Raises Refused for a label that the project has not."""
    items, finished = 0, 0
    by_label: Counter[str] = Counter()
    match = _match(selection, _labels(project, selection.labels))
    for scope in _scopes(project, selection):
        found = Annotation.objects.drafts().filter(match, item__in=scope)
        by_label.update(dict(found.order_by().values_list("label__name").annotate(n=Count("pk"))))
        items += found.aggregate(n=Count("item", distinct=True))["n"]
        if selection.finish:
            finished += _ending_without_draft(scope, selection, match).count()
    return Forecast(by_label.total(), items, finished, by_label)


@transaction.atomic
def apply(project: Project, user: User, verdict: str, selection: Selection) -> BulkReview:
    """Accept or discard the drafts; with the mask of a box that is accepted, that box is discarded.

    Raises Refused for a label that the project has not.
    """
    labels = _labels(project, selection.labels)
    match = _match(selection, labels)
    review = BulkReview.objects.create(
        project=project,
        user=user,
        verdict=verdict,
        labels=[label.name for label in labels],
        min_score=selection.min_score,
        max_score=selection.max_score,
    )
    for keys in slices(_locked(project, selection, match)):
        items = Item.objects.filter(pk__in=keys)
        drafts = Annotation.objects.drafts().filter(match, item__in=keys)
        if verdict == Annotation.Status.ACCEPTED:
            _discard_replaced(review, drafts)
        review.drafts += _decide(review, drafts)
        refresh_states(items)
        if selection.finish:
            named = selection.items is not None
            review.finished += _finish(review, items if named else _touched_by(review, items))
    review.items = review.annotations.aggregate(n=Count("item", distinct=True))["n"]
    review.save(update_fields=["drafts", "items", "finished"])
    return review


@transaction.atomic
def undo(review: BulkReview) -> Undone:
    """Make drafts again of what nobody has changed since, and reopen what is still finished by this review only.

    Boxes that were discarded for their masks are accepted again.

    What lies on an item that a person has finished meanwhile stays decided. Raises AlreadyUndone.
    """
    review = BulkReview.objects.select_for_update().get(pk=review.pk)
    if review.undone_at:
        raise AlreadyUndone
    restored, reopened = 0, 0
    for keys in slices(_left_by(review)):
        items = Item.objects.filter(pk__in=keys)
        items.locked_keys()
        reopened += _reopen(review, items)
        restored += _restore(review, items.exclude(state=Item.State.DONE))
        refresh_states(items)
    review.undone_at = timezone.now()
    review.save(update_fields=["undone_at"])
    return Undone(restored, reopened, kept=review.drafts - restored)


def _labels(project: Project, names: Collection[str]) -> list[Label]:
    known = labels_by_name(project.pk)
    for name in names:
        if fold(name) not in known:
            raise Refused("labels", f"The project has no label {name!r}.")
    wanted = {fold(name) for name in names}
    return [label for name, label in known.items() if name in wanted]


def _match(selection: Selection, labels: Sequence[Label]) -> Q:
    """What tells the drafts that are meant from the other drafts."""
    scored = Q(score__gte=selection.min_score, score__lte=selection.max_score)
    return scored & Q(label__in=labels) if labels else scored


def _scopes(project: Project, selection: Selection) -> Iterator[QuerySet[Item]]:
    """The open items that are meant, in pieces without an item in common."""
    if selection.items is None:
        yield project.items.open()
    else:
        for uids in slices(sorted(set(selection.items))):
            yield project.items.open().filter(uid__in=uids)


def _ending_without_draft(scope: QuerySet[Item], selection: Selection, match: Q) -> QuerySet[Item]:
    drafts = Annotation.objects.drafts().filter(item=OuterRef("pk"))
    ending = scope.exclude(Exists(drafts.exclude(match)))
    return ending if selection.items is not None else ending.filter(Exists(drafts.filter(match)))


def _locked(project: Project, selection: Selection, match: Q) -> list[int]:
    """The keys of the open items that are meant, or of those with drafts where all are meant."""
    if selection.items is None:
        drafts = Annotation.objects.drafts().filter(match, item=OuterRef("pk"))
        return project.items.open().filter(Exists(drafts)).locked_keys()
    named = sorted(
        key for scope in _scopes(project, selection) for key in scope.order_by().values_list("pk", flat=True)
    )
    return [key for keys in slices(named) for key in Item.objects.open().filter(pk__in=keys).locked_keys()]


def _discard_replaced(review: BulkReview, drafts: QuerySet[Annotation]) -> None:
    """Discard the accepted boxes whose masks these drafts are.

    Who accepted the box, and when, stays: it is what undoing goes back to, and `bulk_review` says who discarded it.
    """
    masks = drafts.masks_of_boxes().order_by()
    boxes = Annotation.objects.accepted_boxes().filter(item__in=masks.values("item"), uid__in=masks.values("replaces"))
    boxes.update(
        status=Annotation.Status.DISCARDED,
        bulk_review=review,
        version=F("version") + 1,
        updated_at=timezone.now(),
    )


def _decide(review: BulkReview, drafts: QuerySet[Annotation]) -> int:
    now = timezone.now()
    return drafts.update(
        status=review.verdict,
        bulk_review=review,
        reviewed_by=review.user,
        reviewed_at=now,
        version=F("version") + 1,
        updated_at=now,
    )


def _touched_by(review: BulkReview, items: QuerySet[Item]) -> QuerySet[Item]:
    return items.filter(Exists(review.annotations.filter(item=OuterRef("pk"))))


def _finish(review: BulkReview, items: QuerySet[Item]) -> int:
    now = timezone.now()
    finished = {"finished_by": review.user, "finished_at": now, "finished_in": review, "updated_at": now}
    return items.filter(draft_count=0).update(state=Item.State.DONE, **{**UNSAID, **RELEASED, **finished})


def _left_by(review: BulkReview) -> list[int]:
    """The keys of the items on which anything may still be as the review left it."""
    decided = review.annotations.order_by().values_list("item", flat=True).distinct()
    return sorted({*decided, *review.finished_items.order_by().values_list("pk", flat=True)})


def _reopen(review: BulkReview, items: QuerySet[Item]) -> int:
    return items.filter(finished_in=review).update(state=Item.State.DRAFTED, **UNSAID)


def _restore(review: BulkReview, items: QuerySet[Item]) -> int:
    decided = review.annotations.filter(item__in=items, status=review.verdict)
    if review.verdict == Annotation.Status.ACCEPTED:
        _restore_replaced(review, decided)
    return decided.update(
        status=Annotation.Status.DRAFT,
        bulk_review=None,
        reviewed_by=None,
        reviewed_at=None,
        version=F("version") + 1,
        updated_at=timezone.now(),
    )


def _restore_replaced(review: BulkReview, decided: QuerySet[Annotation]) -> None:
    """Accept again the boxes that this review has discarded for the masks which now become drafts again.

    A box whose mask somebody has changed since stays discarded, or the object would be there twice.
    """
    replaced = decided.masks_of_boxes().order_by().values("replaces")
    boxes = review.annotations.filter(status=Annotation.Status.DISCARDED, uid__in=replaced)
    boxes.update(
        status=Annotation.Status.ACCEPTED,
        bulk_review=None,
        version=F("version") + 1,
        updated_at=timezone.now(),
    )
