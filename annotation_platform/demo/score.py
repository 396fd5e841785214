"""Comparing found boxes with the truth: greedy matching by score, one to one, same label, IoU of 0.5 or more."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from autolabel.shapes import Box

__all__ = ["Found", "Score", "box_iou", "score_image"]

MIN_IOU = 0.5


@dataclass(frozen=True, slots=True)
class Found:
    label: str
    bbox_xyxy: Box
    score: float = 1.0


@dataclass(frozen=True, slots=True)
class Score:
    """Counts over images; add them up."""

    true_positives: int = 0
    false_positives: int = 0
    missed: int = 0

    def __add__(self, other: Score) -> Score:
        return Score(
            self.true_positives + other.true_positives,
            self.false_positives + other.false_positives,
            self.missed + other.missed,
        )

    @property
    def precision(self) -> float:
        found = self.true_positives + self.false_positives
        return self.true_positives / found if found else 0.0

    @property
    def recall(self) -> float:
        there = self.true_positives + self.missed
        return self.true_positives / there if there else 0.0


def box_iou(first: Box, second: Box) -> float:
    """Intersection over union of two boxes (x_min, y_min, x_max, y_max)."""
    width = min(first[2], second[2]) - max(first[0], second[0])
    height = min(first[3], second[3]) - max(first[1], second[1])
    if width <= 0 or height <= 0:
        return 0.0
    areas = sum((box[2] - box[0]) * (box[3] - box[1]) for box in (first, second))
    return width * height / (areas - width * height)


def score_image(found: Sequence[Found], truth: Sequence[Found]) -> Score:
    """Match what was found on one image with what is there; each truth takes the best-scored box that fits."""
    open_truths = list(truth)
    hits = 0
    for one in sorted(found, key=lambda candidate: -candidate.score):
        fits = [there for there in open_truths if there.label == one.label]
        best = max(fits, key=lambda there: box_iou(one.bbox_xyxy, there.bbox_xyxy), default=None)
        if best and box_iou(one.bbox_xyxy, best.bbox_xyxy) >= MIN_IOU:
            open_truths.remove(best)
            hits += 1
    return Score(hits, len(found) - hits, len(open_truths))
