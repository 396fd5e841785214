"""Finds the configured host."""

from __future__ import annotations

from functools import lru_cache

from django.core.signals import setting_changed
from django.utils.module_loading import import_string

from autolabel.conf import conf

from .base import Host

__all__ = ["get_host"]


@lru_cache(maxsize=1)
def _build(path: str) -> Host:
    host: Host = import_string(path)()
    return host


def get_host() -> Host:
    """The host named by AUTOLABEL["HOST"], made once a process."""
    return _build(conf().host)


def _forget(*, setting: str, **kwargs: object) -> None:
    if setting == "AUTOLABEL":
        _build.cache_clear()


setting_changed.connect(_forget)
