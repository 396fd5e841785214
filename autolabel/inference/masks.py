"""From masks to polygons with holes: few points, close to the mask, always valid.

contourpy finds the line where the mask crosses `level` between the centres of its pixels, shapely simplifies it.
A pixel (row, column) covers [column, column + 1] × [row, row + 1]. Right angles lose half a pixel, straight lines none.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from autolabel.shapes import Point, Polygon

from .outlines import GRID, parts_of, polygons_bounds, to_polygons

if TYPE_CHECKING:
    import numpy as np
    from shapely.geometry.base import BaseGeometry

__all__ = ["mask_to_polygons", "polygons_bounds"]

# Parts (unless it is the only one) and holes with fewer square pixels are noise of a mask's edge.
_MIN_RING_AREA = 4.0
# The largest rings of a mask that are kept; what has more is noise or a net, and no person could review it.
_MAX_RINGS = 200
# A larger mask is averaged in blocks first: contourpy takes 30 bytes and 60 ns a pixel.
_MAX_PIXELS = 4_000_000
# A small shape is followed more closely than `tolerance`, or it would lose more than 3 % of its area: the error as a
# share of the shape's size (the root of its area).
_CLOSENESS = 0.008


def mask_to_polygons(
    mask: np.ndarray,
    *,
    level: float = 0.5,
    scale: tuple[float, float] = (1.0, 1.0),
    offset: Point = (0.0, 0.0),
    size: tuple[int, int] | None = None,
    tolerance: float = 1.0,
    max_points: int = 60,
) -> tuple[Polygon, ...] | None:
    """The outline of one object, largest part first; None where no value is above `level`.

    `mask` has the shape (height, width): bool, or float, such as probabilities, or logits with `level=0`. Floats are
    interpolated, so that a small mask handed over as the model made it is as exact as one enlarged beforehand.
    By default the mask is the whole image. A mask of a part of it, or of another resolution, tells its place: its pixel
    (row, column) begins at (offset[0] + column * scale[0], offset[1] + row * scale[1]) in the image, and `size` is the
    image's (width, height) in pixels, to which the result is clipped.

    A ring has at most `max_points` points. The line strays at most `tolerance` pixels of the image from the mask's, and
    further only where `max_points` are too few to follow it.
    """
    grid, step, origin = _prepare(mask, level)
    if grid is None:
        return None
    to_image = (scale[0] * step, scale[1] * step)
    corner = (offset[0] + origin[0] * scale[0], offset[1] + origin[1] * scale[1])
    if size is None:
        size = (math.ceil(mask.shape[1] * scale[0] + offset[0]), math.ceil(mask.shape[0] * scale[1] + offset[1]))
    parts = [_part(rings, tolerance, max_points) for rings in _rings(grid, level, to_image, corner)]
    return to_polygons(parts_of(_tidy(parts, size, tolerance, max_points))) or None


def _prepare(mask: np.ndarray, level: float) -> tuple[np.ndarray | None, int, tuple[int, int]]:
    """The values around the object with a border, pixels of the mask to one of them, and the (x, y) where they begin.

    The border mirrors the outermost values at `level`, so that the line closes exactly on the edge of the mask.
    """
    import numpy as np

    inside = mask if mask.dtype == bool else mask > level
    rows, columns = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
    if not len(rows):
        return None, 1, (0, 0)
    # One more pixel on each side, because its value has a say in where the line runs.
    top, left = max(0, int(rows[0]) - 1), max(0, int(columns[0]) - 1)
    crop = mask[top : int(rows[-1]) + 2, left : int(columns[-1]) + 2]
    step = math.ceil(math.sqrt(crop.size / _MAX_PIXELS))
    values = _averaged(crop, step) if step > 1 else crop.astype(np.float64)
    values = np.nan_to_num(values, copy=False, nan=level - 1.0, posinf=level + 1e6, neginf=level - 1e6)
    bordered = np.pad(values, 1, mode="edge")
    for edge in (bordered[0], bordered[-1], bordered[:, 0], bordered[:, -1]):
        edge[:] = level - np.abs(edge - level)
    return bordered, step, (left, top)


def _averaged(crop: np.ndarray, step: int) -> np.ndarray:
    """The means of blocks of step × step; the last ones are filled up with the values at the edge."""
    import numpy as np

    height, width = (math.ceil(length / step) for length in crop.shape)
    missing = [(0, height * step - crop.shape[0]), (0, width * step - crop.shape[1])]
    filled = np.pad(crop, missing, mode="edge")
    total = np.zeros((height, width))
    for row in range(step):
        for column in range(step):
            total += filled[row::step, column::step]
    return total / step**2


def _rings(grid: np.ndarray, level: float, scale: Point, corner: Point) -> Iterator[list[np.ndarray]]:
    """For each part its rings as closed (n, 2) arrays in pixels of the image, the exterior first."""
    import numpy as np
    from contourpy import FillType, contour_generator

    lines = contour_generator(z=grid, name="serial", fill_type=FillType.ChunkCombinedOffsetOffset)
    found: Any = lines.filled(level, math.inf)
    chunks, ring_starts, part_starts = found
    if chunks[0] is None:
        return
    # The border's first value lies half a pixel outside of the corner.
    points = (chunks[0] - 0.5) * scale + corner
    starts, parts = ring_starts[0].astype(int), part_starts[0].astype(int)
    areas = _ring_areas(points, starts)
    exteriors = parts[:-1]
    kept = areas >= _MIN_RING_AREA
    kept[exteriors[np.argmax(areas[exteriors])]] = True
    kept[np.argsort(-areas, kind="stable")[_MAX_RINGS:]] = False
    for number in np.flatnonzero(kept[exteriors]):
        rings = [ring for ring in range(parts[number], parts[number + 1]) if kept[ring]]
        yield [points[starts[ring] : starts[ring + 1]] for ring in rings]


def _ring_areas(points: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """The area of each ring of `points`, by the cross products of its edges; a noisy mask has 100,000 rings."""
    import numpy as np

    # Relative to a point nearby, or large coordinates would cost digits.
    x, y = (points - points[0]).T
    crossed = np.append(x[:-1] * y[1:] - x[1:] * y[:-1], 0.0)
    crossed[starts[1:] - 1] = 0.0  # from the last point of one ring to the first of the next
    areas: np.ndarray = np.abs(np.add.reduceat(crossed, starts[:-1])) / 2
    return areas


def _part(rings: list[np.ndarray], tolerance: float, max_points: int) -> Any:
    """One part of the outline, each ring simplified by itself, so that a ragged exterior spoils no hole."""
    from shapely import LinearRing, Polygon

    exterior, *holes = (_simplified(LinearRing(ring), tolerance, max_points) for ring in rings)
    return Polygon(exterior, holes)


def _simplified(ring: Any, tolerance: float, max_points: int) -> Any:
    """The ring with at most `max_points`. It may cross itself then; a noisy ring has no shorter form that does not."""
    from shapely import Polygon

    error = min(tolerance, _CLOSENESS * math.sqrt(Polygon(ring).area))
    simple = ring.simplify(error, preserve_topology=False)
    while (excess := _excess(simple, max_points)) > 1:
        if excess < 4 and _excess(simple := _by_arcs(ring, error, max_points // 4), max_points) <= 1:
            break
        error *= _growth(excess)
        simple = ring.simplify(error, preserve_topology=False)
    return simple if len(simple.coords) > 3 else ring.envelope.exterior


def _by_arcs(ring: Any, error: float, arcs: int) -> Any:
    """The ring, simplified arc by arc.

    A ring is halved until it fits: 32 points of a circle are too few and 64 too many. Arcs end between these numbers.
    """
    import numpy as np
    from shapely import LinearRing, get_coordinates, linestrings, simplify

    points = get_coordinates(ring)
    ends = np.linspace(0, len(points) - 1, max(1, arcs) + 1).astype(int)
    pieces = [linestrings(points[start : end + 1]) for start, end in pairwise(ends)]
    simple = simplify(pieces, error, preserve_topology=False)
    return LinearRing(np.concatenate([get_coordinates(piece)[:-1] for piece in simple]))


def _tidy(parts: list[Any], size: tuple[int, int], tolerance: float, max_points: int) -> BaseGeometry:
    """The parts as one valid geometry inside the image: lines that simplifying has crossed are resolved."""
    from shapely import MultiPolygon, box, set_precision

    shape = _valid(MultiPolygon(parts))
    x_min, y_min, x_max, y_max = shape.bounds
    if x_min < 0 or y_min < 0 or x_max > size[0] or y_max > size[1]:
        shape = shape.intersection(box(0, 0, *size))
    error = tolerance
    # Where rings were joined, one may have more points than either.
    while (excess := max((_excess(ring, max_points) for ring in _all_rings(shape)), default=0.0)) > 1:
        error *= _growth(excess)
        shape = _valid(shape.simplify(error, preserve_topology=False))
    return set_precision(shape, GRID)


def _excess(ring: Any, max_points: int) -> float:
    """How many times too many points a ring has. Its first one is repeated at the end."""
    return (len(ring.coords) - 1) / max_points


def _growth(excess: float) -> float:
    """By how much to raise the error for fewer points: a little near the goal, more far from it."""
    return min(4.0, max(1.25, math.sqrt(excess)))


def _all_rings(shape: BaseGeometry) -> list[Any]:
    return [ring for part in parts_of(shape) for ring in (part.exterior, *part.interiors)]


def _valid(shape: BaseGeometry) -> BaseGeometry:
    from shapely import make_valid

    return make_valid(shape, method="structure", keep_collapsed=False)
