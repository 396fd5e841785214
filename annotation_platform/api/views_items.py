"""Items: listing, uploading, deleting, and the decisions about a whole item."""

from __future__ import annotations

from typing import Any

from django.core.files.uploadedfile import UploadedFile
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers, status
from rest_framework.exceptions import Throttled, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from autolabel.api.fields import StrictCharField, StrictSerializer
from autolabel.api.pagination import OldestFirst
from autolabel.api.parsers import BoundedJSONParser
from autolabel.webhooks import client

from .. import review
from ..archives import ArchiveRefused, create_items
from ..models import Item, Project
from ..remote_images import create_item_from_url
from ..uploads import ItemUnreadable, create_item
from .base import ItemView, ProjectView
from .parsers import ArchiveParser, UploadParser
from .serializers import ItemSerializer

__all__ = ["ArchiveList", "ItemDetail", "ItemFinish", "ItemFlag", "ItemList", "ItemReopen"]

_CONFLICT = {409: {"type": "object", "properties": {"detail": {"type": "string"}}}}
_UPLOAD = {
    "type": "object",
    "properties": {"image": {"type": "string", "format": "binary"}},
    "required": ["image"],
}


_ARCHIVE = {
    "type": "object",
    "properties": {"archive": {"type": "string", "format": "binary"}},
    "required": ["archive"],
}


class ImageUrlSerializer(StrictSerializer):
    url = StrictCharField(max_length=2000, help_text="https:// unless the site allows http://; no address inside.")


class RefusedFileSerializer(serializers.Serializer[Any]):
    name = serializers.CharField()
    reason = serializers.CharField()


class UnpackedSerializer(serializers.Serializer[Any]):
    created = ItemSerializer(many=True)
    refused = RefusedFileSerializer(many=True)


class ItemQuerySerializer(serializers.Serializer[Item]):
    state = serializers.ChoiceField(choices=Item.State.choices, required=False)


class FlagSerializer(StrictSerializer):
    comment = StrictCharField(max_length=500, required=False, allow_blank=True)


class ItemList(ProjectView):
    """The items of one project."""

    serializer_class = ItemSerializer
    pagination_class = OldestFirst
    parser_classes = [UploadParser, BoundedJSONParser]
    needs = {"POST": "manage"}

    @extend_schema(
        summary="The project's items",
        parameters=[OpenApiParameter("state", str, enum=Item.State.values)],
        operation_id="projects_items_list",
        responses=ItemSerializer(many=True),
    )
    def get(self, request: Request, uid: str) -> Response:
        project = self.get_object()
        query = ItemQuerySerializer(data=request.query_params)
        query.is_valid(raise_exception=True)
        items = project.items.filter(**query.validated_data).for_workspace()
        page = self.paginate_queryset(items)
        return self.get_paginated_response(ItemSerializer(page, many=True).data)

    @extend_schema(
        summary="Upload one image, or name the URL that it is fetched from",
        request={"multipart/form-data": _UPLOAD, "application/json": ImageUrlSerializer},
        responses={201: ItemSerializer},
    )
    def post(self, request: Request, uid: str) -> Response:
        project = self.get_object()
        by_url = not request.content_type.startswith("multipart/")
        try:
            item = self._by_url(project) if by_url else _uploaded(project, request)
        except ItemUnreadable as error:
            raise ValidationError({"url" if by_url else "image": [str(error)]}) from error
        body = ItemSerializer(Item.objects.for_workspace().get(pk=item.pk)).data
        return Response(body, status=status.HTTP_201_CREATED)

    def _by_url(self, project: Project) -> Item:
        try:
            return create_item_from_url(project, self.validated(ImageUrlSerializer)["url"])
        except client.Busy as error:
            raise Throttled(wait=client.RETRY_SECONDS, detail=str(error)) from error


class ArchiveList(ProjectView):
    """Zip archives of images. They are not kept; their images become items."""

    serializer_class = UnpackedSerializer
    parser_classes = [ArchiveParser]
    needs = {"POST": "manage"}

    @extend_schema(
        summary="Upload the images of a zip archive, at most 500 files and 250 MB",
        request={"multipart/form-data": _ARCHIVE},
        responses={201: UnpackedSerializer},
    )
    def post(self, request: Request, uid: str) -> Response:
        project = self.get_object()
        file, _ = _one_file(request, "archive")
        try:
            done = create_items(project, file)
        except ArchiveRefused as error:
            raise ValidationError({"archive": [str(error)]}) from error
        refused = [{"name": name, "reason": reason} for name, reason in done.refused]
        if not done.items:
            raise ValidationError({"archive": ["No file of the archive could be taken."], "refused": refused})
        created = Item.objects.for_workspace().filter(pk__in=[item.pk for item in done.items])
        body = UnpackedSerializer({"created": created, "refused": refused}).data
        return Response(body, status=status.HTTP_201_CREATED)


def _uploaded(project: Project, request: Request) -> Item:
    file, name = _one_file(request, "image")
    return create_item(project, file, name=name)


def _one_file(request: Request, field: str) -> tuple[UploadedFile, str]:
    """The file of that field and its name. Raises ValidationError."""
    files = request.FILES.getlist(field)
    if len(files) != 1:
        raise ValidationError({field: ["Send exactly one file."]})
    return files[0], files[0].name or ""


class ItemDetail(ItemView):
    serializer_class = ItemSerializer
    needs = {"DELETE": "manage"}

    @extend_schema(summary="One item")
    def get(self, request: Request, uid: str) -> Response:
        return Response(ItemSerializer(self.get_object()).data)

    @extend_schema(summary="Delete an item with its files and annotations", responses={204: None})
    def delete(self, request: Request, uid: str) -> Response:
        review.remove(self.get_object())
        return Response(status=status.HTTP_204_NO_CONTENT)


class _Decision(ItemView):
    """A decision about the whole item; answers with the item as it is then."""

    serializer_class = ItemSerializer
    needs = {"POST": "review"}

    def decided(self, item: Item) -> Response:
        return Response(ItemSerializer(self.get_queryset().get(pk=item.pk)).data)


class ItemFinish(_Decision):
    @extend_schema(
        summary="Say that the item is complete; refused while drafts wait for a verdict",
        request=None,
        responses={200: ItemSerializer, **_CONFLICT},
    )
    def post(self, request: Request, uid: str) -> Response:
        item = self.get_object()
        review.finish(item, self.user)
        return self.decided(item)


class ItemReopen(_Decision):
    @extend_schema(summary="Take back that an item is done or flagged", request=None)
    def post(self, request: Request, uid: str) -> Response:
        item = self.get_object()
        review.reopen(item)
        return self.decided(item)


class ItemFlag(_Decision):
    @extend_schema(
        summary="Say that somebody else should look at the item, and why; again, to say something else",
        request=FlagSerializer,
    )
    def post(self, request: Request, uid: str) -> Response:
        item = self.get_object()
        review.flag(item, self.user, self.validated(FlagSerializer).get("comment"))
        return self.decided(item)
