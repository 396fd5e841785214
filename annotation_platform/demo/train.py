"""Retrains the demo's small detector from nothing, on a CPU in minutes.

    python -m annotation_platform.demo.train --out DIR [--epochs N] [--images N] [--seed S]

DIR receives the generated data, the run and `hardware-yolo.pt`; the metrics are printed as JSON.
"""

import argparse
import hashlib
import io
import json
import os
import socket
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from annotation_platform.demo.scenes import (
    DEMO_COUNT,
    DEMO_SEED,
    HEIGHT,
    LABELS,
    WIDTH,
    Scene,
    demo_scenes,
    make_scene,
)
from annotation_platform.demo.score import Found, Score, score_image

ARCHITECTURE = Path(__file__).with_name("hardware-pico.yaml")
WEIGHTS_NAME = "hardware-yolo.pt"
IMAGE_SIZE = 320
EPOCHS, IMAGES, SEED = 16, 1400, 100_000
VALIDATION_IMAGES, HELD_OUT_IMAGES = 120, 300
CONFIDENCE = 0.5


@dataclass(frozen=True)
class Split:
    """Scenes of consecutive seeds: `count` of them from `first` on."""

    name: str
    first: int
    count: int

    @property
    def seeds(self) -> range:
        return range(self.first, self.first + self.count)


def make_splits(seed: int, images: int) -> tuple[Split, Split, Split]:
    """Train, validation and held-out splits that share no seed with each other or with the demo scenes."""
    train = Split("train", seed, images)
    val = Split("val", train.seeds.stop, VALIDATION_IMAGES)
    test = Split("test", val.seeds.stop, HELD_OUT_IMAGES)
    demo = range(DEMO_SEED, DEMO_SEED + DEMO_COUNT)
    if seed < demo.stop and test.seeds.stop > demo.start:
        raise ValueError(f"seeds {seed} to {test.seeds.stop - 1} include demo scenes ({demo.start} to {demo.stop - 1})")
    return train, val, test


def prepare_environment(scratch: Path) -> None:
    """Keep ultralytics offline and out of the user's home; must run before its first import."""
    os.environ["YOLO_OFFLINE"] = "true"
    os.environ["YOLO_AUTOINSTALL"] = "false"
    os.environ["ULTRALYTICS_SAFE_LOAD"] = "1"
    os.environ["YOLO_CONFIG_DIR"] = str(scratch)


def yolo_labels(scene: Scene) -> str:
    """One line an object: class, then box centre and size as fractions of the image."""
    lines = []
    for item in scene.objects:
        left, top, right, bottom = item.bbox_xyxy
        center = f"{(left + right) / 2 / WIDTH:.6f} {(top + bottom) / 2 / HEIGHT:.6f}"
        lines.append(f"{LABELS.index(item.label)} {center} {(right - left) / WIDTH:.6f} {(bottom - top) / HEIGHT:.6f}")
    return "".join(f"{line}\n" for line in lines)


def write_scene(seed: int, images: Path, labels: Path) -> None:
    scene = make_scene(seed)
    scene.image.save(images / scene.name, quality=90)
    (labels / scene.name).with_suffix(".txt").write_text(yolo_labels(scene))


def write_data(root: Path, splits: tuple[Split, ...]) -> Path:
    """Render every split below `root`; returns the data set's YAML file."""
    with ProcessPoolExecutor() as pool:
        pending = []
        for split in splits:
            images, labels = root / "images" / split.name, root / "labels" / split.name
            images.mkdir(parents=True, exist_ok=True)
            labels.mkdir(parents=True, exist_ok=True)
            pending += [pool.submit(write_scene, seed, images, labels) for seed in split.seeds]
        for task in pending:
            task.result()
    paths = "".join(f"{split.name}: images/{split.name}\n" for split in splits)
    data = root / "data.yaml"
    data.write_text(f"path: {root}\n{paths}names: {dict(enumerate(LABELS))}\n")
    return data


