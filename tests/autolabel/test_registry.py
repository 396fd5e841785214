"""The registry of the settings: what an entry may say, which model it becomes, and what is kept in memory."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from autolabel.exceptions import ModelUnavailable
from autolabel.inference import registry, weights
from autolabel.inference.base import ModelSpec
from autolabel.inference.registry import (
    build_predictor,
    get_spec,
    load_predictor,
    missing_weights,
    specs,
    unload,
    verify_weights,
    warm_spec,
)
from autolabel.inference.weights import WeightsUnavailable, located

from .fakes import FAKE, FakePredictor

pytestmark = pytest.mark.usefixtures("fake_model")
SHA = hashlib.sha256(b"weights").hexdigest()
NEEDY = "tests.autolabel.fakes.NeedsWeightsPredictor"


@pytest.fixture(autouse=True)
def cache(configure: Callable[..., None], tmp_path: Path) -> Path:
    configure(CACHE_DIR=tmp_path / "cache")
    return tmp_path / "cache"


def test_an_entry_with_nothing_but_a_predictor_has_the_defaults() -> None:
    assert get_spec("yolo") == ModelSpec("yolo", FAKE, None, "", "autolabel", title="yolo")


def test_every_key_of_an_entry_reaches_the_model(fake_model: Callable[..., None]) -> None:
    fake_model(
        WEIGHTS="/srv/weights/a.pt",
        SHA256=SHA.upper(),
        TITLE="Ours",
        QUEUE="gpu",
        FLOOR=1,
        MAX_PREDICTIONS=5,
        BATCH_SIZE=2,
        DEVICE="cuda:1",
        PRECISION="fp16",
        ENGINE="pytorch",
        IMAGE_SIZE=1008,
        CONCURRENCY=3,
        PERMISSION="autolabel.use_ours",
        GROUP="Labelers",
        HOW_TO_GET="Ask Ann.",
        OPTIONS={"iou": 0.5},
    )

    assert get_spec("yolo") == ModelSpec(
        "yolo",
        FAKE,
        Path("/srv/weights/a.pt"),
        SHA,
        "gpu",
        title="Ours",
        how_to_get="Ask Ann.",
        floor=1.0,
        max_predictions=5,
        batch_size=2,
        device="cuda:1",
        precision="fp16",
        engine="pytorch",
        image_size=1008,
        concurrency=3,
        permission="autolabel.use_ours",
        group="Labelers",
        options={"iou": 0.5},
    )


def test_a_key_that_is_none_is_not_given(fake_model: Callable[..., None]) -> None:
    fake_model(WEIGHTS=None, SHA256=None, IMAGE_SIZE=None, DETECTOR=None, BATCH_SIZE=None)

    assert get_spec("yolo").batch_size == 8


def test_weights_of_the_storage_become_a_key_of_it(fake_model: Callable[..., None]) -> None:
    fake_model(WEIGHTS="storage:models/a.pt", SHA256=SHA)

    assert (get_spec("yolo").weights, get_spec("yolo").weights_key) == (None, "models/a.pt")


def test_a_detector_is_another_entry_of_the_registry(configure: Callable[..., None]) -> None:
    configure(
        MODELS={
            "sam": {"PREDICTOR": FAKE, "DETECTOR": "fine"},
            "fine": {"PREDICTOR": FAKE, "DETECTOR": "coarse", "FLOOR": 0.3},
            "coarse": {"PREDICTOR": FAKE, "FLOOR": 0.1},
        }
    )

    assert list(specs()) == ["sam", "fine", "coarse"]
    assert specs()["sam"].detector == specs()["fine"]
    assert specs()["fine"].detector == specs()["coarse"]


def test_all_mistakes_are_told_with_entry_key_and_way_out(configure: Callable[..., None]) -> None:
    configure(MODELS={"yolo": {"PREDICTOR": FAKE, "DEVICE": "gpu"}, "sam": {"PREDICTOR": FAKE, "BATCH_SIZE": 0}})

    with pytest.raises(ImproperlyConfigured) as error:
        specs()
    assert 'AUTOLABEL["MODELS"]["yolo"]["DEVICE"] is \'gpu\'. Give "auto", "cpu" or "cuda:N".' in str(error.value)
    assert 'AUTOLABEL["MODELS"]["sam"]["BATCH_SIZE"] is 0.' in str(error.value)


def test_a_name_that_the_settings_do_not_have_is_unavailable() -> None:
    with pytest.raises(ModelUnavailable, match="no model 'gone'"):
        get_spec("gone")


# What stays in memory


def test_the_last_model_stays_loaded_until_another_takes_its_place(configure: Callable[..., None]) -> None:
    configure(MODELS={"a": {"PREDICTOR": FAKE}, "b": {"PREDICTOR": FAKE}})
    first = load_predictor(get_spec("a"))
    assert load_predictor(get_spec("a")) is first
    assert warm_spec() == get_spec("a")

    load_predictor(get_spec("b"))
    assert warm_spec() == get_spec("b")
    assert load_predictor(get_spec("a")) is not first
    unload()
    assert warm_spec() is None


def test_a_model_built_for_another_is_not_kept() -> None:
    first = load_predictor(get_spec("yolo"))

    assert build_predictor(get_spec("yolo")) is not first
    assert load_predictor(get_spec("yolo")) is first


def test_missing_weights_do_not_push_the_loaded_model_out(configure: Callable[..., None]) -> None:
    configure(MODELS={"a": {"PREDICTOR": FAKE}, "b": {"PREDICTOR": FAKE, "WEIGHTS": "/nowhere/b.pt", "SHA256": SHA}})
    first = load_predictor(get_spec("a"))

    with pytest.raises(WeightsUnavailable, match=r"not on this machine \(b\.pt\)"):
        load_predictor(get_spec("b"))
    assert load_predictor(get_spec("a")) is first


# Weights


def test_weights_are_verified_at_every_load(fake_model: Callable[..., None], tmp_path: Path) -> None:
    file = tmp_path / "a.pt"
    file.write_bytes(b"weights")
    fake_model(WEIGHTS=file, SHA256=SHA)
    load_predictor(get_spec("yolo"))

    file.write_bytes(b"other weights")
    unload()
    for use in (load_predictor, build_predictor, verify_weights):
        with pytest.raises(WeightsUnavailable, match="not the registered ones"):
            use(get_spec("yolo"))


def test_weights_that_cannot_be_read_or_kept_are_a_reason_and_no_crash(
    fake_model: Callable[..., None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The superuser reads everything, so that the errors are made up."""
    file = tmp_path / "a.pt"
    file.write_bytes(b"weights")
    fake_model(WEIGHTS=file, SHA256=SHA)

    def denied(*args: Any, **kwargs: Any) -> Any:
        raise PermissionError(13, "Permission denied", str(file))

    monkeypatch.setattr(weights, "sha256_of", denied)
    with pytest.raises(WeightsUnavailable, match=r"\(a\.pt\) cannot be read here: Permission denied\.$"):
        load_predictor(get_spec("yolo"))
    monkeypatch.setattr(weights.tempfile, "mkstemp", denied)
    with pytest.raises(WeightsUnavailable, match=r"cannot be kept in the worker's cache folder: Permission denied\.$"):
        located(stored())


