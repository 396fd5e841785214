"""Forgetting jobs that ended long ago: what no draft and no reviewed annotation stands for, then the job itself.

Batch by batch in short transactions, so that running jobs wait for none of it; one that is broken off is continued by
the next. A job's row is locked while something of it goes: nobody restores its drafts or retries its items meanwhile.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import router, transaction
from django.db.models import Q, QuerySet

from autolabel.hosts.loader import get_host
from autolabel.models import Chunk, ItemResult, Job, Prediction, WebhookDelivery, WebhookEndpoint, WebhookEvent

from .lifecycle import job_ref

__all__ = ["Pruned", "prune"]

logger = logging.getLogger(__name__)


@dataclass
class Pruned:
    """How many rows have gone, or would go; `kept` predictions are those that an annotation stands for."""

    predictions: int = 0
    kept: int = 0
    results: int = 0
    chunks: int = 0
    events: int = 0
    jobs: int = 0
    # Jobs that the host had an error for; they are in the log, and the next round tries them again.
    failed: int = 0


def prune(before: datetime, *, batch: int = 1000, dry_run: bool = False) -> Pruned:
    """Prune the jobs that ended before that time, in transactions of at most `batch` rows.

    A job stays as long as one of its predictions does, its event waits to be delivered, or a newer job links to it.
    With `dry_run` nothing goes.
    Safe beside running jobs, and beside another one of itself.
    """
    pruned = Pruned()
    for job_id in _old_jobs(before):
        try:
            _prune_job(job_id, pruned, batch, dry_run)
        except Job.DoesNotExist:
            continue  # another one has been here
        except Exception:
            logger.exception("Job %s cannot be pruned; the others do not wait for it.", job_id)
            pruned.failed += 1
    tests = WebhookEvent.objects.filter(job=None, created_at__lt=before)
    pruned.events += tests.count() if dry_run else tests.delete()[1].get(WebhookEvent._meta.label, 0)
    return pruned


def _old_jobs(before: datetime) -> list[int]:
    """Newest first: a job that is gone links to no older one. Those that an active job retries have to wait."""
    ended = Job.objects.ended().filter(completed_at__lt=before)
    retried = Job.objects.active().filter(retry_of__isnull=False).values("retry_of")
    return list(ended.exclude(pk__in=retried).order_by("-id").values_list("pk", flat=True))


def _prune_job(job_id: int, pruned: Pruned, batch: int, dry_run: bool) -> None:
    job = Job.objects.get(pk=job_id)
    kept_before = pruned.kept
    _prune_predictions(job, pruned, batch, dry_run)
    pruned.results += _prune_rows(job, ItemResult.objects.filter(job=job), batch, dry_run)
    pruned.chunks += _prune_rows(job, Chunk.objects.filter(job=job), batch, dry_run)
    is_told = not _waits_to_be_told(job)
    if is_told:
        pruned.events += _prune_rows(job, WebhookEvent.objects.filter(job=job), batch, dry_run)
    if is_told and pruned.kept == kept_before:
        pruned.jobs += _prune_row_of(job, dry_run)


def _waits_to_be_told(job: Job) -> bool:
    """Whether a receiver that is not given up has yet to hear of the job's end."""
    listening = WebhookEndpoint.objects.exclude(state=WebhookEndpoint.State.GONE)
    waiting = WebhookDelivery.objects.filter(
        event__job=job, status=WebhookDelivery.Status.PENDING, endpoint__in=listening
    )
    unspread = WebhookEvent.objects.filter(job=job, spread_at=None)
    return waiting.exists() or (unspread.exists() and listening.exists())


def _prune_predictions(job: Job, pruned: Pruned, batch: int, dry_run: bool) -> None:
    host, ref = get_host(), job_ref(job)
    item_uid, ordinal = "", 0
    while True:
        with _locked(job):
            # In the order of the index that is there anyway.
            behind = Q(item_uid__gt=item_uid) | Q(ordinal__gt=ordinal)
            rows = job.predictions.filter(behind, item_uid__gte=item_uid).order_by("item_uid", "ordinal")
            page = list(rows.values_list("pk", "uid", "item_uid", "ordinal")[:batch])
            if not page:
                return
            used = set(host.used_predictions(ref, sorted({item for _, _, item, _ in page})))
            unused = [pk for pk, uid, _, _ in page if uid not in used]
            if not dry_run:
                Prediction.objects.filter(pk__in=unused).delete()
        pruned.predictions += len(unused)
        pruned.kept += len(page) - len(unused)
        _, _, item_uid, ordinal = page[-1]


def _prune_rows(job: Job, rows: QuerySet[Any], batch: int, dry_run: bool) -> int:
    if dry_run:
        return rows.count()
    gone = 0
    while True:
        with _locked(job):
            page = list(rows.order_by().values_list("pk", flat=True)[:batch])
            if not page:
                return gone
            gone += rows.filter(pk__in=page).delete()[0]


def _prune_row_of(job: Job, dry_run: bool) -> int:
    """The job itself, when nothing of it is left and no newer job links to it."""
    with _locked(job):
        if job.retries.exists() or (not dry_run and _anything_left(job)):
            return 0
        if not dry_run:
            job.delete()
        return 1


def _anything_left(job: Job) -> bool:
    kept = (Prediction.objects, ItemResult.objects, Chunk.objects, WebhookEvent.objects)
    return any(rows.filter(job=job).exists() for rows in kept)


@contextmanager
def _locked(job: Job) -> Iterator[None]:
    """A transaction that holds the job's row. Raises Job.DoesNotExist, also where an active job retries it."""
    with transaction.atomic(using=router.db_for_write(Job)):
        Job.objects.select_for_update().get(pk=job.pk)
        if job.retries.active().exists():
            raise Job.DoesNotExist
        yield