def train(data: Path, runs: Path, epochs: int, seed: int) -> Path:
    """Train from random weights; returns the checkpoint that did best on the validation split."""
    import torch
    from ultralytics import YOLO

    model = YOLO(str(ARCHITECTURE))
    # Ultralytics' select_device leaves one core unused, which is half of a two-core machine.
    model.add_callback("on_train_start", lambda _: torch.set_num_threads(os.cpu_count() or 1))
    model.add_callback("on_fit_epoch_end", print_epoch)
    model.train(
        data=str(data),
        imgsz=IMAGE_SIZE,
        epochs=epochs,
        seed=seed,
        project=str(runs),
        name="hardware",
        exist_ok=True,
        device="cpu",
        workers=0,
        cache="ram",
        batch=8,  # twice the steps of 16 in the same time: a short training needs steps most
        nbs=8,
        optimizer="AdamW",
        lr0=3e-3,
        lrf=0.01,
        cos_lr=True,
        warmup_epochs=1,
        patience=0,
        pretrained=False,
        deterministic=True,
        amp=False,
        mosaic=0.0,
        erasing=0.0,
        scale=0.2,
        translate=0.05,
        flipud=0.5,
        plots=False,
        verbose=False,
    )
    return runs / "hardware" / "weights" / "best.pt"


def print_epoch(trainer: Any) -> None:
    scores = {key.split("/")[-1]: round(float(value), 3) for key, value in trainer.metrics.items() if "mAP" in key}
    print("epoch", trainer.epoch + 1, scores, flush=True)


def strip_checkpoint(source: Path, target: Path) -> str:
    """Write only what inference needs, in half precision and without paths; returns the file's sha256."""
    import torch

    # Our own file, written a moment ago by this process: it holds a whole model, so weights_only refuses it.
    checkpoint = torch.load(source, map_location="cpu", weights_only=False)
    model = (checkpoint.get("ema") or checkpoint["model"]).half().eval()
    kept = {"task": "detect", "imgsz": IMAGE_SIZE, "single_cls": False}
    model.args = dict(kept)
    model.yaml["yaml_file"] = ARCHITECTURE.name
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


def refuse_machine_traces(content: bytes, source: Path) -> None:
    """Raise ValueError where a file to be published names a folder or the host of this machine."""
    places = {
        source.resolve().parent,
        source.resolve().parents[3],
        Path.cwd(),
        Path.home(),
        Path(__file__).parent,
    }
    traces = {str(place) for place in places} | {"/home/", "/tmp/", "/root/", "/Users/", socket.gethostname()}  # noqa: S108
    found = sorted(trace for trace in traces if len(trace) > 3 and trace.encode() in content)
    if found:
        raise ValueError(f"the checkpoint still names this machine: {found}")


def validate(weights: Path, data: Path, runs: Path) -> dict[str, float]:
    """Ultralytics' own validator on the held-out split."""
    from ultralytics import YOLO

    options = {
        "imgsz": IMAGE_SIZE,
        "batch": 16,
        "device": "cpu",
        "workers": 0,
        "plots": False,
        "verbose": False,
    }
    result = YOLO(str(weights)).val(
        data=str(data), split="test", project=str(runs), name="held-out", exist_ok=True, **options
    )
    box = result.box
    scores = {"mAP50": box.map50, "mAP50-95": box.map, "precision": box.mp, "recall": box.mr}
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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--epochs", type=int, default=EPOCHS)
    parser.add_argument("--images", type=int, default=IMAGES, help="training scenes")
    parser.add_argument("--seed", type=int, default=SEED, help="of the first training scene, and of the weights")
    options = parser.parse_args()
    out = options.out.resolve()
    splits = make_splits(options.seed, options.images)
    prepare_environment(out / "config")

    started = time.monotonic()
    data = write_data(out / "data", splits)
    rendered = time.monotonic()
    best = train(data, out / "runs", options.epochs, options.seed)
    trained = time.monotonic()
    digest = strip_checkpoint(best, out / WEIGHTS_NAME)
    report = {
        "sha256": digest,
        "bytes": (out / WEIGHTS_NAME).stat().st_size,
        "rendering_s": round(rendered - started),
        "training_s": round(trained - rendered),
        "held_out": validate(out / WEIGHTS_NAME, data, out / "runs"),
        "demo": evaluate_demo(out / WEIGHTS_NAME),
    }
    print(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
