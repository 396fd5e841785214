"""What the small SAM 3 learns from: scenes in memory, and the words it is asked about each of them."""

from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from random import Random

import cv2
import numpy as np
import torch

from annotation_platform.demo.scenes import HEIGHT, LABELS, WIDTH
from annotation_platform.demo.small_sam3 import IMAGE_SIZE
from annotation_platform.demo.training.data import read_sample
from annotation_platform.demo.training.masks import coverage, rasterise

MASK_SIZE = IMAGE_SIZE // 4  # of the model's mask logits
WORDS_OF = {"washer": ("washer",), "nut": ("nut",), "bolt": ("bolt", "screw"), "gear": ("gear", "cog")}
PATTERNS = ("{}", "a {}", "the {}", "steel {}")  # "steel" stands for any word it does not know
UNKNOWN_TEXTS = ("thing", "a thing", "some other thing")
TEXTS = [pattern.format(word) for label in LABELS for word in WORDS_OF[label] for pattern in PATTERNS] + [
    *UNKNOWN_TEXTS
]
PLAIN = 0.7  # share of prompts that are the label and nothing else


@dataclass(frozen=True)
class Learned:
    """One scene: `image` uint8 (3, S, S); per object a box (centre x, y, width, height as parts of the image), a label
    index, and a mask (S/4, S/4) of uint8 coverage."""

    image: torch.Tensor
    boxes: torch.Tensor
    labels: torch.Tensor
    masks: torch.Tensor


@dataclass(frozen=True)
class Batch:
    """Images in -1..1, and for each prompt its text, its image and its objects."""

    images: torch.Tensor
    image_of: torch.Tensor
    text_of: torch.Tensor
    boxes: list[torch.Tensor]
    masks: list[torch.Tensor]


def load_scenes(folder: Path, seeds: Iterable[int]) -> list[Learned]:
    seeds = list(seeds)
    with ProcessPoolExecutor() as pool:
        rows = pool.map(_load, [folder] * len(seeds), seeds, chunksize=16)
        return [Learned(*(torch.from_numpy(array) for array in row)) for row in rows]


def _load(folder: Path, seed: int) -> tuple[np.ndarray, ...]:
    cv2.setNumThreads(1)
    sample = read_sample(folder, seed)
    # As the predictor does it: stretched to a square.
    image = cv2.resize(sample.image, (IMAGE_SIZE, IMAGE_SIZE), interpolation=cv2.INTER_LINEAR).transpose(2, 0, 1)
    corners = np.array([item.bbox_xyxy for item in sample.objects], np.float32).reshape(-1, 4)
    corners /= np.array([WIDTH, HEIGHT, WIDTH, HEIGHT], np.float32)
    boxes = np.concatenate([(corners[:, :2] + corners[:, 2:]) / 2, corners[:, 2:] - corners[:, :2]], 1)
    labels = np.array([LABELS.index(item.label) for item in sample.objects], np.int64)
    masks = np.zeros((len(labels), MASK_SIZE, MASK_SIZE), np.uint8)
    for row, item in zip(masks, sample.objects, strict=True):
        row[:] = coverage(rasterise(item), MASK_SIZE, MASK_SIZE)
    return np.ascontiguousarray(image), boxes.astype(np.float32), labels, masks


def batches(scenes: list[Learned], size: int, seed: int) -> Iterator[Batch]:
    """Batches of `size` augmented scenes without end, each scene once a round."""
    rng = Random(seed)
    order: list[int] = []
    while True:
        while len(order) < size:
            order += rng.sample(range(len(scenes)), len(scenes))
        yield make_batch([augment(scenes[order.pop()], rng) for _ in range(size)], rng)


def augment(scene: Learned, rng: Random) -> Learned:
    """The scene mirrored at random, and its colours shifted."""
    image, boxes, masks = scene.image, scene.boxes.clone(), scene.masks
    for axis in (0, 1):  # x, y
        if rng.random() < 0.5:
            image, masks = image.flip(2 - axis), masks.flip(2 - axis)
            boxes[:, axis] = 1 - boxes[:, axis]
    gains = torch.tensor([[[rng.uniform(0.8, 1.2) * rng.uniform(0.92, 1.08)]] for _ in range(3)])
    image = (image.float() * gains + rng.uniform(-16, 16)).clamp(0, 255)
    return Learned(image, boxes, scene.labels, masks)


def make_batch(scenes: list[Learned], rng: Random) -> Batch:
    images = (torch.stack([scene.image for scene in scenes]) - 127.5) / 127.5
    image_of, text_of, boxes, masks = [], [], [], []
    for index, scene in enumerate(scenes):
        for text, label in choose_prompts(set(scene.labels.tolist()), rng):
            asked = scene.labels == label
            image_of.append(index)
            text_of.append(TEXTS.index(text))
            boxes.append(scene.boxes[asked])
            masks.append(scene.masks[asked].float() / 255)
    return Batch(images, torch.tensor(image_of), torch.tensor(text_of), boxes, masks)


def choose_prompts(present: set[int], rng: Random) -> list[tuple[str, int]]:
    """Up to two labels that the scene shows, and one that it does not or a word that means nothing: (text, label)."""
    shown = rng.sample(sorted(present), min(2, len(present)))
    absent = sorted(set(range(len(LABELS))) - present)
    chosen = [(_phrase(label, rng), label) for label in shown]
    if absent and rng.random() < 0.75:
        chosen.append((_phrase(rng.choice(absent), rng), -1))
    else:
        chosen.append((rng.choice(UNKNOWN_TEXTS), -1))
    return chosen


def _phrase(label: int, rng: Random) -> str:
    if rng.random() < PLAIN:
        return LABELS[label]
    return rng.choice(PATTERNS).format(rng.choice(WORDS_OF[LABELS[label]]))
