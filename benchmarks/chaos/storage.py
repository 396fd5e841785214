"""A file storage with the faults of a remote one, which a file steers: down, or busy for a share of the answers.

    STORAGES = {"default": {"BACKEND": "benchmarks.chaos.storage.FaultyStorage", "OPTIONS": {"orders": FOLDER}}}

`Orders(FOLDER)` gives the orders from another process and counts the faults that came of them.
"""

from __future__ import annotations

import json
import os
import random
import time
from pathlib import Path
from typing import Any

from django.core.files import File
from django.core.files.storage import FileSystemStorage

__all__ = ["FaultyStorage", "Orders", "ServiceUnavailable", "SlowDown"]


class ServiceUnavailable(OSError):
    """Nothing answers, as the network libraries say it."""


class SlowDown(Exception):
    """503 SlowDown: the clients of object stores have exceptions of their own, which are no OSError."""


class Orders:
    """What the storage shall do, in `folder`, which all its processes share."""

    def __init__(self, folder: Path) -> None:
        self._orders, self._faults = folder / "storage-orders.json", folder / "storage-faults"
        folder.mkdir(parents=True, exist_ok=True)

    def give(self, *, down: bool = False, busy_pct: float = 0) -> None:
        """From now on fail always (`down`), or for that share of the reads."""
        draft = self._orders.with_suffix(".new")
        draft.write_text(json.dumps({"down": down, "busy_pct": busy_pct}))
        draft.replace(self._orders)

    def fault(self, rng: random.Random) -> Exception | None:
        """The error that this read shall end with, counted, or None."""
        try:
            orders = json.loads(self._orders.read_bytes())
        except FileNotFoundError:
            return None
        if orders["down"]:
            time.sleep(rng.uniform(0, 0.3))  # until the connection is given up
            self._count(b"d")
            return ServiceUnavailable("Connection refused by the object store")
        if rng.random() * 100 < orders["busy_pct"]:
            self._count(b"b")
            return SlowDown("503 SlowDown: reduce your request rate")
        return None

    def counts(self) -> dict[str, int]:
        """How many reads have failed so far: {"down": …, "busy": …}."""
        faults = self._faults.read_bytes() if self._faults.exists() else b""
        return {"down": faults.count(b"d"), "busy": faults.count(b"b")}

    def _count(self, mark: bytes) -> None:
        """One byte a fault: appended at once by the kernel, whoever else appends."""
        handle = os.open(self._faults, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(handle, mark)
        finally:
            os.close(handle)


class _BreaksOff(File):
    """A file that was opened, and whose first read fails."""

    def __init__(self, file: File, error: Exception) -> None:
        super().__init__(file.file, file.name)
        self._error = error

    def read(self, *args: Any) -> bytes:
        raise self._error


class FaultyStorage(FileSystemStorage):
    """FileSystemStorage whose reads fail as Orders say: half of them when opening, half of them in mid-read."""

    def __init__(self, orders: str | Path, **options: Any) -> None:
        super().__init__(**options)
        self._orders, self._rng = Orders(Path(orders)), random.Random()

    def _open(self, name: str, mode: str = "rb") -> File:
        error = self._orders.fault(self._rng)
        if error is None:
            return super()._open(name, mode)
        if self._rng.random() < 0.5:
            raise error
        return _BreaksOff(super()._open(name, mode), error)
