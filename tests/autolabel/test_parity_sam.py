"""On the same weights our predictors give what the plain libraries give.

Masks are compared where our code holds them last as pixels, before polygons are made: `SamPredictor.masks` and
`Sam3Predictor.masks`. How close the polygons then are to the plain library's masks is measured, too.
"""

from __future__ import annotations

import numpy as np
import pytest
import torch

from annotation_platform.demo.scenes import LABELS, Scene, demo_scenes
from annotation_platform.demo.small_sam import build_small_sam
from annotation_platform.demo.small_sam3 import build_small_sam3
from autolabel.inference.sam import SamPredictor
from autolabel.inference.sam3 import Sam3Predictor
from autolabel.shapes import Box, BoxPrompt

from .small_models import SAM, SAM3, SAM3_IMAGE_SIZE, mask_iou, pixels, rasterized, small_sam, small_sam3

CONFIDENCE = 0.3


@pytest.fixture(scope="module")
def scenes() -> list[Scene]:
    return list(demo_scenes(count=5))


def boxes_of(scene: Scene) -> list[Box]:
    return [thing.bbox_xyxy for thing in scene.objects]


def plain_sam(scenes: list[Scene]) -> list[list[tuple[np.ndarray, float]]]:
    """The masks and expected IoUs that segment_anything's own predictor gives for the true boxes."""
    import segment_anything

    model = build_small_sam()
    model.load_state_dict(torch.load(SAM, weights_only=True))
    predictor = segment_anything.SamPredictor(model)
    found = []
    for scene in scenes:
        predictor.set_image(pixels(scene))
        answers = [predictor.predict(box=np.array(box), multimask_output=False)[:2] for box in boxes_of(scene)]
        found.append([(masks[0], float(scores[0])) for masks, scores in answers])
    return found


def test_sam_masks_and_scores_are_those_of_segment_anything(scenes: list[Scene]) -> None:
    ours = SamPredictor(small_sam(options={"box_batch": 3}))
    for scene, plain in zip(scenes, plain_sam(scenes), strict=True):
        for (logits, score), (mask, plain_score) in zip(ours.masks(pixels(scene), boxes_of(scene)), plain, strict=True):
            assert logits is not None
            assert mask_iou(logits > 0, mask) >= 0.99
            assert score == pytest.approx(min(1.0, max(0.0, plain_score)), abs=0.01)


def test_sam_polygons_lie_on_the_masks_of_segment_anything(scenes: list[Scene]) -> None:
    ours = SamPredictor(small_sam())
    overlaps = []
    for scene, plain in zip(scenes, plain_sam(scenes), strict=True):
        prompts = [BoxPrompt(str(number), "part", box) for number, box in enumerate(boxes_of(scene))]
        shapes = ours.predict_masks([pixels(scene)], [prompts])[0]
        overlaps += [mask_iou(rasterized(shape.polygons, 640, 480), plain[int(shape.source)][0]) for shape in shapes]
    assert len(overlaps) == sum(len(scene.objects) for scene in scenes)
    assert np.mean(overlaps) >= 0.97
    assert min(overlaps) >= 0.9


def plain_sam3(scenes: list[Scene]) -> list[list[tuple[str, float, Box, np.ndarray]]]:
    """(label, score, box, mask) of what ultralytics' own semantic predictor finds, best first."""
    from ultralytics.models.sam import SAM3SemanticPredictor

    class Plain(SAM3SemanticPredictor):
        stride = 16

    model = build_small_sam3()
    tensors = torch.load(SAM3, weights_only=True)
    model.load_state_dict({name.removeprefix("detector."): value for name, value in tensors.items()})
    predictor = Plain(
        overrides={
            "conf": CONFIDENCE,
            "task": "segment",
            "mode": "predict",
            "imgsz": SAM3_IMAGE_SIZE,
            "device": "cpu",
            "save": False,
            "verbose": False,
        }
    )
    predictor.setup_model(model, verbose=False)
    found = []
    for scene in scenes:
        result = predictor(source=np.ascontiguousarray(pixels(scene)[..., ::-1]), text=list(LABELS))[0]
        rows = [
            (LABELS[int(row[5])], float(row[4]), tuple(row[:4].tolist()), mask.numpy())
            for row, mask in zip(result.boxes.data, result.masks.data if result.masks else (), strict=True)
        ]
        found.append(sorted(rows, key=lambda row: -row[1]))
    return found


def test_sam3_masks_and_scores_are_those_of_ultralytics(scenes: list[Scene]) -> None:
    ours = Sam3Predictor(small_sam3(options={"concept_batch": 2}))
    compared = 0
    for scene, plain in zip(scenes, plain_sam3(scenes), strict=True):
        found = list(ours.masks(pixels(scene), LABELS, CONFIDENCE))
        for (label, score, logits), (plain_label, plain_score, _, mask) in zip(found, plain, strict=True):
            assert label == plain_label
            assert score == pytest.approx(plain_score, abs=0.01)
            assert mask_iou(logits > 0, mask) >= 0.99
            compared += 1
    assert compared >= len(scenes)


def test_sam3_polygons_lie_on_the_masks_of_ultralytics(scenes: list[Scene]) -> None:
    ours = Sam3Predictor(small_sam3())
    overlaps = []
    for scene, plain in zip(scenes, plain_sam3(scenes), strict=True):
        shapes = ours.predict_batch([pixels(scene)], LABELS, CONFIDENCE)[0]
        overlaps += [
            mask_iou(rasterized(shape.polygons, 640, 480), mask)
            for shape, (*_, mask) in zip(shapes, plain, strict=True)
        ]
    assert overlaps
    assert np.mean(overlaps) >= 0.97
    assert min(overlaps) >= 0.9
