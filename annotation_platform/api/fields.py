"""Geometry in requests: finite numbers in the documented nesting, nothing else."""

from __future__ import annotations

import math
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

__all__ = ["MAX_POINTS", "BoxField", "PolygonsField"]

MAX_POINTS = 20_000
# Far outside any image, yet small enough that areas stay finite.
_FARTHEST = 1e7

_NUMBER = {"type": "number", "format": "double"}
_POINT = {"type": "array", "items": _NUMBER, "minItems": 2, "maxItems": 2}
_RING = {"type": "array", "items": _POINT, "minItems": 3}
_POLYGONS = {"type": "array", "items": {"type": "array", "items": _RING, "minItems": 1}, "minItems": 1}
_BOX = {"type": "array", "items": _NUMBER, "minItems": 4, "maxItems": 4}


@extend_schema_field(_BOX)
class BoxField(serializers.Field):
    """[x_min, y_min, x_max, y_max] in pixels of the upright image, to be clipped by who knows its size."""

    default_error_messages = {"invalid": "Send [x_min, y_min, x_max, y_max], four finite numbers in pixels."}

    def to_internal_value(self, data: Any) -> list[float]:
        if not isinstance(data, list) or len(data) != 4 or not all(_is_coordinate(value) for value in data):
            self.fail("invalid")
        return [float(value) for value in data]

    def to_representation(self, value: Any) -> list[float]:
        return list(value)


@extend_schema_field(_POLYGONS)
class PolygonsField(serializers.Field):
    """Parts, each a list of rings (the exterior, then holes), each a list of at least three [x, y]."""

    default_error_messages = {
        "invalid": "Send parts, each a list of rings, each a list of at least three [x, y] in pixels.",
        "too_many": "A shape has at most {limit} points.",
    }

    def to_internal_value(self, data: Any) -> list[list[list[list[float]]]]:
        rings = [ring for part in self._list(data) for ring in self._list(part)]
        if sum(len(self._list(ring, 3)) for ring in rings) > MAX_POINTS:
            self.fail("too_many", limit=MAX_POINTS)
        return [[[self._point(point) for point in ring] for ring in part] for part in data]

    def to_representation(self, value: Any) -> Any:
        return value

    def _list(self, data: Any, least: int = 1) -> list[Any]:
        if not isinstance(data, list) or len(data) < least:
            self.fail("invalid")
        return data

    def _point(self, data: Any) -> list[float]:
        if not isinstance(data, list) or len(data) != 2 or not all(_is_coordinate(value) for value in data):
            self.fail("invalid")
        return [float(value) for value in data]


def _is_coordinate(value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return math.isfinite(value) and abs(value) <= _FARTHEST if isinstance(value, float) else abs(value) <= _FARTHEST
