"""How much memory processes have used at most, as the kernel counts it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path

__all__ = ["PeakMemory"]

_LOOK_SECONDS, _LOOK_FOR_NEW_SECONDS = 0.02, 0.3


class PeakMemory:
    """While it is open, looks after the processes that `pids()` names; processes may come and go.

    `bytes` is the largest resident memory that any one of them has had: the kernel's own high-water mark, so that
    nothing that happens between two looks is missed, save the last moments of a process that dies. `seen` are all pids.
    """

    def __init__(self, pids: Callable[[], Iterable[int]]) -> None:
        self.bytes, self.seen = 0, set[int]()
        self._pids = pids
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> PeakMemory:
        self._thread.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._end.set()
        self._thread.join()

    def _run(self) -> None:
        looked_for_new, alive = float("-inf"), set[int]()
        while not self._end.wait(_LOOK_SECONDS):
            if time.monotonic() - looked_for_new >= _LOOK_FOR_NEW_SECONDS:
                looked_for_new, alive = time.monotonic(), set(self._pids())
                self.seen |= alive
            self.bytes = max([self.bytes, *map(_high_water_mark, alive)])


def _high_water_mark(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0  # it has ended
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:")), 0)
