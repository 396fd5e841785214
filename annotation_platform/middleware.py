"""What holds for every answer."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest
from django.http.response import HttpResponseBase

__all__ = ["PrivateAnswers"]


class PrivateAnswers:
    """Nothing that a person or a key was told is kept by a cache between, unless the view says how."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self._get_response(request)
        if "Cache-Control" not in response:
            # Pages may be shown again by "back", which no-store would forbid.
            response["Cache-Control"] = "private, no-store" if request.path_info.startswith("/api/") else "private"
        return response
