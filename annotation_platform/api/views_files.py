"""The image files of an item. They have no public address: each request is checked for membership."""

from __future__ import annotations

from pathlib import PurePath
from typing import Any

from django.db.models.fields.files import FieldFile
from django.http import FileResponse, Http404
from django.http.response import HttpResponseBase
from django.utils.cache import get_conditional_response
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.request import Request

from ..models import Item
from ..uploads import CONTENT_TYPES
from .base import ItemView

__all__ = ["AnyAccept", "ItemImage", "ItemOriginal", "ItemPreview", "ItemThumbnail"]


class AnyAccept(BaseContentNegotiation):
    """For views that answer with a file, whatever the client accepts and `?format=` means there."""

    def select_parser(self, request: Request, parsers: Any) -> Any:
        return parsers[0]

    def select_renderer(self, request: Request, renderers: Any, format_suffix: Any = None) -> Any:
        return renderers[0], renderers[0].media_type


class _ItemFile(ItemView):
    content_negotiation_class = AnyAccept
    serializer_class = None
    as_attachment = False

    def get_queryset(self) -> Any:
        return Item.objects.visible_to(self.request.user).select_related("project")

    def stored(self, item: Item) -> FieldFile:
        raise NotImplementedError

    def respond(self, request: Request) -> HttpResponseBase:
        item = self.get_object()
        stored = self.stored(item)
        etag = f'"{PurePath(stored.name or "").name}"'  # a file never changes under its name
        # Django's helper answers 304 itself; without a response of ours it would be sent no headers to copy.
        response = get_conditional_response(request, etag=etag) or self._file(item, stored)
        response["ETag"] = etag
        response["Cache-Control"] = "private, max-age=31536000, immutable"
        response["X-Content-Type-Options"] = "nosniff"
        response["Content-Security-Policy"] = "sandbox"
        return response

    def _file(self, item: Item, stored: FieldFile) -> FileResponse:
        suffix = PurePath(stored.name or "").suffix
        try:
            opened = stored.open("rb")
        except FileNotFoundError as error:
            raise Http404 from error
        return FileResponse(
            opened,
            as_attachment=self.as_attachment,
            filename=PurePath(item.name).stem + suffix,
            content_type=CONTENT_TYPES.get(suffix, "application/octet-stream"),
        )


class ItemImage(_ItemFile):
    def stored(self, item: Item) -> FieldFile:
        return item.display or item.image

    @extend_schema(summary="The upright image to show", responses={(200, "image/*"): OpenApiTypes.BINARY, 304: None})
    def get(self, request: Request, uid: str) -> HttpResponseBase:
        return self.respond(request)


class ItemPreview(_ItemFile):
    def stored(self, item: Item) -> FieldFile:
        return item.preview or item.display or item.image

    @extend_schema(
        summary="The upright image with at most 2048 pixels a side; as it is, where it is hardly larger",
        responses={(200, "image/*"): OpenApiTypes.BINARY, 304: None},
    )
    def get(self, request: Request, uid: str) -> HttpResponseBase:
        return self.respond(request)


class ItemThumbnail(_ItemFile):
    def stored(self, item: Item) -> FieldFile:
        return item.thumbnail or item.display or item.image

    @extend_schema(
        summary="A JPEG of at most 320 pixels a side",
        responses={(200, "image/jpeg"): OpenApiTypes.BINARY, 304: None},
    )
    def get(self, request: Request, uid: str) -> HttpResponseBase:
        return self.respond(request)


class ItemOriginal(_ItemFile):
    as_attachment = True

    def stored(self, item: Item) -> FieldFile:
        return item.image

    @extend_schema(
        summary="The file as it was uploaded, as a download",
        responses={(200, "image/*"): OpenApiTypes.BINARY, 304: None},
    )
    def get(self, request: Request, uid: str) -> HttpResponseBase:
        return self.respond(request)
