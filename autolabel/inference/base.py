"""The Predictor contract and the facts about a model. No ORM, no DRF; torch only inside functions that load."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from autolabel.shapes import Kind, Shape

if TYPE_CHECKING:
    import numpy as np

__all__ = ["ModelInfo", "ModelSpec", "Predictor"]


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """One entry of the server-side registry: which code runs which weights, and how."""

    model_type: str
    predictor: str  # dotted path of a Predictor class
    weights: Path | None
    sha256: str
    queue: str
    title: str = ""  # for people
    floor: float = 0.05  # predictions below this score are not kept
    max_predictions: int = 100  # per image, the best ones
    batch_size: int = 8
    options: Mapping[str, Any] = field(default_factory=dict)  # for the predictor alone


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """What a loaded model is. `labels` is None for a model that takes any words as classes."""

    name: str
    version: str
    weights_sha256: str
    labels: tuple[str, ...] | None
    kinds: tuple[Kind, ...]
    engine: str  # what computes: "pytorch", "openvino", …
    device: str
    libraries: Mapping[str, str]


class Predictor(Protocol):
    """Runs one model. A worker makes one from its ModelSpec and keeps it warm; used by one thread at a time."""

    info: ModelInfo

    def __init__(self, spec: ModelSpec) -> None:
        """Load the model. Raises ModelUnavailable with a reason for people."""

    def predict_batch(self, images: Sequence[np.ndarray], labels: Sequence[str], floor: float) -> list[list[Shape]]:
        """Find objects on a batch of images; returns one list an image, in order.

        `images` are upright RGB arrays of shape (height, width, 3), uint8, of any sizes. `labels` are the project's
        labels: what to look for, for a model that takes words; others may ignore them. Shapes are in absolute pixels
        of their image, clipped to it, with scores of at least `floor`, named by the model's own classes.
        """
