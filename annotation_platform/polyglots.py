"""Sound images that are something else at once, for whoever opens them by another program."""

from __future__ import annotations

import io
from typing import IO, Any

__all__ = ["what_else"]

# Where readers of other formats look: a PDF may begin a little later, an archive is found from its end, and browsers
# and interpreters take what they know from before or behind the pixels.
_PDF_WITHIN = 1024
_LOOKED_AT = 64 * 1024 + 42
_SCRIPTS = (b"<script", b"<?php")
_ZIP_END, _ZIP_DIRECTORY, _ZIP64_LOCATOR = b"PK\x05\x06", b"PK\x01\x02", b"PK\x06\x07"


def what_else(file: IO[Any]) -> str:
    """What the image is, too, in words; empty where it is an image alone. A clip behind it is nothing bad."""
    file.seek(0)
    head = file.read(_LOOKED_AT)
    size = file.seek(0, io.SEEK_END)
    start = max(0, size - _LOOKED_AT)
    file.seek(start)
    tail = file.read()
    if b"%PDF-" in head[:_PDF_WITHIN]:
        return "a PDF"
    if any(sign in part.lower() for sign in _SCRIPTS for part in (head, tail)):
        return "a script"
    return "an archive" if _ends_as_archive(file, tail, start) else ""


def _ends_as_archive(file: IO[Any], tail: bytes, start: int) -> bool:
    """Whether a zip's end is there, and its directory where that end says: four bytes alone may be there by chance."""
    at = tail.find(_ZIP_END)
    while at >= 0:
        directory_bytes = int.from_bytes(tail[at + 12 : at + 16], "little")
        file.seek(max(0, start + at - directory_bytes))
        if file.read(4) == (_ZIP_DIRECTORY if directory_bytes else _ZIP_END):
            return True
        if tail[max(0, at - 20) : at].startswith(_ZIP64_LOCATOR):
            return True
        at = tail.find(_ZIP_END, at + 1)
    return False
