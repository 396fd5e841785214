"""Geometry as annotations store it: checked, clipped to the image, ready for the columns of the model.

Pixels of the EXIF-upright image. A polygon is a list of parts, a part a list of rings (the exterior, then
holes), a ring a list of [x, y] that is not closed by repeating its first point.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from autolabel.shapes import Box, clip_box

from .models import Annotation

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

__all__ = ["Geometry", "GeometryError", "Parts", "box_geometry", "polygon_area", "polygon_geometry"]

Ring = Sequence[Sequence[float]]
Parts = Sequence[Sequence[Ring]]


class GeometryError(ValueError):
    """The shape cannot stand on this image; the message is for people."""


@dataclass(frozen=True, slots=True)
class Geometry:
    """A shape inside its image; `polygons` is None for a box, else lists whose bounds are `box`."""

    box: Box
    polygons: list[Any] | None = None

    @property
    def kind(self) -> Annotation.Kind:
        return Annotation.Kind.BOX if self.polygons is None else Annotation.Kind.POLYGON

    def columns(self) -> dict[str, Any]:
        """The values of the annotation's own columns."""
        x_min, y_min, x_max, y_max = self.box
        bounds = {"x_min": x_min, "y_min": y_min, "x_max": x_max, "y_max": y_max}
        return {"kind": self.kind, "polygons": self.polygons, **bounds}


def box_geometry(box: Sequence[float], width: int, height: int) -> Geometry:
    """The part of the box inside the image. Raises GeometryError where nothing is left."""
    clipped = clip_box(box, width, height)
    if clipped is None:
        raise GeometryError("The box [x_min, y_min, x_max, y_max] has no area inside the image.")
    return Geometry(clipped)


def polygon_geometry(parts: Parts, width: int, height: int) -> Geometry:
    """The part of the polygon inside the image; one that lies wholly inside is kept point by point.

    Raises GeometryError where no area is left.
    """
    from shapely.geometry import box

    rings = [[_open_ring(ring) for ring in part] for part in parts]
    shape = _solid(rings)
    x_min, y_min, x_max, y_max = _bounds(rings)
    if x_min < 0 or y_min < 0 or x_max > width or y_max > height:
        shape = shape.intersection(box(0, 0, width, height))
        rings = [_rings_of(polygon) for polygon in _polygons_in(shape)]
    clipped = clip_box(_bounds(rings), width, height) if shape.area > 0 else None
    if clipped is None:
        raise GeometryError("The polygon has no area inside the image.")
    return Geometry(clipped, rings)


def polygon_area(parts: Parts) -> float:
    """The area in square pixels, holes taken out and overlaps counted once."""
    return float(_solid(parts).area)


def _solid(parts: Parts) -> BaseGeometry:
    """What the parts cover. Holes are subtracted, for one that sticks out would become area."""
    from shapely import make_valid, union_all
    from shapely.geometry import Polygon

    def covered(part: Sequence[Ring]) -> BaseGeometry:
        exterior, *holes = (make_valid(Polygon(ring)) for ring in part)
        return exterior.difference(union_all(holes)) if holes else exterior

    return union_all([covered(part) for part in parts])


def _open_ring(ring: Ring) -> list[list[float]]:
    points = [[float(x), float(y)] for x, y in ring]
    closed = len(points) > 3 and points[0] == points[-1]
    return points[:-1] if closed else points


def _bounds(parts: Iterable[Sequence[Ring]]) -> Box:
    points = [point for part in parts for ring in part for point in ring]
    xs, ys = [point[0] for point in points], [point[1] for point in points]
    return (min(xs), min(ys), max(xs), max(ys))


def _polygons_in(shape: BaseGeometry) -> list[Any]:
    """The polygons of a geometry that may also hold points and lines where the clipping only touched it."""
    if shape.geom_type == "Polygon":
        return [shape] if shape.area > 0 else []
    return [found for member in getattr(shape, "geoms", ()) for found in _polygons_in(member)]


def _rings_of(polygon: Any) -> list[list[list[float]]]:
    rings = [polygon.exterior, *polygon.interiors]
    return [[[float(x), float(y)] for x, y in ring.coords[:-1]] for ring in rings]
