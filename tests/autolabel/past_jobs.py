"""Jobs that have ended, with what they leave behind, made without a lane."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from annotation_platform.models import Annotation, Item, Project
from autolabel.hosts.base import Draft, ItemDrafts
from autolabel.hosts.loader import get_host
from autolabel.jobs.commit import prediction_uid
from autolabel.jobs.lifecycle import job_ref
from autolabel.models import Chunk, ItemResult, Job, Prediction
from autolabel.shapes import Shape
from autolabel.webhooks.events import record_end

from .builders import make_job

__all__ = ["decide", "ended_job", "fates", "past_job", "states"]


def ended_job(project: Project, *, each: int = 2, **fields: Any) -> Job:
    """A completed job that has drafted `each` boxes of the project's first label on every item, side by side."""
    job = make_job(project, status="completed", **fields)
    label = project.labels.first().name
    items = list(project.items.order_by("pk"))
    shapes = [Shape(label, 0.9, (10.0 * n, 0.0, 10.0 * n + 8, 8.0)) for n in range(each)]
    with transaction.atomic():
        for item in items:
            drafts = tuple(Draft(prediction_uid(job.uid, item.uid, n), shape) for n, shape in enumerate(shapes))
            Prediction.objects.bulk_create([_prediction(job, item.uid, n, draft) for n, draft in enumerate(drafts)])
            get_host().write_drafts(job_ref(job), [ItemDrafts(item.uid, item.width, item.height, drafts)])
    return job


def _prediction(job: Job, item_uid: str, ordinal: int, draft: Draft) -> Prediction:
    x_min, y_min, x_max, y_max = draft.shape.bbox_xyxy
    return Prediction(
        job=job,
        item_uid=item_uid,
        ordinal=ordinal,
        uid=draft.prediction_uid,
        label=draft.shape.label,
        score=draft.shape.score,
        x_min=x_min,
        y_min=y_min,
        x_max=x_max,
        y_max=y_max,
        polygons=draft.shape.polygons,
        fate=Prediction.Fate.DRAFTED,
    )


def past_job(project: Project, *, days: float = 100, failed: int = 0, **fields: Any) -> Job:
    """As `ended_job`, that many days ago, with results, a chunk and an event; `failed` items have no drafts."""
    job = ended_job(project, failed_items=failed, total_items=failed + project.items.count(), **fields)
    uids = [f"failed-{number}" for number in range(failed)]
    ItemResult.objects.bulk_create(
        ItemResult(job=job, item_uid=uid, outcome="failed", reason="unreadable", message="x") for uid in uids
    )
    Chunk.objects.create(job=job, item_uids=uids, state=Chunk.State.DONE)
    record_end(job)
    Job.objects.filter(pk=job.pk).update(completed_at=timezone.now() - timedelta(days=days))
    job.refresh_from_db()
    return job


def decide(draft: Annotation, status: str = "accepted") -> Annotation:
    """As a reviewer does, but for the bookkeeping."""
    Annotation.objects.filter(pk=draft.pk).update(status=status, reviewed_at=timezone.now(), version=draft.version + 1)
    draft.refresh_from_db()
    return draft


def fates(job: Job) -> dict[str, int]:
    """How many of the job's predictions have which fate."""
    counts: dict[str, int] = {}
    for fate in job.predictions.values_list("fate", flat=True):
        counts[fate] = counts.get(fate, 0) + 1
    return counts


def states(project: Project) -> list[str]:
    return list(Item.objects.filter(project=project).order_by("pk").values_list("state", flat=True))