def stored(data: bytes = b"weights", key: str = "models/a.pt") -> ModelSpec:
    default_storage.delete(key)
    default_storage.save(key, ContentFile(data))
    return ModelSpec("yolo", FAKE, None, SHA, "autolabel", weights_key=key)


def test_weights_of_the_storage_are_fetched_once_and_keep_their_name(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = stored()
    here = located(spec).weights
    assert here == cache / "weights" / SHA / "a.pt"
    assert here.read_bytes() == b"weights"

    monkeypatch.setattr(weights, "_download", None)  # a second fetch would fail
    assert located(spec).weights == here


def test_a_kept_copy_that_somebody_changed_is_fetched_again() -> None:
    spec = stored()
    kept = located(spec).weights
    assert kept is not None
    kept.write_bytes(b"swapped")

    assert located(spec).weights == kept
    assert kept.read_bytes() == b"weights"


def test_stored_weights_that_are_others_are_not_kept(cache: Path) -> None:
    with pytest.raises(WeightsUnavailable, match="not the registered ones"):
        located(stored(b"an evil pickle"))

    assert [path.name for path in (cache / "weights" / SHA).iterdir()] == []


def test_a_fetch_that_is_cut_off_or_endless_is_refused(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = stored()
    for announced in (3, 4_000_000):
        monkeypatch.setattr(type(default_storage._wrapped), "size", lambda self, key, size=announced: size)  # type: ignore[attr-defined]
        with pytest.raises(WeightsUnavailable, match=f"7 of {announced} bytes"):
            located(spec)
    assert [path.name for path in (cache / "weights" / SHA).iterdir()] == []


def test_a_storage_that_fails_says_so_without_its_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    spec = stored()
    default_storage.delete("models/a.pt")
    with pytest.raises(WeightsUnavailable, match="are not in the storage"):
        located(spec)

    def away(self: Any, key: str) -> int:
        raise ConnectionError("http://10.0.0.1/secret-bucket")

    monkeypatch.setattr(type(default_storage._wrapped), "size", away)  # type: ignore[attr-defined]
    with pytest.raises(WeightsUnavailable, match=r"cannot be fetched from the storage \(ConnectionError\)\.$"):
        located(spec)


def test_a_model_that_needs_weights_and_names_none_says_how_to_get_them(fake_model: Callable[..., None]) -> None:
    assert missing_weights(get_spec("yolo")) == ""

    fake_model(PREDICTOR=NEEDY)
    assert missing_weights(get_spec("yolo")) == "The model 'yolo' has no weights. Ask their owner."
    with pytest.raises(ModelUnavailable, match="Ask their owner"):
        load_predictor(get_spec("yolo"))
    fake_model(PREDICTOR=NEEDY, HOW_TO_GET="See our wiki.")
    assert missing_weights(get_spec("yolo")).endswith("See our wiki.")
    fake_model(PREDICTOR=NEEDY, WEIGHTS="/w/a.pt", SHA256=SHA)
    assert missing_weights(get_spec("yolo")) == ""


def test_a_model_whose_detector_has_no_weights_says_that(configure: Callable[..., None]) -> None:
    configure(MODELS={"sam": {"PREDICTOR": FAKE, "DETECTOR": "yolo"}, "yolo": {"PREDICTOR": NEEDY}})

    assert missing_weights(get_spec("sam")).startswith("Its detector cannot run. The model 'yolo' has no weights.")


def test_a_predictor_is_given_a_path_even_for_stored_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[ModelSpec] = []
    real = FakePredictor.__init__
    monkeypatch.setattr(FakePredictor, "__init__", lambda self, spec: seen.append(spec) or real(self, spec))
    spec = stored()

    load_predictor(spec)
    assert seen[0].weights is not None
    assert seen[0].weights.read_bytes() == b"weights"
    assert registry.warm_spec() == spec
