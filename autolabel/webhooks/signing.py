"""The bytes that are sent, and the headers that let a receiver trust them: Standard Webhooks, and ours beside it."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from standardwebhooks import Webhook

__all__ = ["serialized", "signed_headers"]


def serialized(payload: Mapping[str, Any]) -> bytes:
    """The one body of an event: the same bytes at each try, whatever order the database keeps keys in."""
    return json.dumps(payload, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()


def signed_headers(
    event_uid: str, event_type: str, delivery_uid: str, body: bytes, secrets: Sequence[str], now: datetime
) -> dict[str, str]:
    """`secrets` holds the present one first, and for a day after a rotation the one before it. `now` is in UTC."""
    signatures = " ".join(Webhook(secret).sign(event_uid, now, body.decode()) for secret in secrets)
    headers = {
        "Content-Type": "application/json",
        "webhook-id": event_uid,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": signatures,
        "X-Avala-Webhook-Event": event_type,
        "X-Avala-Webhook-Delivery": delivery_uid,
    }
    present, *previous = (hmac.new(secret.encode(), body, hashlib.sha256).hexdigest() for secret in secrets)
    headers["X-Avala-Webhook-Signature"] = present
    if previous:
        headers["X-Avala-Webhook-Signature-Previous"] = ",".join(previous)
    return headers
