"""A predictor and a host for tests of the machinery: no model, no files, but the same contracts."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from autolabel.inference.base import ModelInfo, ModelSpec
from autolabel.shapes import Shape

FAKE_LABELS = ("washer", "nut", "bolt", "gear", "spring")


class FakePredictor:
    """Says of every image what its first pixel asks for: red is the number of shapes, green picks their score."""

    def __init__(self, spec: ModelSpec) -> None:
        self._seconds = float(spec.options.get("seconds", 0))
        # A file that gets a line with our pid for each call, to tell afterwards which processes took part.
        self._log = Path(spec.options["log"]) if "log" in spec.options else None
        self.info = ModelInfo("fake", "1", "0" * 64, FAKE_LABELS, ("box",), "none", "cpu", {"python": "3"})

    def predict_batch(self, images: Sequence[np.ndarray], labels: Sequence[str], floor: float) -> list[list[Shape]]:
        if self._log:
            with self._log.open("a") as log:
                log.write(f"{os.getpid()}\n")
        time.sleep(self._seconds * len(images))
        return [self._shapes(image, floor) for image in images]

    def _shapes(self, image: np.ndarray, floor: float) -> list[Shape]:
        count, score, command = (int(value) for value in image[0, 0])
        if command == 255:
            raise RuntimeError("this image cannot be predicted")
        if command == 254:
            os.kill(os.getpid(), 9)
        score = score / 255
        return [
            Shape(FAKE_LABELS[number % len(FAKE_LABELS)], score, (number, number, number + 10.0, number + 10.0))
            for number in range(count)
            if score >= floor
        ]
