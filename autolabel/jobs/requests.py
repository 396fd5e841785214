"""What a client asks for."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from autolabel.hosts.base import ExistingDrafts, Project
from autolabel.models import Job

__all__ = ["JobRequest", "again", "fingerprint"]

# Fields that requests did not have from the start: at these values they are left out of the fingerprint, so that a
# request that was made before they were there is still known when it comes again.
_LATER: Mapping[str, Any] = {
    "thresholds": {},
    "label_map": {},
    "boxes_to_masks": False,
    "existing_drafts": "replace",
    "max_items": None,
    "max_seconds": None,
    "max_failed_pct": None,
    "max_failed_min": 20,
}
# What a job over the failed items of another one takes over from it.
_KEPT = (
    "model_type",
    "confidence_threshold",
    "dry_run",
    "thresholds",
    "label_map",
    "boxes_to_masks",
    "existing_drafts",
    "max_items",
    "max_seconds",
    "max_failed_pct",
    "max_failed_min",
)


@dataclass(frozen=True, slots=True)
class JobRequest:
    """What a client asks for; already of the right types and ranges.

    `thresholds` maps labels of the project to scores of their own, `label_map` classes of the model to labels of the
    project. With `boxes_to_masks` the model makes masks of accepted boxes, instead of finding objects.

    `existing_drafts`: see hosts.base.JobRef. `max_items` are planned at most; after `max_seconds` of work, pauses not
    counted, the job fails, and so it does when more than `max_failed_pct` percent of at least `max_failed_min`
    processed items have failed.
    """

    model_type: str = "yolo"
    confidence_threshold: float = 0.5
    labels: tuple[str, ...] = ()
    dry_run: bool = False
    item_uids: tuple[str, ...] | None = None
    sample: int | None = None
    seed: int = 0
    thresholds: Mapping[str, float] = field(default_factory=dict)
    label_map: Mapping[str, str] = field(default_factory=dict)
    boxes_to_masks: bool = False
    existing_drafts: ExistingDrafts = "replace"
    max_items: int | None = None
    max_seconds: int | None = None
    max_failed_pct: int | None = None
    max_failed_min: int = 20


def again(job: Job) -> JobRequest:
    """The request that a job came from, without its scope."""
    return JobRequest(**{name: getattr(job, name) for name in _KEPT}, labels=tuple(job.labels))


def fingerprint(project: Project, request: JobRequest, retry_of: Job | None = None) -> str:
    """Equal for equal requests on the same project, about the failed items of the same job."""
    asked = {name: value for name, value in asdict(request).items() if name not in _LATER or value != _LATER[name]}
    if retry_of is not None:
        asked["retry_of"] = retry_of.uid
    return hashlib.sha256(json.dumps([project.uid, asked], sort_keys=True).encode()).hexdigest()
