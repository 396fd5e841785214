"""What the status page shows to staff: whether all is well, and of what does not move why."""

from __future__ import annotations

from typing import Any

from autolabel.jobs.status import Status, status

from ..models import Project

__all__ = ["status_context"]


def status_context() -> dict[str, Any]:
    now = status()
    names = dict(Project.objects.filter(uid__in={one.job.project_uid for one in now.jobs}).values_list("uid", "name"))
    by_uid = {one.job.uid: names.get(one.job.project_uid, "a deleted project") for one in now.jobs}
    return {
        "status": now,
        "jobs": [(one, by_uid[one.job.uid]) for one in now.jobs],
        "workers": [(worker, by_uid.get(worker.job_uid, ""), _models(worker.served_models)) for worker in now.workers],
        "complaints": _complaints(now),
    }


def _models(served: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    return [{"model_type": name, **facts} for name, facts in sorted(served.items())]


def _complaints(now: Status) -> list[str]:
    """What needs a person, in sentences; empty where all is well."""
    complaints = [
        f"The server of the queue {one.name!r} does not answer. Jobs wait until it is back."
        for one in now.queues
        if not one.is_up
    ]
    if not now.workers:
        complaints.append("No worker is alive. Start one: manage.py autolabel_worker")
    if now.stalled:
        complaints.append(f"{now.stalled} job{'s make' if now.stalled > 1 else ' makes'} no progress; see below.")
    return complaints
