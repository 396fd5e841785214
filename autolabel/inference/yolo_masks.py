"""The outline of one object from a YOLO segmentation network's coarse mask, without a mask of the whole image."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from autolabel.shapes import Box, Polygon

from .masks import mask_to_polygons

if TYPE_CHECKING:
    import numpy as np

__all__ = ["outline"]

# A value of the network covers several pixels, and between two values the mask runs straight: more points than this
# for one of them show nothing new, however large the image is.
_PER_CELL = 4


def outline(
    logits: np.ndarray, box: Box, size: tuple[int, int], network_size: tuple[int, int]
) -> tuple[Polygon, ...] | None:
    """The polygons of the object in `box`; None where the mask is empty.

    `logits` has the shape (rows, columns) and covers the network's square input of `network_size` (width, height), in
    which the image lies centred between grey bars. `box` and the result are in pixels of the image of `size` (width,
    height). As in ultralytics, the mask ends at the box, and the object is where the interpolated logits are above 0.
    """
    gain = min(network_size[0] / size[0], network_size[1] / size[1])
    columns, x_scale = _positions(box[0], box[2], size[0], network_size[0], logits.shape[1], gain)
    rows, y_scale = _positions(box[1], box[3], size[1], network_size[1], logits.shape[0], gain)
    if not len(columns) or not len(rows):
        return None
    values = _interpolated(_interpolated(logits, rows).T, columns).T
    return mask_to_polygons(values, level=0.0, scale=(x_scale, y_scale), offset=(box[0], box[1]), size=size)


def _positions(
    start: float, end: float, length: int, network_length: int, cells: int, gain: float
) -> tuple[np.ndarray, float]:
    """Where on the coarse mask to look along one axis of a box, and how many pixels of the image lie between two."""
    import numpy as np

    # The network's input is resized to whole pixels, and its bars are whole pixels, too: as ultralytics rounds them.
    inner = max(round(length * gain), 1)
    bar = round((network_length - inner) / 2 - 0.1)
    to_cells = inner / length * cells / network_length
    count = math.ceil(min(end - start, _PER_CELL * (end - start) * to_cells))
    if count < 1:
        return np.empty(0), 1.0
    step = (end - start) / count
    centres = start + (np.arange(count) + 0.5) * step
    return centres * to_cells + bar * cells / network_length, step


def _interpolated(values: np.ndarray, positions: np.ndarray) -> np.ndarray:
    """Rows of `values` at fractional positions, where row i covers [i, i + 1]."""
    import numpy as np

    between = np.clip(positions - 0.5, 0, len(values) - 1)
    first = between.astype(int)
    second = np.minimum(first + 1, len(values) - 1)
    share = (between - first)[:, None]
    rows: np.ndarray = values[first] * (1 - share) + values[second] * share
    return rows
