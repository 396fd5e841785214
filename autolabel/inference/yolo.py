"""YOLO boxes on ultralytics."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autolabel.exceptions import ModelUnavailable
from autolabel.shapes import Shape, clip_box

from .base import ModelInfo, ModelSpec

if TYPE_CHECKING:
    import numpy as np

__all__ = ["YoloPredictor", "import_ultralytics"]


def import_ultralytics() -> Any:
    """Import ultralytics so that it stays offline, installs nothing and unpickles only what it knows.

    The variables must stand before the first import. It also replaces `PIL.Image.open` by a version that asks for
    another package when a file is unreadable; the original is put back.
    """
    os.environ.setdefault("YOLO_CONFIG_DIR", str(Path(tempfile.gettempdir()) / f"autolabel-ultralytics-{os.getuid()}"))
    os.environ.update(YOLO_OFFLINE="true", YOLO_AUTOINSTALL="false", ULTRALYTICS_SAFE_LOAD="1", YOLO_VERBOSE="false")
    from PIL import Image

    original = Image.open
    import ultralytics

    Image.open = original
    return ultralytics


def installed_versions(*distributions: str) -> dict[str, str]:
    """The versions of those of `distributions` that are installed."""
    found = {}
    for name in distributions:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


class YoloPredictor:
    """A YOLO detection checkpoint. Class names come from the weights.

    Options: `imgsz` (pixels of the network's square input, default 640), `device` ("auto", "cpu", "cuda:0", …),
    `iou` (the overlap above which boxes of one class are one, default 0.7).
    """

    def __init__(self, spec: ModelSpec) -> None:
        if spec.weights is None:
            raise ModelUnavailable(f"The model {spec.model_type!r} names no WEIGHTS.")
        ultralytics = import_ultralytics()
        import torch

        self._spec = spec
        self._model = ultralytics.YOLO(str(spec.weights))
        if self._model.task != "detect":
            raise ModelUnavailable(
                f"{spec.weights.name} holds a {self._model.task} model; yolo takes detection weights."
            )
        device = spec.options.get("device", "auto")
        self._device = ("cuda:0" if torch.cuda.is_available() else "cpu") if device == "auto" else device
        self._names: dict[int, str] = dict(self._model.names)
        self._warm_up()
        # The first predict has told torch to leave one core idle; on a small machine that costs half the speed.
        torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS") or os.cpu_count() or 1))
        self.info = ModelInfo(
            name=spec.weights.stem,
            version=spec.sha256[:12],
            weights_sha256=spec.sha256,
            labels=tuple(self._names[index] for index in sorted(self._names)),
            kinds=("box",),
            engine="pytorch",
            device=self._device,
            libraries=installed_versions("torch", "ultralytics", "ultralytics-opencv-headless"),
        )

    def predict_batch(self, images: Sequence[np.ndarray], labels: Sequence[str], floor: float) -> list[list[Shape]]:
        """Boxes above `floor`, best first; see Predictor. `labels` are ignored: the classes are the weights' own."""
        if not images:
            return []
        results = self._predict([image[..., ::-1] for image in images], floor)
        return [
            self._shapes(result, image.shape[1], image.shape[0]) for result, image in zip(results, images, strict=True)
        ]

    def _predict(self, bgr_images: list[np.ndarray], floor: float) -> list[Any]:
        # A list is one true batch. rect=False pads every image to the same square, so that an image's result does
        # not depend on the images it shares the batch with.
        results: list[Any] = self._model.predict(
            bgr_images,
            imgsz=self._spec.options.get("imgsz", 640),
            conf=floor,
            iou=self._spec.options.get("iou", 0.7),
            max_det=self._spec.max_predictions,
            device=self._device,
            rect=False,
            save=False,
            verbose=False,
        )
        return results

    def _shapes(self, result: Any, width: int, height: int) -> list[Shape]:
        boxes = result.boxes
        shapes = []
        for box, score, index in zip(boxes.xyxy.tolist(), boxes.conf.tolist(), boxes.cls.tolist(), strict=True):
            clipped = clip_box(box, width, height)
            if clipped is not None:
                shapes.append(Shape(self._names[int(index)], min(1.0, max(0.0, score)), clipped))
        return sorted(shapes, key=lambda shape: -shape.score)

    def _warm_up(self) -> None:
        import numpy as np

        self._predict([np.zeros((32, 32, 3), np.uint8)], self._spec.floor)
