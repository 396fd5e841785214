"""Trains the YOLO detector and the YOLO segmenter with ultralytics, on the scenes of `data.render`."""

import hashlib
import io
import os
import time
from pathlib import Path
from typing import Any

from annotation_platform.demo.scenes import HEIGHT, LABELS, WIDTH, SceneObject, demo_scenes
from annotation_platform.demo.score import Found, Score, score_image
from annotation_platform.demo.training.data import Split, image_path, read_truth
from annotation_platform.demo.training.outlines import one_outline
from annotation_platform.demo.training.traces import refuse_machine_traces

FOLDER = Path(__file__).parents[1]
IMAGE_SIZE = 320
CONFIDENCE = 0.5
COMMON: dict[str, Any] = {
    "imgsz": IMAGE_SIZE,
    "name": "hardware",
    "exist_ok": True,
    "device": "cpu",
    "workers": 0,
    "cache": "ram",
    "batch": 8,  # twice the steps of 16 in the same time: a short training needs steps most
    "nbs": 8,
    "optimizer": "AdamW",
    "lrf": 0.01,
    "cos_lr": True,
    "warmup_epochs": 1,
    "patience": 0,
    "deterministic": True,
    "amp": False,
    "mosaic": 0.0,
    "erasing": 0.0,
    "scale": 0.2,
    "translate": 0.05,
    "flipud": 0.5,
    "plots": False,
    "verbose": False,
}


def lay_out(scenes: Path, root: Path, splits: tuple[Split, ...], task: str) -> Path:
    """The folders that ultralytics wants, with the scenes linked in; returns the data set's YAML file."""
    for split in splits:
        images, labels = root / "images" / split.name, root / "labels" / split.name
        images.mkdir(parents=True, exist_ok=True)
        labels.mkdir(parents=True, exist_ok=True)
        for seed in split.seeds:
            link = images / image_path(scenes, seed).name
            if not link.exists():
                link.symlink_to(image_path(scenes, seed))
            write = outline_label if task == "segment" else box_label
            lines = [write(item) for item in read_truth(scenes, seed)]
            (labels / link.name).with_suffix(".txt").write_text("".join(f"{line}\n" for line in lines))
    paths = "".join(f"{split.name}: images/{split.name}\n" for split in splits)
    data = root / "data.yaml"
    data.write_text(f"path: {root}\n{paths}names: {dict(enumerate(LABELS))}\n")
    return data


def box_label(item: SceneObject) -> str:
    """Class, then box centre and size as fractions of the image."""
    left, top, right, bottom = item.bbox_xyxy
    center = f"{(left + right) / 2 / WIDTH:.6f} {(top + bottom) / 2 / HEIGHT:.6f}"
    return f"{LABELS.index(item.label)} {center} {(right - left) / WIDTH:.6f} {(bottom - top) / HEIGHT:.6f}"


def outline_label(item: SceneObject) -> str:
    """Class, then the points of one outline as fractions of the image."""
    points = (f"{x / WIDTH:.6f} {y / HEIGHT:.6f}" for x, y in one_outline(item))
    return f"{LABELS.index(item.label)} {' '.join(points)}"


def train_detector(data: Path, runs: Path, epochs: int, seed: int) -> Path:
    """Train from random weights; returns the checkpoint that did best on the validation split."""
    from ultralytics import YOLO

    model = _watched(YOLO(str(FOLDER / "hardware-pico.yaml")))
    model.train(data=str(data), epochs=epochs, seed=seed, project=str(runs), pretrained=False, lr0=3e-3, **COMMON)
    return runs / "hardware" / "weights" / "best.pt"


def train_segmenter(data: Path, runs: Path, epochs: int, seed: int, detector: Path) -> Path:
    """Train from the detector's weights; only the mask branch starts at random."""
    from ultralytics import YOLO

    from annotation_platform.demo.training.yolo_masks import HoleTrainer

    model = _watched(YOLO(str(FOLDER / "hardware-pico-seg.yaml")).load(str(detector)))
    options = COMMON | {"overlap_mask": False, "lr0": 2e-3}
    model.train(
        trainer=HoleTrainer, data=str(data), epochs=epochs, seed=seed, project=str(runs), pretrained=True, **options
    )
    return runs / "hardware" / "weights" / "best.pt"


