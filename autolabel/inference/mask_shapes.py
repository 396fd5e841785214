"""From a model's mask to a Shape, without ever holding a mask of every pixel of a large image."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from autolabel.shapes import Shape

from .masks import mask_to_polygons, polygons_bounds

if TYPE_CHECKING:
    import numpy as np

__all__ = ["mask_shape", "mask_size"]

# SAM's own masks have 256 × 256 or 288 × 288 values; more than this many interpolated ones add nothing.
_PIXELS = 1_000_000


def mask_size(height: int, width: int) -> tuple[int, int]:
    """(height, width) of the masks of an image: its own up to a megapixel, else as much in its proportions."""
    shrink = min(1.0, math.sqrt(_PIXELS / (height * width)))
    return max(1, round(height * shrink)), max(1, round(width * shrink))


def mask_shape(
    label: str, score: float, logits: np.ndarray, size: tuple[int, int], *, level: float = 0.0, source: str = ""
) -> Shape | None:
    """The shape of a mask, whose outline is where `logits` cross `level`; None for an empty mask.

    `logits` has the shape (rows, columns) and covers the whole image of `size` (height, width) in pixels.
    """
    height, width = size
    scale = (width / logits.shape[1], height / logits.shape[0])
    polygons = mask_to_polygons(logits, level=level, scale=scale, size=(width, height))
    if polygons is None:
        return None
    return Shape(label, min(1.0, max(0.0, score)), polygons_bounds(polygons), polygons, source)
