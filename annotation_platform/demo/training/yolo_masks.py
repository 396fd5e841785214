"""Ultralytics' segmentation trainer with finer masks as its target.

Ultralytics truncates a label's points to whole pixels of the small input and thins masks to one sample in sixteen.
The demo's holes are only a few such pixels wide, so here a mask is drawn larger and each cell of the target says how
much of it is covered.
"""

from typing import Any

import cv2
import numpy as np
from ultralytics.data.augment import Format
from ultralytics.models.yolo.segment import SegmentationTrainer

ENLARGED = 2  # times the input's size, which is about the size of the scenes
SHIFT = 4  # fractional bits of cv2's coordinates


class CoverageFormat(Format):
    """Targets of shape (objects, height / ratio, width / ratio) in 0..1."""

    def _format_segments(self, instances: Any, cls: np.ndarray, w: int, h: int) -> tuple[np.ndarray, Any, np.ndarray]:
        size = (w // self.mask_ratio, h // self.mask_ratio)
        masks = [coverage(points, (w, h), size) for points in instances.segments]
        return np.array(masks, np.float32).reshape(-1, size[1], size[0]), instances, cls


def coverage(points: np.ndarray, size: tuple[int, int], cells: tuple[int, int]) -> np.ndarray:
    """How much of each cell an outline (n, 2) in pixels of `size` (width, height) covers, by the even-odd rule."""
    drawn = np.zeros((size[1] * ENLARGED, size[0] * ENLARGED), np.float32)
    fixed = np.round((points * ENLARGED - 0.5) * (1 << SHIFT)).astype(np.int32)
    cv2.fillPoly(drawn, [fixed], 1.0, shift=SHIFT)
    return cv2.resize(drawn, cells, interpolation=cv2.INTER_AREA)


class HoleTrainer(SegmentationTrainer):
    """Trains on coverage masks; validation keeps ultralytics' own."""

    def build_dataset(self, img_path: str, mode: str = "train", batch: int | None = None) -> Any:
        dataset = super().build_dataset(img_path, mode, batch)
        if mode == "train":
            dataset.format_class = CoverageFormat
            dataset.transforms = dataset.build_transforms(self.args)
        return dataset
