"""API keys: made here, stored as a hash, looked up by that hash.

The hash is an HMAC under Django's SECRET_KEY: who can write rows, but does not know SECRET_KEY, makes no key. After a
change of SECRET_KEY keys work on as long as the old one stands in SECRET_KEY_FALLBACKS.
"""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.crypto import constant_time_compare, salted_hmac

from autolabel import audit

from .models import ApiKey

if TYPE_CHECKING:
    from django.contrib.auth.models import User

__all__ = ["MOST_KEYS", "find_key", "hash_of_digest", "issue_key", "new_key", "revoke_key"]

# Active ones, of one user.
MOST_KEYS = 50
_MARK = "ap_"  # lets a secret scanner recognise a leaked key
_PREFIX_LENGTH = 11
_RANDOM_BYTES = 32
_LONGEST_KEY = 200
_USE_NOTED_EVERY = timedelta(minutes=1)


def new_key() -> tuple[str, str, str]:
    """A fresh key, the prefix by which people recognise it, and the hash to store."""
    key = _MARK + secrets.token_urlsafe(_RANDOM_BYTES)
    return key, key[:_PREFIX_LENGTH], _hash(key)


def issue_key(
    user: User, name: str, scope: str = ApiKey.Scope.MANAGE, expires_at: datetime | None = None
) -> tuple[ApiKey, str]:
    """Store a new key for `user`; returns its row and the key itself, which exists nowhere else."""
    key, prefix, key_hash = new_key()
    with transaction.atomic():
        row = ApiKey.objects.create(
            user=user, name=name, scope=scope, expires_at=expires_at, prefix=prefix, key_hash=key_hash
        )
        audit.record(user, "api_key.create", target=prefix, name=name, scope=str(scope))
    return row, key


def revoke_key(key: ApiKey, user: User) -> None:
    """It opens nothing from now on; its row stays, to tell what it was."""
    with transaction.atomic():
        key.is_active = False
        key.save(update_fields=["is_active"])
        audit.record(user, "api_key.revoke", target=key.prefix, name=key.name, of=str(key.user))


def find_key(key: str) -> ApiKey | None:
    """The active key of an active user, its use noted; None for any other."""
    if not key or len(key) > _LONGEST_KEY:
        return None
    hashes = [_hash(key, secret) for secret in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)]
    found = ApiKey.objects.usable().select_related("user").filter(key_hash__in=hashes).first()
    if found is None or not any(constant_time_compare(found.key_hash, one) for one in hashes):
        return None
    _note_use(found)
    return found


def _hash(key: str, secret: str | bytes = "") -> str:
    return hash_of_digest(hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest(), secret)


def hash_of_digest(digest: str, secret: str | bytes = "") -> str:
    """What is stored for the key with that SHA-256; `secret` is SECRET_KEY, or one of its fallbacks.

    By way of the digest, so that keys from before could be kept (migration 0005).
    """
    return salted_hmac("annotation_platform.keys", digest, secret=secret or None, algorithm="sha256").hexdigest()


def _note_use(key: ApiKey) -> None:
    """Note the time at most once a minute, so that reading does not become writing."""
    now = timezone.now()
    if key.last_used_at is not None and key.last_used_at > now - _USE_NOTED_EVERY:
        return
    stale = Q(last_used_at=None) | Q(last_used_at__lte=now - _USE_NOTED_EVERY)
    if ApiKey.objects.filter(stale, pk=key.pk).update(last_used_at=now):
        key.last_used_at = now
