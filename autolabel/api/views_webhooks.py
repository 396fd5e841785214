"""Webhooks: the endpoints that somebody has, and what became of each delivery. Nobody sees another's."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiResponse, extend_schema, extend_schema_view
from rest_framework import status
from rest_framework.decorators import action
from rest_framework.mixins import DestroyModelMixin, ListModelMixin, RetrieveModelMixin
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from autolabel.models import WebhookDelivery, WebhookEndpoint
from autolabel.webhooks import delivery, endpoints

from .base import ExplicitView
from .errors import Conflict
from .pagination import NewestFirst
from .permissions import visible_project, well_formed
from .serializers_webhooks import (
    DeliveryDetailSerializer,
    DeliverySerializer,
    EndpointChangeSerializer,
    EndpointRequestSerializer,
    EndpointSerializer,
    NewEndpointSerializer,
    SecretSerializer,
)

__all__ = ["DeliveryViewSet", "EndpointViewSet"]


class _Mine(ExplicitView, GenericViewSet):
    changing = "manage"
    pagination_class = NewestFirst
    filter_backends = ()
    lookup_field = "uid"
    lookup_value_regex = "[^/]+"

    def get_object(self) -> Any:
        well_formed(self.kwargs["uid"])
        return super().get_object()


@extend_schema_view(
    list=extend_schema(operation_id="webhook_endpoints"),
    retrieve=extend_schema(operation_id="webhook_endpoint"),
    destroy=extend_schema(operation_id="webhook_endpoint_delete"),
)
class EndpointViewSet(ListModelMixin, RetrieveModelMixin, DestroyModelMixin, _Mine):
    """Your webhook endpoints, newest first."""

    queryset = WebhookEndpoint.objects.none()
    serializer_class = EndpointSerializer

    def get_queryset(self) -> QuerySet[WebhookEndpoint]:
        return WebhookEndpoint.objects.filter(owner=self.request.user.pk)

    @extend_schema(
        operation_id="webhook_endpoint_create",
        request=EndpointRequestSerializer,
        responses={201: NewEndpointSerializer, 409: OpenApiResponse(description="You have as many as may be.")},
    )
    def create(self, request: Request) -> Response:
        """Add an endpoint. Its secret is in this answer, and in no other."""
        body = EndpointRequestSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        if body.validated_data["project_uid"]:
            visible_project(request, body.validated_data["project_uid"], "view")
        try:
            endpoint, secret = endpoints.create(request.user, credential=request.auth, **body.validated_data)
        except endpoints.TooManyEndpoints as error:
            raise Conflict(str(error)) from None
        answer = {**EndpointSerializer(endpoint).data, "secret": secret}
        return Response(answer, status.HTTP_201_CREATED)

    @extend_schema(
        operation_id="webhook_endpoint_change", request=EndpointChangeSerializer, responses={200: EndpointSerializer}
    )
    def partial_update(self, request: Request, uid: str) -> Response:
        """Change what is given; `"state": "active"` also lets an endpoint go on that was stopped."""
        endpoint: WebhookEndpoint = self.get_object()
        body = EndpointChangeSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        given = dict(body.validated_data)
        state = given.pop("state", None)
        endpoints.change(endpoint, given, credential=request.auth)
        if state is not None:
            switch = endpoints.resume if state == WebhookEndpoint.State.ACTIVE else endpoints.pause
            switch(endpoint, credential=request.auth)
        return Response(EndpointSerializer(endpoint).data)

    def perform_destroy(self, instance: WebhookEndpoint) -> None:
        endpoints.delete(instance, credential=self.request.auth)

    @extend_schema(operation_id="webhook_endpoint_rotate", request=None, responses={200: SecretSerializer})
    @action(detail=True, methods=["post"], url_path="rotate-secret")
    def rotate_secret(self, request: Request, uid: str) -> Response:
        """A new secret, told this once. The old one signs beside it for 24 hours."""
        return Response({"secret": endpoints.rotate(self.get_object(), credential=request.auth)})

    @extend_schema(operation_id="webhook_endpoint_test", request=None, responses={202: DeliverySerializer})
    @action(detail=True, methods=["post"])
    def test(self, request: Request, uid: str) -> Response:
        """Send an event of the type `auto_label.test`; the deliveries tell what became of it."""
        return Response(DeliverySerializer(delivery.send_test(self.get_object())).data, status.HTTP_202_ACCEPTED)


@extend_schema_view(
    list=extend_schema(operation_id="webhook_deliveries"),
    retrieve=extend_schema(operation_id="webhook_delivery", responses=DeliveryDetailSerializer),
)
class DeliveryViewSet(ListModelMixin, RetrieveModelMixin, _Mine):
    """Deliveries to your endpoints, newest first."""

    queryset = WebhookDelivery.objects.none()
    serializer_class = DeliverySerializer

    def get_queryset(self) -> QuerySet[WebhookDelivery]:
        mine = WebhookDelivery.objects.filter(endpoint__owner=self.request.user.pk)
        return mine.select_related("event", "event__job", "endpoint")

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
        found: WebhookDelivery = self.get_object()
        if not delivery.redeliver(found):
            raise Conflict("It is on its way already.")
        found.refresh_from_db()
        return Response(DeliverySerializer(found).data, status.HTTP_202_ACCEPTED)
