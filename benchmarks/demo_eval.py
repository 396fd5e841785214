"""How well the demo's models do on scenes that none of them has seen, through this package's own predictors.

    make demo-eval               300 held-out scenes
    make demo-eval SCALE=0.1     a tenth of them; so few may miss a limit by chance
    SCENES=DIR make demo-eval    keeps the rendered scenes in DIR and takes them from there the next time

The last line is JSON with every figure and "ok"; the exit status is 1 where a figure is below its limit.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from autolabel.inference.base import Predictor
    from autolabel.shapes import Shape

REPOSITORY = Path(__file__).resolve().parents[1]
FIRST_SEED, SCENES = 101_520, 300
THRESHOLD, MIN_IOU = 0.5, 0.5
MAP_FLOOR = 0.01  # mean average precision wants the uncertain answers too
BATCH = 8
UNKNOWN_WORDS = ("zebra", "teapot", "bicycle")
LIMITS = {
    "yolo_box_map50": 0.95,
    "yolo_seg_mask_map50": 0.9,
    "sam_true_box_mean_iou": 0.85,
    "sam_precision": 0.9,
    "sam_recall": 0.9,
    "sam3_precision": 0.75,
    "sam3_recall": 0.75,
}


@dataclass(frozen=True)
class Seen:
    """One scene: RGB uint8 (480, 640, 3), its objects, and a bool mask of each."""

    image: np.ndarray
    objects: tuple[Any, ...]
    masks: list[np.ndarray]


def main(count: int) -> int:
    with tempfile.TemporaryDirectory() as folder:
        os.environ |= {"DATA_DIR": folder, "DJANGO_SETTINGS_MODULE": "annotation_platform.settings"}
        os.environ.setdefault("YOLO_OFFLINE", "true")
        sys.path.insert(0, str(REPOSITORY))
        import django

        django.setup()
        scenes = read_scenes(count, Path(os.environ.get("SCENES") or Path(folder) / "scenes"))
        figures: dict[str, float] = {}
        for measure in (measure_yolo, measure_yolo_seg, measure_sam, measure_sam3):
            started = time.monotonic()
            figures |= measure(scenes)
            print(f"{measure.__name__.removeprefix('measure_'):<9} {time.monotonic() - started:.0f} s", flush=True)
    failed = [name for name, limit in LIMITS.items() if figures[name] < limit]
    for name, value in figures.items():
        print(f"{name:<28} {value:>7.4f}  {verdict(name, failed)}")
    print(json.dumps({"scenes": count, "objects": sum(len(scene.objects) for scene in scenes)} | figures | ok(failed)))
    return 1 if failed else 0


def verdict(name: str, failed: Sequence[str]) -> str:
    if name not in LIMITS:
        return ""
    return f"{'BELOW' if name in failed else 'at least'} {LIMITS[name]}"


def ok(failed: Sequence[str]) -> dict[str, bool]:
    return {"ok": not failed}


def read_scenes(count: int, folder: Path) -> list[Seen]:
    """The held-out scenes as JPEG files of quality 90 show them; drawn where `folder` does not have them."""
    from annotation_platform.demo.training.data import read_sample, render
    from annotation_platform.demo.training.masks import rasterise

    seeds = range(FIRST_SEED, FIRST_SEED + count)
    render(seeds, folder)
    samples = (read_sample(folder, seed) for seed in seeds)
    return [Seen(one.image, one.objects, [rasterise(item) for item in one.objects]) for one in samples]


def measure_yolo(scenes: list[Seen]) -> dict[str, float]:
    found = list(answers(predictor_of("yolo"), scenes, MAP_FLOOR))
    mean, at_half = average_precision(scenes, found, "bbox")
    return {"yolo_box_map50": at_half, "yolo_box_map": mean}


def measure_yolo_seg(scenes: list[Seen]) -> dict[str, float]:
    found = list(answers(predictor_of("yolo-seg"), scenes, MAP_FLOOR))
    mean, at_half = average_precision(scenes, found, "segm")
    return {"yolo_seg_mask_map50": at_half, "yolo_seg_mask_map": mean}


def measure_sam(scenes: list[Seen]) -> dict[str, float]:
    """From true boxes, and from the detector's."""
    from autolabel.inference.base import BoxPredictor

    predictor = predictor_of("sam")
    assert isinstance(predictor, BoxPredictor)
    overlaps = [overlap for group in groups(scenes) for overlap in true_box_overlaps(predictor, group)]
    scores = {"sam_true_box_mean_iou": round(float(np.mean(overlaps)), 4)}
    return scores | prefixed("sam", precision_and_recall(scenes, answers(predictor, scenes, THRESHOLD)))


def true_box_overlaps(predictor: Any, scenes: Sequence[Seen]) -> Iterator[float]:
    """One IoU an object; 0 for an object without an answer."""
    from annotation_platform.demo.training.masks import iou
    from autolabel.shapes import BoxPrompt

    prompts = [
        [BoxPrompt(str(index), item.label, item.bbox_xyxy) for index, item in enumerate(scene.objects)]
        for scene in scenes
    ]
    for scene, shapes in zip(scenes, predictor.predict_masks([scene.image for scene in scenes], prompts), strict=True):
        drawn = {shape.source: mask_of(shape) for shape in shapes}
        for index, mask in enumerate(scene.masks):
            yield iou(drawn[str(index)], mask) if str(index) in drawn else 0.0


