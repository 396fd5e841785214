"""Retrains the demo's small models on a CPU, from nothing but generated scenes.

    python -m annotation_platform.demo.train {yolo,yolo-seg,sam,sam3} --out DIR

DIR receives the generated scenes, the run and the weights; the metrics are printed as JSON. All but `yolo` start from
the detector's weights. An interrupted `sam` or `sam3` goes on where it stopped when it is called again.
"""

import argparse
import hashlib
import io
import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from annotation_platform.demo.training.data import Split, make_splits, more_training, read_sample, render
from annotation_platform.demo.training.traces import refuse_machine_traces

DETECTOR = Path(__file__).with_name("weights") / "hardware-yolo.pt"
IMAGES, SEED = 1400, 100_000
MORE_IMAGES = {"yolo": 0, "yolo-seg": 0, "sam": 2600, "sam3": 2600}
EPOCHS = {"yolo": 16, "yolo-seg": 12}
MINUTES = {"sam": 43.0, "sam3": 55.0}
WATCHED_IMAGES = 60  # of the validation split, while SAM and SAM 3 train

Report = dict[str, Any]


def prepare_environment(scratch: Path) -> None:
    """Keep ultralytics offline and out of the user's home; must run before its first import."""
    os.environ["YOLO_OFFLINE"] = "true"
    os.environ["YOLO_AUTOINSTALL"] = "false"
    os.environ["ULTRALYTICS_SAFE_LOAD"] = "1"
    os.environ["YOLO_CONFIG_DIR"] = str(scratch)


def train_yolo(options: argparse.Namespace, splits: tuple[Split, Split, Split], _more: Split) -> Report:
    from annotation_platform.demo.training import yolo

    data = yolo.lay_out(options.data, options.out / "data", splits, "detect")
    best = yolo.train_detector(data, options.out / "runs", options.epochs, options.seed)
    weights = options.out / "hardware-yolo.pt"
    digest = yolo.strip_checkpoint(best, weights, "detect")
    held_out = yolo.validate(weights, data, options.out / "runs")
    return {"sha256": digest, "held_out": held_out, "demo": yolo.evaluate_demo(weights)}


def train_yolo_seg(options: argparse.Namespace, splits: tuple[Split, Split, Split], _more: Split) -> Report:
    from annotation_platform.demo.training import yolo

    data = yolo.lay_out(options.data, options.out / "data-seg", splits, "segment")
    best = yolo.train_segmenter(data, options.out / "runs-seg", options.epochs, options.seed, options.detector)
    weights = options.out / "hardware-yolo-seg.pt"
    digest = yolo.strip_checkpoint(best, weights, "segment")
    return {"sha256": digest, "held_out": yolo.validate(weights, data, options.out / "runs-seg")}


def train_sam(options: argparse.Namespace, splits: tuple[Split, Split, Split], more: Split) -> Report:
    from annotation_platform.demo.training import loop, sam, sam_data

    training, watched, held_out = splits
    scenes = sam_data.load_scenes(options.data, [*training.seeds, *more.seeds])
    samples = [read_sample(options.data, seed) for seed in watched.seeds[:WATCHED_IMAGES]]
    model = sam.start_model(options.detector, scenes, options.seed)
    task = sam.make_task(model, scenes, samples, options.seed)
    averaged, figures = loop.run(task, loop.Schedule(options.minutes, options.out / "sam-state.pt"))
    digest = write_state(sam.weights_of(averaged), options.out / "hardware-sam.pth")
    tested = (read_sample(options.data, seed) for seed in held_out.seeds)
    return {"sha256": digest, **figures, "held_out": sam.evaluate(averaged, tested)}


def train_sam3(options: argparse.Namespace, splits: tuple[Split, Split, Split], more: Split) -> Report:
    from annotation_platform.demo.training import loop, sam3, sam3_data

    training, watched, held_out = splits
    scenes = sam3_data.load_scenes(options.data, [*training.seeds, *more.seeds])
    samples = [read_sample(options.data, seed) for seed in watched.seeds[:WATCHED_IMAGES]]
    model = sam3.start_model(options.detector, scenes, options.seed)
    task = sam3.make_task(model, scenes, samples, options.seed)
    averaged, figures = loop.run(task, loop.Schedule(options.minutes, options.out / "sam3-state.pt"))
    digest = write_state(sam3.weights_of(averaged), options.out / "hardware-sam3.pt")
    tested = (read_sample(options.data, seed) for seed in held_out.seeds)
    return {"sha256": digest, **figures, "held_out": sam3.evaluate(averaged, tested)}


def write_state(state: dict[str, Any], target: Path) -> str:
    """Write tensors that `torch.load(weights_only=True)` reads; returns the file's sha256."""
    import torch

    buffer = io.BytesIO()
    torch.save(state, buffer)
    content = buffer.getvalue()
    refuse_machine_traces(content, target)
    target.write_bytes(content)
    return hashlib.sha256(content).hexdigest()


TRAINERS: dict[str, Callable[[argparse.Namespace, tuple[Split, Split, Split], Split], Report]] = {
    "yolo": train_yolo,
    "yolo-seg": train_yolo_seg,
    "sam": train_sam,
    "sam3": train_sam3,
}


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", choices=TRAINERS)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--data", type=Path, help="folder of rendered scenes, filled where needed (DIR/scenes)")
    parser.add_argument("--detector", type=Path, default=DETECTOR, help="the weights that the others start from")
    parser.add_argument("--images", type=int, default=IMAGES, help="scenes of the training split")
    parser.add_argument("--more", type=int, help="further training scenes of SAM and SAM 3")
    parser.add_argument("--epochs", type=int, help="of YOLO")
    parser.add_argument("--minutes", type=float, help="of SAM and SAM 3")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--seed", type=int, default=SEED, help="of the first training scene, and of the weights")
    options = parser.parse_args(arguments)
    options.out = options.out.resolve()
    options.data = (options.data or options.out / "scenes").resolve()
    defaults = {"more": MORE_IMAGES, "epochs": EPOCHS, "minutes": MINUTES}
    for name, by_model in defaults.items():
        if getattr(options, name) is None:
            setattr(options, name, by_model.get(options.model))
    return options


def main() -> None:
    options = parse()
    splits = make_splits(options.seed, options.images)
    more = more_training(options.more, splits)
    prepare_environment(options.out / "config")
    os.environ["OMP_NUM_THREADS"] = str(options.threads)  # read by torch when it is imported

    started = time.monotonic()
    render([seed for split in (*splits, more) for seed in split.seeds], options.data)
    rendered = time.monotonic()
    report = TRAINERS[options.model](options, splits, more)
    times = {"rendering_s": round(rendered - started), "rest_s": round(time.monotonic() - rendered)}
    print(json.dumps(report | times, indent=2))


if __name__ == "__main__":
    main()
