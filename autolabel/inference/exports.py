"""Exported networks on disk: made once for all workers of a machine, and verified whenever one is loaded."""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from .cache import cache_folder, locked

__all__ = ["exported"]

_MANIFEST = "manifest.json"


def exported(facts: Mapping[str, object], make: Callable[[Path], None]) -> Path:
    """The folder that `make` has filled for these facts: from the cache, or made now.

    `facts` are all that the files depend on. `make` is given an empty folder. A folder whose files are not those that
    were made is thrown away and made again. Raises what `make` raises, ModelUnavailable for an unsafe cache folder, and
    OSError when the disk is full.
    """
    cache = cache_folder("engines")
    key = hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:32]
    kept = cache / key
    # Several workers start at once; all but the first wait here and find the files.
    with locked(cache, key):
        if not _is_whole(kept):
            _make(kept, facts, make)
    return kept


def _make(kept: Path, facts: Mapping[str, object], make: Callable[[Path], None]) -> None:
    shutil.rmtree(kept, ignore_errors=True)
    # Put in place by one rename when it is complete, so that a worker killed meanwhile leaves nothing half done.
    fresh = Path(tempfile.mkdtemp(dir=kept.parent, prefix="making-"))
    try:
        make(fresh)
        manifest = {"facts": facts, "files": _digests(fresh)}
        (fresh / _MANIFEST).write_text(json.dumps(manifest, indent=1))
        fresh.rename(kept)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def _is_whole(folder: Path) -> bool:
    """Whether its files are, byte for byte, those that were made."""
    try:
        files = json.loads((folder / _MANIFEST).read_text())["files"]
        return bool(files) and files == _digests(folder)
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _digests(folder: Path) -> dict[str, str]:
    digests = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.name != _MANIFEST:
            with path.open("rb") as file:
                digests[str(path.relative_to(folder))] = hashlib.file_digest(file, "sha256").hexdigest()
    return digests
