"""Which device a model runs on and how precisely: read from the spec, checked against what this machine has."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Literal

from autolabel.exceptions import ModelUnavailable

from .base import ModelSpec

__all__ = ["Chosen", "choose", "use_all_cores"]


@dataclass(frozen=True, slots=True)
class Chosen:
    """A device as torch names it ("cpu", "cuda:0"), and whether the model computes in 16 bits there."""

    device: str
    half: bool

    @property
    def precision(self) -> Literal["fp32", "fp16"]:
        return "fp16" if self.half else "fp32"


def choose(spec: ModelSpec) -> Chosen:
    """The device and precision of `spec` on this machine.

    DEVICE "auto" is the first GPU, or the CPU where torch sees none. PRECISION "auto" is fp16 on a GPU and fp32 on the
    CPU, which has no fast fp16. Raises ModelUnavailable, naming the setting, for what this machine does not have.
    """
    device = _device(spec)
    if spec.precision == "auto":
        return Chosen(device, half=device != "cpu")
    if spec.precision == "fp16" and device == "cpu":
        raise ModelUnavailable(
            f'PRECISION of {spec.model_type!r} is "fp16", which needs a GPU; this machine would run it on its CPU. '
            'Set PRECISION to "auto".'
        )
    return Chosen(device, half=spec.precision == "fp16")


def use_all_cores() -> None:
    """Let torch use every core again: ultralytics tells it to leave one idle, half the speed of a small machine.

    Call it after ultralytics has chosen its device: once a model is set up, or has predicted for the first time.
    """
    import torch

    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS") or os.cpu_count() or 1))


def _device(spec: ModelSpec) -> str:
    if spec.device == "cpu":
        return "cpu"
    import torch

    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if spec.device == "auto":
        return "cuda:0" if count else "cpu"
    kind, _, number = spec.device.partition(":")
    if kind != "cuda" or not (number or "0").isdecimal():
        raise ModelUnavailable(f'DEVICE of {spec.model_type!r} is {spec.device!r}; give "auto", "cpu" or "cuda:N".')
    index = int(number or 0)
    if index >= count:
        has = f"has {count} CUDA device{'s' * (count > 1)}" if count else "has no CUDA device"
        raise ModelUnavailable(
            f'DEVICE of {spec.model_type!r} is {spec.device!r}, but this machine {has}. Set DEVICE to "auto".'
        )
    return f"cuda:{index}"