def measure_sam3(scenes: list[Seen]) -> dict[str, float]:
    """By the labels as text; and how often a word that it does not know finds something."""
    predictor = predictor_of("sam3")
    figures = prefixed("sam3", precision_and_recall(scenes, answers(predictor, scenes, THRESHOLD)))
    unknown = answers(predictor, scenes[:30], THRESHOLD, UNKNOWN_WORDS)
    return figures | {"sam3_answers_to_unknown_words": float(sum(len(shapes) for shapes in unknown))}


def predictor_of(model_type: str) -> Predictor:
    from autolabel.inference.registry import get_spec, load_predictor

    return load_predictor(get_spec(model_type))


def answers(
    predictor: Predictor, scenes: Sequence[Seen], floor: float, words: Sequence[str] = ()
) -> Iterator[list[Shape]]:
    """What the model finds on each scene when asked for `words`, or for the demo's labels."""
    from annotation_platform.demo.scenes import LABELS

    for group in groups(scenes):
        yield from predictor.predict_batch([scene.image for scene in group], words or LABELS, floor)


def groups(scenes: Sequence[Seen]) -> Iterator[Sequence[Seen]]:
    return (scenes[start : start + BATCH] for start in range(0, len(scenes), BATCH))


def mask_of(shape: Shape) -> np.ndarray:
    """The pixels whose centres lie in the outline, holes left out."""
    from annotation_platform.demo.scenes import SceneObject
    from annotation_platform.demo.training.masks import rasterise

    return rasterise(SceneObject(shape.label, shape.polygons or ()))


def precision_and_recall(scenes: Sequence[Seen], found: Iterable[list[Shape]]) -> dict[str, float]:
    """Answers take, best first, the object of their label that they overlap most, at a mask IoU of 0.5 or more."""
    from annotation_platform.demo.training.masks import iou

    right = wrong = missed = 0
    for scene, shapes in zip(scenes, found, strict=True):
        open_objects = dict(enumerate(scene.objects))
        for shape in sorted(shapes, key=lambda shape: -shape.score):
            mask = mask_of(shape)
            same = [index for index, item in open_objects.items() if item.label == shape.label]
            overlaps = {index: iou(mask, scene.masks[index]) for index in same}
            best = max(overlaps, key=lambda index: overlaps[index], default=None)
            if best is not None and overlaps[best] >= MIN_IOU:
                del open_objects[best]
                right += 1
            else:
                wrong += 1
        missed += len(open_objects)
    precision, recall = right / max(1, right + wrong), right / max(1, right + missed)
    return {"precision": round(precision, 4), "recall": round(recall, 4)}


def prefixed(prefix: str, figures: dict[str, float]) -> dict[str, float]:
    return {f"{prefix}_{name}": value for name, value in figures.items()}


def average_precision(scenes: Sequence[Seen], found: Sequence[list[Shape]], kind: str) -> tuple[float, float]:
    """COCO's mAP over IoU 0.5 to 0.95, and at 0.5; `kind` is "bbox" or "segm"."""
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    from annotation_platform.demo.scenes import LABELS

    truth: list[dict[str, Any]] = []
    guesses: list[dict[str, Any]] = []
    for number, (scene, shapes) in enumerate(zip(scenes, found, strict=True), start=1):
        for item, mask in zip(scene.objects, scene.masks, strict=True):
            truth.append(row(number, item.label, item.bbox_xyxy, mask) | {"id": len(truth) + 1, "iscrowd": 0})
        for shape in shapes:
            mask = mask_of(shape) if kind == "segm" else None
            guesses.append(row(number, shape.label, shape.bbox_xyxy, mask) | {"score": shape.score})
    with contextlib.redirect_stdout(io.StringIO()):
        there = COCO()
        there.dataset = {
            "images": [{"id": number, "width": 640, "height": 480} for number in range(1, len(scenes) + 1)],
            "categories": [{"id": index, "name": name} for index, name in enumerate(LABELS, start=1)],
            "annotations": truth,
        }
        there.createIndex()
        evaluation = COCOeval(there, there.loadRes(guesses), kind)
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return round(float(evaluation.stats[0]), 4), round(float(evaluation.stats[1]), 4)


def row(image: int, label: str, box: Sequence[float], mask: np.ndarray | None) -> dict[str, Any]:
    from pycocotools.mask import encode

    from annotation_platform.demo.scenes import LABELS

    left, top, right, bottom = box
    sides = [left, top, right - left, bottom - top]
    outline = {"segmentation": encode(np.asfortranarray(mask, np.uint8))} if mask is not None else {}
    area = float(mask.sum()) if mask is not None else sides[2] * sides[3]
    return {"image_id": image, "category_id": LABELS.index(label) + 1, "bbox": sides, "area": area, **outline}


if __name__ == "__main__":
    sys.exit(main(max(1, round(SCENES * float(os.environ.get("SCALE", "1"))))))
