"""Querysets of the platform. Every list a person sees starts at `visible_to`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import models
from django.db.models import Count, Exists, OuterRef, Q

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser, AnonymousUser


class ProjectQuerySet(models.QuerySet[Any]):
    def visible_to(self, user: AbstractBaseUser | AnonymousUser) -> ProjectQuerySet:
        """The projects that `user` is a member of; administrators use the admin, not a wider list here."""
        return self.filter(memberships__user_id=user.pk) if user.is_active else self.none()

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


class ItemQuerySet(models.QuerySet[Any]):
    def visible_to(self, user: AbstractBaseUser | AnonymousUser) -> ItemQuerySet:
        return self.filter(project__memberships__user_id=user.pk) if user.is_active else self.none()

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

    def drafts(self) -> AnnotationQuerySet:
        return self.filter(status="draft")
