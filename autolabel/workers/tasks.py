"""What RQ calls: ids in, one call."""

from __future__ import annotations

import threading

__all__ = ["draining", "run_lane"]

# Set when this process is told to end: the lane then stops at its next batch and hands over.
draining = threading.Event()


def run_lane(job_uid: str) -> None:
    from autolabel.jobs.lane import run_lane as run

    run(job_uid, should_stop=draining.is_set)
