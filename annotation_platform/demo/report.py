"""The demo's figures: what its job made of the pictures, judged by what they really show."""

from __future__ import annotations

from typing import Any

from annotation_platform.models import Annotation, Project
from autolabel.models import Job

from .scenes import demo_truths
from .score import Found, Score, score_image

__all__ = ["is_ok", "run_figures", "score_figures"]

_LEAST_SCORE = 0.9


def run_figures(project: Project, job: Job) -> dict[str, Any]:
    """From the job's own rows, which stay as they were whatever reviewers have done to its drafts since."""
    summary = job.summary or {}
    return {
        "job": job.status,
        "images": project.items.count(),
        "auto_labeled": job.total_items,
        "images_with_drafts": job.successful_items,
        "images_with_an_object_but_no_draft": _missed_images(project, job),
        "failed": job.failed_items,
        "drafts": sum(summary.get("drafts", {}).values()),
        "seconds": summary.get("seconds"),
        "items_per_second": summary.get("items_per_second"),
    }


def score_figures(project: Project, job: Job) -> dict[str, Any]:
    """Precision and recall of the job's drafts, as they lie in the database."""
    found: dict[str, list[Found]] = {}
    for row in Annotation.objects.filter(job_uid=job.uid).select_related("item", "label"):
        found.setdefault(row.item.name, []).append(Found(row.label.name, row.bbox_xyxy, row.score or 0.0))
    truths = demo_truths()
    total = Score()
    for name in _names(project, job.item_results.values_list("item_uid", flat=True)):
        truth = [Found(thing.label, thing.bbox_xyxy) for thing in truths[name]]
        total += score_image(found.get(name, []), truth)
    return {
        "threshold": job.confidence_threshold,
        "precision": round(total.precision, 4),
        "recall": round(total.recall, 4),
        "true_positives": total.true_positives,
        "false_positives": total.false_positives,
        "missed": total.missed,
    }


def is_ok(figures: dict[str, Any]) -> bool:
    return (
        figures["job"] == Job.Status.COMPLETED
        and not figures["failed"]
        and not figures["images_with_an_object_but_no_draft"]
        and figures["drafts"] > 0
        and figures.get("precision", 1.0) >= _LEAST_SCORE
        and figures.get("recall", 1.0) >= _LEAST_SCORE
    )


def _missed_images(project: Project, job: Job) -> int:
    """Images that show an object, and of which the job made no draft."""
    truths = demo_truths()
    without = job.item_results.filter(drafts=0).values_list("item_uid", flat=True)
    return sum(bool(truths.get(name)) for name in _names(project, without))


def _names(project: Project, item_uids: Any) -> list[str]:
    return list(project.items.filter(uid__in=set(item_uids)).values_list("name", flat=True))
