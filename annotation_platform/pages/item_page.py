"""What the review page knows at its start: the first item, and the configuration of its editor."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser
from django.urls import reverse

from .. import review_queue
from ..access import role_may
from ..models import Item, Label, Project

__all__ = ["ORDER_COOKIE", "editor_config", "next_to_review", "order_of"]

# What the page remembers of the reviewer's choice.
ORDER_COOKIE = "review_order"


def order_of(asked: str | None, default: str) -> str:
    """One of the queue's orders; what makes no sense is the default, for these are links that people keep."""
    return asked if asked in review_queue.ORDERS else default


def next_to_review(project: Project, user: AbstractBaseUser, order: str) -> str | None:
    """The uid of the next item to decide, given to `user`; whoever may only look sees the first that waits."""
    if not role_may(project.role, "review"):
        return project.items.filter(queue=Item.Queue.WAITING).order_by("id").values_list("uid", flat=True).first()
    offers = review_queue.claim(project, user, review_queue.Request(order=order)).offers
    return offers[0].uid if offers else None


def editor_config(
    project: Project, labels: Iterable[Label], workspace: Mapping[str, Any], order: str
) -> dict[str, Any]:
    """Everything the editor's scripts have to know; `{uid}` in an address stands for the uid of what it is about."""
    return {
        "workspace": workspace,
        "labels": [{"name": label.name, "color": label.color} for label in labels],
        "mayReview": role_may(project.role, "review"),
        "shapes": project.shapes,
        "order": order,
        "api": {
            "queue": reverse("platform-api:review-queue", args=[project.uid]),
            "workspace": _address("item-workspace"),
            "annotations": _address("annotations"),
            "annotation": _address("annotation"),
            "finish": _address("item-finish"),
            "reopen": _address("item-reopen"),
            "flag": _address("item-flag"),
        },
    }


def _address(name: str) -> str:
    return reverse(f"platform-api:{name}", args=["{uid}"]).replace("%7Buid%7D", "{uid}")
