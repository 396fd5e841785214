"""What an engine is worth on a CPU: a YOLO n at 640 on PyTorch, ONNX Runtime and OpenVINO, in batches of 1 to 16.

    make bench-engines            15 repetitions
    make bench-engines SCALE=0.1  3 repetitions

Whole predictions by our own predictor: resizing, network, boxes; the same threads for all. Each engine has a process of
its own, as in a worker, for idle threads of one engine slow another in the same process. They take turns within each
repetition, so that what else the machine does slows all of them alike; PyTorch suffers more from a busy machine than
the others, so that ratios count from a quiet one. A turn is 16 images in a row, after one batch that is not timed:
processors' caches hold the engine that is at work, as in the midst of a job. The weights are random, but set so that
signals pass through and some hundred places see something: what engines make of a dead network says nothing.
"""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from autolabel.inference.base import Predictor
    from autolabel.shapes import Shape

REPOSITORY = Path(__file__).resolve().parents[1]
IMAGE_SIZE = 640
BATCHES = (1, 4, 8, 16)
ENGINES = ("pytorch", "onnxruntime", "openvino")
FLOOR = 0.25
SEEN = 100  # places of the calibrating images with a score above the floor
WANTED_RATIO = 1.5
# At a reduced SCALE, in few repetitions and beside other work, the default must only be worth having.
WANTED_RATIO_REDUCED = 1.05

Times = dict[int, dict[str, list[float]]]


def main(repetitions: int) -> int:
    with tempfile.TemporaryDirectory() as folder:
        os.environ |= {"DATA_DIR": folder, "DJANGO_SETTINGS_MODULE": "annotation_platform.settings"}
        sys.path.insert(0, str(REPOSITORY))
        import django

        django.setup()
        images = pictures(max(BATCHES))
        weights = make_weights(Path(folder) / "n.pt", images[:4])
        runners = {engine: Runner(weights, engine, Path(folder) / "cache") for engine in (*ENGINES, "auto")}
        default = runners.pop("auto").stop()
        found = {engine: runner.ask("shapes", len(images)) for engine, runner in runners.items()}
        apart = {engine: differences(found[engine], found["pytorch"]) for engine in ENGINES[1:]}
        times = measure(runners, repetitions)
        for runner in runners.values():
            runner.stop()
    return report(times, apart, default)


class Runner:
    """A process that predicts with one engine when it is asked to."""

    def __init__(self, weights: Path, engine: str, cache: Path) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=serve, args=(theirs, weights, engine, cache), daemon=True)
        self._process.start()
        self.engine = self._pipe.recv()  # one loads after the other, too

    def ask(self, what: str, count: int) -> Any:
        """The "shapes" on each of the first `count` pictures, or the "seconds" of all in batches of `count`."""
        self._pipe.send((what, count))
        return self._pipe.recv()

    def stop(self) -> str:
        self._pipe.send(None)
        self._process.join(30)
        return str(self.engine)


def serve(pipe: Connection, weights: Path, engine: str, cache: Path) -> None:
    import django

    django.setup()
    from django.conf import settings

    settings.AUTOLABEL = {**settings.AUTOLABEL, "CACHE_DIR": cache}
    images = pictures(max(BATCHES))
    predictor = load(weights, engine)
    pipe.send(predictor.info.engine)
    while request := pipe.recv():
        what, count = request
        if what == "shapes":
            pipe.send([predictor.predict_batch([image], (), FLOOR)[0] for image in images[:count]])
            continue
        predictor.predict_batch(images[:count], (), FLOOR)
        started = time.perf_counter()
        for first in range(0, len(images), count):
            predictor.predict_batch(images[first : first + count], (), FLOOR)
        pipe.send(time.perf_counter() - started)


def pictures(count: int) -> list[np.ndarray]:
    """Photos of nothing: coarse patches, slopes and noise, 640 × 480."""
    from PIL import Image

    rng = np.random.default_rng(5)
    coarse = [Image.fromarray(rng.integers(0, 256, (12, 16, 3), dtype=np.uint8)) for _ in range(count)]
    smooth = [np.asarray(image.resize((640, 480), Image.Resampling.BICUBIC)).astype(int) for image in coarse]
    return [np.clip(one + rng.integers(-40, 41, one.shape), 0, 255).astype(np.uint8) for one in smooth]


def make_weights(path: Path, images: Sequence[np.ndarray]) -> Path:
    """A YOLO26 n whose layers are normalised on `images`, and whose scores lie around the floor."""
    from autolabel.inference.yolo import import_ultralytics

    ultralytics = import_ultralytics()
    import torch

    torch.manual_seed(1)
    model = ultralytics.YOLO("yolo26n.yaml")
    batch = torch.from_numpy(np.stack([image[:, 80:560] for image in images])).permute(0, 3, 1, 2).float() / 255
    norms = [module for module in model.model.modules() if isinstance(module, torch.nn.BatchNorm2d)]
    for norm in norms:
        norm.momentum = 1.0
    model.model.train()
    with torch.no_grad():
        model.model(batch)
    model.model.eval()
    for norm in norms:
        norm.momentum = 0.03
    shift_scores(model.model, batch)
    model.save(path)
    return path