def _watched(model: Any) -> Any:
    import torch

    # Ultralytics' select_device leaves one core unused, which is half of a two-core machine.
    threads = int(os.environ.get("OMP_NUM_THREADS", os.cpu_count() or 1))
    model.add_callback("on_train_start", lambda _: torch.set_num_threads(threads))
    model.add_callback("on_fit_epoch_end", _print_epoch)
    return model


def _print_epoch(trainer: Any) -> None:
    scores = {key.split("/")[-1]: round(float(value), 3) for key, value in trainer.metrics.items() if "mAP" in key}
    print("epoch", trainer.epoch + 1, scores, flush=True)


def strip_checkpoint(source: Path, target: Path, task: str) -> str:
    """Write only what inference needs, in half precision and without paths; returns the file's sha256."""
    import torch

    # Our own file, written a moment ago by this process: it holds a whole model, so weights_only refuses it.
    checkpoint = torch.load(source, map_location="cpu", weights_only=False)
    model = (checkpoint.get("ema") or checkpoint["model"]).half().eval()
    kept = {"task": task, "imgsz": IMAGE_SIZE, "single_cls": False}
    model.args = dict(kept)
    model.yaml["yaml_file"] = Path(model.yaml["yaml_file"]).name
    for name in ("criterion", "pt_path", "optimizer"):
        if hasattr(model, name):
            setattr(model, name, None)
    for parameter in model.parameters():
        parameter.requires_grad = False
    stripped = {"epoch": -1, "model": model, "ema": None, "optimizer": None, "train_args": kept}
    stripped["license"] = "AGPL-3.0"
    buffer = io.BytesIO()
    torch.save(stripped, buffer)
    content = buffer.getvalue()
    refuse_machine_traces(content, source)
    target.write_bytes(content)
    return hashlib.sha256(content).hexdigest()


def validate(weights: Path, data: Path, runs: Path) -> dict[str, float]:
    """Ultralytics' own validator on the held-out split."""
    from ultralytics import YOLO

    options = {"imgsz": IMAGE_SIZE, "batch": 16, "device": "cpu", "workers": 0, "plots": False, "verbose": False}
    result = YOLO(str(weights)).val(
        data=str(data), split="test", project=str(runs), name="held-out", exist_ok=True, **options
    )
    scores = {}
    for name in ("box", "seg"):
        metric = getattr(result, name, None)
        if metric is not None:
            scores |= {f"{name}_mAP50": metric.map50, f"{name}_mAP50-95": metric.map}
            scores |= {f"{name}_precision": metric.mp, f"{name}_recall": metric.mr}
    return {name: round(float(score), 4) for name, score in scores.items()}


def evaluate_demo(weights: Path) -> dict[str, float]:
    """Count right, wrong and missed boxes on the demo scenes at confidence 0.5, and time a prediction."""
    import torch
    from ultralytics import YOLO

    model = YOLO(str(weights))
    scenes = list(demo_scenes())
    total = Score()
    silent = false_alarms = 0
    for index, scene in enumerate(scenes):
        boxes = model.predict(scene.image, imgsz=IMAGE_SIZE, conf=CONFIDENCE, device="cpu", verbose=False)[0].boxes
        if index == 0:  # the first prediction lowers the number of threads and warms up
            torch.set_num_threads(os.cpu_count() or 1)
            started = time.perf_counter()
        columns = zip(boxes.cls.tolist(), boxes.xyxy.tolist(), boxes.conf.tolist(), strict=True)
        found = [Found(LABELS[int(label)], tuple(xyxy), score) for label, xyxy, score in columns]
        truth = [Found(item.label, item.bbox_xyxy) for item in scene.objects]
        total += score_image(found, truth)
        silent += bool(truth) and not found
        false_alarms += len(found) if not truth else 0
    return {
        "precision": round(total.precision, 4),
        "recall": round(total.recall, 4),
        "objects": total.true_positives + total.missed,
        "scenes_with_objects_but_no_detection": silent,
        "detections_in_empty_scenes": false_alarms,
        "ms_per_image": round((time.perf_counter() - started) * 1000 / (len(scenes) - 1), 1),
    }
