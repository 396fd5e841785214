"""Querysets of the platform. Every list a person sees starts at `visible_to`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import models
from django.db.models import Count, Exists, OuterRef, Q, Subquery
from django.db.models.functions import Coalesce

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser, AnonymousUser


class ProjectQuerySet(models.QuerySet[Any]):
    def visible_to(self, user: AbstractBaseUser | AnonymousUser) -> ProjectQuerySet:
        """The projects that `user` is a member of; administrators use the admin, not a wider list here."""
        return self.filter(memberships__user_id=user.pk) if user.is_active else self.none()

    def with_role(self, user: AbstractBaseUser | AnonymousUser) -> ProjectQuerySet:
        """Adds `role`: what `user` is in each project."""
        from .models import Membership

        mine = Membership.objects.filter(project=OuterRef("pk"), user_id=user.pk)
        return self.annotate(role=Subquery(mine.values("role")[:1]))

    def with_counts(self) -> ProjectQuerySet:
        """Adds `item_count` and one count per item state, such as `done_count`."""
        from .models import Item

        return self.annotate(
            item_count=Count("items", distinct=True),
            **{
                f"{state}_count": Count("items", filter=Q(items__state=state), distinct=True)
                for state in Item.State.values
            },
        )


def _annotations(status: str) -> Coalesce:
    """How many annotations of that status an item has, counted only for the rows of a page."""
    from .models import Annotation

    of_item = Annotation.objects.filter(item=OuterRef("pk"), status=status).order_by()
    return Coalesce(Subquery(of_item.values("item").annotate(n=Count("pk")).values("n")), 0)


class ItemQuerySet(models.QuerySet[Any]):
    def visible_to(self, user: AbstractBaseUser | AnonymousUser) -> ItemQuerySet:
        return self.filter(project__memberships__user_id=user.pk) if user.is_active else self.none()

    def state_counts(self) -> dict[str, int]:
        """How many of these items are in each state, and in `total`, in one query."""
        from .models import Item

        counted = dict(self.order_by().values_list("state").annotate(n=Count("pk")))
        counts = {str(state): counted.get(state, 0) for state in Item.State.values}
        return {**counts, "total": sum(counts.values())}

    def with_review_counts(self) -> ItemQuerySet:
        """Adds `drafts` and `accepted`: how many annotations in these states an item has."""
        return self.annotate(drafts=_annotations("draft"), accepted=_annotations("accepted"))

    def awaiting_labels(self) -> ItemQuerySet:
        """Items a model may label: no human annotation, no verdict, not done, not flagged.

        An item with only untouched drafts is among them, because no person has said anything about it yet.
        """
        from .models import Annotation, Item

        touched = Annotation.objects.filter(item=OuterRef("pk")).exclude(status=Annotation.Status.DRAFT)
        return self.filter(state__in=[Item.State.UNLABELED, Item.State.DRAFTED]).exclude(Exists(touched))


class AnnotationQuerySet(models.QuerySet[Any]):
    def visible_to(self, user: AbstractBaseUser | AnonymousUser) -> AnnotationQuerySet:
        return self.filter(item__project__memberships__user_id=user.pk) if user.is_active else self.none()

    def with_related(self) -> AnnotationQuerySet:
        """With everything that showing an annotation reads, in the same query."""
        return self.select_related("item", "label", "reviewed_by")

    def drafts(self) -> AnnotationQuerySet:
        return self.filter(status="draft")
