"""Cursor pages over the primary key, the one ordering in which no two rows are equal.

Over equal timestamps, pages lose rows and can loop.
"""

from __future__ import annotations

from typing import Any

from rest_framework.exceptions import NotFound
from rest_framework.pagination import Cursor, CursorPagination
from rest_framework.request import Request

__all__ = ["NewestFirst", "OldestFirst"]


class OldestFirst(CursorPagination):
    """`{"next", "previous", "results"}` with `?limit=` (50, at most 200) and `?cursor=`."""

    ordering = "id"
    page_size = 50
    page_size_query_param = "limit"
    max_page_size = 200

    def decode_cursor(self, request: Request) -> Any:
        """The position comes from the client, and one that is no key would break the query."""
        cursor: Cursor | None = super().decode_cursor(request)
        if cursor is not None and cursor.position is not None and not _is_key(str(cursor.position)):
            raise NotFound(self.invalid_cursor_message)
        return cursor


class NewestFirst(OldestFirst):
    ordering = "-id"


def _is_key(position: str) -> bool:
    return position.isascii() and position.isdigit() and len(position) < 19
