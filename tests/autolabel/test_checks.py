"""Mistakes in the settings are said at start-up, with an id and the way out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from annotation_platform.autolabel_host import PlatformHost
from autolabel import checks
from autolabel.checks import check_settings
from autolabel.conf import Conf, conf

from .fakes import FAKE, FakePredictor


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


SHA = "0" * 64
# One mistake each: its id, the key, the value, and the way out that it names.
MISTAKES = [
    ("E004", "WEIGHT", "/w/a.pt", "whatever is the predictor's own goes into OPTIONS"),
    ("E005", "QUEUE", 3, "a key of RQ_QUEUES"),
    ("E007", "PREDICTOR", None, "the dotted path of a class with predict_batch"),
    ("E007", "PREDICTOR", FakePredictor, "the dotted path of a class with predict_batch"),
    ("E007", "PREDICTOR", "tests.autolabel.nowhere.Predictor", "the dotted path of a class with predict_batch"),
    ("E007", "PREDICTOR", "tests.autolabel.fakes.NoSuchPredictor", "the dotted path of a class with predict_batch"),
    ("E007", "PREDICTOR", f"{__name__}.ElsewhereHost", "has no predict_batch"),
    ("E008", "WEIGHTS", "yolo26n.pt", "the absolute path of an existing file"),
    ("E008", "WEIGHTS", 7, "the absolute path of an existing file"),
    ("E008", "WEIGHTS", "storage:../secret", "without '..'"),
    ("E008", "WEIGHTS", "storage:/etc/passwd", "relative name of a file in the default storage"),
    ("E008", "WEIGHTS", "storage:", "relative name of a file in the default storage"),
    ("E009", "SHA256", None, "sha256sum FILE"),
    ("E009", "SHA256", "", "sha256sum FILE"),
    ("E009", "SHA256", "abc", "64 hexadecimal digits"),
    ("E009", "SHA256", "g" * 64, "64 hexadecimal digits"),
    ("E010", "DEVICE", "gpu", '"auto", "cpu" or "cuda:N"'),
    ("E010", "DEVICE", 0, '"auto", "cpu" or "cuda:N"'),
    ("E011", "PRECISION", "int8", '"auto", "fp32" or "fp16"'),
    ("E012", "ENGINE", "tensorrt", '"openvino" or "onnxruntime"'),
    ("E013", "BATCH_SIZE", 0, "a whole number from 1 to 1024"),
    ("E013", "BATCH_SIZE", True, "a whole number from 1 to 1024"),
    ("E014", "IMAGE_SIZE", 640.0, "a whole number from 32 to 8192"),
    ("E014", "IMAGE_SIZE", 16, "a whole number from 32 to 8192"),
    ("E015", "MAX_PREDICTIONS", "100", "a whole number from 1 to 10000"),
    ("E016", "FLOOR", 1.5, "a number from 0.0 to 1.0"),
    ("E016", "FLOOR", "0.5", "a number from 0.0 to 1.0"),
    ("E017", "CONCURRENCY", 0, "a whole number from 1 to 10000"),
    ("E018", "DETECTOR", "yolo26", "another model of the registry: other"),
    ("E018", "DETECTOR", ["other"], "another model of the registry"),
    ("E019", "DETECTOR", "yolo", "yolo → yolo"),
    ("E020", "PERMISSION", "use_sam3", '"app_label.codename"'),
    ("E021", "GROUP", 4, "the name of a group"),
    ("E022", "OPTIONS", [("iou", 0.7)], "a dict"),
    ("E024", "TITLE", "x" * 101, "up to 100 characters"),
    ("E024", "HOW_TO_GET", 5, "how to get weights"),
]


@pytest.mark.parametrize(("identity", "key", "value", "way_out"), MISTAKES)
def test_each_mistake_in_an_entry_has_its_id_and_names_the_way_out(
    configure: Callable[..., None], identity: str, key: str, value: Any, way_out: str
) -> None:
    sound = {"PREDICTOR": FAKE, "WEIGHTS": "/w/yolo26n.pt", "SHA256": SHA}
    configure(MODELS={"yolo": {**sound, key: value}, "other": sound})

    found_identity, text = found()
    assert found_identity == f"autolabel.{identity}"
    assert 'AUTOLABEL["MODELS"]["yolo"]' in text
    assert key in text
    assert way_out in text


@pytest.mark.parametrize(
    ("models", "says"),
    [
        (["yolo"], "Give a dict"),
        ({"yolo": FAKE}, 'Give a dict with at least "PREDICTOR"'),
        ({"YOLO 26": {"PREDICTOR": FAKE}}, "up to 64 letters"),
        ({7: {"PREDICTOR": FAKE}}, "up to 64 letters"),
    ],
)
def test_what_is_no_entry_at_all_is_e004(configure: Callable[..., None], models: Any, says: str) -> None:
    configure(MODELS=models)
    identity, text = found()

    assert identity == "autolabel.E004"
    assert says in text


def test_detectors_that_lead_back_to_themselves_are_e019(configure: Callable[..., None]) -> None:
    chain = {"a": "b", "b": "c", "c": "b"}
    configure(MODELS={name: {"PREDICTOR": FAKE, "DETECTOR": detector} for name, detector in chain.items()})

    assert [message.id for message in check_settings()] == ["autolabel.E019"] * 2
    assert "b → c → b" in check_settings()[0].msg


def test_all_mistakes_of_all_entries_are_told_at_once(configure: Callable[..., None]) -> None:
    configure(
        MODELS={
            "a": {"PREDICTOR": FAKE, "DEVICE": "gpu", "BATCH_SIZE": -1, "FLOR": 0.1},
            "b": {"PREDICTOR": FAKE, "ENGINE": "magic", "QUEUE": "autolabel"},
            "c": {"PREDICTOR": "tests.autolabel.fakes.Missing", "QUEUE": "gpu"},
        },
        QUALITY={"MIN_AERA": 3},
    )

    told = sorted(str(message.id).removeprefix("autolabel.") for message in check_settings())
    assert told == ["E004", "E005", "E007", "E010", "E012", "E013", "E023"]


def test_a_predictor_whose_library_is_not_installed_here_is_a_warning(configure: Callable[..., None]) -> None:
    """The web process needs no model libraries; a worker without them says so in its list of models."""
    configure(MODELS={"yolo": {"PREDICTOR": "tests.autolabel.needs_a_library.Predictor"}})
    identity, text = found()

    assert identity == "autolabel.W001"
    assert "import it inside functions" in text


def test_a_predictor_that_breaks_when_it_is_imported_is_e007(
    configure: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(path: str) -> Any:
        raise RuntimeError("no licence")

    configure(MODELS={"yolo": {"PREDICTOR": FAKE}})
    monkeypatch.setattr(checks, "import_string", broken)

    assert found()[0] == "autolabel.E007"
    assert "no licence" in found()[1]


@pytest.mark.parametrize("quality", [{"MIN_AERA": 3}, {"MIN_AREA": "big"}])
def test_limits_of_quality_that_cannot_be_are_e023(
    configure: Callable[..., None], fake_model: Any, quality: Any
) -> None:
    configure(QUALITY=quality)
    identity, text = found()

    assert identity == "autolabel.E023"
    assert next(iter(quality)) in text


def test_a_queue_that_nobody_serves_is_e005(
    configure: Callable[..., None], fake_model: Callable[..., None], settings: Any
) -> None:
    fake_model(QUEUE="gpu")
    identity, text = found()
    assert identity == "autolabel.E005"
    assert "RQ_QUEUES has no queue 'gpu', which AUTOLABEL names. Add it to settings.RQ_QUEUES" in text

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


@pytest.mark.parametrize(
    ("key", "value", "rule"),
    [
        ("CHUNK_SIZE", 0, "a whole number of at least 1, not 0"),
        ("CHUNK_SIZE", 8.0, "a whole number of at least 1, not 8.0"),
        ("LANES_PER_JOB", True, "a whole number of at least 1, not True"),
        ("MAX_ITEM_UIDS", "100", "a whole number of at least 1, not '100'"),
        ("CHUNK_ATTEMPTS", None, "a whole number of at least 1, not None"),
        ("MAX_ACTIVE_JOBS_PER_USER", 0, "a whole number of at least 1, not 0"),
        ("PROCESS_MEMORY_BYTES", -1, "a whole number of at least 1, not -1"),
        ("REAPER_SECONDS", 0, "a number above 0, not 0"),
        ("DRAIN_SECONDS", float("nan"), "a number above 0, not nan"),
        ("LEASE_SECONDS", float("inf"), "a number above 0, not inf"),
        ("HEARTBEAT_SECONDS", "5", "a number above 0, not '5'"),
    ],
)
def test_a_number_that_cannot_be_is_e025_and_names_the_default(
    configure: Callable[..., None], fake_model: Any, key: str, value: Any, rule: str
) -> None:
    configure(**{key: value})
    identity, text = found()

    assert identity == "autolabel.E025"
    assert f"AUTOLABEL['{key}'] must be {rule}." in text
    assert "Leave it out for the default" in text


def test_whole_numbers_may_stand_for_seconds_and_none_for_no_limit(
    configure: Callable[..., None], fake_model: Any
) -> None:
    configure(LEASE_SECONDS=30, MAX_ACTIVE_JOBS_PER_USER=None, PROCESS_MEMORY_BYTES=None)

    assert check_settings() == []


def test_a_worker_timeout_shorter_than_three_heartbeats_is_e026(
    configure: Callable[..., None], fake_model: Any
) -> None:
    configure(WORKER_TIMEOUT_SECONDS=14.9)
    identity, text = found()
    assert identity == "autolabel.E026"
    assert "three times HEARTBEAT_SECONDS" in text

    configure(WORKER_TIMEOUT_SECONDS=15.0)
    assert check_settings() == []


def test_jobs_that_would_count_as_stalled_before_a_lease_ends_are_e027(
    configure: Callable[..., None], fake_model: Any
) -> None:
    configure(STALLED_SECONDS=29.0)
    identity, text = found()
    assert identity == "autolabel.E027"
    assert "at least LEASE_SECONDS" in text

    configure(STALLED_SECONDS=30.0)
    assert check_settings() == []


@pytest.mark.parametrize("token", ["", "short", "fifteen-letters", "a line\nand another one", b"a token in bytes", 7])
def test_a_token_that_could_be_guessed_or_not_be_sent_is_e028(
    configure: Callable[..., None], fake_model: Any, token: Any
) -> None:
    configure(METRICS_TOKEN=token)
    identity, text = found()
    assert identity == "autolabel.E028"
    assert "at least 16 printable characters" in text
    assert repr(token) not in text

    configure(METRICS_TOKEN="sixteen-letters!")
    assert check_settings() == []


def test_every_key_has_a_default_but_the_host(settings: Any) -> None:
    settings.AUTOLABEL = {"HOST": "x"}

    assert conf() == Conf(host="x")
    settings.AUTOLABEL = None
    with pytest.raises(ImproperlyConfigured):
        conf()
