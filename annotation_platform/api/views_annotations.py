"""Annotations: reading, drawing, deciding, one at a time or many at once."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter, extend_schema, inline_serializer
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from .. import review
from ..models import Annotation
from .base import ItemView, PlatformView
from .serializers import (
    AnnotationBulkSerializer,
    AnnotationChangeSerializer,
    AnnotationSerializer,
    NewAnnotationSerializer,
    VersionSerializer,
)

__all__ = ["AnnotationDetail", "AnnotationList"]

_ALL = inline_serializer("AnnotationAll", {"results": AnnotationSerializer(many=True)})
_CONFLICT = inline_serializer(
    "AnnotationConflict", {"detail": serializers.CharField(), "current": AnnotationSerializer(required=False)}
)
_BULK_CONFLICT = inline_serializer(
    "AnnotationBulkConflict",
    {"detail": serializers.CharField(), "current": AnnotationSerializer(many=True, required=False)},
)


class AnnotationQuerySerializer(serializers.Serializer[Any]):
    status = serializers.ChoiceField(choices=Annotation.Status.choices, required=False)


class AnnotationList(ItemView):
    """The annotations of one item."""

    serializer_class = AnnotationSerializer
    needs = {"POST": "review", "PATCH": "review"}

    @extend_schema(
        summary="All annotations of the item in one answer",
        parameters=[OpenApiParameter("status", str, enum=Annotation.Status.values)],
        responses=_ALL,
        operation_id="items_annotations_list",
    )
    def get(self, request: Request, uid: str) -> Response:
        item = self.get_object()
        query = AnnotationQuerySerializer(data=request.query_params)
        query.is_valid(raise_exception=True)
        found = item.annotations.filter(**query.validated_data).with_related().order_by("pk")
        return Response({"results": AnnotationSerializer(found, many=True).data})

    @extend_schema(
        summary="Draw a box or a polygon",
        request=NewAnnotationSerializer,
        responses={201: AnnotationSerializer, 409: _CONFLICT},
    )
    def post(self, request: Request, uid: str) -> Response:
        item = self.get_object()
        values = self.validated(NewAnnotationSerializer)
        made = review.add(
            item, self.user, values["label"], box=values.get("bbox_xyxy"), polygons=values.get("polygons")
        )
        return Response(AnnotationSerializer(made).data, status=status.HTTP_201_CREATED)

    @extend_schema(
        summary="Change many annotations, all or none",
        request=AnnotationBulkSerializer,
        responses={200: _ALL, 409: _BULK_CONFLICT},
        operation_id="items_annotations_bulk_update",
    )
    def patch(self, request: Request, uid: str) -> Response:
        item = self.get_object()
        values = self.validated(AnnotationBulkSerializer)
        changes = [_change(change["uid"], change) for change in values["changes"]]
        changed = review.apply(item, self.user, changes)
        return Response({"results": AnnotationSerializer(changed, many=True).data})

    def refusal(self, refused: review.Refused) -> dict[str, Any]:
        """In the shape of a failed bulk body: one entry a change, empty for those that are in order."""
        if refused.uid is None:
            return super().refusal(refused)
        body: Any = self.request.data
        sent = [change["uid"] for change in body["changes"]]
        return {"changes": [super(AnnotationList, self).refusal(refused) if uid == refused.uid else {} for uid in sent]}

    def current(self, annotations: list[Annotation]) -> Any:
        return AnnotationSerializer(annotations, many=True).data


class AnnotationDetail(PlatformView):
    serializer_class = AnnotationSerializer
    needs = {"PATCH": "review", "DELETE": "review"}

    def get_queryset(self) -> QuerySet[Annotation]:
        visible = Annotation.objects.visible_to(self.request.user)
        return visible.with_related().select_related("item__project", "label", "reviewed_by")

    @extend_schema(summary="One annotation")
    def get(self, request: Request, uid: str) -> Response:
        return Response(AnnotationSerializer(self.get_object()).data)

    @extend_schema(
        summary="Accept, discard, edit, relabel or put back to draft",
        request=AnnotationChangeSerializer,
        responses={200: AnnotationSerializer, 409: _CONFLICT},
    )
    def patch(self, request: Request, uid: str) -> Response:
        annotation = self.get_object()
        change = _change(uid, self.validated(AnnotationChangeSerializer))
        changed = review.apply(annotation.item, self.user, [change])
        return Response(AnnotationSerializer(changed[0]).data)

    @extend_schema(
        summary="Delete what a person drew",
        parameters=[OpenApiParameter("version", int, required=True)],
        responses={204: None, 409: _CONFLICT},
    )
    def delete(self, request: Request, uid: str) -> Response:
        annotation = self.get_object()
        query = VersionSerializer(data=request.query_params)
        query.is_valid(raise_exception=True)
        review.delete(annotation, query.validated_data["version"])
        return Response(status=status.HTTP_204_NO_CONTENT)


def _change(uid: str, values: dict[str, Any]) -> review.Change:
    return review.Change(
        uid=uid,
        version=values["version"],
        label=values.get("label"),
        box=values.get("bbox_xyxy"),
        polygons=values.get("polygons"),
        status=values.get("status"),
    )
