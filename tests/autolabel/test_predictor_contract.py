"""The contract suite against every predictor there is."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from autolabel.inference import registry
from autolabel.inference.base import ModelSpec

from .fakes import FAKE_LABELS, picture
from .predictor_contract import PredictorContract, SightContract


def of_the_settings(model_type: str) -> ModelSpec:
    return registry.specs()[model_type]


class TestYolo(SightContract):
    @classmethod
    def make_spec(cls) -> ModelSpec:
        return of_the_settings("yolo")


class TestYoloSegmentation(SightContract):
    @classmethod
    def make_spec(cls) -> ModelSpec:
        return of_the_settings("yolo-seg")


class TestSam(SightContract):
    # Its score is the detector's times the IoU that it expects.
    threshold = 0.4

    @classmethod
    def make_spec(cls) -> ModelSpec:
        return of_the_settings("sam")


class TestSam3(SightContract):
    recall = 0.6
    stretches = True

    @classmethod
    def make_spec(cls) -> ModelSpec:
        return of_the_settings("sam3")


class FakeContract(PredictorContract):
    labels = FAKE_LABELS
    predictor_name = ""

    @classmethod
    def make_spec(cls) -> ModelSpec:
        return ModelSpec("fake", f"tests.autolabel.fakes.{cls.predictor_name}", None, "", queue="autolabel")

    def example(self) -> np.ndarray:
        return np.asarray(Image.open(io.BytesIO(picture(2))))

    def stranger(self, width: int, height: int) -> np.ndarray:
        """Black, which asks the fake for no shapes."""
        return np.zeros((height, width, 3), np.uint8)


class TestFake(FakeContract):
    predictor_name = "FakePredictor"


class TestFakeOfOpenWords(FakeContract):
    predictor_name = "OpenWordsPredictor"
