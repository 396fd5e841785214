"""Images by URL: fetched through the same guarded client as webhooks are sent, which reaches no address inside."""

from __future__ import annotations

from pathlib import PurePosixPath
from urllib.parse import unquote, urlsplit

from django.core.files.base import ContentFile

from autolabel.conf import conf
from autolabel.webhooks import client

from .models import Item, Project
from .uploads import ItemUnreadable, create_item

__all__ = ["create_item_from_url"]


def create_item_from_url(project: Project, url: str) -> Item:
    """Fetch an image and store it as a new item of `project`. Raises ItemUnreadable, client.Busy."""
    limit = conf().max_image_bytes
    headers = {"Accept": "image/*", "Accept-Encoding": "identity"}
    try:
        with client.place():
            answer = client.send("GET", url, None, headers, most_bytes=limit + 1)
    except client.RequestFailed as error:
        raise ItemUnreadable(str(error)) from None
    if answer.status != 200:
        raise ItemUnreadable(f"The server answered {answer.status} instead of an image.")
    name = unquote(PurePosixPath(urlsplit(url).path).name)
    return create_item(project, ContentFile(answer.body), name=name)
