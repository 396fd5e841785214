"""What a reviewer's screen asks for: the next items, and all that lies on one."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from autolabel.api.fields import StrictChoiceField, StrictIntegerField, StrictSerializer

from .. import review_queue
from .base import ItemView, ProjectView
from .fields import UidField, UidListField
from .serializers import ItemCountsSerializer
from .workspace import WorkspaceSerializer, workspace_of

__all__ = ["ItemWorkspace", "ReviewQueue"]

MAX_COUNT, MAX_SKIP, MAX_HOLD = 10, 1000, 20


class QueueRequestSerializer(StrictSerializer):
    order = StrictChoiceField(
        choices=review_queue.ORDERS,
        default="score",
        help_text="`score`: the most doubtful first. `upload`: behind the item `after`, then from the start.",
    )
    count = StrictIntegerField(default=1, min_value=1, max_value=MAX_COUNT)
    after = UidField(required=False, allow_null=True)
    skip = UidListField(default=list, max_length=MAX_SKIP, help_text="Items that are not wanted.")
    hold = UidListField(default=list, max_length=MAX_HOLD, help_text="Items that the caller is working on.")


class OfferSerializer(serializers.Serializer[review_queue.Offer]):
    uid = serializers.CharField()
    reason = serializers.ChoiceField(choices=["drafts", "nothing_found", "unlabeled"])


class TakenSerializer(serializers.Serializer[Any]):
    uid = serializers.CharField()
    by = serializers.CharField(source="assigned_to.get_username")


class QueueCountsSerializer(ItemCountsSerializer):
    waiting = serializers.IntegerField(help_text="Items with drafts, or on which a model has found nothing.")


class QueueSerializer(serializers.Serializer[Any]):
    items = OfferSerializer(many=True)
    taken = TakenSerializer(many=True)
    counts = QueueCountsSerializer()


class ReviewQueue(ProjectView):
    serializer_class = QueueSerializer
    needs = {"POST": "review"}

    @extend_schema(
        summary="The next items to review, kept from others for five minutes",
        description="Asking again renews the items named in `hold`; every other item that was kept for you is "
        "given back. `taken` are those of your held items that somebody else is working on.",
        request=QueueRequestSerializer,
        responses={200: QueueSerializer},
    )
    def post(self, request: Request, uid: str) -> Response:
        project = self.get_object()
        wanted = review_queue.Request(**self.validated(QueueRequestSerializer))
        claim = review_queue.claim(project, self.user, wanted)
        counts = project.items.queue_counts()
        return Response(QueueSerializer({"items": claim.offers, "taken": claim.taken, "counts": counts}).data)


class ItemWorkspace(ItemView):
    serializer_class = WorkspaceSerializer

    @extend_schema(summary="An item with its neighbours and all its annotations")
    def get(self, request: Request, uid: str) -> Response:
        return Response(workspace_of(self.get_object()))
