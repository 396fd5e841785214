"""What RQ calls: ids in, one call."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass

__all__ = ["Identity", "draining", "identity", "run_lane"]


@dataclass
class Identity:
    """Who this process is: the worker that is published, and the holder of the leases that it takes."""

    worker: str = ""
    holder: str = ""


identity = Identity()
# Set when this process is told to end: the lane then stops at its next batch and hands over.
draining = threading.Event()


def run_lane(job_uid: str) -> None:
    from autolabel.jobs.lane import run_lane as run

    with _shown_at_work(job_uid):
        run(job_uid, should_stop=draining.is_set, holder=identity.holder)


@contextlib.contextmanager
def _shown_at_work(job_uid: str) -> Iterator[None]:
    """The worker's row names the job meanwhile."""
    _show(job_uid)
    try:
        yield
    finally:
        _show("")


def _show(job_uid: str) -> None:
    from django.db import DatabaseError

    from autolabel.models import Worker

    with contextlib.suppress(DatabaseError):  # people see it later, the work goes on
        Worker.objects.filter(name=identity.worker).update(job_uid=job_uid)
