"""What requests are made of: geometry as finite numbers in the documented nesting, uids, and no unknown names."""

from __future__ import annotations

import math
import re
from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

__all__ = ["MAX_POINTS", "BoxField", "PolygonsField", "UidField", "UidListField", "is_uid"]

MAX_POINTS = 20_000
# Far outside any image, yet small enough that areas stay finite.
_FARTHEST = 1e7

_UID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")

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


def is_uid(value: Any) -> bool:
    """Whether it is written as we write uids; some databases choke on other text."""
    return isinstance(value, str) and _UID.fullmatch(value) is not None


@extend_schema_field(OpenApiTypes.UUID)
class UidField(serializers.Field):
    default_error_messages = {"invalid": "Send a uid as the API writes it."}

    def to_internal_value(self, data: Any) -> str:
        if not is_uid(data):
            self.fail("invalid")
        return data


class UidListField(serializers.ListField):
    """At most `max_length` uids, which are counted before they are looked at."""

    child = UidField()

    def __init__(self, *, max_length: int, **kwargs: Any) -> None:
        self.max_length = max_length
        super().__init__(max_length=max_length, **kwargs)

    def to_internal_value(self, data: Any) -> list[str]:
        if isinstance(data, list) and len(data) > self.max_length:
            self.fail("max_length", max_length=self.max_length)
        return super().to_internal_value(data)


def _is_coordinate(value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return math.isfinite(value) and abs(value) <= _FARTHEST if isinstance(value, float) else abs(value) <= _FARTHEST
