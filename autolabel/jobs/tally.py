"""Counting: each chunk keeps a tally, written under its fence; a job's summary is their sum.

A tally maps a group to counts: "predictions", "drafts", "below_threshold", "filtered_label", "unmapped_label",
"labeled_meanwhile", "existing_draft" per label; "skipped", "failed" (items), "dropped" (shapes, see inference.quality)
and "incidents" (events, see jobs.pipeline) per reason. Summing a few thousand chunks stays cheap where counting
millions of predictions in the finishing commit would not.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from autolabel.models import Job, Prediction

__all__ = ["GROUPS", "Tally", "merge", "summary"]

Tally = dict[str, dict[str, int]]
# What the end of a job can say; that its drafts were taken back comes later.
_NOT_DRAFTED = tuple(
    fate for fate in Prediction.Fate.values if fate not in (Prediction.Fate.DRAFTED, Prediction.Fate.TAKEN_BACK)
)
GROUPS = ("predictions", "drafts", *_NOT_DRAFTED, "dropped", "skipped", "failed", "incidents")


def merge(tallies: Iterable[Mapping[str, Mapping[str, int]]]) -> Tally:
    """The sum of `tallies`, with every group present and names in order."""
    totals: dict[str, Counter[str]] = {group: Counter() for group in GROUPS}
    for tally in tallies:
        for group, counts in tally.items():
            totals[group].update(counts)
    return {group: dict(sorted(counts.items())) for group, counts in totals.items()}


def summary(job: Job) -> dict[str, Any]:
    """The `summary` of a job that ends now: what was found, what became of it, by which model, how fast."""
    seconds = (job.completed_at - job.started_at).total_seconds() if job.completed_at and job.started_at else 0.0
    counts = merge(job.chunks.values_list("tally", flat=True).iterator())
    return {
        "predictions": counts["predictions"],
        "drafts": counts["drafts"],
        "not_drafted": {fate: counts[fate] for fate in _NOT_DRAFTED},
        "dropped": counts["dropped"],
        "skipped": counts["skipped"],
        "failed": counts["failed"],
        "incidents": counts["incidents"],
        "model": job.model_info,
        "scope": _scope(job),
        "seconds": round(seconds, 3),
        "items_per_second": round(job.processed_items / seconds, 2) if seconds > 0 else None,
    }


def _scope(job: Job) -> dict[str, Any]:
    """What the job was about; `not_eligible` counts named items that are unknown or no longer unlabeled."""
    if job.retry_of_id is not None:
        return {"failed_items_of": job.retry_of.uid if job.retry_of else None}
    if job.item_uids is not None:
        named = len(set(job.item_uids))
        return {"item_uids": named, "not_eligible": named - job.total_items if job.planned_at else None}
    if job.sample is not None:
        return {"sample": job.sample, "seed": job.seed}
    return {"all": True}
