"""Drafts as SVG paths for thumbnails: small to send, and as exact as a thumbnail can show."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from ..models import Item

__all__ = ["LONG_SIDE", "Frame"]

# Units along an image's longer side: about two to a pixel of the largest thumbnail.
LONG_SIDE = 600
# Points that are nearer to each other than this many units look like one.
_NEAR = 5
# What would be a dot is drawn as large as a dot that can be seen.
_SMALLEST = 4

Point = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Frame:
    """The units in which an image's outlines are drawn."""

    scale: float
    width: int
    height: int

    @classmethod
    def of(cls, item: Item) -> Frame:
        scale = LONG_SIDE / max(item.width, item.height)
        return cls(scale, max(round(item.width * scale), 1), max(round(item.height * scale), 1))

    def box_path(self, x_min: float, y_min: float, x_max: float, y_max: float) -> str:
        left, top = self._point((x_min, y_min))
        right, bottom = self._point((x_max, y_max))
        return f"M{left} {top}h{max(right - left, _SMALLEST)}v{max(bottom - top, _SMALLEST)}H{left}z"

    def polygon_path(self, polygons: Iterable[Iterable[Sequence[Sequence[float]]]]) -> str:
        """Every ring of every part; holes are holes by the even-odd rule. Empty where all are too small to see."""
        rings = (list(self._thinned(ring)) for part in polygons for ring in part)
        return "".join(_ring_path(points) for points in rings if len(points) > 2)

    def _thinned(self, ring: Sequence[Sequence[float]]) -> Iterator[Point]:
        last = None
        for corner in ring:
            point = self._point(corner)
            if last is None or abs(point[0] - last[0]) + abs(point[1] - last[1]) >= _NEAR:
                yield point
                last = point

    def _point(self, point: Sequence[float]) -> Point:
        return round(point[0] * self.scale), round(point[1] * self.scale)


def _ring_path(points: Sequence[Point]) -> str:
    """With relative steps, which have fewer digits than places."""
    steps = " ".join(f"{x - before[0]} {y - before[1]}" for before, (x, y) in pairwise(points))
    return f"M{points[0][0]} {points[0][1]}l{steps}z"
