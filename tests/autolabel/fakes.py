"""Predictors for tests of the machinery: no model, but the same contract. An image's first pixel commands them."""

from __future__ import annotations

import io
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from PIL import Image

from autolabel.exceptions import ModelUnavailable
from autolabel.inference.base import ModelInfo, ModelSpec
from autolabel.shapes import BoxPrompt, Shape

FAKE_LABELS = ("washer", "nut", "bolt", "gear", "spring")
FAKE = "tests.autolabel.fakes.FakePredictor"

# The third channel: either one of these commands, or the index of the first shape's label.
KILL, RAISE = 254, 255


def picture(
    count: int = 0, score: float = 0.8, first: str = "washer", *, command: int = 0, size: tuple[int, int] = (48, 32)
) -> bytes:
    """A PNG on which FakePredictor finds `count` shapes of that score, their labels in turn, beginning with `first`."""
    image = Image.new("RGB", size, (90, 90, 90))
    image.putpixel((0, 0), (count, round(score * 255), command or FAKE_LABELS.index(first)))
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


class FakePredictor:
    """Says of every image what its first pixel asks for: red is the number of shapes, green their score.

    Options: `seconds` that an image takes; `log`, a file to which every batch appends the pid that predicted it.
    """

    def __init__(self, spec: ModelSpec) -> None:
        self._seconds = float(spec.options.get("seconds", 0))
        self._log = Path(spec.options["log"]) if spec.options.get("log") else None
        self.info = ModelInfo("fake", "1", "0" * 64, FAKE_LABELS, ("box",), "none", "cpu", {"python": "3"})

    def predict_batch(self, images: Sequence[np.ndarray], labels: Sequence[str], floor: float) -> list[list[Shape]]:
        if self._log:
            with self._log.open("a") as log:
                log.write(f"{os.getpid()}\n")
        time.sleep(self._seconds * len(images))
        return [self._shapes(image, floor) for image in images]

    def _shapes(self, image: np.ndarray, floor: float) -> list[Shape]:
        count, green, command = (int(value) for value in image[0, 0])
        if command == RAISE:
            raise RuntimeError("this image cannot be predicted")
        if command == KILL:
            os.kill(os.getpid(), 9)
        score = green / 255
        return [
            Shape(
                FAKE_LABELS[(command + number) % len(FAKE_LABELS)],
                score,
                (number, number, number + 10.0, number + 10.0),
            )
            for number in range(count)
            if score >= floor
        ]


class HookedPredictor(FakePredictor):
    """Calls `hook(images)` before it looks at a batch; tests set it with monkeypatch."""

    hook: ClassVar[Callable[[Sequence[np.ndarray]], Any]] = staticmethod(lambda images: None)

    def predict_batch(self, images: Sequence[np.ndarray], labels: Sequence[str], floor: float) -> list[list[Shape]]:
        type(self).hook(images)
        return super().predict_batch(images, labels, floor)


class OpenWordsPredictor(FakePredictor):
    """A model that takes any words."""

    def __init__(self, spec: ModelSpec) -> None:
        super().__init__(spec)
        self.info = ModelInfo("words", "1", "0" * 64, None, ("box",), "none", "cpu", {})


class NeedsWeightsPredictor(FakePredictor):
    """A model that is nothing without its weights."""

    needs_weights: ClassVar[bool] = True
    how_to_get: ClassVar[str] = "Ask their owner."


class MaskingPredictor(FakePredictor):
    """A model that also makes masks from boxes: the box itself, as a polygon, with a score of 0.9."""

    def __init__(self, spec: ModelSpec) -> None:
        super().__init__(spec)
        self.info = replace(self.info, kinds=("polygon",), takes_boxes=True)

    def predict_masks(self, images: Sequence[np.ndarray], prompts: Sequence[Sequence[BoxPrompt]]) -> list[list[Shape]]:
        return [[_outlined(prompt) for prompt in of_image] for of_image in prompts]


def _outlined(prompt: BoxPrompt) -> Shape:
    x_min, y_min, x_max, y_max = prompt.bbox_xyxy
    ring = ((x_min, y_min), (x_max, y_min), (x_max, y_max), (x_min, y_max))
    return Shape(prompt.label, 0.9, prompt.bbox_xyxy, ((ring,),), source=prompt.ref)


class NeedsLibraryPredictor:
    def __init__(self, spec: ModelSpec) -> None:
        import a_library_that_nobody_has  # noqa: F401


class UnavailablePredictor:
    def __init__(self, spec: ModelSpec) -> None:
        raise ModelUnavailable("It needs a GPU, and there is none.")


class BrokenPredictor:
    def __init__(self, spec: ModelSpec) -> None:
        raise ValueError("checkpoint of another world")
