"""A file of weights is read as tensors alone, and must be exactly those of its architecture."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from autolabel.exceptions import ModelUnavailable
from autolabel.inference.registry import build_predictor

from .small_models import SAM, SAM3, RunsCode, small_sam, small_sam3

MODELS = pytest.mark.parametrize(("spec_with", "weights"), [(small_sam, SAM), (small_sam3, SAM3)], ids=["sam", "sam3"])


def saved(content: Any, path: Path) -> Path:
    torch.save(content, path)
    return path


@MODELS
def test_weights_that_would_run_code_are_refused_and_run_nothing(spec_with: Any, weights: Path, tmp_path: Path) -> None:
    evil = saved({"model": RunsCode(tmp_path / "was-here")}, tmp_path / "evil.pt")
    with pytest.raises(ModelUnavailable, match=r"more than tensors \(os.makedirs\).*nothing of them was run"):
        build_predictor(spec_with(evil))
    assert not (tmp_path / "was-here").exists()


@MODELS
def test_code_beside_the_right_tensors_is_refused_too(spec_with: Any, weights: Path, tmp_path: Path) -> None:
    tensors = torch.load(weights, weights_only=True)
    evil = saved({**tensors, "extra": RunsCode(tmp_path / "was-here")}, tmp_path / "evil.pt")
    with pytest.raises(ModelUnavailable, match="more than tensors"):
        build_predictor(spec_with(evil))
    assert not (tmp_path / "was-here").exists()


@MODELS
def test_a_file_that_lacks_a_tensor_is_refused_by_its_name(spec_with: Any, weights: Path, tmp_path: Path) -> None:
    tensors = torch.load(weights, weights_only=True)
    absent = sorted(tensors)[0]
    del tensors[absent]
    with pytest.raises(ModelUnavailable, match=rf"1 missing \({absent.removeprefix('detector.')}\)"):
        build_predictor(spec_with(saved(tensors, tmp_path / "short.pt")))


@MODELS
def test_a_file_with_more_than_the_architecture_is_refused(spec_with: Any, weights: Path, tmp_path: Path) -> None:
    tensors = torch.load(weights, weights_only=True)
    prefix = "detector." if any(name.startswith("detector.") for name in tensors) else ""
    more = {**tensors, f"{prefix}another.weight": torch.zeros(1)}
    with pytest.raises(ModelUnavailable, match=r"1 unexpected \(another.weight\)"):
        build_predictor(spec_with(saved(more, tmp_path / "more.pt")))


@MODELS
def test_a_tensor_of_another_shape_is_refused(spec_with: Any, weights: Path, tmp_path: Path) -> None:
    tensors = torch.load(weights, weights_only=True)
    name = sorted(tensors)[0]
    tensors[name] = torch.zeros(3, 5, 7, 9)
    with pytest.raises(ModelUnavailable, match=rf"1 of another shape \({name.removeprefix('detector.')}\)"):
        build_predictor(spec_with(saved(tensors, tmp_path / "other.pt")))


@MODELS
def test_another_models_weights_are_refused_with_the_way_out(spec_with: Any, weights: Path) -> None:
    other = SAM3 if weights == SAM else SAM
    with pytest.raises(ModelUnavailable, match=r"missing \(.*…\); .* unexpected .*Set WEIGHTS to a checkpoint of"):
        build_predictor(spec_with(other))


@MODELS
@pytest.mark.parametrize("content", [b"no checkpoint at all", b"", b"PK\x03\x04 a broken archive"])
def test_a_file_of_another_kind_is_refused(spec_with: Any, weights: Path, content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "weights.pt"
    file.write_bytes(content)
    with pytest.raises(ModelUnavailable, match="no PyTorch checkpoint"):
        build_predictor(spec_with(file))


@MODELS
def test_tensors_without_names_are_refused(spec_with: Any, weights: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match="no state dict"):
        build_predictor(spec_with(saved([torch.zeros(1)], tmp_path / "list.pt")))


@MODELS
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"architecture": "vit_x"}, r'OPTIONS\["architecture"\] .* give one of'),
        ({"architecture": "autolabel.nothing_here"}, r'OPTIONS\["architecture"\] .* cannot be imported'),
        ({"architecture": "autolabel.inference.sam.__all__"}, "which is no function"),
        ({"architecture": 3}, "give a text"),
        ({"anything": 1}, "unknown keys: anything; it takes architecture"),
    ],
)
def test_an_option_that_cannot_be_is_named(
    spec_with: Any, weights: Path, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(ModelUnavailable, match=message):
        build_predictor(spec_with(options=options))


@pytest.mark.parametrize("value", [0, -1, 1.5, "8", True])
def test_a_batch_of_boxes_is_a_whole_number_above_0(value: Any) -> None:
    with pytest.raises(ModelUnavailable, match=r'OPTIONS\["box_batch"\] .* a whole number above 0'):
        build_predictor(small_sam(options={"box_batch": value}))


@MODELS
def test_weights_in_16_bits_are_taken(spec_with: Any, weights: Path, tmp_path: Path) -> None:
    tensors = torch.load(weights, weights_only=True)
    half = {name: value.half() if value.is_floating_point() else value for name, value in tensors.items()}
    assert build_predictor(spec_with(saved(half, tmp_path / "half.pt"))).info.precision == "fp32"
