"""What this machine, or the container that we run in, gives us: cores, and memory in bytes.

In a container the host's figures are a trap: 64 threads on two cores are slow, and a process that takes what the host
has is killed. So the control groups (v2, then v1) are asked first.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from pathlib import Path

__all__ = ["cpus", "memory_bytes", "resident_bytes"]

_ROOT = Path("/sys/fs/cgroup")
_PROC = Path("/proc")
# Version 1 says "no limit" with a number near the largest that there is.
_NO_LIMIT = 1 << 60


def cpus(root: Path = _ROOT, proc: Path = _PROC) -> int:
    """How many cores we may keep busy, at least 1: a quota of 1.5 cores counts as 2."""
    try:
        own = len(os.sched_getaffinity(0))
    except AttributeError:  # not Linux
        own = os.cpu_count() or 1
    quotas = [quota for quota in _quotas(root, proc) if quota > 0]
    return max(1, min([own, *(math.ceil(quota) for quota in quotas)]))


def memory_bytes(root: Path = _ROOT, proc: Path = _PROC) -> int:
    """How much memory there is for us."""
    host = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    limits = [
        _number(folder / name)
        for folder in _folders(root, proc, "memory")
        for name in ("memory.max", "memory.limit_in_bytes")
    ]
    return min([host, *(int(limit) for limit in limits if limit is not None and 0 < limit < _NO_LIMIT)])


def resident_bytes(pid: int | str = "self", proc: Path = _PROC) -> int | None:
    """The resident memory of a process; None where it has ended or the system does not say."""
    try:
        pages = int((proc / str(pid) / "statm").read_text().split()[1])
    except (OSError, ValueError, IndexError):
        return None
    return pages * os.sysconf("SC_PAGE_SIZE")


def _quotas(root: Path, proc: Path) -> Iterator[float]:
    for folder in _folders(root, proc, "cpu"):
        quota, period = _two_numbers(folder / "cpu.max")
        if quota is None:
            quota, period = _number(folder / "cpu.cfs_quota_us"), _number(folder / "cpu.cfs_period_us")
        if quota is not None and period:
            yield quota / period


def _folders(root: Path, proc: Path, controller: str) -> Iterator[Path]:
    """Our control group's folder and those above it, for a limit of any of them binds us."""
    for line in _lines(proc / "self" / "cgroup"):
        number, controllers, path = [*line.split(":", 2), "", ""][:3]
        if number != "0" and controller not in controllers.split(","):
            continue
        top = root if number == "0" else root / controller
        folder = top / path.lstrip("/")
        # In a container the path may be the host's, and not be there: its top is ours then.
        yield from (place for place in (folder, *folder.parents) if place == top or top in place.parents)


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text().splitlines()
    except OSError:
        return []


def _number(path: Path) -> float | None:
    return _two_numbers(path)[0]


def _two_numbers(path: Path) -> tuple[float | None, float | None]:
    words = " ".join(_lines(path)).split()
    numbers = [float(word) if word.lstrip("-").isdigit() else None for word in words[:2]]
    first, second = [*numbers, None, None][:2]
    return first, second
