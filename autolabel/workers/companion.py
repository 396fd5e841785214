"""A worker of one's own, for commands that want their job done and see nobody to do it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType

from autolabel.models import Worker

__all__ = ["CompanionWorker"]

_END_SECONDS = 30.0


class CompanionWorker:
    """Starts `autolabel_worker` once no live worker is seen, and ends it on exit. On Linux it cannot outlive us."""

    def __init__(self, workers: int = 1) -> None:
        self._workers = workers
        self._process: subprocess.Popen[bytes] | None = None
        self._looked_at = 0.0

    def ensure(self) -> None:
        """Call it often; it looks at the database every few seconds."""
        if time.monotonic() - self._looked_at < 5:
            return
        self._looked_at = time.monotonic()
        if self._process and self._process.poll() is None:
            return
        if not Worker.objects.live().exists():
            self.start()

    def start(self) -> None:
        """Start it now, whoever else is there."""
        arguments = ["autolabel_worker", "--workers", str(self._workers), "--parent", str(os.getpid())]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "django", *arguments],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(path or str(Path.cwd()) for path in sys.path)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C is for us; we end it in order
        )

    def __enter__(self) -> CompanionWorker:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._process and self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(timeout=_END_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
