"""Making and changing endpoints; their secrets are told once, to whoever makes or rotates them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.db import router, transaction
from django.utils import timezone

from autolabel import audit
from autolabel.models import WebhookEndpoint

from .secrets import new_secret, seal

__all__ = ["TooManyEndpoints", "change", "create", "delete", "pause", "resume", "rotate"]

# So long the secret before the last rotation signs, too.
_OVERLAP = timedelta(hours=24)
# Of one owner: each event is sent to all of them.
_MOST = 50

State = WebhookEndpoint.State


class TooManyEndpoints(Exception):
    """The owner has as many as may be; the message says so."""


def create(owner: Any, *, credential: Any = None, **fields: Any) -> tuple[WebhookEndpoint, str]:
    """A new endpoint and its secret, which exists in the clear nowhere else. Raises TooManyEndpoints."""
    if WebhookEndpoint.objects.filter(owner=owner).count() >= _MOST:
        raise TooManyEndpoints(f"You have {_MOST} endpoints. Delete one that nobody needs.")
    secret = new_secret()
    with transaction.atomic(using=router.db_for_write(WebhookEndpoint)):
        endpoint = WebhookEndpoint.objects.create(owner=owner, secret=seal(secret), **fields)
        _note(endpoint, "webhook.create", credential, url=endpoint.url)
    return endpoint, secret


def change(endpoint: WebhookEndpoint, fields: Mapping[str, Any], *, credential: Any = None) -> None:
    """Its url, events or description."""
    if not fields:
        return
    for name, value in fields.items():
        setattr(endpoint, name, value)
    with transaction.atomic(using=router.db_for_write(WebhookEndpoint)):
        endpoint.save(update_fields=list(fields))
        _note(endpoint, "webhook.change", credential, **fields)


def delete(endpoint: WebhookEndpoint, *, credential: Any = None) -> None:
    """With its deliveries, those that wait included."""
    with transaction.atomic(using=router.db_for_write(WebhookEndpoint)):
        _note(endpoint, "webhook.delete", credential, url=endpoint.url)
        endpoint.delete()


def rotate(endpoint: WebhookEndpoint, *, credential: Any = None) -> str:
    """A new secret; the one before it signs beside it for a day."""
    secret = new_secret()
    endpoint.previous_secret, endpoint.previous_secret_until = endpoint.secret, timezone.now() + _OVERLAP
    endpoint.secret = seal(secret)
    with transaction.atomic(using=router.db_for_write(WebhookEndpoint)):
        endpoint.save(update_fields=["secret", "previous_secret", "previous_secret_until"])
        _note(endpoint, "webhook.rotate_secret", credential)
    return secret


def pause(endpoint: WebhookEndpoint, *, credential: Any = None) -> None:
    """Hold its deliveries back until it is resumed; nothing is lost."""
    endpoint.state = State.PAUSED
    with transaction.atomic(using=router.db_for_write(WebhookEndpoint)):
        endpoint.save(update_fields=["state"])
        _note(endpoint, "webhook.pause", credential)


def resume(endpoint: WebhookEndpoint, *, credential: Any = None) -> None:
    """Let deliveries go on, whatever had stopped them, and count failures from nothing."""
    endpoint.state, endpoint.failures_in_row = State.ACTIVE, 0
    with transaction.atomic(using=router.db_for_write(WebhookEndpoint)):
        endpoint.save(update_fields=["state", "failures_in_row"])
        _note(endpoint, "webhook.resume", credential)


def _note(endpoint: WebhookEndpoint, action: str, credential: Any, **detail: Any) -> None:
    """Only owners change their endpoints."""
    audit.record(
        endpoint.owner,
        action,
        credential=credential,
        project_uid=endpoint.project_uid,
        target=endpoint.uid,
        **detail,
    )
