"""An item's files go when its row goes: alone, with its project, or in the admin."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.db import transaction
from django.db.models.signals import post_delete

from .models import Item

__all__ = ["connect"]


def connect() -> None:
    post_delete.connect(_remove_after_commit, sender=Item, dispatch_uid="annotation_platform.item_files")


def _remove_after_commit(instance: Item, using: str, **kwargs: Any) -> None:
    """After the commit, for a rollback brings no file back; one that will not go harms nobody."""
    for stored in (instance.image, instance.display, instance.preview, instance.thumbnail):
        if stored.name:
            transaction.on_commit(partial(stored.storage.delete, stored.name), using=using, robust=True)
