"""The gate that every shape passes before it becomes a prediction: inside the image, large enough, not there twice.

Its limits are `settings.AUTOLABEL["QUALITY"]`, for instance {"MIN_AREA": 25, "DUPLICATE_IOU": 0.9}; see `Limits`.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Literal

from django.core.exceptions import ImproperlyConfigured

from autolabel.conf import conf
from autolabel.shapes import Box, Shape, clip_box

from .outlines import GRID, area_of, parts_of, polygons_bounds, to_polygons

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

__all__ = ["Limits", "gate", "limits"]

_Fault = Literal["outside", "sliver", "speck"]
# On a tiny image the smallest shape may be this share of the image's side, and its square of the image's area.
_TINY_SHARE = 0.25


@dataclass(frozen=True, slots=True)
class Limits:
    """What a shape must be. Pixels are those of the image. 0 turns a minimum off, a number above 1 a share.

    The keys of the setting are the names below in upper case.
    """

    # A shape that is nowhere this thick, in pixels, is a sliver, mostly what clipping has left of something outside.
    min_thickness: float = 2.0
    # A shape that covers fewer square pixels is a speck, too small to be seen and decided about.
    min_area: float = 9.0
    # Of two shapes of one label whose intersection is at least this share of their union, the better one stays.
    duplicate_iou: float = 0.8
    # So it is when at least this share of the smaller one lies inside the larger one, as a half that was found beside
    # the whole, …
    duplicate_containment: float = 0.9
    # … unless the smaller one covers less than this share of the larger one's area: then it is rather a thing of its
    # own, as the child in front of its father or the bolt in the picture of a bolt. With 0, nothing is kept that lies
    # inside a better shape of its label.
    nested_area: float = 0.4
    # The parts of a mask that cover less than this share of its largest part are cut away.
    fragment_share: float = 0.05


def limits() -> Limits:
    """The limits of the settings, as they are now. Raises ImproperlyConfigured with the key's name."""
    given = conf().quality
    known = {field.name.upper(): field.name for field in fields(Limits)}
    unknown = sorted(str(key) for key in set(given) - set(known))
    if unknown:
        raise ImproperlyConfigured(
            f'settings.AUTOLABEL["QUALITY"] does not know {", ".join(unknown)}. It knows {", ".join(known)}.'
        )
    for key, value in given.items():
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if not number or not math.isfinite(value) or value < 0:
            raise ImproperlyConfigured(
                f'settings.AUTOLABEL["QUALITY"]["{key}"] must be a number that is not negative, not {value!r}.'
            )
    return Limits(**{known[key]: float(value) for key, value in given.items()})


def gate(
    shapes: Iterable[Shape],
    width: int,
    height: int,
    limits: Limits,
    label_key: Callable[[str], str] = str.casefold,
) -> tuple[list[Shape], Counter[str]]:
    """The shapes that pass, best score first, and how many did not, by reason.

    `width` and `height` are the image's, in pixels. Shapes are clipped to it: "outside" are those of which nothing is
    left, or whose coordinates are no finite numbers. "sliver" and "speck" are too thin or too small. "duplicate" are
    those that a better shape of the same label stands for; shapes are of one label where `label_key` gives one name.
    A shape with a `source` is never a duplicate: a person has drawn the box it was made from. "fragment" counts parts
    that were cut from masks; such a shape stays.
    """
    dropped: Counter[str] = Counter()
    minima = _minima(width, height, limits)
    passed: list[Shape] = []
    kept: dict[str, list[_Solid]] = defaultdict(list)
    for shape in sorted(shapes, key=lambda shape: -shape.score):
        solid, fragments = _clipped(shape, width, height, limits.fragment_share)
        fault = _fault(solid, *minima)
        if fault or solid is None:
            dropped[fault or "outside"] += 1
            continue
        if not shape.source:
            better = kept[label_key(shape.label)]
            if any(_same(solid, one, limits) for one in better):
                dropped["duplicate"] += 1
                continue
            better.append(solid)
        dropped["fragment"] += fragments
        passed.append(solid.shape)
    return passed, +dropped


