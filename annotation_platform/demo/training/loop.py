"""The training loop of SAM and SAM 3: so many minutes, an average of the weights, a state to go on from."""

import copy
import json
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

import torch
from torch import nn

WARMUP_STEPS = 200
AVERAGE = 0.999  # the share of the old weights that a step keeps in their average

BatchT = TypeVar("BatchT")
Parts = dict[str, torch.Tensor]


@dataclass(frozen=True)
class Schedule:
    """How long to train, and the file of the state that an interrupted run goes on from."""

    minutes: float
    state: Path
    validate_every: float = 10.0  # minutes


@dataclass(frozen=True)
class Task(Generic[BatchT]):
    """What is trained on what: `batches(step)` starts a stream for a run that goes on at `step`; `loss` gives weighted
    parts to be summed; parameter groups carry their highest rate as `peak`."""

    model: nn.Module
    groups: list[dict[str, Any]]
    batches: Callable[[int], Iterator[BatchT]]
    loss: Callable[[BatchT], Parts]
    validate: Callable[[nn.Module], dict[str, float]]


@dataclass
class Clock:
    """Steps done and seconds spent, over all runs."""

    step: int = 0
    seconds: float = 0.0


def run(task: Task[BatchT], schedule: Schedule) -> tuple[nn.Module, dict[str, int]]:
    """Train for the schedule's minutes; returns the averaged model, and the steps and seconds that it took."""
    optimizer = torch.optim.AdamW(task.groups, lr=task.groups[0]["peak"], weight_decay=1e-4, betas=(0.9, 0.98))
    averaged, clock = copy.deepcopy(task.model), Clock()
    if schedule.state.exists():
        clock = _resume(schedule.state, task.model, averaged, optimizer)
    stream, total = task.batches(clock.step), schedule.minutes * 60
    before, started = clock.seconds, time.monotonic()
    shown = validated = clock.seconds
    while clock.seconds < total:
        _set_rates(optimizer, clock.step, clock.seconds / total)
        parts = _step(task, averaged, optimizer, next(stream), clock.step)
        clock.step += 1
        clock.seconds = before + time.monotonic() - started
        if clock.seconds - shown > 60:
            shown = clock.seconds
            print(f"{shown:.0f} s, step {clock.step}", json.dumps(parts), flush=True)
        if clock.seconds - validated > schedule.validate_every * 60:
            validated = clock.seconds
            print("validation", json.dumps(task.validate(averaged)), flush=True)
            _keep(schedule.state, task.model, averaged, optimizer, clock)
    _keep(schedule.state, task.model, averaged, optimizer, clock)
    return averaged, {"steps": clock.step, "seconds": round(clock.seconds)}


def _step(
    task: Task[BatchT], averaged: nn.Module, optimizer: torch.optim.Optimizer, batch: BatchT, step: int
) -> dict[str, float]:
    parts = task.loss(batch)
    optimizer.zero_grad()
    sum(parts.values(), torch.zeros(())).backward()
    nn.utils.clip_grad_norm_([p for group in optimizer.param_groups for p in group["params"]], 1.0)
    optimizer.step()
    share = min(AVERAGE, (1 + step) / (10 + step))  # an average over few steps must forget the random start
    with torch.no_grad():
        for kept, new in zip(averaged.parameters(), task.model.parameters(), strict=True):
            kept.lerp_(new, 1 - share)
    return {name: round(value.item(), 3) for name, value in parts.items()}


def _set_rates(optimizer: torch.optim.Optimizer, step: int, progress: float) -> None:
    """A short warm-up, then down a cosine of the time that is left."""
    factor = min(1.0, (step + 1) / WARMUP_STEPS) * (0.5 * (1 + math.cos(math.pi * min(1.0, progress))) + 0.005)
    for group in optimizer.param_groups:
        group["lr"] = group["peak"] * factor


def _keep(path: Path, model: nn.Module, averaged: nn.Module, optimizer: torch.optim.Optimizer, clock: Clock) -> None:
    partial = path.with_suffix(".partial")
    parts = {"model": model.state_dict(), "averaged": averaged.state_dict(), "optimizer": optimizer.state_dict()}
    torch.save(parts | {"state": {"step": clock.step, "seconds": clock.seconds}}, partial)
    partial.replace(path)


def _resume(path: Path, model: nn.Module, averaged: nn.Module, optimizer: torch.optim.Optimizer) -> Clock:
    kept = torch.load(path, weights_only=True)
    model.load_state_dict(kept["model"])
    averaged.load_state_dict(kept["averaged"])
    optimizer.load_state_dict(kept["optimizer"])
    return Clock(**kept["state"])
