"""Images by URL: fetched through the same guarded client as webhooks are sent, which reaches no address inside."""

from __future__ import annotations

import threading
from pathlib import PurePosixPath
from urllib.parse import unquote, urlsplit

from django.core.files.base import ContentFile

from autolabel.conf import conf
from autolabel.webhooks import client

from .models import Item, Project
from .uploads import ItemUnreadable, create_item

__all__ = ["FetchingBusy", "create_item_from_url"]

# Each may take a web thread for up to 20 seconds: some have to stay for everybody else.
_AT_ONCE = 3
_places = threading.BoundedSemaphore(_AT_ONCE)
_WAIT_SECONDS = 5.0


class FetchingBusy(Exception):
    """As many images are being fetched as may be; the same request may succeed later."""


def create_item_from_url(project: Project, url: str) -> Item:
    """Fetch an image and store it as a new item of `project`. Raises ItemUnreadable, FetchingBusy."""
    limit = conf().max_image_bytes
    if not _places.acquire(timeout=_WAIT_SECONDS):
        raise FetchingBusy("Too many images are being fetched at the moment.")
    try:
        answer = client.send(
            "GET", url, None, {"Accept": "image/*", "Accept-Encoding": "identity"}, most_bytes=limit + 1
        )
    except client.RequestFailed as error:
        raise ItemUnreadable(str(error)) from None
    finally:
        _places.release()
    if answer.status != 200:
        raise ItemUnreadable(f"The server answered {answer.status} instead of an image.")
    name = unquote(PurePosixPath(urlsplit(url).path).name)
    return create_item(project, ContentFile(answer.body), name=name)
