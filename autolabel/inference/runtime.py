"""Which engine computes a network: PyTorch on a GPU; on a CPU the fastest one that is installed and agrees with it.

ENGINE of a model, in settings.AUTOLABEL["MODELS"]:

- "auto", the default: the network is exported once, kept in the cache folder and compared with PyTorch at every load.
  Whatever goes wrong, PyTorch runs it, and `ModelInfo.notes` say why; the job's summary shows them.
- "pytorch": no export.
- "openvino", "onnxruntime": that one or none. Who names an engine wants to know that it is missing before jobs run at
  half the speed, so ModelUnavailable says what is wrong, and the model is listed as not ready.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from autolabel.exceptions import ModelUnavailable

from .base import ModelSpec
from .engines import ENGINES, ExportedEngine, Network
from .exports import exported

if TYPE_CHECKING:
    import numpy as np

__all__ = ["Exportable", "Running", "choose_engine", "sample_images"]

logger = logging.getLogger(__name__)

_PRECISION = "fp32"


@dataclass(frozen=True, slots=True)
class Exportable:
    """A network on the CPU, as PyTorch computes it, and how it is exported and compared."""

    reference: Network
    image_size: int
    # What the exported file depends on besides the weights, the engine and the image size.
    libraries: dict[str, str]
    export: Callable[[str, Path], None]  # (format, empty folder): fills the folder
    # (outputs, reference outputs): in words how far they differ, empty if that is nothing to speak of.
    difference: Callable[[Sequence[np.ndarray], Sequence[np.ndarray]], str]


@dataclass(frozen=True, slots=True)
class Running:
    """The engine that computes, and its network; None leaves it to PyTorch."""

    engine: str
    network: Network | None = None
    libraries: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


class _Refused(Exception):
    """Why an engine is not used, as the end of a sentence that begins with its name."""


def choose_engine(spec: ModelSpec, device: str, subject: Exportable) -> Running:
    """The engine for a model on `device`. Raises ModelUnavailable for an engine of ENGINE that cannot be had."""
    if spec.engine == "pytorch" or (spec.engine == "auto" and device != "cpu"):
        return Running("pytorch")
    if spec.engine == "auto":
        return _fastest(spec, subject)
    named = next((engine for engine in ENGINES if engine.name == spec.engine), None)
    if named is None:
        known = ", ".join(["auto", "pytorch", *(engine.name for engine in ENGINES)])
        raise ModelUnavailable(f"ENGINE of {spec.model_type!r} is {spec.engine!r}; give one of {known}.")
    if device != "cpu":
        raise ModelUnavailable(
            f"ENGINE of {spec.model_type!r} is {spec.engine!r}, which runs on the CPU, but the model runs on {device}. "
            'Set DEVICE to "cpu", or ENGINE to "auto".'
        )
    try:
        return _run_on(named, spec, subject)
    except _Refused as reason:
        raise ModelUnavailable(
            f"ENGINE of {spec.model_type!r} is {spec.engine!r}, but {named.title} {reason}. "
            'With ENGINE "auto" PyTorch runs it then.'
        ) from reason


def _fastest(spec: ModelSpec, subject: Exportable) -> Running:
    notes = []
    for engine in ENGINES:
        try:
            running = _run_on(engine, spec, subject)
        except _Refused as reason:
            notes.append(f"{engine.title} {reason}.")
        else:
            return Running(running.engine, running.network, running.libraries, tuple(notes))
    return Running("pytorch", notes=(*notes, "PyTorch runs it, more slowly."))


def _run_on(engine: ExportedEngine, spec: ModelSpec, subject: Exportable) -> Running:
    missing = engine.missing()
    if missing:
        raise _Refused(f"is not installed (pip install {' '.join(missing)})")
    try:
        network = _load(engine, spec, subject)
        difference = _disagreement(network, subject)
    except ModelUnavailable as error:  # the cache folder
        raise _Refused(f"is not used: {str(error).rstrip('.')}") from error
    except MemoryError:
        raise
    except Exception as error:  # whatever an exporter or an engine raises, PyTorch can do without them
        logger.exception("%s cannot run the model %s", engine.title, spec.model_type)
        raise _Refused(f"cannot run it ({type(error).__name__}; the worker's log says more)") from error
    if difference:
        logger.error("%s differs from PyTorch on the model %s: %s", engine.title, spec.model_type, difference)
        raise _Refused(f"is not used, because its results differ from PyTorch's: {difference}")
    return Running(engine.name, network, engine.versions())


def _load(engine: ExportedEngine, spec: ModelSpec, subject: Exportable) -> Network:
    import torch

    facts = {
        "weights": spec.sha256,
        "engine": engine.name,
        "shape": [1, 3, subject.image_size, subject.image_size],
        "precision": _PRECISION,
        "libraries": subject.libraries | engine.versions(),
    }
    threads = torch.get_num_threads()
    folder = exported(facts, lambda fresh: subject.export(engine.format, fresh))
    return engine.load(next(folder.glob(engine.pattern)), threads)


def _disagreement(network: Network, subject: Exportable) -> str:
    images = sample_images(subject.image_size)
    return subject.difference(network(images), subject.reference(images))


def sample_images(size: int) -> np.ndarray:
    """Two images to compare engines on, uint8 of shape (2, 3, size, size), always the same: slopes, edges and noise.

    They need not show anything that the model knows: compared are the network's outputs for every place, not the few
    that become boxes.
    """
    import numpy as np

    random = np.random.default_rng(1)
    across, down = np.meshgrid(np.linspace(0, 1, size), np.linspace(0, 1, size))
    slopes = np.stack([across, down, 1 - across])
    cells = random.random((3, 8, 8)).repeat(-(-size // 8), axis=1).repeat(-(-size // 8), axis=2)[:, :size, :size]
    noise = random.random((3, size, size))
    images = np.stack([0.6 * slopes + 0.4 * noise, 0.8 * cells + 0.2 * slopes])
    pixels: np.ndarray = (images * 255).astype(np.uint8)
    return pixels
