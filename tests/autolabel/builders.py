"""Small makers of jobs and of items with real files, and the sums that must hold over a job's rows."""

from __future__ import annotations

import hashlib
import os
import socket
import threading
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import connections
from django.db.models.functions import Now
from django.utils import timezone

from annotation_platform.models import Annotation, Item, Project
from autolabel.jobs.lane import run_lane
from autolabel.models import (
    Chunk,
    ItemResult,
    Job,
    Prediction,
    WebhookAttempt,
    WebhookDelivery,
    WebhookEndpoint,
    WebhookEvent,
    Worker,
)
from tests.factories import make_project

from .fakes import FAKE_LABELS, picture

__all__ = [
    "add_items",
    "balanced",
    "drafts_of",
    "in_threads",
    "make_attempt",
    "make_delivery",
    "make_job",
    "make_worker",
    "parts_project",
    "results_of",
    "run_to_end",
]


def make_delivery(endpoint: WebhookEndpoint, **fields: Any) -> WebhookDelivery:
    """A test event on its way to the endpoint, that nobody has tried to send."""
    now = timezone.now()
    event = WebhookEvent.objects.create(event_type=WebhookEvent.Type.TEST, payload={"test": True}, spread_at=now)
    return WebhookDelivery.objects.create(event=event, endpoint=endpoint, **{"next_retry_at": now, **fields})


def make_attempt(delivery: WebhookDelivery, status_code: int | None, **fields: Any) -> WebhookAttempt:
    """What a sender would have written down of a request that was answered so."""
    url = delivery.endpoint.target_url
    given = {"number": 1, "url": url, "request_headers": {"webhook-id": delivery.event.uid}, "seconds": 0.21}
    return WebhookAttempt.objects.create(delivery=delivery, status_code=status_code, **{**given, **fields})


def parts_project(*pictures: bytes, labels: Iterable[str] = FAKE_LABELS) -> Project:
    """A project with the fake model's labels and one item for each picture."""
    project = make_project(labels=labels)
    add_items(project, pictures)
    return project


def add_items(project: Project, pictures: Iterable[bytes]) -> list[Item]:
    """Items in that order, with real files; equal pictures share one. No thumbnails, for these tests never look."""
    return Item.objects.bulk_create(
        Item(project=project, name="part.png", image=_stored(data), width=48, height=32) for data in pictures
    )


def _stored(data: bytes) -> str:
    name = f"items/{hashlib.sha256(data).hexdigest()[:16]}.png"
    path = settings.MEDIA_ROOT / name
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return name


def make_job(project: Project | str | None = None, **fields: Any) -> Job:
    """A job row; an ended status gets the times that the constraints ask for."""
    uid = project if isinstance(project, str) else (project or parts_project(picture(1))).uid
    if fields.get("status") in ("completed", "failed", "cancelled"):
        fields.setdefault("completed_at", timezone.now())
    return Job.objects.create(project_uid=uid, **{"model_type": "yolo", **fields})


def make_worker(name: str = "worker-1", *, silent: timedelta = timedelta(0), **models: Any) -> Worker:
    """This process as a worker that serves `models`, by default the fake as "yolo"; `silent`: the heartbeat's age."""
    fake = {
        "ready": True,
        "reason": "",
        "name": "fake",
        "version": "1",
        "labels": list(FAKE_LABELS),
        "kinds": ["box"],
        "device": "cpu",
    }
    served = {model_type: {**fake, **facts} for model_type, facts in (models or {"yolo": {}}).items()}
    return Worker.objects.create(
        name=name, hostname=socket.gethostname(), pid=os.getpid(), served_models=served, heartbeat_at=Now() - silent
    )


def run_to_end(job: Job, rounds: int = 30) -> Job:
    """Run lanes one after the other, as workers do that hear every ring, until the job has ended."""
    for _ in range(rounds):
        run_lane(job.uid)
        job.refresh_from_db()
        if not job.is_active:
            return job
    raise AssertionError(f"Job still {job.status} after {rounds} lanes.")


def drafts_of(job: Job) -> list[Annotation]:
    return list(Annotation.objects.filter(job_uid=job.uid, status="draft").select_related("item", "label"))


def results_of(job: Job) -> dict[str, ItemResult]:
    """The job's results by item uid."""
    rows = list(job.item_results.all())
    assert len({row.item_uid for row in rows}) == len(rows)
    return {row.item_uid: row for row in rows}


def balanced(job: Job, items: Iterable[Item] | None = None) -> Job:
    """Assert what must hold over a completed job: every item once, no row lost or doubled, counters equal rows."""
    job.refresh_from_db()
    results = results_of(job)
    outcomes = Counter(row.outcome for row in results.values())
    assert (job.successful_items, job.skipped_items, job.failed_items) == (
        outcomes["successful"],
        outcomes["skipped"],
        outcomes["failed"],
    )
    planned = [uid for uids in job.chunks.values_list("item_uids", flat=True) for uid in uids]
    assert len(planned) == len(set(planned)) == job.total_items
    if items is not None:
        assert set(planned) == {item.uid for item in items}
    if job.status == Job.Status.COMPLETED:
        assert set(results) == set(planned)
        assert set(job.chunks.values_list("state", flat=True)) <= {Chunk.State.DONE}
    _predictions_match(job, results)
    assert WebhookEvent.objects.filter(job=job).count() == (0 if job.is_active else 1)
    return job


def _predictions_match(job: Job, results: dict[str, ItemResult]) -> None:
    predictions = list(Prediction.objects.filter(job=job))
    assert len({prediction.uid for prediction in predictions}) == len(predictions)
    per_item = Counter(prediction.item_uid for prediction in predictions)
    assert per_item == Counter({uid: row.predictions for uid, row in results.items() if row.predictions})
    drafted = Counter(prediction.item_uid for prediction in predictions if prediction.fate == "drafted")
    assert drafted == Counter({uid: row.drafts for uid, row in results.items() if row.drafts})
    written = Annotation.objects.filter(job_uid=job.uid).values_list("item__uid", "prediction_uid")
    drafts = [(prediction.item_uid, prediction.uid) for prediction in predictions if prediction.fate == "drafted"]
    assert sorted(written) == ([] if job.dry_run else sorted(drafts))
    if job.summary is not None:
        assert sum(job.summary["predictions"].values()) == len(predictions)
        assert sum(job.summary["drafts"].values()) == len(drafts)


def in_threads(*calls: Callable[[], Any]) -> list[Any]:
    """Make the calls at once, each in a thread with its own connection; returns results, exceptions among them."""
    ready = threading.Barrier(len(calls))
    answers: list[Any] = [None] * len(calls)

    def run(number: int, call: Callable[[], Any]) -> None:
        try:
            ready.wait(timeout=30)
            answers[number] = call()
        except Exception as error:
            answers[number] = error
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert not any(thread.is_alive() for thread in threads)
    return answers
