"""The JSON of webhook endpoints and deliveries."""

from __future__ import annotations

from typing import Any, ClassVar

from rest_framework import serializers

from autolabel.models import WebhookDelivery, WebhookEndpoint, WebhookEvent, WebhookTry
from autolabel.webhooks.client import check_url

from .fields import StrictCharField, StrictChoiceField, StrictSerializer

__all__ = [
    "DeliveryDetailSerializer",
    "DeliverySerializer",
    "EndpointChangeSerializer",
    "EndpointRequestSerializer",
    "EndpointSerializer",
    "NewEndpointSerializer",
    "SecretSerializer",
]

# What can be subscribed to; a test goes to whoever asks for it.
_TYPES = [value for value in WebhookEvent.Type.values if value != WebhookEvent.Type.TEST]
_ENDPOINT = (
    "uid",
    "url",
    "project_uid",
    "events",
    "description",
    "state",
    "failures_in_row",
    "last_success_at",
    "previous_secret_until",
    "created_at",
)
_DELIVERY = (
    "uid",
    "endpoint",
    "event",
    "event_type",
    "job",
    "state",
    "tries",
    "next_try_at",
    "created_at",
    "ended_at",
)
# Between which a person switches.
STATES = [(value, value) for value in (WebhookEndpoint.State.ACTIVE.value, WebhookEndpoint.State.PAUSED.value)]


def _events(**options: Any) -> serializers.ListField:
    child = StrictChoiceField(choices=_TYPES)
    return serializers.ListField(
        child=child, min_length=1, max_length=len(_TYPES), help_text="Which events go there. Default: all.", **options
    )


class _EndpointFields(StrictSerializer):
    url = StrictCharField(max_length=2000, help_text="https:// unless the site allows http://.")

    def validate_url(self, url: str) -> str:
        wrong = check_url(url)
        if wrong:
            raise serializers.ValidationError(wrong)
        return url

    def validate_events(self, events: list[str]) -> list[str]:
        return sorted(set(events))


class EndpointChangeSerializer(_EndpointFields):
    """What of an endpoint can be changed. Every field may be left out."""

    url = StrictCharField(max_length=2000, required=False, help_text="https:// unless the site allows http://.")
    events = _events(required=False)
    description = StrictCharField(max_length=200, required=False, allow_blank=True)
    state = StrictChoiceField(choices=STATES, required=False)


class EndpointRequestSerializer(_EndpointFields):
    """A new endpoint."""

    events = _events(default=lambda: list(_TYPES))
    project_uid = StrictCharField(
        max_length=64, default="", allow_blank=True, help_text="Only events of this project; blank: of all you see."
    )
    description = StrictCharField(max_length=200, default="", allow_blank=True)


class EndpointSerializer(serializers.ModelSerializer):
    """An endpoint, without its secret."""

    class Meta:
        model = WebhookEndpoint
        fields: ClassVar[tuple[str, ...]] = _ENDPOINT
        read_only_fields = _ENDPOINT


class SecretSerializer(serializers.Serializer):
    secret = serializers.CharField(help_text="Told this once. Keep it where the receiver finds it.")


class NewEndpointSerializer(EndpointSerializer):
    secret = serializers.CharField(help_text="Told this once. Keep it where the receiver finds it.")

    class Meta(EndpointSerializer.Meta):
        fields: ClassVar[tuple[str, ...]] = (*_ENDPOINT, "secret")


class DeliverySerializer(serializers.ModelSerializer):
    """One event on its way to one endpoint."""

    endpoint = serializers.CharField(source="endpoint.uid")
    event = serializers.CharField(source="event.uid", help_text="The `webhook-id` that the receiver sees.")
    event_type = serializers.CharField(source="event.event_type")
    job = serializers.CharField(source="event.job.uid", default=None, allow_null=True)

    class Meta:
        model = WebhookDelivery
        fields: ClassVar[tuple[str, ...]] = _DELIVERY
        read_only_fields = _DELIVERY


class TrySerializer(serializers.ModelSerializer):
    """One request and what was answered; `error` says why there was no answer."""

    class Meta:
        model = WebhookTry
        fields = (
            "number",
            "url",
            "request_headers",
            "status_code",
            "response_body",
            "error",
            "seconds",
            "created_at",
        )
        read_only_fields = fields


class DeliveryDetailSerializer(DeliverySerializer):
    payload = serializers.JSONField(source="event.payload")
    log = TrySerializer(many=True, help_text="The tries, newest first.")

    class Meta(DeliverySerializer.Meta):
        fields: ClassVar[tuple[str, ...]] = (*_DELIVERY, "payload", "log")
