"""SAM on the demo's small checkpoint: the real `segment_anything` classes, prompted by the demo's detector."""

from __future__ import annotations

import gc
import weakref
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from annotation_platform.demo.scenes import LABELS, Scene, demo_scenes
from annotation_platform.demo.score import Found, Score, score_image
from autolabel.exceptions import ModelUnavailable
from autolabel.inference.base import BoxPredictor
from autolabel.inference.mask_shapes import mask_size
from autolabel.inference.registry import build_predictor, get_spec
from autolabel.inference.sam import SamPredictor
from autolabel.shapes import BoxPrompt, Shape

from .small_models import best_ious, mask_iou, pixels, rasterized, small_sam, truth_of

FLOOR = 0.05


@pytest.fixture(scope="module")
def scenes() -> list[Scene]:
    return list(demo_scenes(count=6))


@pytest.fixture(scope="module")
def sam() -> SamPredictor:
    return SamPredictor(small_sam(detector=replace(get_spec("yolo"), device="cpu")))


def prompts_of(scene: Scene) -> list[BoxPrompt]:
    return [BoxPrompt(str(number), thing.label, thing.bbox_xyxy) for number, thing in enumerate(scene.objects)]


def counted(module: Any) -> list[int]:
    """Grows by one with every pass through the module: the length of the first axis of what it gives."""
    passes: list[int] = []
    module.register_forward_hook(
        lambda module, args, output: passes.append(len(output[0] if isinstance(output, tuple) else output))
    )
    return passes


def test_it_outlines_what_the_detector_finds(sam: SamPredictor, scenes: list[Scene]) -> None:
    found = sam.predict_batch([pixels(scene) for scene in scenes], LABELS, FLOOR)
    total, overlaps = Score(), []
    for shapes, scene in zip(found, scenes, strict=True):
        sure = [shape for shape in shapes if shape.score >= 0.5]
        truth = [Found(thing.label, thing.bbox_xyxy) for thing in scene.objects]
        total += score_image([Found(shape.label, shape.bbox_xyxy, shape.score) for shape in sure], truth)
        overlaps += best_ious(sure, scene)
    assert total.precision >= 0.9
    assert total.recall >= 0.85
    assert np.mean(overlaps) >= 0.8


def test_a_score_is_the_detectors_times_the_expected_overlap(sam: SamPredictor, scenes: list[Scene]) -> None:
    image = pixels(scenes[0])
    detector = build_predictor(replace(get_spec("yolo"), device="cpu"))
    boxes = detector.predict_batch([image], LABELS, FLOOR)[0]
    expected = [iou for _, iou in sam.masks(image, [box.bbox_xyxy for box in boxes])]
    scores = sorted(box.score * iou for box, iou in zip(boxes, expected, strict=True))
    ours = sorted(shape.score for shape in sam.predict_batch([image], LABELS, FLOOR)[0])
    assert ours == pytest.approx([score for score in scores if score >= FLOOR], abs=1e-4)


def test_shapes_come_best_first_above_the_floor_and_hold_the_bounds_of_their_polygons(
    sam: SamPredictor, scenes: list[Scene]
) -> None:
    shapes = sam.predict_batch([pixels(scenes[1])], LABELS, 0.3)[0]
    assert shapes
    assert [shape.score for shape in shapes] == sorted((shape.score for shape in shapes), reverse=True)
    for shape in shapes:
        assert 0.3 <= shape.score <= 1
        assert shape.polygons
        points = [point for exterior, *_ in shape.polygons for point in exterior]
        xs, ys = [x for x, _ in points], [y for _, y in points]
        assert shape.bbox_xyxy == (min(xs), min(ys), max(xs), max(ys))
        assert 0 <= min(xs) < max(xs) <= 640
        assert 0 <= min(ys) < max(ys) <= 480


