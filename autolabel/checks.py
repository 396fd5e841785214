"""System checks: a mistake in the settings is said at start-up, with an id and the way out."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from django.core import checks
from django.core.checks import CheckMessage, Error, register
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

from autolabel.conf import Conf, conf

if TYPE_CHECKING:
    from autolabel.inference.base import ModelSpec

# The id of each kind of mistake in an entry of the registry (autolabel.inference.entries.Mistake); docs/models.md
# lists them.
_MISTAKES = {
    "entry": "E004",
    "predictor": "E007",
    "weights": "E008",
    "sha256": "E009",
    "device": "E010",
    "precision": "E011",
    "engine": "E012",
    "batch_size": "E013",
    "image_size": "E014",
    "max_predictions": "E015",
    "floor": "E016",
    "concurrency": "E017",
    "detector": "E018",
    "detector_cycle": "E019",
    "permission": "E020",
    "group": "E021",
    "options": "E022",
    # E023 is AUTOLABEL["QUALITY"].
    "title": "E024",
    "how_to_get": "E024",
    "queue": "E005",
}
# Whoever guesses METRICS_TOKEN reads the figures of every team.
_TOKEN_LENGTH = 16
# What a number among the settings may be, by the type that Conf declares.
_NUMBERS: dict[str, tuple[tuple[type[int] | type[float], ...], str]] = {
    "int": ((int,), "a whole number of at least 1"),
    "float": ((int, float), "a number above 0"),
}
_A_PREDICTOR = "Give the dotted path of a class with predict_batch; see autolabel.inference.base.Predictor."


@register("autolabel")
def check_settings(**kwargs: Any) -> list[CheckMessage]:
    try:
        conf()
    except ImproperlyConfigured as error:
        return [Error(str(error), id="autolabel.E001")]
    numbers = _check_numbers()
    return [
        *_check_host(),
        *_check_models(),
        *(numbers or _check_spans()),
        *_check_metrics_token(),
        *_check_quality(),
    ]


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
    """Every mistake of every entry at once, each under the id of its kind."""
    from autolabel.inference.entries import read_registry

    registry, mistakes = read_registry(conf().models, conf().queue)
    found: list[CheckMessage] = [
        Error(mistake.text, hint=mistake.hint, id=f"autolabel.{_MISTAKES[mistake.kind]}") for mistake in mistakes
    ]
    return [*found, *_check_queues(registry), *_check_predictors(registry)]


def _check_queues(registry: Mapping[str, ModelSpec]) -> list[CheckMessage]:
    from django.conf import settings

    queues = getattr(settings, "RQ_QUEUES", {})
    wanted = {conf().queue} | {spec.queue for spec in registry.values()}
    return [
        Error(
            f"RQ_QUEUES has no queue {name!r}, which AUTOLABEL names.",
            hint=f"Add it to settings.RQ_QUEUES, or name one of {', '.join(sorted(queues)) or 'its keys'}.",
            id="autolabel.E005",
        )
        for name in sorted(wanted - set(queues))
    ]


def _check_predictors(registry: Mapping[str, ModelSpec]) -> list[CheckMessage]:
    return [message for name, spec in registry.items() for message in _check_predictor(name, spec.predictor)]


def _check_predictor(model_type: str, path: str) -> list[CheckMessage]:
    where = f'AUTOLABEL["MODELS"]["{model_type}"]["PREDICTOR"]'
    try:
        predictor = import_string(path)
    except ImportError as error:
        if isinstance(error, ModuleNotFoundError) and error.name and not path.startswith(f"{error.name}."):
            return [
                checks.Warning(
                    f"{where} cannot be imported here: {error}",
                    hint="Install that library, or import it inside functions: the web process needs none of them.",
                    id="autolabel.W001",
                )
            ]
        return [Error(f"{where} cannot be imported: {error}", hint=_A_PREDICTOR, id="autolabel.E007")]
    except Exception as error:
        return [Error(f"{where} cannot be imported: {error!r}", hint=_A_PREDICTOR, id="autolabel.E007")]
    if not callable(getattr(predictor, "predict_batch", None)):
        return [Error(f"{where}, {path}, has no predict_batch.", hint=_A_PREDICTOR, id="autolabel.E007")]
    return []


def _check_quality() -> list[CheckMessage]:
    from autolabel.inference.quality import limits

    try:
        limits()
    except ImproperlyConfigured as error:
        return [Error(str(error), id="autolabel.E023")]
    return []


def _check_numbers() -> list[CheckMessage]:
    """Every setting that is declared as a number: a count is whole and at least 1, all others are above 0."""
    found: list[CheckMessage] = []
    for setting in fields(Conf):
        kind, _, rest = str(setting.type).partition(" | ")
        value = getattr(conf(), setting.name)
        if kind not in _NUMBERS or (rest == "None" and value is None):
            continue
        allowed, rule = _NUMBERS[kind]
        # True is an int to Python; nan is not above 0.
        if isinstance(value, bool) or not isinstance(value, allowed) or not (value > 0 and math.isfinite(value)):
            found.append(
                Error(
                    f"AUTOLABEL[{setting.name.upper()!r}] must be {rule}, not {value!r}.",
                    hint=f"Leave it out for the default, {setting.default!r}.",
                    id="autolabel.E025",
                )
            )
    return found


def _check_spans() -> list[CheckMessage]:
    """Spans of time of which one must outlast another, so that what is late is not taken for dead."""
    settings = conf()
    three_heartbeats = 3 * settings.heartbeat_seconds
    rules = [
        (
            settings.lease_seconds >= three_heartbeats,
            "LEASE_SECONDS must be at least three times HEARTBEAT_SECONDS.",
            "Otherwise one late heartbeat gives a live worker's chunk to another.",
            "autolabel.E006",
        ),
        (
            settings.worker_timeout_seconds >= three_heartbeats,
            "WORKER_TIMEOUT_SECONDS must be at least three times HEARTBEAT_SECONDS.",
            "Otherwise one late heartbeat makes a live worker count as gone, and jobs wait for one.",
            "autolabel.E026",
        ),
        (
            settings.stalled_seconds >= settings.lease_seconds,
            "STALLED_SECONDS must be at least LEASE_SECONDS.",
            "A chunk of a lost machine comes back after LEASE_SECONDS; until then its job is not stalled.",
            "autolabel.E027",
        ),
    ]
    return [Error(text, hint=hint, id=identity) for is_sound, text, hint, identity in rules if not is_sound]


def _check_metrics_token() -> list[CheckMessage]:
    token = conf().metrics_token
    if token is None or (isinstance(token, str) and len(token) >= _TOKEN_LENGTH and token.isprintable()):
        return []
    return [
        Error(
            f"AUTOLABEL['METRICS_TOKEN'] must be text of at least {_TOKEN_LENGTH} printable characters, or None.",
            hint="Make one with: python -c 'import secrets; print(secrets.token_urlsafe())'",
            id="autolabel.E028",
        )
    ]
