"""One cancel through the API and all that must hold of it; runs inside a site's own process, with Django set up."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from django.test import Client

from autolabel.models import Job, WebhookEvent

from .actions import traces, used

__all__ = ["cancel_one", "later", "seconds_of_a_job"]

# With so many items left, the lane has its last batch in hand.
LAST_BATCH = 4
NEAR_SECONDS = 0.020
# A lane that is not idle by then never will be, as far as this measures.
_PATIENCE_SECONDS = 10.0


def cancel_one(project_uid: str, key: str, trace: str, pause: float, near_end: bool) -> dict[str, Any]:
    """Start a job and cancel it after `pause` seconds; with `near_end`, so long after its last batch has begun.

    "answer" is the DELETE's status; "idle_s" how long after a 204 a worker or a chunk still had to do with the job;
    "is_near" whether the cancel came within NEAR_SECONDS of its completion, or of where that would have been: of the
    end of the model's last batch. "wrong" is a list of sentences.
    """
    client = _client(key)
    log = Path(trace)
    seen = log.stat().st_size if log.exists() else 0
    uid = _start(client, project_uid)
    if near_end:
        _await_last_batch(uid)
    time.sleep(pause)
    asked = time.time()
    answer = client.delete(f"/api/v1/auto-label-jobs/{uid}/").status_code
    answered, wrote = time.monotonic(), traces(uid)
    found: dict[str, Any] = {"job": uid, "answer": answer, "wrote": wrote, "wrong": []}
    found["idle_s"] = _seconds_until_idle(uid, answered) if answer == 204 else 0.0
    job = Job.objects.get(uid=uid)
    found["status"] = job.status
    if (answer, job.status) not in ((204, Job.Status.CANCELLED), (409, Job.Status.COMPLETED)):
        found["wrong"].append(f"{answer}, and the job is {job.status}")
    if traces(uid) != wrote:
        found["wrong"].append(f"{traces(uid)} after the answer, {wrote} with it")
    found["is_near"] = _is_near(job, _batches(log, seen), asked if answer == 409 else None)
    return found


def seconds_of_a_job(project_uid: str, key: str) -> float:
    """How long a job takes that nobody cancels."""
    began = time.monotonic()
    job = Job.objects.get(uid=_start(_client(key), project_uid))
    while job.is_active and time.monotonic() - began < 60:
        time.sleep(0.005)
        job.refresh_from_db()
    return time.monotonic() - began


def later(found: list[dict[str, Any]]) -> list[str]:
    """What has become wrong since: jobs whose state or rows changed, or with other than one event."""
    wrong = []
    for one in found:
        job, now = Job.objects.get(uid=one["job"]), traces(one["job"])
        # Later jobs of the same project replace its drafts, and nothing else.
        if job.status != one["status"] or now["drafts"] > one["wrote"]["drafts"]:
            wrong.append(f"{job}: {job.status} after {one['status']}, {now} after {one['wrote']}")
        if any(now[name] != one["wrote"][name] for name in ("predictions", "results", "processed")):
            wrong.append(f"{job} has written since: {now} after {one['wrote']}")
        if now["results"] != now["processed"]:
            wrong.append(f"{job} has counted {now['processed']} of {now['results']} results")
        if WebhookEvent.objects.filter(job=job).count() != 1 or job.chunks.leased().exists():
            wrong.append(f"{job} has no single event, or a lease")
    return wrong


def _client(key: str) -> Client:
    return Client(headers={"Authorization": f"Bearer {key}"}, SERVER_NAME="localhost")


def _start(client: Client, project_uid: str) -> str:
    made = client.post(f"/api/v1/projects/{project_uid}/auto-label/", {}, content_type="application/json")
    assert made.status_code == 202, made.content
    return str(made.json()["uid"])


def _await_last_batch(uid: str) -> None:
    ends_at = time.monotonic() + 60
    while time.monotonic() < ends_at:
        job = Job.objects.get(uid=uid)
        if not job.is_active or (job.planned_at and job.total_items - job.processed_items <= LAST_BATCH):
            return
        time.sleep(0.001)
    raise AssertionError(f"The last batch of {uid} has not begun within a minute.")


def _seconds_until_idle(uid: str, since: float) -> float:
    while any(used(uid).values()):
        if time.monotonic() - since > _PATIENCE_SECONDS:
            break
        time.sleep(0.005)
    return time.monotonic() - since


def _batches(log: Path, seen: int) -> list[tuple[float, int]]:
    """When batches that the model has done since that place in its trace ended, and how many images they had."""
    if not log.exists():
        return []
    with log.open("rb") as file:
        file.seek(seen)
        lines = [line.split() for line in file.read().decode().splitlines()]
    return [(float(words[3]), int(words[4])) for words in lines if words[0] == "batch"]


def _is_near(job: Job, batches: list[tuple[float, int]], lost_at: float | None) -> bool:
    """Whether the cancel and the completion were that close.

    A cancel that lost (`lost_at`: when it was asked for) is measured by when the job was completed. Of one that won,
    the model must have been done with all items that close to it: but for the commit, the job was complete.
    """
    if job.completed_at is None or sum(images for _, images in batches) != job.total_items:
        return False
    ended = job.completed_at.timestamp()
    other = lost_at if lost_at is not None else max((end for end, _ in batches), default=0.0)
    return abs(ended - other) <= NEAR_SECONDS
