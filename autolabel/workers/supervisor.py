"""The supervisor: starts the embedded queue, the workers, the reaper and the sender of webhooks.

It restarts what dies, and ends all of it.
"""

from __future__ import annotations

import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import uuid
from dataclasses import dataclass
from types import FrameType

from autolabel.conf import conf

from . import machine
from .bereaved import give_back
from .embedded import EmbeddedQueue, EmbeddedQueueError

__all__ = ["Supervisor"]

logger = logging.getLogger(__name__)

_LOOK_SECONDS = 0.2
# One that ends at once is not started more often than this.
_RESTART_PAUSE_SECONDS = 1.0
# Of the machine's memory, what the model processes may have together.
_MEMORY_SHARE = 0.9


@dataclass
class _Child:
    """A process of ours; `name` is that under which a worker is published, and new with every start."""

    role: str
    name: str
    process: subprocess.Popen[bytes]
    started_at: float
    is_mourned: bool = False


class Supervisor:
    """Runs until SIGINT or SIGTERM. No process outlives it; on Linux not even if it is killed."""

    def __init__(self, workers: int, *, reaper: bool = True) -> None:
        self._roles = ["worker"] * workers + ["reaper", "sender"] * reaper
        self._workers = workers
        directory = conf().embedded_queue_dir
        self._queue = EmbeddedQueue(directory) if directory else None
        self._children: list[_Child] = []
        self._told_to_end = threading.Event()

    def run(self) -> None:
        """Raises EmbeddedQueueError when the queue server cannot be started."""
        for signum in (signal.SIGINT, signal.SIGTERM):
            signal.signal(signum, self._end)
        try:
            if self._queue:
                self._queue.ensure()
            self._children = [self._start(role) for role in self._roles]
            while not self._told_to_end.wait(_LOOK_SECONDS):
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
        for index, child in enumerate(self._children):
            status = child.process.poll()
            if status is None:
                continue
            if not child.is_mourned:
                child.is_mourned = True
                logger.warning("The %s process %s ended (%s); starting another.", child.role, child.process.pid, status)
                if child.role == "worker":
                    give_back(child.name, "its worker was killed" if status < 0 else "its worker ended", child.name)
            if time.monotonic() - child.started_at >= _RESTART_PAUSE_SECONDS:
                self._children[index] = self._start(child.role)

    def _start(self, role: str) -> _Child:
        name = f"autolabel-{socket.gethostname()[:60]}-{uuid.uuid4().hex[:8]}"
        cores = max(1, machine.cpus() // max(1, self._workers))
        share = int(machine.memory_bytes() * _MEMORY_SHARE / max(1, self._workers))
        limit = conf().process_memory_bytes or share
        process = subprocess.Popen(
            [sys.executable, "-m", "autolabel.workers.run", role, str(os.getpid()), name, str(limit)],
            env={
                **os.environ,
                "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
                # Workers share the cores instead of each taking all of them.
                "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", str(cores)),
            },
            stdin=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C in the terminal is for the supervisor, which ends the others in order
        )
        return _Child(role, name, process, time.monotonic())

    def _stop_all(self) -> None:
        for child in self._children:
            if child.process.poll() is None:
                child.process.terminate()
        ends_at = time.monotonic() + conf().drain_seconds
        for child in self._children:
            try:
                child.process.wait(timeout=max(0.1, ends_at - time.monotonic()))
            except subprocess.TimeoutExpired:
                child.process.kill()
                child.process.wait()
                give_back(child.name, "its worker did not end in time", child.name)
        if self._queue:
            self._queue.stop()

    def _end(self, signum: int, frame: FrameType | None) -> None:
        self._told_to_end.set()
