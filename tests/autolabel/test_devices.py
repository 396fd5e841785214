"""DEVICE and PRECISION of a model on machines with and without GPUs."""

from __future__ import annotations

import pytest
import torch

from autolabel.exceptions import ModelUnavailable
from autolabel.inference.base import ModelSpec
from autolabel.inference.devices import Chosen, choose


def spec(device: str = "auto", precision: str = "auto") -> ModelSpec:
    return ModelSpec("yolo", "x.Y", None, "", "autolabel", device=device, precision=precision)  # type: ignore[arg-type]


@pytest.fixture
def gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine with two, as far as torch says."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)


@pytest.fixture
def no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)


@pytest.mark.usefixtures("gpus")
@pytest.mark.parametrize(
    ("device", "precision", "chosen"),
    [
        ("auto", "auto", Chosen("cuda:0", half=True)),
        ("auto", "fp32", Chosen("cuda:0", half=False)),
        ("cuda", "auto", Chosen("cuda:0", half=True)),
        ("cuda:1", "fp16", Chosen("cuda:1", half=True)),
        ("cpu", "auto", Chosen("cpu", half=False)),
    ],
)
def test_a_gpu_is_used_in_half_precision(device: str, precision: str, chosen: Chosen) -> None:
    assert choose(spec(device, precision)) == chosen


@pytest.mark.usefixtures("no_gpu")
def test_without_a_gpu_it_is_the_cpu_in_full_precision() -> None:
    assert choose(spec()) == Chosen("cpu", half=False)
    assert choose(spec(precision="fp32")).precision == "fp32"


@pytest.mark.usefixtures("gpus")
def test_a_gpu_that_is_not_there_is_named() -> None:
    with pytest.raises(ModelUnavailable, match="DEVICE of 'yolo' is 'cuda:2', but this machine has 2 CUDA devices"):
        choose(spec("cuda:2"))


@pytest.mark.usefixtures("no_gpu")
def test_a_gpu_on_a_machine_without_any_is_named() -> None:
    with pytest.raises(ModelUnavailable, match="has no CUDA device"):
        choose(spec("cuda:0"))


@pytest.mark.usefixtures("no_gpu")
def test_half_precision_on_a_cpu_is_refused() -> None:
    with pytest.raises(ModelUnavailable, match="PRECISION of 'yolo'"):
        choose(spec(precision="fp16"))


@pytest.mark.usefixtures("no_gpu")
@pytest.mark.parametrize("device", ["tpu", "cuda:x", ""])
def test_a_device_that_cannot_be_is_named(device: str) -> None:
    with pytest.raises(ModelUnavailable, match="DEVICE"):
        choose(spec(device))
