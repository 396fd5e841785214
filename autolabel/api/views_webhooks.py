"""Webhooks: one's own and those of projects that one manages, and what became of each delivery."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ObjectDoesNotExist
from django.db.models import QuerySet
from django.http import Http404
from django_filters.rest_framework import DjangoFilterBackend
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema, extend_schema_view
from rest_framework import status
from rest_framework.decorators import action
from rest_framework.exceptions import Throttled
from rest_framework.mixins import DestroyModelMixin, ListModelMixin, RetrieveModelMixin
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from autolabel.models import WebhookDelivery, WebhookEndpoint
from autolabel.webhooks import client, delivery, endpoints

from .base import ExplicitView
from .errors import Conflict
from .filters import DeliveryFilter
from .pagination import NewestFirst
from .permissions import actor_of, visible_project, well_formed
from .serializers_webhooks import (
    DeliveryDetailSerializer,
    DeliverySerializer,
    NewWebhookSerializer,
    SecretSerializer,
    TestedSerializer,
    WebhookChangeSerializer,
    WebhookRequestSerializer,
    WebhookSerializer,
)

__all__ = ["DeliveryViewSet", "WebhookViewSet"]

_PROJECT = OpenApiParameter("project", str, description="Those of this project that you manage, whoever made them.")
_SUBSCRIPTION = OpenApiParameter("subscription", str, description="Those to this webhook. Without it, to all of yours.")


class _Managed(ExplicitView, GenericViewSet):
    """What is not for this user to manage is not there."""

    changing = "manage"
    pagination_class = NewestFirst
    filter_backends: Any = ()
    lookup_field = "uid"
    lookup_value_regex = "[^/]+"

    def get_object(self) -> Any:
        well_formed(self.kwargs["uid"])
        found = super().get_object()
        endpoint = found if isinstance(found, WebhookEndpoint) else found.endpoint
        if not endpoints.may_manage(self.request.user, endpoint):
            raise Http404
        return found

    def filter_queryset(self, queryset: Any) -> Any:
        return super().filter_queryset(queryset) if self.action == "list" else queryset

    def handle_exception(self, exc: Exception) -> Response:
        """What somebody else deletes meanwhile is not there, either."""
        return super().handle_exception(Http404() if isinstance(exc, ObjectDoesNotExist) else exc)


@extend_schema_view(
    list=extend_schema(operation_id="webhooks", parameters=[_PROJECT]),
    retrieve=extend_schema(operation_id="webhook"),
    destroy=extend_schema(operation_id="webhook_delete"),
)
class WebhookViewSet(ListModelMixin, RetrieveModelMixin, DestroyModelMixin, _Managed):
    """Webhooks that you have made, newest first."""

    queryset = WebhookEndpoint.objects.none()
    serializer_class = WebhookSerializer

    def get_queryset(self) -> QuerySet[WebhookEndpoint]:
        user = self.request.user
        if self.action != "list":
            return endpoints.in_reach_of(user)
        project_uid = well_formed(self.request.query_params.get("project", ""))
        if not project_uid:
            return endpoints.made_by(user)
        found = WebhookEndpoint.objects.filter(project_uid=project_uid)
        return found if endpoints.manages(user, project_uid) else found.none()

    @extend_schema(
        operation_id="webhook_create",
        request=WebhookRequestSerializer,
        responses={201: NewWebhookSerializer, 409: OpenApiResponse(description="You have as many as may be.")},
    )
    def create(self, request: Request) -> Response:
        """Add a webhook. Its secret is in this answer, and in no other."""
        body = WebhookRequestSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        given = dict(body.validated_data)
        given["project_uid"] = given.pop("project")
        if given["project_uid"]:
            visible_project(request, given["project_uid"], "manage")
        if not given.pop("is_active"):
            given["state"] = WebhookEndpoint.State.PAUSED
        try:
            endpoint, secret = endpoints.create(actor_of(request), **given)
        except endpoints.TooManyEndpoints as error:
            raise Conflict(str(error)) from None
        return Response({**WebhookSerializer(endpoint).data, "secret": secret}, status.HTTP_201_CREATED)

    @extend_schema(operation_id="webhook_change", request=WebhookChangeSerializer, responses={200: WebhookSerializer})
    def partial_update(self, request: Request, uid: str) -> Response:
        """Change what is given."""
        endpoint: WebhookEndpoint = self.get_object()
        body = WebhookChangeSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        given = dict(body.validated_data)
        is_active = given.pop("is_active", None)
        endpoints.change(actor_of(request), endpoint, given)
        if is_active is not None:
            switch = endpoints.resume if is_active else endpoints.pause
            switch(actor_of(request), endpoint)
        return Response(WebhookSerializer(endpoint).data)

    def perform_destroy(self, instance: WebhookEndpoint) -> None:
        endpoints.delete(actor_of(self.request), instance)

    @extend_schema(operation_id="webhook_rotate", request=None, responses={200: SecretSerializer})
    @action(detail=True, methods=["post"], url_path="rotate-secret")
    def rotate_secret(self, request: Request, uid: str) -> Response:
        """A new secret, told this once. The old one signs beside it for 24 hours."""
        return Response({"secret": endpoints.rotate(actor_of(request), self.get_object())})

    @extend_schema(operation_id="webhook_test", request=None, responses={200: TestedSerializer})
    @action(detail=True, methods=["post"])
    def test(self, request: Request, uid: str) -> Response:
        """Send an event of the type `auto_label.test` now, once, and say what came of it. Takes up to 20 seconds."""
        try:
            with client.place():
                return Response(TestedSerializer(delivery.send_test(self.get_object())).data)
        except client.Busy as busy:
            raise Throttled(wait=client.RETRY_SECONDS, detail=str(busy)) from None


@extend_schema_view(
    list=extend_schema(operation_id="webhook_deliveries", parameters=[_SUBSCRIPTION]),
    retrieve=extend_schema(operation_id="webhook_delivery", responses=DeliveryDetailSerializer),
)
class DeliveryViewSet(ListModelMixin, RetrieveModelMixin, _Managed):
    """Deliveries to your webhooks, newest first."""

    queryset = WebhookDelivery.objects.none()
    serializer_class = DeliverySerializer
    filter_backends = (DjangoFilterBackend,)
    filterset_class = DeliveryFilter

    def get_queryset(self) -> QuerySet[WebhookDelivery]:
        return endpoints.deliveries_to(self.request.user, self._endpoints())

    def _endpoints(self) -> QuerySet[WebhookEndpoint]:
        user = self.request.user
        in_reach = endpoints.in_reach_of(user)
        if self.action != "list":
            return in_reach
        uid = well_formed(self.request.query_params.get("subscription", ""))
        if not uid:
            return endpoints.made_by(user)
        endpoint = in_reach.filter(uid=uid).first()
        is_mine = endpoint is not None and endpoints.may_manage(user, endpoint)
        return in_reach.filter(uid=uid) if is_mine else in_reach.none()

    def get_serializer_class(self) -> Any:
        return DeliveryDetailSerializer if self.action == "retrieve" else DeliverySerializer

    @extend_schema(
        operation_id="webhook_delivery_redeliver",
        request=None,
        responses={202: DeliverySerializer, 409: OpenApiResponse(description="It is on its way already.")},
    )
    @action(detail=True, methods=["post"])
    def redeliver(self, request: Request, uid: str) -> Response:
        """Send it once more, under the same id."""
        if not delivery.redeliver(self.get_object()):
            raise Conflict("It is on its way already.")
        return Response(DeliverySerializer(self.get_object()).data, status.HTTP_202_ACCEPTED)
