from __future__ import annotations

from rest_framework.parsers import JSONParser

__all__ = ["LenientJSONParser"]


class LenientJSONParser(JSONParser):
    """Lets NaN and Infinity through to the fields, which refuse them by name; the strict parser names no field."""

    strict = False
