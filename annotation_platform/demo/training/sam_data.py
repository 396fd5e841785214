"""What the small SAM learns from: scenes in memory, and prompts that point at their objects."""

from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from random import Random

import numpy as np
import torch
from PIL import Image

from annotation_platform.demo.scenes import HEIGHT, WIDTH
from annotation_platform.demo.small_sam import IMAGE_SIZE
from annotation_platform.demo.training.data import read_sample
from annotation_platform.demo.training.masks import coverage, rasterise

SCALE = IMAGE_SIZE / WIDTH
MASK_SIZE = IMAGE_SIZE // 2
MOST_OBJECTS = 4  # of one scene in one step
TRANSPOSED, POINTS = 0.2, 0.05  # shares of scenes
# How far a corner of a box prompt strays, as a part of the box: drawn with care, by a detector, carelessly.
JITTERS = (0.02, 0.08, 0.3)
JITTER_WEIGHTS = (6, 4, 1)


@dataclass(frozen=True)
class Learned:
    """One scene at the model's size: `image` uint8 (3, H, W); `boxes` (n, 4) as corners in its pixels; `masks`
    (n, H / 2, W / 2) of uint8 coverage."""

    image: torch.Tensor
    boxes: torch.Tensor
    masks: torch.Tensor


@dataclass(frozen=True)
class Asked:
    """One scene with prompts for all its objects: boxes (n, 4), or points (n, 1, 2), in the image's pixels."""

    image: torch.Tensor
    truth: torch.Tensor
    masks: torch.Tensor
    boxes: torch.Tensor | None
    points: torch.Tensor | None


def load_scenes(folder: Path, seeds: Iterable[int]) -> list[Learned]:
    """The scenes that show something."""
    seeds = list(seeds)
    with ProcessPoolExecutor() as pool:
        rows = pool.map(_load, [folder] * len(seeds), seeds, chunksize=16)
        return [Learned(*(torch.from_numpy(array) for array in row)) for row in rows if len(row[1])]


def _load(folder: Path, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    torch.set_num_threads(1)
    sample = read_sample(folder, seed)
    size = (IMAGE_SIZE, round(HEIGHT * SCALE))
    image = np.asarray(Image.fromarray(sample.image).resize(size, Image.Resampling.BILINEAR))  # as SAM does it
    boxes = np.array([item.bbox_xyxy for item in sample.objects], np.float32).reshape(-1, 4) * SCALE
    masks = [coverage(rasterise(item), size[0] // 2, size[1] // 2) for item in sample.objects]
    return image.transpose(2, 0, 1).copy(), boxes, np.array(masks, np.uint8)


def batches(scenes: list[Learned], size: int, seed: int) -> Iterator[list[Asked]]:
    """Batches of `size` scenes without end, each scene once a round."""
    rng = Random(seed)
    order: list[int] = []
    while True:
        while len(order) < size:
            order += rng.sample(range(len(scenes)), len(scenes))
        yield [ask(augment(scenes[order.pop()], rng), rng) for _ in range(size)]


def augment(scene: Learned, rng: Random) -> Learned:
    """Some objects of the scene, mirrored or transposed at random, colours shifted."""
    chosen = rng.sample(range(len(scene.boxes)), min(MOST_OBJECTS, len(scene.boxes)))
    image, boxes, masks = scene.image, scene.boxes[chosen].clone(), scene.masks[chosen]
    if rng.random() < TRANSPOSED:
        image, boxes, masks = image.transpose(1, 2), boxes[:, [1, 0, 3, 2]], masks.transpose(1, 2)
    for axis in (0, 1):  # x, y
        if rng.random() < 0.5:
            image, masks = image.flip(2 - axis), masks.flip(2 - axis)
            boxes[:, [axis, axis + 2]] = image.shape[2 - axis] - boxes[:, [axis + 2, axis]]
    gains = torch.tensor([[[rng.uniform(0.8, 1.2) * rng.uniform(0.92, 1.08)]] for _ in range(3)])
    return Learned((image.float() * gains + rng.uniform(-16, 16)).clamp(0, 255), boxes, masks)


def ask(scene: Learned, rng: Random) -> Asked:
    """Prompt for every object: mostly by a box that is a little off, else by a point inside."""
    masks = scene.masks.float() / 255
    if rng.random() < POINTS:
        points = torch.stack([_point_inside(mask, rng) for mask in masks])[:, None]
        return Asked(scene.image, scene.boxes, masks, None, points)
    sides = (scene.boxes[:, 2:] - scene.boxes[:, :2]).repeat(1, 2)
    stray = torch.tensor([[jitter] for jitter in rng.choices(JITTERS, JITTER_WEIGHTS, k=len(sides))])
    moved = scene.boxes + sides * stray * torch.tensor([[rng.uniform(-1, 1) for _ in range(4)] for _ in sides])
    height, width = scene.image.shape[1:]
    return Asked(scene.image, scene.boxes, masks, moved.clamp(min=0).minimum(torch.tensor([width, height] * 2)), None)


def _point_inside(mask: torch.Tensor, rng: Random) -> torch.Tensor:
    cells = (mask >= min(0.9, float(mask.max()))).nonzero()
    y, x = cells[rng.randrange(len(cells))].tolist()
    return torch.tensor([x + 0.5, y + 0.5]) * (IMAGE_SIZE / MASK_SIZE)
