"""The JSON of webhooks and their deliveries, under the names that existing clients of this API know: an endpoint is a
delivery's `subscription`."""

from __future__ import annotations

from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from autolabel.models import WebhookAttempt, WebhookDelivery, WebhookEndpoint, WebhookEvent
from autolabel.webhooks.client import check_url
from autolabel.webhooks.secrets import still_valid

from .fields import StrictBooleanField, StrictCharField, StrictChoiceField, StrictSerializer

__all__ = [
    "DeliveryDetailSerializer",
    "DeliverySerializer",
    "NewWebhookSerializer",
    "SecretSerializer",
    "TestedSerializer",
    "WebhookChangeSerializer",
    "WebhookRequestSerializer",
    "WebhookSerializer",
]

# What can be subscribed to; a test goes to whoever asks for it.
_TYPES = [value for value in WebhookEvent.Type.values if value != WebhookEvent.Type.TEST]
_WEBHOOK = (
    "uid",
    "target_url",
    "events",
    "is_active",
    "state",
    "project",
    "description",
    "failures_in_row",
    "last_success_at",
    "previous_secrets_until",
    "created_at",
    "updated_at",
)
_DELIVERY = (
    "uid",
    "subscription",
    "event",
    "event_type",
    "job",
    "payload",
    "response_status",
    "response_body",
    "attempts",
    "next_retry_at",
    "status",
    "created_at",
    "updated_at",
)
_URL_HELP = "https:// unless the site allows http://."
_ACTIVE_HELP = "false holds deliveries back, true lets them go on, whatever had stopped them."


def _events(**options: Any) -> serializers.ListField:
    child = StrictChoiceField(choices=_TYPES)
    return serializers.ListField(
        child=child, min_length=1, max_length=len(_TYPES), help_text="Which events go there. Default: all.", **options
    )


class _WebhookFields(StrictSerializer):
    def validate_target_url(self, url: str) -> str:
        wrong = check_url(url)
        if wrong:
            raise serializers.ValidationError(wrong)
        return url

    def validate_events(self, events: list[str]) -> list[str]:
        return sorted(set(events))


class WebhookChangeSerializer(_WebhookFields):
    """What of a webhook can be changed. Every field may be left out."""

    target_url = StrictCharField(max_length=2000, required=False, help_text=_URL_HELP)
    events = _events(required=False)
    is_active = StrictBooleanField(required=False, help_text=_ACTIVE_HELP)
    description = StrictCharField(max_length=200, required=False, allow_blank=True)


class WebhookRequestSerializer(_WebhookFields):
    """A new webhook."""

    target_url = StrictCharField(max_length=2000, help_text=_URL_HELP)
    events = _events(default=lambda: list(_TYPES))
    is_active = StrictBooleanField(default=True, help_text=_ACTIVE_HELP)
    project = StrictCharField(
        max_length=64,
        default="",
        allow_blank=True,
        help_text="Only events of this project; all who manage it may then change the webhook. Blank: of all you see.",
    )
    description = StrictCharField(max_length=200, default="", allow_blank=True)


class WebhookSerializer(serializers.ModelSerializer):
    """A webhook, without its secret. `state` says why one is not active."""

    is_active = serializers.SerializerMethodField()
    previous_secrets_until = serializers.SerializerMethodField(
        help_text="Until then the secrets from before sign, too."
    )
    project = serializers.CharField(source="project_uid", help_text="Blank: all that its owner sees.")

    class Meta:
        model = WebhookEndpoint
        fields: ClassVar[tuple[str, ...]] = _WEBHOOK
        read_only_fields = _WEBHOOK

    @extend_schema_field(serializers.DateTimeField(allow_null=True))
    def get_previous_secrets_until(self, endpoint: WebhookEndpoint) -> str | None:
        return max((until for _, until in still_valid(endpoint.previous_secrets)), default=None)

    def get_is_active(self, endpoint: WebhookEndpoint) -> bool:
        return endpoint.state == WebhookEndpoint.State.ACTIVE


class SecretSerializer(serializers.Serializer):
    secret = serializers.CharField(help_text="Told this once. Keep it where the receiver finds it.")


class NewWebhookSerializer(WebhookSerializer):
    secret = serializers.CharField(help_text="Told this once. Keep it where the receiver finds it.")

    class Meta(WebhookSerializer.Meta):
        fields: ClassVar[tuple[str, ...]] = (*_WEBHOOK, "secret")


class TestedSerializer(serializers.Serializer):
    success = serializers.BooleanField()
    message = serializers.CharField(help_text="What the receiver answered, or why it did not.")
    delivery = serializers.CharField(source="delivery.uid")


class DeliverySerializer(serializers.ModelSerializer):
    """One event on its way to one endpoint, with the answer to the last attempt; null where there was none."""

    subscription = serializers.CharField(source="endpoint.uid")
    event = serializers.CharField(source="event.uid", help_text="The `webhook-id` that the receiver sees.")
    event_type = serializers.CharField(source="event.event_type")
    job = serializers.CharField(source="event.job.uid", default=None, allow_null=True)
    payload = serializers.JSONField(source="event.payload")
    response_status = serializers.IntegerField(allow_null=True)
    response_body = serializers.CharField(allow_null=True)

    class Meta:
        model = WebhookDelivery
        fields: ClassVar[tuple[str, ...]] = _DELIVERY
        read_only_fields = _DELIVERY


class AttemptSerializer(serializers.ModelSerializer):
    """One request and what was answered; `error` says why there was no answer."""

    class Meta:
        model = WebhookAttempt
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
    log = AttemptSerializer(many=True, help_text="The attempts, newest first.")

    class Meta(DeliverySerializer.Meta):
        fields: ClassVar[tuple[str, ...]] = (*_DELIVERY, "log")
