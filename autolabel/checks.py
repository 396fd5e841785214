"""System checks: a mistake in the settings is said at start-up, with an id and the way out."""

from __future__ import annotations

from typing import Any

from django.core.checks import CheckMessage, Error, register
from django.core.exceptions import ImproperlyConfigured

from autolabel.conf import conf


@register("autolabel")
def check_settings(**kwargs: Any) -> list[CheckMessage]:
    try:
        conf()
    except ImproperlyConfigured as error:
        return [Error(str(error), id="autolabel.E001")]
    return [*_check_host(), *_check_models(), *_check_limits()]


def _check_host() -> list[CheckMessage]:
    from django.db import router

    from autolabel.hosts.loader import get_host
    from autolabel.models import ItemResult

    try:
        host = get_host()
    except Exception as error:
        return [
            Error(
                f'AUTOLABEL["HOST"] cannot be loaded: {error}',
                hint="Give the dotted path of a class that implements autolabel.hosts.base.Host.",
                id="autolabel.E002",
            )
        ]
    ours = router.db_for_write(ItemResult)
    if host.database_alias() != ours:
        return [
            Error(
                f"Drafts are written to the database {host.database_alias()!r}, item results to {ours!r}.",
                hint="Both must share one database, or a crash between two commits could lose or double drafts.",
                id="autolabel.E003",
            )
        ]
    return []


def _check_models() -> list[CheckMessage]:
    from autolabel.inference.registry import specs

    try:
        registry = specs()
    except ImproperlyConfigured as error:
        return [Error(str(error), id="autolabel.E004")]
    from django.conf import settings

    queues = getattr(settings, "RQ_QUEUES", {})
    wanted = {conf().queue} | {spec.queue for spec in registry.values()}
    return [
        Error(f"RQ_QUEUES has no queue {name!r}, which AUTOLABEL names.", id="autolabel.E005")
        for name in sorted(wanted - set(queues))
    ]


def _check_limits() -> list[CheckMessage]:
    settings = conf()
    if settings.heartbeat_seconds * 3 > settings.lease_seconds:
        return [
            Error(
                "LEASE_SECONDS must be at least three times HEARTBEAT_SECONDS.",
                hint="Otherwise one late heartbeat gives a live worker's chunk to another.",
                id="autolabel.E006",
            )
        ]
    return []