def test_accepted_boxes_become_outlines_with_their_labels_and_refs(sam: SamPredictor, scenes: list[Scene]) -> None:
    assert isinstance(sam, BoxPredictor)
    assert sam.info.takes_boxes
    chosen = scenes[:2]
    found = sam.predict_masks([pixels(scene) for scene in chosen], [prompts_of(scene) for scene in chosen])
    for shapes, scene in zip(found, chosen, strict=True):
        assert [(shape.source, shape.label) for shape in shapes] == [
            (prompt.ref, prompt.label) for prompt in prompts_of(scene)
        ]
        overlaps = [
            mask_iou(rasterized(shape.polygons, 640, 480), mask)
            for shape, mask in zip(shapes, truth_of(scene), strict=True)
        ]
        assert np.mean(overlaps) >= 0.8


def test_an_image_is_encoded_once_and_boxes_go_through_the_decoder_in_batches(scenes: list[Scene]) -> None:
    sam = SamPredictor(small_sam(options={"box_batch": 3}))
    encoded, decoded = counted(sam._sam.model.image_encoder), counted(sam._sam.model.mask_decoder)
    boxes = [BoxPrompt(str(number), "nut", (10.0 + number, 10.0, 90.0, 90.0)) for number in range(7)]
    assert len(sam.predict_masks([pixels(scenes[0])], [boxes])[0]) == 7
    assert encoded == [1]
    assert decoded == [3, 3, 1]


def test_batches_of_boxes_change_nothing(sam: SamPredictor, scenes: list[Scene]) -> None:
    one_by_one = SamPredictor(small_sam(options={"box_batch": 1}))
    arguments = ([pixels(scenes[0])], [prompts_of(scenes[0])])
    for one, other in zip(sam.predict_masks(*arguments)[0], one_by_one.predict_masks(*arguments)[0], strict=True):
        assert one.score == pytest.approx(other.score, abs=1e-4)
        assert mask_iou(rasterized(one.polygons, 640, 480), rasterized(other.polygons, 640, 480)) >= 0.99


def test_an_image_without_boxes_costs_nothing(scenes: list[Scene]) -> None:
    sam = SamPredictor(small_sam())
    encoded = counted(sam._sam.model.image_encoder)
    assert sam.predict_masks([pixels(scenes[0])], [[]]) == [[]]
    assert sam.predict_masks([], []) == []
    assert encoded == []


def test_where_memory_runs_out_fewer_boxes_go_at_once(scenes: list[Scene], monkeypatch: pytest.MonkeyPatch) -> None:
    sam = SamPredictor(small_sam(options={"box_batch": 8}))
    real, sizes = sam._sam.predict_torch, []

    def small(points: Any, labels: Any, boxes: Any, **options: Any) -> Any:
        sizes.append(len(boxes))
        if len(boxes) > 2:
            raise RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB")
        return real(points, labels, boxes, **options)

    monkeypatch.setattr(sam._sam, "predict_torch", small)
    boxes = [BoxPrompt(str(number), "nut", (10.0 + number, 10.0, 90.0, 90.0)) for number in range(5)]
    for _ in range(2):
        assert [shape.source for shape in sam.predict_masks([pixels(scenes[0])], [boxes])[0]] == list("01234")
    assert sizes == [5, 3, 2, 2, 1, 2, 2, 1]


def test_the_same_image_gives_the_same_shapes_alone_and_in_a_batch(sam: SamPredictor, scenes: list[Scene]) -> None:
    images = [pixels(scene) for scene in scenes[:3]]
    together = sam.predict_batch(images, LABELS, FLOOR)
    assert sam.predict_batch(images, LABELS, FLOOR) == together
    alone = [sam.predict_batch([image], LABELS, FLOOR)[0] for image in images]
    for one, other in zip(alone, together, strict=True):
        assert [shape.label for shape in one] == [shape.label for shape in other]
        assert [shape.score for shape in one] == pytest.approx([shape.score for shape in other], abs=0.01)


