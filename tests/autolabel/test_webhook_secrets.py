"""What signs a webhook, across rotations and changes of the key."""

from __future__ import annotations

import hashlib
import hmac
from typing import Any

import pytest
from django.utils import timezone
from standardwebhooks import Webhook

from autolabel.hosts.base import Actor
from autolabel.models import WebhookAttempt, WebhookEndpoint
from autolabel.webhooks import endpoints
from autolabel.webhooks.secrets import new_secret, seal, unseal

from .receivers import Receiver
from .sending import ended_job, send_all

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("rings", "fake_model")]


def test_after_a_rotation_both_secrets_sign_for_a_day(server: Receiver, endpoint: WebhookEndpoint, owner: Any) -> None:
    old = unseal(endpoint.secret)
    new = endpoints.rotate(Actor(owner), endpoint)
    endpoint.refresh_from_db()
    ended_job(owner)
    send_all()
    request = server.requests[-1]
    for secret in (old, new):
        assert Webhook(secret).verify(request.body, request.headers)
    previous = hmac.new(old.encode(), request.body, hashlib.sha256).hexdigest()
    assert request.headers["X-Avala-Webhook-Signature-Previous"] == previous

    (sealed, _), *_ = endpoint.previous_secrets
    WebhookEndpoint.objects.update(previous_secrets=[(sealed, timezone.now().isoformat())])
    ended_job(owner)
    send_all()
    request = server.requests[-1]
    assert Webhook(new).verify(request.body, request.headers)
    assert len(request.headers["webhook-signature"].split()) == 1


def test_a_second_rotation_within_the_day_silences_none_of_the_secrets_before(
    server: Receiver, endpoint: WebhookEndpoint, owner: Any
) -> None:
    first = unseal(endpoint.secret)
    # From the same stale row, as by a double click.
    told = [endpoints.rotate(Actor(owner), endpoint) for _ in range(2)]
    ended_job(owner)
    send_all()

    request = server.requests[-1]
    for secret in (first, *told):
        assert Webhook(secret).verify(request.body, request.headers)
    assert len(request.headers["X-Avala-Webhook-Signature-Previous"].split(",")) == 2


def test_after_the_key_was_lost_a_rotation_is_the_way_out(
    server: Receiver, endpoint: WebhookEndpoint, owner: Any, settings: Any
) -> None:
    settings.SECRET_KEY = "another-key"
    new = endpoints.rotate(Actor(owner), endpoint)
    ended_job(owner)
    send_all()

    request = server.requests[-1]
    assert Webhook(new).verify(request.body, request.headers)


def test_secrets_are_encrypted_at_rest_and_outlive_a_change_of_the_key(settings: Any) -> None:
    secret = new_secret()
    sealed = seal(secret)
    assert secret not in sealed
    assert unseal(sealed) == secret
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another-key"
    assert unseal(sealed) == secret


def test_a_secret_that_cannot_be_read_any_more_sends_nothing_and_says_so(
    server: Receiver, endpoint: WebhookEndpoint, owner: Any, settings: Any
) -> None:
    ended_job(owner)
    settings.SECRET_KEY = "another-key"
    send_all()

    assert server.requests == []
    assert "SECRET_KEY has changed. Rotate the secret." in WebhookAttempt.objects.get().error
