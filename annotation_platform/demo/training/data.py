"""The scenes that the demo's models learn from, drawn once into a folder that every trainer reads.

Each seed gives `scene-NNNNNN.jpg` (640 x 480, quality 90) and `scene-NNNNNN.json` (the truth: label and polygons with
holes in absolute pixels). A file that exists is not drawn again, so an interrupted rendering goes on where it stopped.
"""

import json
import os
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from annotation_platform.demo.scenes import DEMO_COUNT, DEMO_SEED, SceneObject, make_scene

VALIDATION_IMAGES, HELD_OUT_IMAGES = 120, 300
MORE_SEED = 110_000


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


def more_training(count: int, splits: tuple[Split, ...]) -> Split:
    """`count` further training scenes, for the models that learn from more than one split's worth."""
    more = Split("more", MORE_SEED, count)
    taken = [*splits, Split("demo", DEMO_SEED, DEMO_COUNT)]
    for split in taken:
        if more.seeds.start < split.seeds.stop and split.seeds.start < more.seeds.stop:
            raise ValueError(f"seeds {MORE_SEED} to {more.seeds.stop - 1} include those of the {split.name} split")
    return more


@dataclass(frozen=True)
class Sample:
    """One drawn scene read back: `image` is RGB uint8 of shape (480, 640, 3)."""

    name: str
    image: np.ndarray
    objects: tuple[SceneObject, ...]


def render(seeds: Iterable[int], folder: Path) -> None:
    """Draw the scenes of `seeds` that `folder` does not hold yet, on every core."""
    folder.mkdir(parents=True, exist_ok=True)
    missing = [seed for seed in seeds if not _truth_path(folder, seed).exists()]
    with ProcessPoolExecutor() as pool:
        for _ in pool.map(_write_scene, missing, [folder] * len(missing), chunksize=8):
            pass


def read_sample(folder: Path, seed: int) -> Sample:
    """The scene of `seed` as the camera's file has it; FileNotFoundError where it was not rendered."""
    with Image.open(image_path(folder, seed)) as image:
        pixels = np.asarray(image.convert("RGB"))
    return Sample(image_path(folder, seed).name, pixels, read_truth(folder, seed))


def read_truth(folder: Path, seed: int) -> tuple[SceneObject, ...]:
    rows = json.loads(_truth_path(folder, seed).read_text())
    return tuple(SceneObject(row["label"], _tuples(row["polygons"])) for row in rows)


def image_path(folder: Path, seed: int) -> Path:
    return folder / f"scene-{seed:06d}.jpg"


def _truth_path(folder: Path, seed: int) -> Path:
    return image_path(folder, seed).with_suffix(".json")


def _write_scene(seed: int, folder: Path) -> None:
    scene = make_scene(seed)
    scene.image.save(image_path(folder, seed), quality=90)
    # The truth comes last and in one step: its presence says that the scene is whole.
    partial = folder / f"{seed}.{os.getpid()}.partial"
    partial.write_text(json.dumps([{"label": item.label, "polygons": item.polygons} for item in scene.objects]))
    partial.replace(_truth_path(folder, seed))


def _tuples(polygons: list[list[list[list[float]]]]) -> tuple[tuple[tuple[tuple[float, float], ...], ...], ...]:
    return tuple(tuple(tuple((x, y) for x, y in ring) for ring in polygon) for polygon in polygons)
