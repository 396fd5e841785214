"""The full-size architectures once through the whole path, with random weights: YOLO n, SAM vit_b and SAM 3.

    make full-size               all three; SAM 3 takes 8 GB of memory and some minutes
    make full-size MODELS=yolo,sam

Each model is written as a checkpoint in its published layout into a temporary folder and runs in a process of its own:
registry, sha256, predictor class, polygons, on one picture of 640 × 480. Random weights find nothing meaningful; what
is shown is that the code carries the real sizes, and what these cost.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[1]
MODELS = ("yolo", "sam", "sam3")
FILES = {"yolo": "yolo26n.pt", "sam": "sam_vit_b.pth", "sam3": "sam3.pt"}
WORDS = ["gear", "bolt"]
SEED = 0


def main(models: list[str]) -> int:
    rows: dict[str, dict[str, Any]] = {}
    parameters: dict[str, int] = {}
    with tempfile.TemporaryDirectory() as folder:
        for model in models:
            # SAM's detector is the YOLO, which is small enough to stay.
            for needed in ("yolo", model) if model == "sam" else (model,):
                if not (Path(folder) / FILES[needed]).exists():
                    parameters[needed] = in_process("build", needed, folder)["parameters"]
            rows[model] = {"parameters": parameters[model], **in_process("run", model, folder)}
            if model != "yolo":
                (Path(folder) / FILES[model]).unlink()
    print(f"{'model':<6} {'parameters':>12} {'file MB':>8} {'load s':>7} {'predict s':>9} {'peak GB':>8} {'shapes':>7}")
    for model, row in rows.items():
        print(
            f"{model:<6} {row['parameters']:>12,} {row['file_mb']:>8.1f} {row['load_seconds']:>7.1f} "
            f"{row['predict_seconds']:>9.1f} {row['peak_gb']:>8.2f} {row['shapes']:>7}"
        )
    ok = all(row["ok"] for row in rows.values())
    print(json.dumps({**rows, "ok": ok}))
    return 0 if ok else 1


def in_process(step: str, model: str, folder: str) -> dict[str, Any]:
    """Run one step in its own process, so that its peak of memory is its own; the last line it prints is its answer."""
    environment = {
        **os.environ,
        "DATA_DIR": folder,
        "DJANGO_SETTINGS_MODULE": "tests.site_settings",
        "PYTHONPATH": str(REPOSITORY),
        "LOG_LEVEL": "ERROR",
    }
    command = [sys.executable, __file__, step, model, folder]
    done = subprocess.run(command, env=environment, cwd=folder, stdout=subprocess.PIPE, text=True, check=True)
    answer: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return answer


def build(model: str, folder: Path) -> dict[str, Any]:
    """Write the architecture with random weights as its publisher lays the file out."""
    import torch

    torch.manual_seed(SEED)
    builders: dict[str, Callable[[Path], int]] = {"yolo": build_yolo, "sam": build_sam, "sam3": build_sam3}
    return {"parameters": builders[model](folder / FILES[model])}


def build_yolo(path: Path) -> int:
    from autolabel.inference.yolo_network import import_ultralytics

    model = import_ultralytics().YOLO("yolo26n.yaml")
    head = model.model.model[-1]
    for branch in (*head.cv2, *head.one2one_cv2):
        # From random weights alone the boxes would have no area.
        branch[-1].bias.data.fill_(3.0)
    model.save(path)
    return count(model.model)


def build_sam(path: Path) -> int:
    import segment_anything
    import torch

    model = segment_anything.sam_model_registry["vit_b"]()
    torch.save(model.state_dict(), path)
    return count(model)


def build_sam3(path: Path) -> int:
    import torch

    from autolabel.inference.sam3 import full_size
    from autolabel.inference.yolo_network import import_ultralytics

    import_ultralytics()
    model = full_size()
    for name, parameter in model.named_parameters():
        # ultralytics leaves these as the memory was, since its checkpoints bring them.
        if name.endswith(("positional_embedding", "text_projection")):
            torch.nn.init.normal_(parameter, std=0.02)
    torch.save({f"detector.{name}": value for name, value in model.state_dict().items()}, path)
    return count(model)


def count(model: Any) -> int:
    return sum(parameter.numel() for parameter in model.parameters())


def run(model: str, folder: Path) -> dict[str, Any]:
    """Load the checkpoint as a worker does and run it on one picture."""
    import numpy as np

    from autolabel.inference.registry import load_predictor

    image = np.random.default_rng(SEED).integers(0, 256, (480, 640, 3), dtype=np.uint8)
    spec = spec_of(model, folder)
    started = time.perf_counter()
    predictor = load_predictor(spec)
    loaded = time.perf_counter()
    shapes = predictor.predict_batch([image], WORDS, spec.floor)[0]
    found = time.perf_counter()
    return {
        "file_mb": round((folder / FILES[model]).stat().st_size / 1e6, 1),
        "load_seconds": round(loaded - started, 1),
        "predict_seconds": round(found - loaded, 1),
        "peak_gb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6, 2),
        "shapes": len(shapes),
        "engine": predictor.info.engine,
        "ok": bool(shapes) and {shape.kind for shape in shapes} <= set(predictor.info.kinds),
    }


def spec_of(model: str, folder: Path) -> Any:
    """The registry's entry of the model: the floor is 0 so that whatever random weights find becomes a polygon."""
    from autolabel.inference.base import ModelSpec

    path = folder / FILES[model]
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    classes = {"yolo": "yolo.YoloPredictor", "sam": "sam.SamPredictor", "sam3": "sam3.Sam3Predictor"}
    spec = ModelSpec(
        model, f"autolabel.inference.{classes[model]}", path, sha256, "autolabel", floor=0.0, max_predictions=10
    )
    return dataclasses.replace(spec, detector=spec_of("yolo", folder)) if model == "sam" else spec


if __name__ == "__main__":
    if len(sys.argv) == 4:
        import django

        django.setup()
        step, chosen, place = sys.argv[1:]
        print(json.dumps({"build": build, "run": run}[step](chosen, Path(place))))
        sys.exit(0)
    sys.exit(main(os.environ.get("MODELS", ",".join(MODELS)).split(",")))
