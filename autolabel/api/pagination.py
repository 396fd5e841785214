"""Cursor pages: `{"next", "previous", "results"}`."""

from __future__ import annotations

from rest_framework.pagination import CursorPagination

__all__ = ["NewestFirst"]


class NewestFirst(CursorPagination):
    # By id, because it is unique: pages over equal timestamps lose rows and can loop.
    ordering = "-id"
    page_size = 50
    page_size_query_param = "limit"
    max_page_size = 200
