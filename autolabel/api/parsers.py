"""A JSON parser that refuses what is too large before it reads it, and leaves odd numbers to the fields."""

from __future__ import annotations

from collections.abc import Mapping
from typing import IO, Any

from django.conf import settings
from rest_framework import status
from rest_framework.exceptions import APIException, ParseError
from rest_framework.parsers import JSONParser

__all__ = ["BodyTooLarge", "BoundedJSONParser", "refuse_larger_than"]


class BodyTooLarge(APIException):
    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    default_detail = "The request is too large."
    default_code = "too_large"


class BoundedJSONParser(JSONParser):
    """Lets NaN and Infinity through, so that the field that gets one can refuse it by its own name.

    DRF reads the request as a stream, past Django's limit on the size of a body, so the limit is kept here.
    """

    strict = False

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        refuse_larger_than(settings.DATA_UPLOAD_MAX_MEMORY_SIZE, parser_context)
        try:
            return super().parse(stream, media_type, parser_context)
        except RecursionError as error:
            raise ParseError("The JSON is nested too deeply.") from error


def refuse_larger_than(limit: int | None, parser_context: Mapping[str, Any] | None) -> None:
    """Raises BodyTooLarge when the request announces a body of more than `limit` bytes."""
    request = (parser_context or {}).get("request")
    length = request.META.get("CONTENT_LENGTH") if request is not None else None
    if limit is not None and str(length or "0").isdigit() and int(length or 0) > limit:
        raise BodyTooLarge
