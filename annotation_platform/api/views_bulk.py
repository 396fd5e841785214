"""One verdict on many drafts at once, and taking it back."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from autolabel.api.fields import ScoreField, StrictBooleanField, StrictCharField, StrictChoiceField, StrictSerializer
from autolabel.api.pagination import NewestFirst

from .. import access, bulk
from ..models import BulkReview
from ..projects import MAX_LABELS
from .base import PlatformView, ProjectView
from .fields import UidListField

__all__ = ["BulkReviewList", "BulkReviewUndo"]

MAX_ITEMS = 10_000
_ALREADY_UNDONE = {409: {"type": "object", "properties": {"detail": {"type": "string"}}}}


class NewBulkReviewSerializer(StrictSerializer):
    """Which drafts of open items; without a limit, all of them."""

    verdict = StrictChoiceField(choices=BulkReview.Verdict.choices)
    items = UidListField(required=False, max_length=MAX_ITEMS, help_text="Only drafts on these items.")
    labels = serializers.ListField(
        child=StrictCharField(max_length=100), default=list, max_length=MAX_LABELS, help_text="An empty list means all."
    )
    min_score = ScoreField(default=0.0)
    max_score = ScoreField(default=1.0)
    finish = StrictBooleanField(
        default=False,
        help_text="Finish items that end without a draft: those in `items`, or those that had one of these drafts.",
    )
    dry_run = StrictBooleanField(default=False, help_text="Count, and change nothing.")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs["min_score"] > attrs["max_score"]:
            raise serializers.ValidationError({"min_score": ["Must not be above max_score."]})
        return attrs


class ForecastSerializer(serializers.Serializer[bulk.Forecast]):
    drafts = serializers.IntegerField()
    items = serializers.IntegerField()
    finished = serializers.IntegerField()
    by_label = serializers.DictField(child=serializers.IntegerField())


class BulkReviewSerializer(serializers.ModelSerializer[BulkReview]):
    """The counts are those of the moment in which it was done."""

    labels = serializers.ListField(child=serializers.CharField(), read_only=True)
    user = serializers.SerializerMethodField()

    class Meta:
        model = BulkReview
        fields = [
            "uid",
            "verdict",
            "labels",
            "min_score",
            "max_score",
            "drafts",
            "items",
            "finished",
            "user",
            "created_at",
            "undone_at",
        ]
        read_only_fields = fields

    def get_user(self, review: BulkReview) -> str | None:
        return review.user.get_username() if review.user else None


class UndoneSerializer(serializers.Serializer[bulk.Undone]):
    restored = serializers.IntegerField(help_text="Drafts that wait again.")
    reopened = serializers.IntegerField(help_text="Items that are no longer finished.")
    kept = serializers.IntegerField(help_text="Drafts that people have dealt with since, which stay as they are.")


class BulkReviewList(ProjectView):
    serializer_class = BulkReviewSerializer
    pagination_class = NewestFirst
    needs = {"POST": "review"}

    @extend_schema(
        summary="The project's bulk reviews, newest first",
        operation_id="projects_bulk_reviews_list",
        responses=BulkReviewSerializer(many=True),
    )
    def get(self, request: Request, uid: str) -> Response:
        page = self.paginate_queryset(self.get_object().bulk_reviews.select_related("user"))
        return self.get_paginated_response(BulkReviewSerializer(page, many=True).data)

    @extend_schema(
        summary="Accept or discard many drafts at once",
        request=NewBulkReviewSerializer,
        responses={200: ForecastSerializer, 201: BulkReviewSerializer},
    )
    def post(self, request: Request, uid: str) -> Response:
        project = self.get_object()
        values = self.validated(NewBulkReviewSerializer)
        verdict, dry_run = values.pop("verdict"), values.pop("dry_run")
        selection = bulk.Selection(**values)
        if dry_run:
            return Response(ForecastSerializer(bulk.forecast(project, selection)).data)
        made = bulk.apply(project, self.user, verdict, selection)
        return Response(BulkReviewSerializer(made).data, status=status.HTTP_201_CREATED)


class BulkReviewUndo(PlatformView):
    serializer_class = UndoneSerializer
    needs = {"POST": "review"}

    def get_queryset(self) -> QuerySet[BulkReview]:
        return BulkReview.objects.visible_to(self.request.user).select_related("project")

    @extend_schema(
        summary="Take a bulk review back; for whoever did it, and for managers",
        request=None,
        responses={200: UndoneSerializer, **_ALREADY_UNDONE},
    )
    def post(self, request: Request, uid: str) -> Response:
        review = self.get_object()
        is_mine = review.user_id == self.user.pk
        if not is_mine and not access.may(self.user, "manage", review.project.uid, request.auth):
            self.permission_denied(request, "Only a manager can undo what somebody else did.")
        return Response(UndoneSerializer(bulk.undo(review)).data)
