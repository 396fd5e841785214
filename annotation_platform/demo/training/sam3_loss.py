"""What the small SAM 3 is trained to minimise: set prediction, as DETR does it, with every decoder layer supervised."""

from dataclasses import dataclass

import torch
from scipy.optimize import linear_sum_assignment
from torch.nn.functional import binary_cross_entropy_with_logits as bce
from torchvision.ops import box_convert, generalized_box_iou

from annotation_platform.demo.training.sam3_data import Batch


@dataclass(frozen=True)
class Answers:
    """Layers first: `logits` (L, P, Q), `boxes` (L, P, Q, 4) as centre and size, `presence` (L, P); of the last layer
    `masks` (P, Q, H, W) and `semantic` (P, H, W), all logits but the boxes."""

    logits: torch.Tensor
    boxes: torch.Tensor
    presence: torch.Tensor
    masks: torch.Tensor
    semantic: torch.Tensor


@dataclass(frozen=True)
class Match:
    """Pairs of a query and an object: `prompts` and `queries` index the answers; `boxes` are the objects'."""

    prompts: torch.Tensor
    queries: torch.Tensor
    objects: torch.Tensor
    boxes: torch.Tensor


def loss_of(answers: Answers, batch: Batch) -> dict[str, torch.Tensor]:
    """Weighted parts of the loss by name; their sum is to be minimised."""
    parts: dict[str, torch.Tensor] = {}
    for layer in range(len(answers.logits)):
        match = match_queries(answers.logits[layer], answers.boxes[layer], batch.boxes)
        last = layer == len(answers.logits) - 1
        for name, value in _detection_loss(answers, layer, match, batch).items():
            parts[name] = parts.get(name, 0) + value * (1.0 if last else 0.5)
    return parts | _mask_loss(answers, match, batch)


@torch.no_grad()
def match_queries(logits: torch.Tensor, boxes: torch.Tensor, truth: list[torch.Tensor]) -> Match:
    """The cheapest one-to-one assignment of queries to each prompt's objects."""
    prompts, queries, objects = [], [], []
    for prompt, wanted in enumerate(truth):
        if len(wanted) == 0:
            continue
        distance = torch.cdist(boxes[prompt], wanted, p=1)
        overlap = generalized_box_iou(_corners(boxes[prompt]), _corners(wanted))
        cost = 5 * distance - 2 * overlap - 2 * logits[prompt].sigmoid()[:, None]
        rows, columns = linear_sum_assignment(cost.numpy())
        prompts += [prompt] * len(rows)
        queries += rows.tolist()
        objects += columns.tolist()
    matched = [truth[prompt][index] for prompt, index in zip(prompts, objects, strict=True)]
    return Match(
        torch.tensor(prompts, dtype=torch.long),
        torch.tensor(queries, dtype=torch.long),
        torch.tensor(objects, dtype=torch.long),
        torch.stack(matched) if matched else torch.zeros(0, 4),
    )


def _corners(boxes: torch.Tensor) -> torch.Tensor:
    return box_convert(boxes, "cxcywh", "xyxy")


def _detection_loss(answers: Answers, layer: int, match: Match, batch: Batch) -> dict[str, torch.Tensor]:
    logits, boxes = answers.logits[layer], answers.boxes[layer][match.prompts, match.queries]
    count = max(1, len(match.prompts))
    target = torch.zeros_like(logits)
    target[match.prompts, match.queries] = 1.0
    overlap = generalized_box_iou(_corners(boxes), _corners(match.boxes)).diag()
    shown = torch.tensor([float(len(wanted) > 0) for wanted in batch.boxes])
    return {
        "focal": 6 * _focal(logits, target).sum() / count,
        "l1": 8 * (boxes - match.boxes).abs().sum() / count,
        "giou": 3 * (1 - overlap).sum() / count,
        "presence": bce(answers.presence[layer], shown),
    }


def _focal(logits: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    weight = target * 0.75 + (1 - target) * 0.25
    return weight * bce(logits, target, reduction="none") * (logits.sigmoid() - target).abs() ** 2


def _mask_loss(answers: Answers, match: Match, batch: Batch) -> dict[str, torch.Tensor]:
    """Masks of the matched queries, and the dense map of everything that the prompt names."""
    size = answers.semantic.shape[-2:]
    union = torch.stack([masks.amax(0) if len(masks) else torch.zeros(size) for masks in batch.masks])
    parts = {"semantic": 3 * _pixel_loss(answers.semantic, union) + 2 * _dice(answers.semantic, union)}
    if len(match.prompts):
        wanted = [batch.masks[p][o] for p, o in zip(match.prompts.tolist(), match.objects.tolist(), strict=True)]
        truth, found = torch.stack(wanted), answers.masks[match.prompts, match.queries]
        parts["mask"] = 3 * _pixel_loss(found, truth) + 3 * _dice(found, truth)
    return parts


def _pixel_loss(logits: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
    """Cross entropy where covered pixels weigh ten times as much: objects are small."""
    return (bce(logits, truth, reduction="none") * (1 + 9 * truth)).mean()


def _dice(logits: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
    share = logits.sigmoid()
    overlap = 2 * (share * truth).sum((1, 2)) + 1
    return (1 - overlap / (share.sum((1, 2)) + truth.sum((1, 2)) + 1)).mean()
