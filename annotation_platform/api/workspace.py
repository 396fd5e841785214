"""An item with its neighbours and all its annotations: what the review page and the API both start from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rest_framework import serializers

from ..models import Item
from ..position import Position, position_of
from .serializers import AnnotationSerializer, ItemSerializer

__all__ = ["WorkspaceSerializer", "workspace_of"]


class PositionSerializer(serializers.Serializer[Position]):
    """In the order of upload; `previous` and `next` are uids."""

    number = serializers.IntegerField()
    total = serializers.IntegerField()
    previous = serializers.CharField(allow_null=True)
    next = serializers.CharField(allow_null=True)


class WorkspaceSerializer(serializers.Serializer[Any]):
    item = ItemSerializer()
    position = PositionSerializer()
    annotations = AnnotationSerializer(many=True)


def workspace_of(item: Item) -> Mapping[str, Any]:
    """The JSON of the workspace; `item` comes from `Item.objects.for_workspace()`."""
    annotations = item.annotations.with_related().order_by("pk")
    return WorkspaceSerializer({"item": item, "position": position_of(item), "annotations": annotations}).data
