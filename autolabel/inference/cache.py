"""Folders in which workers keep what they would otherwise fetch or compute again: weights and exported engines.

Whoever can write to such a folder decides what the workers run. So each belongs to this process's user, and one that
others can write to is refused. Files in them are made under a lock, since several workers start at once.
"""

from __future__ import annotations

import fcntl
import logging
import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from autolabel.conf import conf
from autolabel.exceptions import ModelUnavailable

__all__ = ["cache_folder", "locked"]

logger = logging.getLogger(__name__)


def cache_folder(name: str) -> Path:
    """The folder `name` ("engines", "weights") below settings.AUTOLABEL["CACHE_DIR"], made with mode 0700 if missing.

    Without that setting it lies in a folder of this user's below the system's folder for temporary files. Raises
    ModelUnavailable if the folder cannot be made, belongs to another user, or can be written to by others.
    """
    given = conf().cache_dir
    # A folder that an administrator names may be a link; one with a known name in a shared place must not be.
    base = given.resolve() if given else Path(tempfile.gettempdir()) / f"autolabel-{os.getuid()}"
    own_folder(base)
    return own_folder(base / name)


def own_folder(path: Path) -> Path:
    """`path`, made with mode 0700 if missing. Raises ModelUnavailable unless it is this user's alone to write to."""
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        facts = path.lstat()
    except OSError as error:
        logger.exception("The cache folder %s cannot be made", path)
        raise _refused(f"cannot be made ({type(error).__name__})") from error
    if not stat.S_ISDIR(facts.st_mode):
        logger.error("The cache folder %s is a link", path)
        raise _refused("is a link to somewhere else")
    if facts.st_uid != os.getuid():
        logger.error("The cache folder %s belongs to the user %s", path, facts.st_uid)
        raise _refused("belongs to another user")
    if facts.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        logger.error("The cache folder %s has the mode %o", path, stat.S_IMODE(facts.st_mode))
        raise _refused("can be written to by other users")
    return path


@contextmanager
def locked(folder: Path, key: str) -> Iterator[None]:
    """Hold the lock of `key` in `folder`: other processes of this machine wait for it. Ends with the process, too."""
    with (folder / f"{key}.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _refused(why: str) -> ModelUnavailable:
    return ModelUnavailable(
        f"The worker's cache folder {why}. "
        'Set AUTOLABEL["CACHE_DIR"] to a folder that only the worker\'s user can write to.'
    )
