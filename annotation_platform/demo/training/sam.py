"""Trains the small SAM from the detector's features."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from segment_anything import SamPredictor
from segment_anything.modeling import Sam
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits as bce
from torch.nn.functional import pad

from annotation_platform.demo.small_sam import IMAGE_SIZE, build_small_sam
from annotation_platform.demo.training import loop
from annotation_platform.demo.training.data import Sample
from annotation_platform.demo.training.masks import iou, rasterise
from annotation_platform.demo.training.sam_data import MASK_SIZE, Asked, Learned, batches
from annotation_platform.demo.training.trunk import recalibrate, start_from_detector

BATCH = 4  # scenes a step
LEARNING_RATE, TRUNK_RATE = 1.5e-3, 3e-4
MARGIN = 0.25  # of a box's sides: how far around a prompt its pixels weigh more


def start_model(detector: Path, scenes: list[Learned], seed: int) -> Sam:
    torch.manual_seed(seed)
    model = build_small_sam()
    start_from_detector(model.image_encoder, detector)
    stream = batches(scenes, 16, seed)
    recalibrate(model.image_encoder, (_images(model, next(stream)) for _ in range(20)))
    return model


def make_task(model: Sam, scenes: list[Learned], samples: list[Sample], seed: int) -> loop.Task[list[Asked]]:
    encoder = model.image_encoder
    new = {id(parameter) for part in (encoder.fold2, encoder.fold4, encoder.mix) for parameter in part.parameters()}
    trunk = [parameter for parameter in encoder.parameters() if id(parameter) not in new]
    known = {id(parameter) for parameter in trunk}
    rest = [parameter for parameter in model.parameters() if id(parameter) not in known]
    return loop.Task(
        model,
        [{"params": rest, "peak": LEARNING_RATE}, {"params": trunk, "peak": TRUNK_RATE}],
        lambda step: batches(scenes, BATCH, seed + step),
        lambda batch: loss_of(model, batch),
        lambda averaged: evaluate(averaged, samples),
    )


def loss_of(model: Sam, batch: list[Asked]) -> loop.Parts:
    """The first mask answers alone at prediction time, so it counts most; of the others the best one learns."""
    logits, scores = answer(model, batch)
    truth = torch.cat([_to_square(scene.masks) for scene in batch])[:, None].expand_as(logits)
    near = torch.cat([_around(scene.truth) for scene in batch])[:, None]
    seen = torch.cat([_to_square(torch.ones_like(scene.masks)) for scene in batch])[:, None]  # not the padding
    pixels = bce(logits, truth, reduction="none")
    far = seen * (1 - near)
    pixels = (pixels * near).sum((2, 3)) / near.sum((2, 3)).clamp(min=1) + (pixels * far).sum((2, 3)) / far.sum((2, 3))
    masks = 2 * pixels + _dice(logits.sigmoid() * seen, truth)
    with torch.no_grad():
        found, wanted = (logits > 0) & (seen > 0), truth > 0.5
        overlap = (found & wanted).sum((2, 3)) / (found | wanted).sum((2, 3)).clamp(min=1)
    return {
        "mask": masks[:, 0].mean(),
        "others": 0.2 * masks[:, 1:].min(1).values.mean() + 0.05 * masks[:, 1:].mean(),
        "score": 2 * ((scores - overlap) ** 2).mean(1).mean(),
    }


def answer(model: Sam, batch: list[Asked]) -> tuple[torch.Tensor, torch.Tensor]:
    """Mask logits (prompts, 4, S / 2, S / 2) and scores (prompts, 4) for the prompts of several images at once.

    `Sam.forward` decodes one image after the other; this is `MaskDecoder.predict_masks` with an embedding a prompt.
    """
    with torch.autocast("cpu", torch.bfloat16):
        images = model.image_encoder(_images(model, batch))
    sparse, dense = zip(*(_encode(model, scene) for scene in batch), strict=True)
    counts = torch.tensor([len(scene.truth) for scene in batch])
    source = images.float().repeat_interleave(counts, 0) + torch.cat(dense)
    prompts, decoder = torch.cat(sparse), model.mask_decoder
    count, channels, height, width = source.shape
    tokens = torch.cat([decoder.iou_token.weight, decoder.mask_tokens.weight]).expand(count, -1, -1)
    positions = model.prompt_encoder.get_dense_pe().expand(count, -1, -1, -1)
    with torch.autocast("cpu", torch.bfloat16):
        states, mixed = decoder.transformer(source, positions, torch.cat([tokens, prompts], 1))
        drawn = decoder.output_upscaling(mixed.transpose(1, 2).reshape(count, channels, height, width))
    states, heads = states.float(), decoder.output_hypernetworks_mlps
    weights = torch.stack([head(states[:, 1 + index]) for index, head in enumerate(heads)], 1)
    logits = (weights @ drawn.float().flatten(2)).view(count, -1, *drawn.shape[2:])
    return logits, decoder.iou_prediction_head(states[:, 0])


def _images(model: Sam, batch: list[Asked]) -> torch.Tensor:
    return torch.stack([model.preprocess(scene.image) for scene in batch])


def _encode(model: Sam, scene: Asked) -> tuple[torch.Tensor, torch.Tensor]:
    """Both kinds of prompt give two tokens."""
    points = None if scene.points is None else (scene.points, torch.ones(scene.points.shape[:2], dtype=torch.int))
    sparse, dense = model.prompt_encoder(points=points, boxes=scene.boxes, masks=None)
    return sparse, dense


def _to_square(masks: torch.Tensor) -> torch.Tensor:
    """Masks padded as `Sam.preprocess` pads the image."""
    height, width = masks.shape[1:]
    return pad(masks, (0, MASK_SIZE - width, 0, MASK_SIZE - height))


def _around(boxes: torch.Tensor) -> torch.Tensor:
    """1 in and close around each box, else 0: (n, S / 2, S / 2). Objects are small beside the image."""
    boxes = boxes * (MASK_SIZE / IMAGE_SIZE)
    sides = (boxes[:, 2:] - boxes[:, :2]) * MARGIN + 2
    low, high = boxes[:, :2] - sides, boxes[:, 2:] + sides
    cells = torch.arange(MASK_SIZE) + 0.5
    inside = (cells > low[..., None]) & (cells < high[..., None])  # (n, 2, S / 2): x, y
    return (inside[:, 0, None, :] & inside[:, 1, :, None]).float()


def _dice(share: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
    overlap = 2 * (share * truth).sum((2, 3)) + 1
    return 1 - overlap / (share.sum((2, 3)) + truth.sum((2, 3)) + 1)


def evaluate(model: nn.Module, samples: Iterable[Sample]) -> dict[str, float]:
    """IoU of the masks for the true boxes, by the library's predictor, and what the predicted score is worth."""
    predictor = SamPredictor(model)
    found: list[tuple[float, float]] = []
    for sample in samples:
        if not sample.objects:
            continue
        predictor.set_image(sample.image)
        boxes = torch.tensor([item.bbox_xyxy for item in sample.objects])
        boxes = predictor.transform.apply_boxes_torch(boxes, sample.image.shape[:2])
        masks, scores, _ = predictor.predict_torch(None, None, boxes=boxes, multimask_output=False)
        for item, mask, score in zip(sample.objects, masks[:, 0].numpy(), scores[:, 0].tolist(), strict=True):
            found.append((iou(mask, rasterise(item)), score))
    overlaps, scores = np.array(found).T
    return {
        "mean_iou": round(float(overlaps.mean()), 4),
        "iou_over_075": round(float((overlaps > 0.75).mean()), 4),
        "score_error": round(float(np.abs(overlaps - scores).mean()), 4),
    }


def weights_of(model: nn.Module) -> dict[str, Any]:
    """The state in half precision, as `build_small_sam().load_state_dict` takes it."""
    state = model.state_dict()
    return {name: tensor.half() if tensor.is_floating_point() else tensor for name, tensor in state.items()}
