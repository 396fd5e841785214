"""Between polygons as this app keeps them (tuples of open rings) and shapely's geometries."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from autolabel.shapes import Box, Polygon, Ring

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

__all__ = ["GRID", "area_of", "parts_of", "polygons_bounds", "to_polygons"]

# Coordinates are kept to this part of a pixel: far finer than any outline is exact, and short to store.
GRID = 0.01


def polygons_bounds(polygons: Sequence[Polygon]) -> Box:
    """(x_min, y_min, x_max, y_max) of the exteriors. Raises ValueError where there is no point."""
    points = [point for exterior, *_ in polygons for point in exterior]
    xs, ys = [point[0] for point in points], [point[1] for point in points]
    return (min(xs), min(ys), max(xs), max(ys))


def area_of(polygons: Sequence[Polygon]) -> BaseGeometry:
    """What the parts cover, as one valid geometry: overlaps once, holes taken out wherever they lie.

    Rings that cross or touch themselves are mended; what has no area is left out, so that the geometry may be empty.
    """
    from shapely import MultiPolygon, make_valid, union_all
    from shapely.geometry import Polygon as Part

    if all(len(ring) > 2 for rings in polygons for ring in rings):
        whole = MultiPolygon([(exterior, holes) for exterior, *holes in polygons])
        if whole.is_valid:
            return whole
    mended = []
    for rings in polygons:
        solid = [make_valid(Part(ring), method="structure", keep_collapsed=False) for ring in rings if len(ring) > 2]
        if solid:
            mended.append(solid[0].difference(union_all(solid[1:])) if len(solid) > 1 else solid[0])
    return union_all(mended)


def parts_of(geometry: BaseGeometry) -> list[Any]:
    """The polygons of a geometry, largest first; points and lines, which cutting leaves behind, have no part in it."""
    if geometry.geom_type == "Polygon":
        return [] if geometry.is_empty else [geometry]
    found = [part for member in getattr(geometry, "geoms", ()) for part in parts_of(member)]
    return sorted(found, key=lambda part: -part.area)


def to_polygons(parts: Sequence[Any]) -> tuple[Polygon, ...]:
    """Shapely's polygons as tuples; rings are not closed by repeating their first point."""
    return tuple(tuple(_open_ring(ring) for ring in (part.exterior, *part.interiors)) for part in parts)


def _open_ring(ring: Any) -> Ring:
    from shapely import get_coordinates

    points: list[list[float]] = get_coordinates(ring)[:-1].round(2).tolist()
    return tuple((x, y) for x, y in points)
