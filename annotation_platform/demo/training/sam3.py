"""Trains the small SAM 3 from the detector's backbone and neck."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from ultralytics.models.sam import SAM3SemanticPredictor
from ultralytics.models.sam.modules.sam import SAM2Model
from ultralytics.models.sam.sam3.sam3_image import SAM3SemanticModel
from ultralytics.nn.modules.utils import inverse_sigmoid

from annotation_platform.demo.scenes import LABELS
from annotation_platform.demo.small_sam3 import IMAGE_SIZE, STRIDE, build_small_sam3
from annotation_platform.demo.training import loop
from annotation_platform.demo.training.data import Sample
from annotation_platform.demo.training.masks import iou, rasterise
from annotation_platform.demo.training.sam3_data import TEXTS, Batch, Learned, batches
from annotation_platform.demo.training.sam3_loss import Answers, loss_of
from annotation_platform.demo.training.trunk import recalibrate, start_from_detector

BATCH = 4  # scenes a step, each with up to three prompts
LEARNING_RATE, TRUNK_RATE = 1e-3, 2e-4
CONFIDENCE, NMS_IOU = 0.5, 0.7


class MemoryPredictor(SAM3SemanticPredictor):
    """The library's predictor over a model that is already in memory."""

    stride = STRIDE

    def __init__(self, model: SAM3SemanticModel, confidence: float = CONFIDENCE) -> None:
        settings = {"conf": confidence, "iou": NMS_IOU, "task": "segment", "mode": "predict", "imgsz": IMAGE_SIZE}
        super().__init__(overrides=settings | {"device": "cpu", "verbose": False, "save": False, "model": "small.pt"})
        threads = torch.get_num_threads()
        self.setup_model(model=model, verbose=False)
        torch.set_num_threads(threads)  # ultralytics changes it with the device


def start_model(detector: Path, scenes: list[Learned], seed: int) -> SAM3SemanticModel:
    """Random weights but for the trunk, which starts as the detector's backbone and neck."""
    torch.manual_seed(seed)
    model = build_small_sam3()
    trunk = model.backbone.vision_backbone.trunk
    start_from_detector(trunk, detector)
    stream = batches(scenes, BATCH, seed)
    recalibrate(trunk, (next(stream).images for _ in range(60)))
    return model


def make_task(model: SAM3SemanticModel, scenes: list[Learned], samples: list[Sample], seed: int) -> loop.Task[Batch]:
    """The trunk knows its job already and moves slowly; the box-prompt encoder is not trained."""
    trunk = list(model.backbone.vision_backbone.trunk.parameters())
    known = {id(parameter) for parameter in [*trunk, *model.geometry_encoder.parameters()]}
    rest = [parameter for parameter in model.parameters() if id(parameter) not in known]
    return loop.Task(
        model,
        [{"params": rest, "peak": LEARNING_RATE}, {"params": trunk, "peak": TRUNK_RATE}],
        lambda step: batches(scenes, BATCH, seed + step),
        lambda batch: loss_of(answer(model, batch), batch),
        lambda averaged: evaluate(averaged, samples),
    )


def answer(model: SAM3SemanticModel, batch: Batch) -> Answers:
    """`SAM3SemanticModel.forward_grounding` for several images at once, with the answers of every decoder layer."""
    with torch.autocast("cpu", torch.bfloat16):
        seen = model.backbone.forward_image(batch.images)
        text = model.backbone.forward_text(TEXTS)
        features = {
            "backbone_fpn": [level[batch.image_of] for level in seen["backbone_fpn"]],
            "vision_pos_enc": [level[:1].expand(len(batch.image_of), -1, -1, -1) for level in seen["vision_pos_enc"]],
        }
        features, maps, positions, sizes = SAM2Model._prepare_backbone_features(model, features)
        prompt, padding = text["language_features"][:, batch.text_of], text["language_mask"][batch.text_of]
        encoded = model._run_encoder(maps, positions, sizes, prompt, padding)
    memory, prompt = encoded["encoder_hidden_states"].float(), prompt.float()
    decoder = model.transformer.decoder
    states, references, presence, _ = decoder(
        tgt=decoder.query_embed.weight.unsqueeze(1).repeat(1, len(batch.image_of), 1),
        memory=memory,
        memory_key_padding_mask=encoded["padding_mask"],
        pos=encoded["pos_embed"].float(),
        spatial_shapes=sizes,
        valid_ratios=encoded["valid_ratios"].float(),
        memory_text=prompt,
        text_attention_mask=padding,
        apply_dac=False,
    )
    states, references = states.transpose(1, 2), references.transpose(1, 2)
    boxes = (inverse_sigmoid(references) + decoder.bbox_embed(states)).sigmoid()
    with torch.autocast("cpu", torch.bfloat16):
        drawn = model.segmentation_head(
            backbone_feats=features["backbone_fpn"],
            obj_queries=states,
            encoder_hidden_states=memory,
            prompt=prompt,
            prompt_mask=padding,
        )
    return Answers(
        model.dot_prod_scoring(states, prompt, padding).squeeze(-1),
        boxes,
        presence.squeeze(1),
        drawn["pred_masks"].float(),
        drawn["semantic_seg"].float().squeeze(1),
    )


def evaluate(model: SAM3SemanticModel, samples: Iterable[Sample], confidence: float = CONFIDENCE) -> dict[str, float]:
    """Precision and recall at mask IoU 0.5 through the library's predictor, all labels asked as text."""
    predictor = MemoryPredictor(model, confidence)
    right = wrong = missed = 0
    overlaps: list[float] = []
    for sample in samples:
        result = predictor(source=np.ascontiguousarray(sample.image[..., ::-1]), text=list(LABELS))[0]
        truth = [(item.label, rasterise(item)) for item in sample.objects]
        masks = result.masks.data.numpy().astype(bool) if result.masks is not None else []
        order = np.argsort(-result.boxes.conf.numpy())
        for index in order:
            label = LABELS[int(result.boxes.cls[index])]
            scores = [iou(masks[index], mask) if name == label else 0.0 for name, mask in truth]
            best = int(np.argmax(scores)) if scores else -1
            if best >= 0 and scores[best] >= 0.5:
                right += 1
                overlaps.append(scores[best])
                truth.pop(best)
            else:
                wrong += 1
        missed += len(truth)
    return {
        "precision": round(right / max(1, right + wrong), 4),
        "recall": round(right / max(1, right + missed), 4),
        "mask_iou": round(float(np.mean(overlaps)) if overlaps else 0.0, 4),
    }


def weights_of(model: nn.Module) -> dict[str, Any]:
    """The state in half precision, named as in the official checkpoint."""
    state = model.state_dict()
    return {
        f"detector.{name}": tensor.half() if tensor.is_floating_point() else tensor for name, tensor in state.items()
    }
