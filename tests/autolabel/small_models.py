"""The demo's small SAM and SAM 3 as specs of the registry, and what compares outlines."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from django.conf import settings

from annotation_platform.demo.scenes import Scene
from autolabel.inference.base import ModelSpec
from autolabel.shapes import Polygon, Shape

__all__ = [
    "RunsCode",
    "best_ious",
    "mask_iou",
    "pixels",
    "rasterized",
    "small_sam",
    "small_sam3",
    "spec_of",
    "truth_of",
]

WEIGHTS = Path(settings.BASE_DIR) / "annotation_platform" / "demo" / "weights"
SAM = WEIGHTS / "hardware-sam.pth"
SAM3 = WEIGHTS / "hardware-sam3.pt"
SAM_OPTIONS = {"architecture": "annotation_platform.demo.small_sam.build_small_sam"}
SAM3_OPTIONS = {"architecture": "annotation_platform.demo.small_sam3.build_small_sam3", "stride": 16}
SAM3_IMAGE_SIZE = 320
_FINE = 4  # subpixels a side of a pixel


def spec_of(model_type: str, predictor: str, weights: Path, **fields: Any) -> ModelSpec:
    """A spec with the sha256 that the file has, whatever the file is; on the CPU, as parity is about the code."""
    sha256 = hashlib.sha256(weights.read_bytes()).hexdigest()
    return ModelSpec(model_type, predictor, weights, sha256, queue="autolabel", **{"device": "cpu", **fields})


def small_sam(weights: Path = SAM, **fields: Any) -> ModelSpec:
    """`options` are added to those that the architecture needs."""
    options = {**SAM_OPTIONS, **fields.pop("options", {})}
    return spec_of("sam", "autolabel.inference.sam.SamPredictor", weights, options=options, **fields)


def small_sam3(weights: Path = SAM3, **fields: Any) -> ModelSpec:
    """`options` are added to those that the architecture needs."""
    options = {**SAM3_OPTIONS, **fields.pop("options", {})}
    fields = {"image_size": SAM3_IMAGE_SIZE, **fields}
    return spec_of("sam3", "autolabel.inference.sam3.Sam3Predictor", weights, options=options, **fields)


class RunsCode:
    """Unpickled, it makes the folder; a checkpoint that holds one shows whether anything of it was run."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.makedirs, (str(self._folder),)


def pixels(scene: Scene) -> np.ndarray:
    return np.asarray(scene.image)


def truth_of(scene: Scene) -> list[np.ndarray]:
    """The masks of a scene's objects, in their order."""
    return [rasterized(thing.polygons, scene.image.width, scene.image.height) for thing in scene.objects]


def rasterized(polygons: tuple[Polygon, ...] | None, width: int, height: int) -> np.ndarray:
    """The pixels of which the polygons cover at least half, as a bool array of shape (height, width)."""
    from PIL import Image, ImageDraw

    canvas = Image.new("L", (width * _FINE, height * _FINE))
    draw = ImageDraw.Draw(canvas)
    for rings in polygons or ():
        for number, ring in enumerate(rings):
            # Pillow's coordinates are those of subpixels' centres.
            draw.polygon([(x * _FINE - 0.5, y * _FINE - 0.5) for x, y in ring], fill=0 if number else 255)
    cover = np.asarray(canvas).reshape(height, _FINE, width, _FINE).mean(axis=(1, 3))
    return cover >= 127.5


def mask_iou(first: np.ndarray, second: np.ndarray) -> float:
    """Intersection over union of two bool arrays; 1 where both are empty."""
    union = np.count_nonzero(first | second)
    return np.count_nonzero(first & second) / union if union else 1.0


def best_ious(shapes: Sequence[Shape], scene: Scene) -> list[float]:
    """For each shape its mask's largest IoU with an object of the scene."""
    truths = truth_of(scene)
    outlines = (rasterized(shape.polygons, scene.image.width, scene.image.height) for shape in shapes)
    return [max(mask_iou(outline, truth) for truth in truths) for outline in outlines]