def shift_scores(network: Any, batch: Any) -> None:
    import torch

    network.end2end = False
    with torch.no_grad():
        scores = network(batch)[0][:, 4:].flatten().double()
    logits = torch.logit(scores.clamp(1e-12, 1 - 1e-12))
    shift = float(torch.logit(torch.tensor(FLOOR)) - logits.topk(SEEN * len(batch)).values[-1])
    head = network.model[-1]
    for branches in (head.cv3, head.one2one_cv3):
        for branch in branches:
            branch[-1].bias.data += shift


def load(weights: Path, engine: str) -> Predictor:
    from autolabel.inference.base import ModelSpec
    from autolabel.inference.registry import build_predictor

    spec = ModelSpec(
        "yolo-n",
        "autolabel.inference.yolo.YoloPredictor",
        weights,
        hashlib.sha256(weights.read_bytes()).hexdigest(),
        queue="autolabel",
        device="cpu",
        engine=engine,  # type: ignore[arg-type]
        image_size=IMAGE_SIZE,
    )
    return build_predictor(spec)


def differences(found: Sequence[Sequence[Shape]], wanted: Sequence[Sequence[Shape]]) -> dict[str, float]:
    """The largest ones between what an engine and PyTorch find, and how many boxes only one of them finds."""
    score, pixels, boxes, alone = 0.0, 0.0, 0, 0
    for ours, theirs in zip(found, wanted, strict=True):
        pairs = [(one, twin) for one in ours if (twin := nearest(one, theirs)) is not None]
        boxes += len(theirs)
        alone += len(ours) + len(theirs) - 2 * len(pairs)
        score = max([score, *(abs(one.score - twin.score) for one, twin in pairs)])
        pixels = max([pixels, *(distance(one, twin) for one, twin in pairs)])
    return {"score": score, "pixels": pixels, "boxes": boxes, "found_by_one_alone": alone}


def nearest(shape: Shape, others: Sequence[Shape]) -> Shape | None:
    same = [other for other in others if other.label == shape.label and distance(shape, other) < 5]
    return min(same, key=lambda other: distance(shape, other), default=None)


def distance(one: Shape, other: Shape) -> float:
    return max(abs(a - b) for a, b in zip(one.bbox_xyxy, other.bbox_xyxy, strict=True))


def measure(runners: Mapping[str, Runner], repetitions: int) -> Times:
    """Milliseconds an image, by batch and engine; the first round only warms up."""
    times: Times = {batch: {engine: [] for engine in runners} for batch in BATCHES}
    for repetition in range(repetitions + 1):
        for batch in BATCHES:
            for engine, runner in runners.items():
                seconds = runner.ask("seconds", batch)
                if repetition:
                    times[batch][engine].append(seconds * 1e3 / max(BATCHES))
    return times


def report(times: Times, apart: Mapping[str, Mapping[str, float]], default: str) -> int:
    reduced = float(os.environ.get("SCALE", "1")) < 1
    medians = {batch: {name: statistics.median(of) for name, of in by.items()} for batch, by in times.items()}
    ratios = {name: {batch: by["pytorch"] / by[name] for batch, by in medians.items()} for name in ENGINES}
    print(f"{'batch':>6}" + "".join(f"{name + ' ms':>16}{'ratio':>7}" for name in ENGINES))
    for batch, by in medians.items():
        print(f"{batch:>6}" + "".join(f"{by[name]:>16.1f}{ratios[name][batch]:>7.2f}" for name in ENGINES))
    for name, difference in apart.items():
        print(
            f"{name} against PyTorch: scores differ by at most {difference['score']:.2g}, boxes by "
            f"{difference['pixels']:.2g} pixels; of {difference['boxes']} boxes {difference['found_by_one_alone']} "
            "are found by one of them alone"
        )
    overall = {name: statistics.geometric_mean(of.values()) for name, of in ratios.items()}
    fastest = max(overall, key=lambda name: overall[name])
    print(
        f"ENGINE auto takes {default}; the fastest is {fastest}, {overall[fastest]:.2f} times PyTorch over all batches"
    )
    ok = (default == fastest or reduced) and overall[default] >= (WANTED_RATIO_REDUCED if reduced else WANTED_RATIO)
    figures = {f"{name}_ms_{batch}": round(by[name], 1) for batch, by in medians.items() for name in ENGINES}
    figures |= {f"{name}_ratio_{batch}": round(ratios[name][batch], 2) for name in ENGINES[1:] for batch in BATCHES}
    differing = {
        f"{name}_largest_{what}": float(f"{of[what]:.2g}") for name, of in apart.items() for what in ("score", "pixels")
    }
    print(json.dumps({**figures, **differing, "default": default, "ratio": round(overall[default], 2), "ok": ok}))
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main(max(3, round(15 * float(os.environ.get("SCALE", "1"))))))
