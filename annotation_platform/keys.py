"""API keys: made here, stored as a hash, looked up by that hash.

A plain SHA-256 is enough: the key is 32 random bytes, so that nobody can guess it from its hash, and the
stored keys outlive a change of SECRET_KEY.
"""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta
from typing import TYPE_CHECKING

from django.db.models import Q
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from .models import ApiKey

if TYPE_CHECKING:
    from django.contrib.auth.models import User

__all__ = ["find_key", "issue_key", "new_key"]

_MARK = "ap_"  # lets a secret scanner recognise a leaked key
_PREFIX_LENGTH = 11
_RANDOM_BYTES = 32
_LONGEST_KEY = 200
_USE_NOTED_EVERY = timedelta(minutes=1)


def new_key() -> tuple[str, str, str]:
    """A fresh key, the prefix by which people recognise it, and the hash to store."""
    key = _MARK + secrets.token_urlsafe(_RANDOM_BYTES)
    return key, key[:_PREFIX_LENGTH], _hash(key)


def issue_key(user: User, name: str) -> tuple[ApiKey, str]:
    """Store a new key for `user`; returns its row and the key itself, which exists nowhere else."""
    key, prefix, key_hash = new_key()
    return ApiKey.objects.create(user=user, name=name, prefix=prefix, key_hash=key_hash), key


def find_key(key: str) -> ApiKey | None:
    """The active key of an active user, its use noted; None for any other."""
    if not key or len(key) > _LONGEST_KEY:
        return None
    key_hash = _hash(key)
    usable = ApiKey.objects.filter(is_active=True, user__is_active=True).select_related("user")
    found = usable.filter(key_hash=key_hash).first()
    if found is None or not constant_time_compare(found.key_hash, key_hash):
        return None
    _note_use(found)
    return found


def _hash(key: str) -> str:
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()


def _note_use(key: ApiKey) -> None:
    """Note the time at most once a minute, so that reading does not become writing."""
    now = timezone.now()
    if key.last_used_at is not None and key.last_used_at > now - _USE_NOTED_EVERY:
        return
    stale = Q(last_used_at=None) | Q(last_used_at__lte=now - _USE_NOTED_EVERY)
    if ApiKey.objects.filter(stale, pk=key.pk).update(last_used_at=now):
        key.last_used_at = now
