"""What a worker publishes about its models: each as soon as it is loaded, and what is registered later."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError

from autolabel.conf import conf
from autolabel.inference.registry import get_spec, load_predictor, unload, warm_spec
from autolabel.jobs.versions import NewVersion, add_version, set_default
from autolabel.models import ModelDefault, Worker
from autolabel.workers import publish as publishing
from autolabel.workers.publish import Showcase, publish

from . import fakes
from .fakes import FAKE, FAKE_LABELS, FakePredictor

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("fake_model")]
NAME = "worker-1"
OPEN_WORDS = "tests.autolabel.fakes.OpenWordsPredictor"


@pytest.fixture
def loads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The models that were loaded, in order."""
    loaded: list[str] = []
    real = FakePredictor.__init__
    monkeypatch.setattr(
        fakes.FakePredictor, "__init__", lambda self, spec: loaded.append(spec.model_type) or real(self, spec)
    )
    return loaded


@pytest.fixture
def showcase(configure: Callable[..., None]) -> Showcase:
    configure(HEARTBEAT_SECONDS=0.0)  # looks at the catalog at every step
    publish(NAME, {})
    return Showcase(NAME, ["autolabel"])


def two_models(configure: Callable[..., None], **second: Any) -> None:
    configure(MODELS={"a": {"PREDICTOR": FAKE}, "b": {"PREDICTOR": OPEN_WORDS, **second}})


def served() -> dict[str, Any]:
    return dict(Worker.objects.get(name=NAME).served_models)


def settle(showcase: Showcase) -> dict[str, Any]:
    for _ in range(10):
        showcase.step()
    return served()


def test_each_model_is_published_as_soon_as_it_is_known(showcase: Showcase, configure: Callable[..., None]) -> None:
    two_models(configure)
    assert served() == {}

    assert showcase.step() == 0.0
    assert served() == {
        "a": {
            "ready": True,
            "reason": "",
            "registered": "",
            "name": "fake",
            "version": "1",
            "labels": list(FAKE_LABELS),
            "kinds": ["box"],
            "device": "cpu",
            "engine": "none",
            "takes_boxes": False,
            "notes": [],
        }
    }
    showcase.step()
    assert list(served()) == ["a", "b"]
    assert served()["b"]["labels"] is None


def test_each_is_loaded_once_and_the_first_of_the_registry_stays_loaded(
    showcase: Showcase, configure: Callable[..., None], loads: list[str]
) -> None:
    two_models(configure)
    settle(showcase)

    assert loads == ["a", "b", "a"]
    assert warm_spec() == get_spec("a")
    assert showcase.step() == conf().heartbeat_seconds


def test_the_model_of_the_last_job_is_described_first_and_stays(
    showcase: Showcase, configure: Callable[..., None], loads: list[str]
) -> None:
    two_models(configure)
    load_predictor(get_spec("b"))  # a job came before there was time for anything else
    showcase.after_job()

    showcase.step()
    assert list(served()) == ["b"]
    settle(showcase)
    assert loads == ["b", "a", "b"]


def test_a_model_of_another_queue_is_not_its_business(
    showcase: Showcase, configure: Callable[..., None], loads: list[str]
) -> None:
    two_models(configure, QUEUE="gpu")

    assert list(settle(showcase)) == ["a"]
    assert loads == ["a"]


def test_what_is_registered_later_becomes_known_and_what_leaves_is_forgotten(showcase: Showcase) -> None:
    settle(showcase)
    add_version(NewVersion("screws", "1", "/srv/screws.pt", "a" * 64, like="yolo"))
    assert settle(showcase)["screws"]["reason"] == ("The weights of 'screws' are not on this machine (screws.pt).")

    ModelDefault.objects.all().delete()
    assert list(settle(showcase)) == ["yolo"]


def test_another_default_is_described_anew(showcase: Showcase, tmp_path: Path) -> None:
    assert settle(showcase)["yolo"]["registered"] == ""
    file = tmp_path / "2.pt"
    file.write_bytes(b"weights")
    add_version(NewVersion("yolo", "2", str(file), hashlib.sha256(b"weights").hexdigest()), default=True)
    assert settle(showcase)["yolo"]["registered"] == "2"

    set_default("yolo", "settings")
    assert settle(showcase)["yolo"]["registered"] == ""


def test_weights_that_were_missing_are_looked_for_again(
    showcase: Showcase,
    fake_model: Callable[..., None],
    configure: Callable[..., None],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    file = tmp_path / "a.pt"
    fake_model(WEIGHTS=file, SHA256=hashlib.sha256(b"weights").hexdigest())
    assert settle(showcase)["yolo"]["may_pass"] is True

    file.write_bytes(b"weights")
    assert settle(showcase)["yolo"]["ready"] is False  # not at every step
    monkeypatch.setattr(publishing, "_RETRY_SECONDS", 0.0)
    assert settle(showcase)["yolo"]["ready"] is True


def test_what_cannot_change_by_itself_is_not_tried_again(
    showcase: Showcase, fake_model: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(publishing, "_RETRY_SECONDS", 0.0)
    fake_model(PREDICTOR="tests.autolabel.fakes.UnavailablePredictor")
    facts = settle(showcase)["yolo"]

    assert facts == {
        "ready": False,
        "reason": "It needs a GPU, and there is none.",
        "registered": "",
        "may_pass": False,
    }
    assert showcase._next() is None


def test_what_a_lane_took_back_stands_until_a_lane_could_load_it(showcase: Showcase) -> None:
    settle(showcase)
    unload()
    Worker.objects.mark_unready("yolo", "The file is gone.")
    showcase.after_job()
    showcase._keep = None
    assert settle(showcase)["yolo"]["reason"] == "The file is gone."

    load_predictor(get_spec("yolo"))
    showcase.after_job()
    assert settle(showcase)["yolo"]["ready"] is True


def test_a_row_that_was_tidied_away_comes_back(showcase: Showcase) -> None:
    before = settle(showcase)
    Worker.objects.all().delete()

    assert settle(showcase) == before


def test_a_database_that_is_away_for_a_moment_costs_nothing(
    showcase: Showcase, monkeypatch: pytest.MonkeyPatch
) -> None:
    failures = [OperationalError("away"), OperationalError("away")]
    real = publishing.publish

    def sometimes_away(*args: Any) -> None:
        if failures:
            raise failures.pop()
        real(*args)

    monkeypatch.setattr(publishing, "publish", sometimes_away)
    assert settle(showcase)["yolo"]["ready"] is True
