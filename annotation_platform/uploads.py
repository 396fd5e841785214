"""From an uploaded file to an item.

Nothing of the upload is trusted: the safe decoder reads the whole image, the names on disk are made here, and
the extension is that of the detected format. Files are written before the row, and are gone again when the
row fails.
"""

from __future__ import annotations

import io
import unicodedata
from contextlib import suppress
from pathlib import PurePath
from typing import IO, TYPE_CHECKING, Any

from django.core.files.base import ContentFile, File

from autolabel.conf import conf
from autolabel.exceptions import ItemUnreadable
from autolabel.inference.images import DecodedImage, decode_image

from .models import Item, Project
from .polyglots import what_else

if TYPE_CHECKING:
    from django.db.models.fields.files import FieldFile
    from PIL.Image import Image

__all__ = [
    "CONTENT_TYPES",
    "PREVIEW_ABOVE_PIXELS",
    "PREVIEW_PIXELS",
    "THUMBNAIL_PIXELS",
    "ItemUnreadable",
    "create_item",
]

THUMBNAIL_PIXELS = 320
# A preview spares waiting for the full image; just below that size it would spare nothing.
PREVIEW_PIXELS = 2048
PREVIEW_ABOVE_PIXELS = 2560
# What each extension that we write is served as.
CONTENT_TYPES = {
    ".jpg": "image/jpeg",
    ".png": "image/png",
    ".webp": "image/webp",
    ".bmp": "image/bmp",
    ".tif": "image/tiff",
}
# MPO is what many phones write: a JPEG with further pictures behind the first.
_EXTENSIONS = {
    "JPEG": ".jpg",
    "MPO": ".jpg",
    "PNG": ".png",
    "WEBP": ".webp",
    "BMP": ".bmp",
    "TIFF": ".tif",
}
_BROWSER_EXTENSIONS = (".jpg", ".png", ".webp")
# Modes that a browser shows as the decoder reads them. With alpha it would show its own background, not the
# white one that the model sees; of CMYK and 16 bits a pixel, browsers make different things.
_BROWSER_MODES = ("1", "L", "P", "RGB")
_JPEG_QUALITY = 92
_JPEG_MAX_SIDE = 65_535
_LONGEST_NAME = 255


def create_item(project: Project, file: File[Any] | IO[bytes], *, name: str = "") -> Item:
    """Store an image as a new item of `project`, under the name that people see.

    Raises ItemUnreadable, with a sentence for people, for what is no sound image or is too large.
    """
    limits = conf()
    if getattr(file, "size", 0) > limits.max_image_bytes:
        raise ItemUnreadable(f"The file is larger than {limits.max_image_bytes // (1024 * 1024)} MB.")
    file.seek(0)
    decoded = decode_image(file, max_pixels=limits.max_image_pixels, max_bytes=limits.max_image_bytes)
    if other := what_else(file):
        raise ItemUnreadable(f"The file is an image and {other} at once. Save the picture anew, and upload that.")
    item = Item(project=project, name=clean_name(name), width=decoded.width, height=decoded.height)
    try:
        _write_files(item, file, decoded)
        item.save()
    except BaseException:
        _remove_files(item)
        raise
    return item


def clean_name(name: str) -> str:
    """The client's file name as one printable line that a database and a header can take."""
    base = PurePath(name.replace("\\", "/")).name
    printable = "".join(char for char in base if unicodedata.category(char)[0] != "C").strip(". ")
    return printable[-_LONGEST_NAME:] or "image"


def _write_files(item: Item, file: File[Any] | IO[bytes], decoded: DecodedImage) -> None:
    extension = _EXTENSIONS[decoded.format]
    file.seek(0)
    _store(item.image, f"original{extension}", File(file))
    if decoded.rotated or decoded.mode not in _BROWSER_MODES or extension not in _BROWSER_EXTENSIONS:
        content, display_extension = _display_copy(decoded.image)
        _store(item.display, f"display{display_extension}", content)
    smaller = decoded.image
    if max(smaller.size) > PREVIEW_ABOVE_PIXELS:
        smaller = _shrunk(smaller, PREVIEW_PIXELS)
        _store(item.preview, "preview.jpg", _encoded(smaller, "JPEG", quality=85))
    _store(item.thumbnail, "thumb.jpg", _encoded(_shrunk(smaller, THUMBNAIL_PIXELS), "JPEG", quality=80))


def _store(field: FieldFile, name: str, content: File[Any]) -> None:
    """Save one file; a half-written one (the disk is full) does not stay behind."""
    try:
        field.save(name, content, save=False)
    except BaseException:
        with suppress(OSError):
            field.storage.delete(field.field.generate_filename(field.instance, name))
        raise


def _display_copy(image: Image) -> tuple[ContentFile[bytes], str]:
    """A JPEG without loss of colour resolution; a PNG where a side is longer than a JPEG can hold."""
    if max(image.size) > _JPEG_MAX_SIDE:
        return _encoded(image, "PNG"), ".png"
    return _encoded(image, "JPEG", quality=_JPEG_QUALITY, subsampling=0), ".jpg"


def _shrunk(image: Image, side: int) -> Image:
    """A copy with no side above `side` pixels, not enlarged. Averaging pixels first saves most of the time."""
    from PIL.Image import Resampling

    scale = min(1, side / max(image.size))
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    return image.resize(size, Resampling.LANCZOS, reducing_gap=1.5)


def _encoded(image: Image, file_format: str, **options: Any) -> ContentFile[bytes]:
    """The pixels alone: place, camera and owner stay in the original."""
    image.info.clear()
    buffer = io.BytesIO()
    image.save(buffer, file_format, **options)
    return ContentFile(buffer.getvalue())


def _remove_files(item: Item) -> None:
    for stored in (item.image, item.display, item.preview, item.thumbnail):
        if stored.name:
            with suppress(OSError):  # the first error is the one to report
                stored.storage.delete(stored.name)
