"""The vocabulary of geometry: frozen, pure, in absolute pixels of the EXIF-upright image, top-left origin."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Box = tuple[float, float, float, float]
Point = tuple[float, float]
Ring = tuple[Point, ...]
# One part of a shape: the first ring is its exterior, the others are holes.
Polygon = tuple[Ring, ...]
Kind = Literal["box", "polygon"]

__all__ = ["Box", "BoxPrompt", "Kind", "Point", "Polygon", "Ring", "Shape", "clip_box", "iou"]


@dataclass(frozen=True, slots=True)
class BoxPrompt:
    """A box that a person has accepted, for a model that turns boxes into masks. `ref` is the host's name of it."""

    ref: str
    label: str
    bbox_xyxy: Box


@dataclass(frozen=True, slots=True)
class Shape:
    """One labeled object on one image.

    `bbox_xyxy` is (x_min, y_min, x_max, y_max). `polygons` is None for a box, else the parts of the outline, and
    `bbox_xyxy` then holds their bounds. `score` is the model's confidence, 0 to 1. `source` is the `ref` of the
    BoxPrompt that the shape was made from, empty for a shape that the model has found by itself.
    """

    label: str
    score: float
    bbox_xyxy: Box
    polygons: tuple[Polygon, ...] | None = None
    source: str = ""

    @property
    def kind(self) -> Kind:
        return "box" if self.polygons is None else "polygon"


def clip_box(box: Sequence[float], width: int, height: int) -> Box | None:
    """The part of `box` (x_min, y_min, x_max, y_max in pixels) inside a width × height image; None if there is none."""
    if not all(math.isfinite(value) for value in box):
        return None
    x_min, y_min = max(0.0, float(box[0])), max(0.0, float(box[1]))
    x_max, y_max = min(float(width), float(box[2])), min(float(height), float(box[3]))
    return (x_min, y_min, x_max, y_max) if x_max > x_min and y_max > y_min else None


def iou(one: Box, other: Box) -> float:
    """Intersection over union of two boxes, 0 to 1."""
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    shared = max(0.0, width) * max(0.0, height)
    union = (one[2] - one[0]) * (one[3] - one[1]) + (other[2] - other[0]) * (other[3] - other[1]) - shared
    return shared / union if union > 0 else 0.0
