"""The catalog: the settings' models and the registered ones, each at the version that new jobs use."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from autolabel.exceptions import ModelUnavailable
from autolabel.jobs.catalog import VersionGone, catalog, spec_for
from autolabel.jobs.versions import SETTINGS, NewVersion, add_version, set_default

from .fakes import FAKE

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("fake_model")]
SHA = "a" * 64


def add(model_type: str, version: str, *, default: bool = True, **fields: Any) -> None:
    given = {"weights": f"/srv/{version}.pt", "sha256": SHA, **fields}
    add_version(NewVersion(model_type, version, **given), default=default)


def test_without_registered_models_it_is_the_registry_of_the_settings(configure: Callable[..., None]) -> None:
    configure(MODELS={"b": {"PREDICTOR": FAKE}, "a": {"PREDICTOR": FAKE}})

    assert list(catalog()) == ["b", "a"]
    assert catalog()["a"].version == ""


def test_a_model_stands_there_at_its_default_version_and_else_like_its_entry(fake_model: Callable[..., None]) -> None:
    fake_model(WEIGHTS="/srv/first.pt", SHA256="b" * 64, TITLE="Parts", FLOOR=0.2, OPTIONS={"iou": 0.5})
    add("yolo", "2", default=False)
    assert catalog()["yolo"].weights == Path("/srv/first.pt")

    set_default("yolo", "2")
    spec = catalog()["yolo"]
    assert (spec.version, spec.weights, spec.sha256) == ("2", Path("/srv/2.pt"), SHA)
    assert (spec.title, spec.floor, spec.options) == ("Parts", 0.2, {"iou": 0.5})

    set_default("yolo", SETTINGS)
    assert catalog()["yolo"] == spec_for("yolo")


def test_a_new_name_runs_like_the_entry_that_it_names(fake_model: Callable[..., None]) -> None:
    fake_model(QUEUE="autolabel", CONCURRENCY=2, PERMISSION="autolabel.use_it")
    default_storage.save("models/screws.pt", ContentFile(b"weights"))
    sha256 = hashlib.sha256(b"weights").hexdigest()
    add("screws", "1", like="yolo", weights="storage:models/screws.pt", sha256=sha256)

    assert list(catalog()) == ["yolo", "screws"]
    spec = catalog()["screws"]
    assert (spec.model_type, spec.title, spec.predictor) == ("screws", "screws", FAKE)
    assert (spec.weights, spec.weights_key) == (None, "models/screws.pt")
    assert (spec.concurrency, spec.permission) == (2, "autolabel.use_it")


def test_a_version_may_bring_its_own_title() -> None:
    add("yolo", "2", title="Night shift")

    assert catalog()["yolo"].title == "Night shift"


def test_any_version_can_be_asked_for_and_the_empty_one_is_the_settings() -> None:
    add("yolo", "2", default=False)
    add("yolo", "3")

    assert spec_for("yolo", "2").weights == Path("/srv/2.pt")
    assert spec_for("yolo", "3").weights == Path("/srv/3.pt")
    assert spec_for("yolo").weights is None


def test_a_version_that_is_not_registered_is_gone_everywhere() -> None:
    with pytest.raises(VersionGone, match="'yolo' has no version '9'"):
        spec_for("yolo", "9")
    with pytest.raises(ModelUnavailable, match="no model 'screws'"):
        spec_for("screws")


def test_a_model_whose_entry_left_the_settings_leaves_the_catalog(configure: Callable[..., None]) -> None:
    add("screws", "1", like="yolo")
    configure(MODELS={"other": {"PREDICTOR": FAKE}})

    assert list(catalog()) == ["other"]
    with pytest.raises(ModelUnavailable, match="runs like 'yolo', which the settings no longer have"):
        spec_for("screws", "1")


def test_it_takes_one_query(django_assert_num_queries: Any) -> None:
    for number in range(5):
        add(f"screws-{number}", "1", like="yolo")
    with django_assert_num_queries(1):
        catalog()
