"""The job as the outside sees it, and the outbox row of its end."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from autolabel.models import Job, WebhookEvent

__all__ = ["job_body", "record_end"]


def job_body(job: Job, stalled: str = "") -> dict[str, Any]:
    """The JSON body of a job: what the API answers and what webhooks carry, field for field.

    `stalled` says why an active job makes no progress; an ended one is never stalled.
    """
    return {
        "uid": job.uid,
        "project": job.project_uid,
        "status": job.status,
        "model_type": job.model_type,
        "model_version": job.model_version,
        "confidence_threshold": job.confidence_threshold,
        "thresholds": job.thresholds,
        "labels": job.labels,
        "label_map": job.label_map,
        "boxes_to_masks": job.boxes_to_masks,
        "dry_run": job.dry_run,
        "existing_drafts": job.existing_drafts,
        "max_items": job.max_items,
        "max_seconds": job.max_seconds,
        "max_failed_pct": job.max_failed_pct,
        "max_failed_min": job.max_failed_min,
        "retry_of": job.retry_of.uid if job.retry_of else None,
        # It grows while the job is planned, and says nothing until then.
        "total_items": job.total_items if job.planned_at else 0,
        "processed_items": job.processed_items,
        "successful_items": job.successful_items,
        "failed_items": job.failed_items,
        "skipped_items": job.skipped_items,
        "progress_pct": job.progress_pct,
        "stalled": stalled,
        "error_message": job.error_message,
        "summary": job.summary,
        "drafts_discarded_at": _iso(job.drafts_discarded_at),
        "paused_at": _iso(job.paused_at),
        "started_at": _iso(job.started_at),
        "completed_at": _iso(job.completed_at),
        "created_at": _iso(job.created_at),
    }


def record_end(job: Job) -> WebhookEvent:
    """Write the event of a job's end; belongs into the transaction that ends it."""
    return WebhookEvent.objects.create(job=job, event_type=f"auto_label.{job.status}", payload=job_body(job))


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat().replace("+00:00", "Z") if moment else None
