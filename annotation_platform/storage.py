"""Reading the items' images: what is gone for good is told apart from what is only out of reach."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.exceptions import SuspiciousOperation
from django.core.files.base import File
from django.db.models.fields.files import FieldFile

from autolabel.exceptions import ItemUnreadable

from .models import Item

__all__ = ["open_original"]


def open_original(item: Item) -> File[Any]:
    """The item's original, to be closed by the caller.

    Raises ItemUnreadable where this one file is gone; OSError, in words that people may read, where the storage does
    not answer. A remote storage may raise errors of its own.
    """
    if not item.image:
        raise ItemUnreadable("The item has no image file.")
    try:
        return item.image.open("rb")
    except FileNotFoundError:
        if _is_away(item.image):
            raise OSError("The folder of the project's images is missing. Is its disk mounted?") from None
        raise ItemUnreadable("The image file is missing.") from None
    except (IsADirectoryError, SuspiciousOperation):
        raise ItemUnreadable("What the item names as its image is not a file of this storage.") from None
    except OSError as error:
        # Not its own text, which names the path: a job shows it to people.
        raise OSError(f"The images cannot be read: {error.strerror or type(error).__name__}.") from error


def _is_away(stored: FieldFile) -> bool:
    """Whether more is missing than this file.

    A project's images share a folder, which stays when one of them is lost, and is away with a disk that is not
    mounted. A storage that has no folders on this machine says by other errors that it cannot be reached.
    """
    try:
        path = stored.path
    except NotImplementedError:
        return False
    return not Path(path).parent.is_dir()
