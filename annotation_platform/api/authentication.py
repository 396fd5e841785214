"""API keys as credentials of a request."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from ..keys import find_key
from ..models import ApiKey

__all__ = ["ApiKeyAuthentication", "sent_key"]

_KEY_HEADERS = ("X-Api-Key", "X-Avala-Api-Key")


class ApiKeyAuthentication(BaseAuthentication):
    """Takes the key from `Authorization: Bearer …`, `X-Api-Key` or `X-Avala-Api-Key`, in this order.

    An invalid key refuses the request, even beside a valid session. `request.auth` is the ApiKey.
    """

    def authenticate(self, request: Request) -> tuple[Any, ApiKey] | None:
        sent = sent_key(request)
        if sent is None:
            return None
        key = find_key(sent)
        if key is None:
            raise AuthenticationFailed("The API key is not valid.")
        return key.user, key

    def authenticate_header(self, request: Request) -> str:
        """The challenge; having one makes DRF answer 401 instead of 403 where credentials are missing."""
        return 'Bearer realm="api"'


def sent_key(request: Request | HttpRequest) -> str | None:
    """The API key that a request carries, valid or not; None where it carries none."""
    scheme, _, credential = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return credential.strip()
    return next((request.headers[name].strip() for name in _KEY_HEADERS if name in request.headers), None)


class ApiKeyScheme(OpenApiAuthenticationExtension):
    target_class = "annotation_platform.api.authentication.ApiKeyAuthentication"
    name = ["bearerKey", "xApiKey", "xAvalaApiKey"]

    def get_security_definition(self, auto_schema: Any) -> list[dict[str, str]]:
        in_header = [{"type": "apiKey", "in": "header", "name": name} for name in _KEY_HEADERS]
        return [{"type": "http", "scheme": "bearer"}, *in_header]
