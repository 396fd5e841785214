"""Segmentation weights give outlines with holes, close to ultralytics' own masks, on images of any size."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import numpy as np
import pytest
from django.conf import settings
from django.test import override_settings
from PIL import Image

from annotation_platform.demo.scenes import LABELS, Scene, demo_scenes
from autolabel.inference.registry import get_spec
from autolabel.inference.yolo import YoloPredictor, import_ultralytics
from autolabel.inference.yolo_masks import outline
from autolabel.shapes import Shape

from .small_models import mask_iou, pixels, rasterized, truth_of

SIZE = 320


@pytest.fixture(scope="module")
def scenes() -> list[Scene]:
    return list(demo_scenes(count=6))


@pytest.fixture(scope="module")
def yolo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[YoloPredictor]:
    folder = tmp_path_factory.getbasetemp() / "engines"
    with override_settings(AUTOLABEL={**settings.AUTOLABEL, "CACHE_DIR": folder}):
        yield YoloPredictor(get_spec("yolo-seg"))


def outlines(yolo: YoloPredictor, scenes: list[Scene]) -> list[list[Shape]]:
    return yolo.predict_batch([pixels(scene) for scene in scenes], LABELS, 0.5)


def covered(shape: Shape, scene: Scene) -> np.ndarray:
    return rasterized(shape.polygons, scene.image.width, scene.image.height)


def test_it_gives_polygons(yolo: YoloPredictor, scenes: list[Scene]) -> None:
    assert yolo.info.kinds == ("polygon",)
    shapes = [shape for of_scene in outlines(yolo, scenes) for shape in of_scene]
    assert shapes
    assert all(shape.kind == "polygon" for shape in shapes)


def test_outlines_lie_on_the_objects(yolo: YoloPredictor, scenes: list[Scene]) -> None:
    best = []
    for shapes, scene in zip(outlines(yolo, scenes), scenes, strict=True):
        masks = [covered(shape, scene) for shape in shapes]
        for thing, truth in zip(scene.objects, truth_of(scene), strict=True):
            fitting = [mask for mask, shape in zip(masks, shapes, strict=True) if shape.label == thing.label]
            best.append(max((mask_iou(mask, truth) for mask in fitting), default=0.0))
    assert np.mean([iou >= 0.5 for iou in best]) >= 0.9
    assert np.median(best) >= 0.8


def test_some_outlines_have_holes(yolo: YoloPredictor, scenes: list[Scene]) -> None:
    parts = [part for shapes in outlines(yolo, scenes) for shape in shapes for part in shape.polygons or ()]
    assert any(len(part) > 1 for part in parts)


def test_outlines_are_those_of_ultralytics_own_masks(scenes: list[Scene]) -> None:
    """Ultralytics enlarges each mask to the whole image; the polygons may stray from it by about a pixel."""
    spec = get_spec("yolo-seg")
    plain = import_ultralytics().YOLO(str(spec.weights))
    ours = YoloPredictor(dataclasses.replace(spec, engine="pytorch", device="cpu"))
    found = outlines(ours, scenes)
    overlaps = []
    for scene, shapes in zip(scenes, found, strict=True):
        bgr = pixels(scene)[..., ::-1]
        (result,) = plain.predict(bgr, imgsz=SIZE, conf=0.5, rect=False, retina_masks=True, device="cpu", verbose=False)
        assert len(result.boxes) == len(shapes)
        masks = result.masks.data.numpy().astype(bool) if shapes else []
        for mask, score, shape in zip(masks, result.boxes.conf.tolist(), shapes, strict=True):
            assert shape.score == pytest.approx(score, abs=0.01)
            overlaps.append(mask_iou(mask, covered(shape, scene)))
    assert min(overlaps) >= 0.93
    assert np.mean(overlaps) >= 0.975


@pytest.mark.parametrize("engine", ["openvino", "onnxruntime"])
def test_engines_give_the_outlines_of_pytorch(scenes: list[Scene], engine: str, yolo: YoloPredictor) -> None:
    spec = dataclasses.replace(get_spec("yolo-seg"), device="cpu")
    pytorch = YoloPredictor(dataclasses.replace(spec, engine="pytorch"))
    other = YoloPredictor(dataclasses.replace(spec, engine=engine))  # type: ignore[arg-type]
    assert other.info.engine == engine
    for scene, some, others in zip(scenes, outlines(pytorch, scenes), outlines(other, scenes), strict=True):
        assert [shape.label for shape in some] == [shape.label for shape in others]
        for one, another in zip(some, others, strict=True):
            assert one.score == pytest.approx(another.score, abs=0.01)
            assert mask_iou(covered(one, scene), covered(another, scene)) >= 0.98


def test_outlines_of_a_large_image_are_those_of_a_small_one(yolo: YoloPredictor, scenes: list[Scene]) -> None:
    scene = scenes[0]
    large = scene.image.resize((640 * 8, 480 * 8), Image.Resampling.BILINEAR)
    some = outlines(yolo, [scene])[0]
    others = yolo.predict_batch([np.asarray(large)], LABELS, 0.5)[0]
    assert len(some) == len(others)
    for one, other in zip(some, others, strict=True):
        small = tuple(tuple(tuple((x / 8, y / 8) for x, y in ring) for ring in part) for part in other.polygons or ())
        assert mask_iou(covered(one, scene), rasterized(small, 640, 480)) >= 0.93


# The geometry alone


def cells(rows: slice, columns: slice, shape: tuple[int, int] = (16, 16)) -> np.ndarray:
    logits = np.full(shape, -10.0, np.float32)
    logits[rows, columns] = 10.0
    return logits


def bounds(polygons: object) -> tuple[float, ...]:
    points = [point for rings in polygons for ring in rings for point in ring]  # type: ignore[attr-defined]
    xs, ys = [x for x, _ in points], [y for _, y in points]
    return (min(xs), min(ys), max(xs), max(ys))


def test_a_mask_lands_where_the_bars_leave_the_image() -> None:
    """A wide image of 64 × 32 lies in the square of 64 between bars of 16: mask rows 4 to 12 are its own."""
    found = outline(cells(slice(6, 10), slice(4, 8)), (0.0, 0.0, 64.0, 32.0), (64, 32), (64, 64))
    assert bounds(found) == pytest.approx((16, 8, 32, 24), abs=0.6)


def test_a_mask_ends_at_its_box() -> None:
    found = outline(cells(slice(0, 16), slice(0, 16)), (10.0, 12.0, 33.0, 30.0), (64, 64), (64, 64))
    assert bounds(found) == pytest.approx((10, 12, 33, 30), abs=0.01)


def test_an_empty_mask_is_no_outline() -> None:
    assert outline(cells(slice(0, 0), slice(0, 0)), (10.0, 12.0, 33.0, 30.0), (64, 64), (64, 64)) is None


def test_a_sliver_of_a_box_is_survived() -> None:
    assert outline(cells(slice(0, 16), slice(0, 16)), (10.0, 12.0, 10.4, 12.2), (64, 64), (64, 64)) is not None
