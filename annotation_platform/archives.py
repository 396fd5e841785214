"""From an uploaded zip archive to items: each image that is in it, by the same door as a single one.

What the archive says of itself is judged before anything is unpacked, and nothing is unpacked to disk: names, paths and
links in it have no say in where a file goes.
"""

from __future__ import annotations

import io
import stat
import struct
import time
import zipfile
import zlib
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import IO

from autolabel.conf import conf

from .models import Item, Project
from .uploads import ItemUnreadable, clean_name, create_item

__all__ = ["MOST_BYTES", "MOST_FILES", "ArchiveRefused", "Unpacked", "create_items"]

MOST_FILES = 500
# Of the archive, and of all that is in it.
MOST_BYTES = 250 * 1024 * 1024
MOST_UNPACKED_BYTES = 1024 * 1024 * 1024
# What a small file can cost to decode, its size does not say.
MOST_SECONDS = 120.0
# Photos hardly shrink; what unpacks to more than so many times its size is there to fill memory.
MOST_RATIO = 100

# The record at the end of an archive: number of files, size of the directory, its place, length of a comment.
_END = struct.Struct("<4s4H2LH")
_END_MARK = b"PK\x05\x06"
# Before the end of an archive of more than 4 GB or 65,535 files stands where its true end is.
_LOCATOR_MARK, _LOCATOR_BYTES = b"PK\x06\x07", 20
_LONGEST_COMMENT = 65_535
_MOST_DIRECTORY_BYTES = 4 * 1024 * 1024


class ArchiveRefused(Exception):
    """Nothing of the archive is taken; the message says why."""


@dataclass
class Unpacked:
    """The items that were made, and why other files were not taken: (name, reason)."""

    items: list[Item] = field(default_factory=list)
    refused: list[tuple[str, str]] = field(default_factory=list)


def create_items(project: Project, file: IO[bytes]) -> Unpacked:
    """Store every image of the archive as an item of `project`. Raises ArchiveRefused, and then nothing was stored."""
    done = Unpacked()
    ends_at = time.monotonic() + MOST_SECONDS
    with _opened(file) as archive:
        for entry in _judged(archive, file):
            name = clean_name(entry.filename)
            if time.monotonic() >= ends_at:
                done.refused.append((name, "The files before it took too long. Upload it in another archive."))
                continue
            try:
                done.items.append(create_item(project, io.BytesIO(_content(archive, entry)), name=name))
            except ItemUnreadable as error:
                done.refused.append((name, str(error)))
    return done


def _opened(file: IO[bytes]) -> zipfile.ZipFile:
    _check_directory(file)
    try:
        return zipfile.ZipFile(file)
    except (zipfile.BadZipFile, zipfile.LargeZipFile, ValueError, OSError, NotImplementedError):
        raise ArchiveRefused("This is no sound zip archive.") from None


def _check_directory(file: IO[bytes]) -> None:
    """Look at the end of the file, because opening the archive reads its whole directory into memory."""
    size = file.seek(0, io.SEEK_END)
    if size > MOST_BYTES:
        raise ArchiveRefused(f"The archive is larger than {MOST_BYTES // (1024 * 1024)} MB.")
    file.seek(max(0, size - _LONGEST_COMMENT - _END.size - _LOCATOR_BYTES))
    tail = file.read()
    at = tail.rfind(_END_MARK)
    file.seek(0)
    if at < 0 or len(tail) - at < _END.size:
        raise ArchiveRefused("This is no zip archive.")
    _, _, _, _, files, directory_bytes, _, _ = _END.unpack_from(tail, at)
    is_zip64 = tail[max(0, at - _LOCATOR_BYTES) : at].startswith(_LOCATOR_MARK)
    if files > MOST_FILES or is_zip64:
        raise ArchiveRefused(f"The archive holds more than {MOST_FILES} files. Upload it in parts.")
    if directory_bytes > _MOST_DIRECTORY_BYTES:
        raise ArchiveRefused("The archive's directory is too large.")


def _judged(archive: zipfile.ZipFile, file: IO[bytes]) -> list[zipfile.ZipInfo]:
    """The files of the archive. Raises ArchiveRefused where they are too many, or too large together."""
    entries = [entry for entry in archive.infolist() if not entry.filename.endswith("/") and not _is_by_product(entry)]
    if len(entries) > MOST_FILES:
        raise ArchiveRefused(f"The archive holds more than {MOST_FILES} files. Upload it in parts.")
    unpacked = sum(entry.file_size for entry in entries)
    packed = file.seek(0, io.SEEK_END)
    if unpacked > MOST_UNPACKED_BYTES or unpacked > MOST_RATIO * packed:
        raise ArchiveRefused(f"The archive unpacks to {unpacked // (1024 * 1024):,} MB, which is too much.")
    return entries


def _is_by_product(entry: zipfile.ZipInfo) -> bool:
    """What operating systems put beside the files, and nobody means to upload."""
    path = PurePosixPath(entry.filename)
    return "__MACOSX" in path.parts or path.name in (".DS_Store", "Thumbs.db", "desktop.ini")


def _content(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    """The bytes of one file. Raises ItemUnreadable."""
    limit = conf().max_image_bytes
    path = PurePosixPath(entry.filename.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or any(":" in part for part in path.parts[:1]):
        raise ItemUnreadable("Its path leads out of the archive.")
    if stat.S_ISLNK(entry.external_attr >> 16):
        raise ItemUnreadable("It is a link, not a file.")
    if entry.flag_bits & 0x1:
        raise ItemUnreadable("It is encrypted.")
    # The rarer methods let a file say how much memory it takes to unpack it.
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ItemUnreadable("It is packed in a way that is not supported. Pack it as a plain zip.")
    if entry.file_size > limit:
        raise ItemUnreadable(f"The file is larger than {limit // (1024 * 1024)} MB.")
    if entry.file_size > MOST_RATIO * max(1, entry.compress_size):
        raise ItemUnreadable(f"It unpacks to more than {MOST_RATIO} times its size.")
    try:
        with archive.open(entry) as opened:
            return opened.read(limit + 1)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError, ValueError):
        raise ItemUnreadable("It is damaged in the archive.") from None
