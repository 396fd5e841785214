"""The Predictor contract and the facts about a model. No ORM, no DRF; torch only inside functions that load."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, runtime_checkable

from autolabel.shapes import BoxPrompt, Kind, Shape

if TYPE_CHECKING:
    import numpy as np

__all__ = ["BoxPredictor", "Engine", "ModelInfo", "ModelSpec", "Precision", "Predictor"]

# What computes: "auto" takes the fastest that is installed and agrees with PyTorch; see inference.runtime.
Engine = Literal["auto", "pytorch", "openvino", "onnxruntime"]
Precision = Literal["auto", "fp32", "fp16"]


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """One entry of the server-side registry: which code runs which weights, how, and for whom."""

    model_type: str
    predictor: str  # dotted path of a Predictor class
    weights: Path | None
    sha256: str
    queue: str
    title: str = ""  # for people
    # The registered version; empty for the weights that the settings name.
    version: str = ""
    # A key of the default storage, from which workers fetch the weights, verify and keep them; then `weights` is None.
    weights_key: str = ""
    # How a person gets weights that cannot be shipped; shown where they are missing.
    how_to_get: str = ""
    # The model whose boxes prompt this one (DETECTOR names it in the settings).
    detector: ModelSpec | None = None
    floor: float = 0.05  # predictions below this score are not kept
    max_predictions: int = 100  # per image, the best ones
    batch_size: int = 8
    device: str = "auto"  # "auto", "cpu", "cuda:0", …
    precision: Precision = "auto"
    engine: Engine = "auto"
    image_size: int | None = None  # pixels of the network's square input; None is the predictor's own default
    concurrency: int | None = None  # how many lanes may run this model at once; None is without limit
    # Who may use it; empty for everybody who may run jobs.
    permission: str = ""  # "app_label.codename"
    group: str = ""  # a group's name
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
    precision: str = "fp32"
    # Whether it is a BoxPredictor.
    takes_boxes: bool = False
    # What people should know of how it was loaded: an engine that was refused and why, for instance.
    notes: tuple[str, ...] = ()
    # The model that prompts this one: its name, version and weights_sha256.
    detector: Mapping[str, str] | None = None


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


@runtime_checkable
class BoxPredictor(Protocol):
    """What a Predictor also does when its `info.takes_boxes`: masks for boxes that people have accepted."""

    def predict_masks(self, images: Sequence[np.ndarray], prompts: Sequence[Sequence[BoxPrompt]]) -> list[list[Shape]]:
        """One list an image, in order: for each of its prompts at most one shape with polygons, the prompt's label, its
        `ref` as `source`, and the model's own score of the mask. Images and geometry as in `Predictor.predict_batch`.
        """