@pytest.mark.parametrize("size", [(1, 1), (1, 700), (700, 1), (9000, 3), (33, 1500)])
def test_odd_sizes_are_no_error(sam: SamPredictor, size: tuple[int, int]) -> None:
    height, width = size
    image = np.full((height, width, 3), 128, np.uint8)
    box = BoxPrompt("1", "nut", (0.0, 0.0, float(width), float(height)))
    for shapes in (*sam.predict_batch([image], LABELS, FLOOR), *sam.predict_masks([image], [[box]])):
        for shape in shapes:
            x_min, y_min, x_max, y_max = shape.bbox_xyxy
            assert 0 <= x_min < x_max <= width
            assert 0 <= y_min < y_max <= height


def test_a_large_photo_is_outlined_in_its_own_pixels(sam: SamPredictor, scenes: list[Scene]) -> None:
    scene, times = scenes[0], 5
    large = np.asarray(scene.image.resize((640 * times, 480 * times), Image.Resampling.BICUBIC))
    prompts = prompts_of(scene)
    enlarged = [replace(prompt, bbox_xyxy=tuple(times * value for value in prompt.bbox_xyxy)) for prompt in prompts]
    small_shapes, large_shapes = sam.predict_masks([pixels(scene), large], [prompts, enlarged])
    for small, big in zip(small_shapes, large_shapes, strict=True):
        assert np.array(big.bbox_xyxy) / times == pytest.approx(np.array(small.bbox_xyxy), abs=3)


def test_masks_of_large_images_stay_small() -> None:
    assert mask_size(480, 640) == (480, 640)
    assert mask_size(5000, 10_000) == (707, 1414)
    assert mask_size(1, 50_000_000) == (1, 7_071_068)


def test_without_a_detector_it_takes_accepted_boxes_only(scenes: list[Scene]) -> None:
    sam = SamPredictor(small_sam())
    assert sam.info.labels == ()
    assert "DETECTOR" in sam.info.notes[0]
    assert sam.predict_masks([pixels(scenes[0])], [prompts_of(scenes[0])])[0]
    with pytest.raises(ModelUnavailable, match="DETECTOR"):
        sam.predict_batch([pixels(scenes[0])], LABELS, FLOOR)


def test_its_facts_name_the_detector(sam: SamPredictor) -> None:
    assert sam.info.labels == LABELS
    assert sam.info.kinds == ("polygon",)
    assert sam.info.detector
    assert sam.info.detector["weights_sha256"] == get_spec("yolo").sha256
    assert {"torch", "segment-anything"} <= set(sam.info.libraries)


def test_a_detector_that_cannot_run_is_the_reason(tmp_path: Path) -> None:
    absent = replace(get_spec("yolo"), weights=tmp_path / "absent.pt")
    with pytest.raises(ModelUnavailable, match="'yolo' are not on this machine"):
        SamPredictor(small_sam(detector=absent))


class Finds:
    """A detector that remembers the floor it was given."""

    info = None
    floors: list[float]

    def predict_batch(self, images: list[np.ndarray], labels: list[str], floor: float) -> list[list[Shape]]:
        self.floors = [*getattr(self, "floors", []), floor]
        boxes = [Shape("nut", 0.9 - 0.1 * number, (10.0, 10.0, 90.0 + number, 90.0)) for number in range(5)]
        return [boxes for _ in images]


def test_the_detector_is_asked_with_the_higher_floor_and_its_best_boxes_are_taken(
    scenes: list[Scene], monkeypatch: pytest.MonkeyPatch
) -> None:
    detector = replace(get_spec("yolo"), floor=0.2, device="cpu")
    sam = SamPredictor(small_sam(detector=detector, max_predictions=2))
    finds = Finds()
    monkeypatch.setattr(sam, "_detector", finds)
    assert len(sam.predict_batch([pixels(scenes[0])], LABELS, 0.0)[0]) == 2
    sam.predict_batch([pixels(scenes[0])], LABELS, 0.4)
    assert finds.floors == [0.2, 0.4]


def test_its_memory_is_released(scenes: list[Scene]) -> None:
    sam = SamPredictor(small_sam(detector=replace(get_spec("yolo"), device="cpu")))
    sam.predict_batch([pixels(scenes[0])], LABELS, FLOOR)
    model = weakref.ref(sam._sam.model)
    del sam
    gc.collect()
    assert model() is None
