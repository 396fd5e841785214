"""Mistakes in the settings are said at start-up, with an id and the way out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from annotation_platform.autolabel_host import PlatformHost
from autolabel.checks import check_settings
from autolabel.conf import Conf, conf

from .fakes import FAKE


class ElsewhereHost(PlatformHost):
    """A host that writes to another database than ours."""

    def database_alias(self) -> str:
        return "drafts"


class BrokenHost:
    def __init__(self) -> None:
        raise RuntimeError("no licence")


ELSEWHERE = f"{__name__}.ElsewhereHost"
BROKEN = f"{__name__}.BrokenHost"


def found() -> tuple[str | None, str]:
    """The id and the text of the one mistake there is."""
    (message,) = check_settings()
    return message.id, f"{message.msg} {message.hint or ''}"


def test_the_settings_of_the_platform_are_sound(fake_model: Any) -> None:
    assert check_settings() == []


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (None, "must be a dict that names at least HOST"),
        ([], "must be a dict"),
        ({}, 'settings.AUTOLABEL["HOST"] is missing'),
        ({"HOST": "x", "LEASE_SECOND": 1, "QUEU": "a"}, "does not know LEASE_SECOND, QUEU"),
    ],
)
def test_settings_that_are_missing_or_misspelled_are_e001(settings: Any, given: Any, says: str) -> None:
    settings.AUTOLABEL = given
    identity, text = found()

    assert identity == "autolabel.E001"
    assert says in text


@pytest.mark.parametrize(
    ("host", "says"),
    [
        ("nowhere.at.all.Host", "nowhere"),
        ("annotation_platform.autolabel_host.NoHost", "NoHost"),
        ("no dots", "no dots"),
        (BROKEN, "no licence"),
    ],
)
def test_a_host_that_cannot_be_loaded_is_e002(configure: Callable[..., None], host: str, says: str) -> None:
    configure(HOST=host)
    identity, text = found()

    assert identity == "autolabel.E002"
    assert says in text
    assert "dotted path" in text


def test_a_host_on_another_database_is_e003(configure: Callable[..., None], fake_model: Any) -> None:
    configure(HOST=ELSEWHERE)
    identity, text = found()

    assert identity == "autolabel.E003"
    assert "'drafts'" in text
    assert "must share one database" in text


@pytest.mark.parametrize(
    ("entry", "says"),
    [
        ({}, "'yolo' names no PREDICTOR"),
        ({"PREDICTOR": FAKE, "WEIGHT": "x"}, "unknown keys: WEIGHT"),
        ({"PREDICTOR": FAKE, "WEIGHTS": "yolo26n.pt", "SHA256": "0" * 64}, "must be an absolute path"),
        ({"PREDICTOR": FAKE, "WEIGHTS": "/w/yolo26n.pt"}, "no SHA256"),
        ({"PREDICTOR": FAKE, "WEIGHTS": "/w/yolo26n.pt", "SHA256": "abc"}, "no SHA256"),
    ],
)
def test_a_registry_entry_that_cannot_be_is_e004(configure: Callable[..., None], entry: Any, says: str) -> None:
    configure(MODELS={"yolo": entry})
    identity, text = found()

    assert identity == "autolabel.E004"
    assert says in text


def test_a_queue_that_nobody_serves_is_e005(
    configure: Callable[..., None], fake_model: Callable[..., None], settings: Any
) -> None:
    fake_model(QUEUE="gpu")
    assert found() == ("autolabel.E005", "RQ_QUEUES has no queue 'gpu', which AUTOLABEL names. ")

    settings.RQ_QUEUES = {**settings.RQ_QUEUES, "gpu": settings.RQ_QUEUES["autolabel"]}
    assert check_settings() == []
    configure(QUEUE="elsewhere")
    assert "'elsewhere'" in found()[1]


def test_a_lease_shorter_than_three_heartbeats_is_e006(configure: Callable[..., None], fake_model: Any) -> None:
    configure(LEASE_SECONDS=10.0, HEARTBEAT_SECONDS=4.0)
    identity, text = found()
    assert identity == "autolabel.E006"
    assert "three times HEARTBEAT_SECONDS" in text

    configure(LEASE_SECONDS=12.0)
    assert check_settings() == []


def test_every_key_has_a_default_but_the_host(settings: Any) -> None:
    settings.AUTOLABEL = {"HOST": "x"}

    assert conf() == Conf(host="x")
    settings.AUTOLABEL = None
    with pytest.raises(ImproperlyConfigured):
        conf()
