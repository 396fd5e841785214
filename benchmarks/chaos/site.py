"""A site that chaos is let loose on: the tests' Site on either database, projects of shared pictures, and an audit."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Literal

from tests.site import Site

from .postgres import Postgres

__all__ = ["ChaosSite", "Database", "open_site"]

Database = Literal["sqlite", "postgres"]
_ROWS = "from benchmarks.chaos.inside import *\n"


class ChaosSite(Site):
    """`rng` is the row's source of chance, `database` the kind of its database, and `server` PostgreSQL's, or None."""

    def __init__(
        self, folder: Path, database: Database, server: Postgres | None, rng: random.Random, **env: str
    ) -> None:
        self.database, self.server, self.rng = database, server, rng
        if server is not None:
            env["DATABASE_URL"] = server.url(f"chaos_{folder.name.replace('-', '_').lower()}")
        super().__init__(
            folder, **{"DJANGO_SETTINGS_MODULE": "benchmarks.chaos.settings", "LOG_LEVEL": "CRITICAL", **env}
        )

    def project(self, items: int, commands: Sequence[int] = ()) -> str:
        """A project of `items` small images, for each of `commands` one that gives the model that order; its uid."""
        return str(self.ask(f"{_ROWS}answer = make_project({items}, {list(commands)!r})"))

    def manager_key(self) -> dict[str, str]:
        """A new person with an API key: {"user": their name, "key": the key}."""
        return dict(self.ask(f"{_ROWS}answer = manager_key()"))

    def project_of(self, user: str, items: int) -> str:
        """A project that this person manages; its uid."""
        return str(self.ask(f"{_ROWS}answer = make_project({items}, manager={user!r})"))

    def jobs(self, projects: Sequence[str]) -> list[str]:
        return [self.create_job(project) for project in projects]

    def states(self) -> dict[str, int]:
        """How many jobs have which status, and "processed": all their processed items together."""
        return dict(self.ask(f"{_ROWS}answer = states()"))

    def wait_until_ended(self, seconds: float) -> bool:
        """Until no job is active; False when that takes longer."""
        ends_at = time.monotonic() + seconds
        while time.monotonic() < ends_at:
            states = self.states()
            if not states.get("pending") and not states.get("running"):
                return True
            time.sleep(0.2)
        return False

    def audit(self, jobs: Sequence[str]) -> dict[str, Any]:
        """What is wrong with the rows of these jobs, all zero where nothing is: see `inside.audit`."""
        return dict(self.ask(f"{_ROWS}answer = audit({list(jobs)!r})"))

    def workers(self, count: int, *, wait: bool = True) -> Any:
        """A supervisor with so many workers, whose model processes are there when this returns."""
        before = len(self.processes("horse_main"))
        supervisor = self.start("autolabel_worker", "--workers", str(count), stderr=subprocess.DEVNULL)
        if wait:
            self.wait_for(lambda: len(self.processes("horse_main")) >= before + count, "the model processes", 60)
        return supervisor

    def kill(self, word: str, signum: signal.Signals = signal.SIGKILL, at_most: int = 1) -> list[int]:
        """Signal processes whose command line holds `word`, chosen by chance; their pids."""
        pids = self.processes(word)
        self.rng.shuffle(pids)
        hit = []
        for pid in pids[:at_most]:
            with suppress(ProcessLookupError):
                os.kill(pid, signum)
                hit.append(pid)
        return hit


@contextmanager
def open_site(database: Database, server: Postgres | None, seed: int, **env: str) -> Iterator[ChaosSite]:
    """A new site in a folder of its own; at the end all its processes are killed and the folder is gone."""
    folder = Path(tempfile.mkdtemp(prefix="chaos-"))
    site = ChaosSite(folder, database, server if database == "postgres" else None, random.Random(seed), **env)
    try:
        yield site
    finally:
        site.stop()
        shutil.rmtree(folder, ignore_errors=True)


def timed(action: Callable[[], Any]) -> float:
    """How many seconds `action` takes."""
    began = time.monotonic()
    action()
    return time.monotonic() - began
