"""The limits that a job's request has set: when it is to stop before its end."""

from __future__ import annotations

from datetime import datetime, timedelta

from autolabel.models import Job

__all__ = ["exceeded", "has_limits", "running_time"]


def has_limits(job: Job) -> bool:
    """Whether it can be worth asking `exceeded`."""
    return job.max_seconds is not None or job.max_failed_pct is not None


def exceeded(job: Job, now: datetime) -> str:
    """Which limit a running job has gone beyond, as the message that it fails with; empty while it is within all."""
    if job.max_seconds is not None and running_time(job, now) > timedelta(seconds=job.max_seconds):
        return _stopped(job, f"max_seconds is {job.max_seconds:,}, and that time is over")
    if job.max_failed_pct is not None and job.processed_items >= max(1, job.max_failed_min):
        share = 100 * job.failed_items / job.processed_items
        if share > job.max_failed_pct:
            return _stopped(job, f"{share:.0f} % of the items failed, and max_failed_pct is {job.max_failed_pct}")
    return ""


def running_time(job: Job, now: datetime) -> timedelta:
    """Since the job's start, without its pauses; nothing before the start."""
    if job.started_at is None:
        return timedelta(0)
    until = min(now, job.paused_at) if job.paused_at else now
    return until - job.started_at - timedelta(seconds=job.paused_seconds)


def _stopped(job: Job, why: str) -> str:
    done = f"{job.processed_items:,} of {job.total_items:,} items were done, {job.failed_items:,} of them failed"
    return f"Stopped by a limit: {why}. {done}. Drafts already made stay."