@dataclass(frozen=True, slots=True)
class _Solid:
    """A shape inside the image, with what it covers; `geometry` is None for a box."""

    shape: Shape
    area: float
    geometry: BaseGeometry | None = None

    @property
    def box(self) -> Box:
        return self.shape.bbox_xyxy


def _minima(width: int, height: int, limits: Limits) -> tuple[float, float]:
    """The least thickness and area; on a tiny image less than the limits say, or it could hold no shape at all."""
    thickness = min(limits.min_thickness, _TINY_SHARE * min(width, height))
    return thickness, min(limits.min_area, _TINY_SHARE**2 * width * height)


def _clipped(shape: Shape, width: int, height: int, fragment_share: float) -> tuple[_Solid | None, int]:
    """The shape inside the image, None where there is nothing of it, and the number of fragments that were cut away."""
    if shape.polygons is None:
        box = clip_box(shape.bbox_xyxy, width, height)
        return (_Solid(replace(shape, bbox_xyxy=box), _box_area(box)), 0) if box else (None, 0)
    return _clipped_mask(shape, width, height, fragment_share)


def _clipped_mask(shape: Shape, width: int, height: int, fragment_share: float) -> tuple[_Solid | None, int]:
    from shapely import MultiPolygon, box, set_precision

    polygons = tuple(part for part in shape.polygons or () if part and part[0])
    values = (value for part in polygons for ring in part for point in ring for value in point)
    if not polygons or not all(map(math.isfinite, values)):
        return None, 0
    whole = area_of(polygons)
    x_min, y_min, x_max, y_max = polygons_bounds(polygons)
    if x_min < 0 or y_min < 0 or x_max > width or y_max > height:
        whole = set_precision(whole.intersection(box(0, 0, width, height)), GRID)
    parts = parts_of(whole)
    if not parts:
        return None, 0
    large = [part for part in parts if part.area >= fragment_share * parts[0].area] if fragment_share <= 1 else parts
    outline = to_polygons(large)
    inside = replace(shape, polygons=outline, bbox_xyxy=polygons_bounds(outline))
    geometry = MultiPolygon(large)
    return _Solid(inside, float(geometry.area), geometry), len(parts) - len(large)


def _fault(solid: _Solid | None, min_thickness: float, min_area: float) -> _Fault | None:
    if solid is None:
        return "outside"
    x_min, y_min, x_max, y_max = solid.box
    if min(x_max - x_min, y_max - y_min) < min_thickness:
        return "sliver"
    if solid.geometry is not None and _is_thin(solid.geometry, min_thickness):
        return "sliver"
    return "speck" if solid.area < min_area else None


def _is_thin(geometry: BaseGeometry, thickness: float) -> bool:
    """Whether nothing is left of it when it is eroded by (almost) half the thickness."""
    # Only a shape of which every point is that near to its outline can be; the sum is quick, eroding is not.
    if geometry.area > geometry.length * thickness / 2:
        return False
    return bool(geometry.buffer(-0.49 * thickness, join_style="mitre").is_empty)


def _same(one: _Solid, other: _Solid, limits: Limits) -> bool:
    """Whether the two are one object; a mask and a box are compared by their bounds."""
    width = min(one.box[2], other.box[2]) - max(one.box[0], other.box[0])
    height = min(one.box[3], other.box[3]) - max(one.box[1], other.box[1])
    if width <= 0 or height <= 0:
        return False
    if one.geometry is None or other.geometry is None:
        return _overlap_enough(width * height, _box_area(one.box), _box_area(other.box), limits)
    # Outlines share no more than this, which decides most cases without their slow intersection.
    at_most = min(width * height, one.area, other.area)
    if not _overlap_enough(at_most, one.area, other.area, limits):
        return False
    return _overlap_enough(one.geometry.intersection(other.geometry).area, one.area, other.area, limits)


def _overlap_enough(shared: float, area: float, other: float, limits: Limits) -> bool:
    smaller, larger = sorted((area, other))
    if shared >= limits.duplicate_iou * (area + other - shared):
        return True
    return shared >= limits.duplicate_containment * smaller and smaller >= limits.nested_area * larger


def _box_area(box: Box) -> float:
    return (box[2] - box[0]) * (box[3] - box[1])
