"""The supervisor: starts the embedded queue, the workers and the reaper, restarts what dies, ends all of it."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import threading
import time
from types import FrameType

from autolabel.conf import conf

from .embedded import EmbeddedQueue, EmbeddedQueueError

__all__ = ["Supervisor"]

logger = logging.getLogger(__name__)

_DRAIN_SECONDS = 20.0
_RESTART_PAUSE_SECONDS = 1.0


class Supervisor:
    """Runs until SIGINT or SIGTERM. No process outlives it; on Linux not even if it is killed."""

    def __init__(self, workers: int, *, reaper: bool = True) -> None:
        self._roles = ["worker"] * workers + ["reaper"] * reaper
        self._workers = workers
        directory = conf().embedded_queue_dir
        self._queue = EmbeddedQueue(directory) if directory else None
        self._processes: list[tuple[str, subprocess.Popen[bytes]]] = []
        self._told_to_end = threading.Event()

    def run(self) -> None:
        """Raises EmbeddedQueueError when the queue server cannot be started."""
        for signum in (signal.SIGINT, signal.SIGTERM):
            signal.signal(signum, self._end)
        try:
            if self._queue:
                self._queue.ensure()
            self._processes = [(role, self._start(role)) for role in self._roles]
            while not self._told_to_end.wait(_RESTART_PAUSE_SECONDS):
                self._tend()
        finally:
            self._stop_all()

    def _tend(self) -> None:
        """Restart what has died, the queue server first. One that we only attached to is taken over when it ends."""
        if self._queue:
            try:
                self._queue.ensure()
            except EmbeddedQueueError as error:
                logger.warning("%s Trying again.", error)
        for index, (role, process) in enumerate(self._processes):
            if process.poll() is not None:
                logger.warning("The %s process %s ended (%s); starting another.", role, process.pid, process.returncode)
                self._processes[index] = (role, self._start(role))

    def _start(self, role: str) -> subprocess.Popen[bytes]:
        cores = max(1, (os.cpu_count() or 1) // max(1, self._workers))
        return subprocess.Popen(
            [sys.executable, "-m", "autolabel.workers.run", role, str(os.getpid())],
            env={
                **os.environ,
                "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
                # Workers share the cores instead of each taking all of them.
                "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", str(cores)),
            },
            stdin=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C in the terminal is for the supervisor, which ends the others in order
        )

    def _stop_all(self) -> None:
        for _, process in self._processes:
            if process.poll() is None:
                process.terminate()
        ends_at = time.monotonic() + _DRAIN_SECONDS
        for _, process in self._processes:
            try:
                process.wait(timeout=max(0.1, ends_at - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        if self._queue:
            self._queue.stop()

    def _end(self, signum: int, frame: FrameType | None) -> None:
        self._told_to_end.set()
