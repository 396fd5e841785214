"""What a client asks for."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from autolabel.hosts.base import Project

__all__ = ["JobRequest", "fingerprint"]

# Fields that requests did not have from the start: at these values they are left out of the fingerprint, so that a
# request that was made before they were there is still known when it comes again.
_LATER: Mapping[str, Any] = {"thresholds": {}, "label_map": {}, "boxes_to_masks": False}


@dataclass(frozen=True, slots=True)
class JobRequest:
    """What a client asks for; already of the right types and ranges.

    `thresholds` maps labels of the project to scores of their own, `label_map` classes of the model to labels of the
    project. With `boxes_to_masks` the model makes masks of accepted boxes, instead of finding objects.
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


def fingerprint(project: Project, request: JobRequest) -> str:
    """Equal for equal requests on the same project."""
    asked = {name: value for name, value in asdict(request).items() if name not in _LATER or value != _LATER[name]}
    return hashlib.sha256(json.dumps([project.uid, asked], sort_keys=True).encode()).hexdigest()
