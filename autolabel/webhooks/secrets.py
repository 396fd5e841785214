"""Signing secrets: made here, shown once, kept encrypted under Django's SECRET_KEY.

SECRET_KEY_FALLBACKS are honoured, so that changing the key does not silence every endpoint.
"""

from __future__ import annotations

import base64
import secrets
from collections.abc import Sequence
from datetime import datetime

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.utils import timezone
from django.utils.encoding import force_bytes

__all__ = ["SecretLost", "new_secret", "seal", "still_valid", "unseal"]

_RANDOM_BYTES = 32


class SecretLost(Exception):
    """The secret was encrypted under a SECRET_KEY that is no longer known."""


def new_secret() -> str:
    """A fresh secret in the form of Standard Webhooks: "whsec_" and base64."""
    return f"whsec_{base64.b64encode(secrets.token_bytes(_RANDOM_BYTES)).decode()}"


def seal(secret: str) -> str:
    return _box().encrypt(secret.encode()).decode()


def unseal(sealed: str) -> str:
    """Raises SecretLost."""
    try:
        return _box().decrypt(sealed.encode()).decode()
    except InvalidToken:
        raise SecretLost("The secret cannot be read any more: SECRET_KEY has changed. Rotate the secret.") from None


def still_valid(previous: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """Of sealed secrets, each with the time (ISO 8601) until which it signs, those that do, and that can be read."""
    now = timezone.now()
    return [(sealed, until) for sealed, until in previous if datetime.fromisoformat(until) > now and _can_read(sealed)]


def _can_read(sealed: str) -> bool:
    try:
        unseal(sealed)
    except SecretLost:
        return False
    return True


def _box() -> MultiFernet:
    return MultiFernet([Fernet(_key(key)) for key in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)])


def _key(secret_key: str | bytes) -> bytes:
    derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"autolabel webhook secrets")
    return base64.urlsafe_b64encode(derived.derive(force_bytes(secret_key)))
