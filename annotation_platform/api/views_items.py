"""Items: listing, uploading, deleting, and the decisions about a whole item."""

from __future__ import annotations

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers, status
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from autolabel.api.fields import StrictCharField, StrictSerializer
from autolabel.api.pagination import OldestFirst

from .. import review
from ..models import Item
from ..uploads import ItemUnreadable, create_item
from .base import ItemView, ProjectView
from .parsers import UploadParser
from .serializers import ItemSerializer

__all__ = ["ItemDetail", "ItemFinish", "ItemFlag", "ItemList", "ItemReopen"]

_CONFLICT = {409: {"type": "object", "properties": {"detail": {"type": "string"}}}}
_UPLOAD = {
    "type": "object",
    "properties": {"image": {"type": "string", "format": "binary"}},
    "required": ["image"],
}


class ItemQuerySerializer(serializers.Serializer[Item]):
    state = serializers.ChoiceField(choices=Item.State.choices, required=False)


class FlagSerializer(StrictSerializer):
    comment = StrictCharField(max_length=500, required=False, allow_blank=True)


class ItemList(ProjectView):
    """The items of one project."""

    serializer_class = ItemSerializer
    pagination_class = OldestFirst
    parser_classes = [UploadParser]
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
        summary="Upload one image",
        request={"multipart/form-data": _UPLOAD},
        responses={201: ItemSerializer},
    )
    def post(self, request: Request, uid: str) -> Response:
        project = self.get_object()
        files = request.FILES.getlist("image")
        if len(files) != 1:
            raise ValidationError({"image": ["Send exactly one file."]})
        try:
            item = create_item(project, files[0], name=files[0].name)
        except ItemUnreadable as error:
            raise ValidationError({"image": [str(error)]}) from error
        body = ItemSerializer(Item.objects.for_workspace().get(pk=item.pk)).data
        return Response(body, status=status.HTTP_201_CREATED)


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
