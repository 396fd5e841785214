"""Following a job from outside: how fast it goes and how long it will take."""

from __future__ import annotations

from collections.abc import Iterator
from time import sleep

from autolabel.models import Job

__all__ = ["follow"]


def follow(job: Job, seconds: float = 0.25) -> Iterator[Job]:
    """Yield the job as it is in the database, again and again, the last time when it has ended."""
    while True:
        job.refresh_from_db()
        yield job
        if not job.is_active:
            return
        sleep(seconds)
