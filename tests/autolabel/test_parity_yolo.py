"""On the same weights and the same preprocessing, plain ultralytics finds the same boxes."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import numpy as np
import pytest
from django.conf import settings
from django.test import override_settings
from PIL import Image

from annotation_platform.demo.scenes import LABELS, Scene, demo_scenes
from autolabel.inference.base import Engine
from autolabel.inference.registry import get_spec
from autolabel.inference.yolo import YoloPredictor, import_ultralytics

FLOOR = 0.05
PIXELS, SCORE = 1.0, 0.01  # how far apart two boxes and two scores may be


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    folder = tmp_path_factory.getbasetemp() / "engines"
    with override_settings(AUTOLABEL={**settings.AUTOLABEL, "CACHE_DIR": folder}):
        yield


@pytest.fixture(scope="module")
def images() -> list[np.ndarray]:
    """Scenes as they are, a wide and a tall part of one, and one of many pixels."""
    scenes: list[Scene] = list(demo_scenes(count=6))
    first = scenes[0].image
    others = [first.crop((0, 100, 640, 300)), first.crop((200, 0, 380, 480)), first.resize((2000, 1500), Image.BICUBIC)]
    return [np.asarray(image) for image in [*(scene.image for scene in scenes), *others]]


@pytest.mark.parametrize("engine", ["pytorch", "auto", "onnxruntime"])
def test_boxes_and_scores_are_those_of_ultralytics(engine: Engine, images: list[np.ndarray]) -> None:
    spec = dataclasses.replace(get_spec("yolo"), device="cpu", engine=engine)
    ours = YoloPredictor(spec)
    plain = import_ultralytics().YOLO(str(spec.weights))
    compared = 0
    for image, shapes in zip(images, ours.predict_batch(images, LABELS, FLOOR), strict=True):
        bgr = np.ascontiguousarray(image[..., ::-1])
        options = {"imgsz": spec.image_size, "conf": FLOOR, "max_det": spec.max_predictions, "rect": False}
        (result,) = plain.predict(bgr, device="cpu", save=False, verbose=False, **options)
        boxes = result.boxes
        theirs = sorted(
            zip(boxes.xyxy.tolist(), boxes.conf.tolist(), boxes.cls.tolist(), strict=True), key=lambda row: -row[1]
        )
        assert len(shapes) == len(theirs)
        for shape, (box, score, index) in zip(shapes, theirs, strict=True):
            assert shape.label == plain.names[int(index)]
            assert shape.score == pytest.approx(score, abs=SCORE)
            assert shape.bbox_xyxy == pytest.approx(box, abs=PIXELS)
            compared += 1
    assert compared > 30
