"""The model of the chaos: takes orders from an image's first pixel, as the fake of the tests, and knows worse ones."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from autolabel.inference.base import ModelSpec
from autolabel.shapes import Shape
from tests.autolabel.fakes import KILL, FakePredictor

__all__ = ["EAT", "HANG", "ChaosPredictor"]

# Commands in the third channel of the first pixel, beside KILL and RAISE of the tests' fake.
EAT, HANG = 253, 252


class ChaosPredictor(FakePredictor):
    """Options as FakePredictor, and `loads`: a file that gets the pid of each process that loads the model.

    `trace`: a file that gets "kill PID HEIGHT" or "eat PID HEIGHT" before an image of that height is obeyed so, and
    "batch PID BEGAN ENDED IMAGES", in seconds of the system's clock, after each batch.
    """

    def __init__(self, spec: ModelSpec) -> None:
        super().__init__(spec)
        self._trace = Path(str(spec.options["trace"]))
        with Path(str(spec.options["loads"])).open("a") as loads:
            loads.write(f"{os.getpid()}\n")

    def predict_batch(self, images: Sequence[np.ndarray], labels: Sequence[str], floor: float) -> list[list[Shape]]:
        began = time.time()
        for image in images:
            command = int(image[0, 0, 2])
            if command == KILL:
                self._note("kill", os.getpid(), image.shape[0])
            if command == EAT:
                self._note("eat", os.getpid(), image.shape[0])
                _eat()
            if command == HANG:
                time.sleep(3600)
        found = super().predict_batch(images, labels, floor)
        self._note("batch", os.getpid(), began, time.time(), len(images))
        return found

    def _note(self, *words: object) -> None:
        """One line, appended at once by the kernel, whoever else appends."""
        with self._trace.open("ab", buffering=0) as trace:
            trace.write((" ".join(map(str, words)) + "\n").encode())


def _eat() -> None:
    """Take memory, page by page, until somebody puts an end to it; not more than a machine can bear."""
    eaten = []
    for _ in range(40):
        eaten.append(np.ones(50_000_000, dtype=np.uint8))
        time.sleep(0.02)
    time.sleep(3600)
