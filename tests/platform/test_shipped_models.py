"""The models of the platform: the demo's, or weights that the environment names."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from annotation_platform.shipped_models import models
from autolabel.checks import check_settings
from autolabel.inference.entries import read_registry


def test_the_demos_weights_are_the_ones_whose_hash_the_registry_has() -> None:
    for name, entry in models({}).items():
        assert hashlib.sha256(entry["WEIGHTS"].read_bytes()).hexdigest() == entry["SHA256"], name


@pytest.mark.parametrize("name", ["yolo", "yolo-seg", "sam", "sam3"])
def test_weights_of_the_environment_take_the_place_of_the_demos(name: str, settings: Any) -> None:
    variable = name.upper().replace("-", "_")
    given = {f"{variable}_WEIGHTS": "/srv/weights/a.pt", f"{variable}_SHA256": "a" * 64}
    settings.AUTOLABEL = {**settings.AUTOLABEL, "MODELS": models(given)}

    assert check_settings() == []
    registry, _ = read_registry(models(given), "autolabel")
    assert str(registry[name].weights) == "/srv/weights/a.pt"
    # Nothing of the demo's small model is left: the full size has its own.
    assert registry[name].image_size is None
    assert "demo" not in str(registry[name].options) + registry[name].title


def test_weights_without_a_hash_are_a_mistake_and_not_the_demos(settings: Any) -> None:
    settings.AUTOLABEL = {**settings.AUTOLABEL, "MODELS": models({"SAM3_WEIGHTS": "/srv/weights/sam3.pt"})}

    assert [message.id for message in check_settings()] == ["autolabel.E009"]


def test_the_architecture_of_sam_can_be_chosen() -> None:
    given = {"SAM_WEIGHTS": "/srv/sam.pth", "SAM_SHA256": "a" * 64, "SAM_ARCHITECTURE": "vit_h"}

    assert models(given)["sam"]["OPTIONS"] == {"architecture": "vit_h"}
    assert models(given)["sam"]["DETECTOR"] == "yolo"
