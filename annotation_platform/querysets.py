"""Querysets of the platform. Every list a person sees starts at `visible_to`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Self, TypeVar

from django.db import models
from django.db.models import Count, Exists, F, OuterRef, Q, Subquery
from django.db.models.functions import Coalesce
from django.utils import timezone

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser, AnonymousUser

    from .models import Annotation, ApiKey, BulkReview, Item, Project  # noqa: F401  (named in the querysets' types)

Key = TypeVar("Key")

# How many keys go into one statement; databases limit its length.
_SLICE = 500


def slices(keys: Sequence[Key]) -> Iterator[Sequence[Key]]:
    """The keys in pieces that an `IN (…)` can take."""
    for start in range(0, len(keys), _SLICE):
        yield keys[start : start + _SLICE]


class ProjectQuerySet(models.QuerySet["Project"]):
    def visible_to(self, user: AbstractBaseUser | AnonymousUser) -> Self:
        """The projects that `user` is a member of; administrators use the admin, not a wider list here."""
        return self.filter(memberships__user_id=user.pk) if user.is_active else self.none()

    def with_role(self, user: AbstractBaseUser | AnonymousUser) -> Self:
        """Adds `role`: what `user` is in each project."""
        from .models import Membership

        mine = Membership.objects.filter(project=OuterRef("pk"), user_id=user.pk or 0)
        return self.annotate(role=Subquery(mine.values("role")[:1]))


class ApiKeyQuerySet(models.QuerySet["ApiKey"]):
    def usable(self) -> Self:
        """Those that open something now."""
        in_time = Q(expires_at=None) | Q(expires_at__gt=timezone.now())
        return self.filter(in_time, is_active=True, user__is_active=True)


def _annotations(status: str) -> Coalesce:
    """How many annotations of that status an item has, counted only for the rows of a page."""
    from .models import Annotation

    of_item = Annotation.objects.filter(item=OuterRef("pk"), status=status).order_by()
    return Coalesce(Subquery(of_item.values("item").annotate(n=Count("pk")).values("n")), 0)


class ItemQuerySet(models.QuerySet["Item"]):
    def visible_to(self, user: AbstractBaseUser | AnonymousUser) -> Self:
        return self.filter(project__memberships__user_id=user.pk) if user.is_active else self.none()

    def for_workspace(self) -> Self:
        """With everything that showing an item reads, in the same query."""
        return self.select_related("project", "finished_by", "flagged_by").with_review_counts()

    def open(self) -> Self:
        """Neither done nor flagged."""
        return self.filter(state__in=["unlabeled", "drafted"])

    def locked_keys(self) -> list[int]:
        """Lock these items until the transaction ends, in the one order in which everybody locks several.

        Where rows cannot be locked, on SQLite, BEGIN IMMEDIATE has locked everything.
        """
        return list(self.select_for_update().order_by("pk").values_list("pk", flat=True))

    def state_counts(self) -> dict[str, int]:
        """How many of these items are in each state, and in `total`, in one query."""
        from .models import Item

        counted = dict(self.order_by().values_list("state").annotate(n=Count("pk")))
        counts = {str(state): counted.get(state, 0) for state in Item.State.values}
        return {**counts, "total": sum(counts.values())}

    def queue_counts(self) -> dict[str, int]:
        """The state counts, and how many items are `waiting` in the review queue, whoever has them."""
        from .models import Item

        return {**self.state_counts(), "waiting": self.filter(queue=Item.Queue.WAITING).count()}

    def with_review_counts(self) -> Self:
        """Adds `drafts` and `accepted`: how many annotations in these states an item has."""
        return self.annotate(drafts=F("draft_count"), accepted=_annotations("accepted"))

    def awaiting_labels(self) -> Self:
        """Items a model may label: no human annotation, no verdict, not done, not flagged.

        An item with only untouched drafts is among them, because no person has said anything about it yet.
        """
        from .models import Annotation

        touched = Annotation.objects.filter(item=OuterRef("pk")).exclude(status=Annotation.Status.DRAFT)
        return self.open().exclude(Exists(touched))

    def with_accepted_boxes(self) -> Self:
        """Items a model may make masks on: people have accepted boxes there. Done or not, but not flagged."""
        from .models import Annotation

        boxes = Annotation.objects.accepted_boxes().filter(item=OuterRef("pk"))
        return self.exclude(state="flagged").filter(Exists(boxes))


class BulkReviewQuerySet(models.QuerySet["BulkReview"]):
    def visible_to(self, user: AbstractBaseUser | AnonymousUser) -> Self:
        return self.filter(project__memberships__user_id=user.pk) if user.is_active else self.none()


class AnnotationQuerySet(models.QuerySet["Annotation"]):
    def visible_to(self, user: AbstractBaseUser | AnonymousUser) -> Self:
        return self.filter(item__project__memberships__user_id=user.pk) if user.is_active else self.none()

    def with_related(self) -> Self:
        """With everything that showing an annotation reads, in the same query."""
        return self.select_related("item", "label", "reviewed_by")

    def drafts(self) -> Self:
        return self.filter(status="draft")

    def accepted_boxes(self) -> Self:
        return self.filter(status="accepted", kind="box")

    def masks_of_boxes(self) -> Self:
        """Those that take the place of a box when they are accepted."""
        return self.exclude(replaces="")
