"""Segment Anything (SAM): outlines for boxes, which a detector finds or people have accepted."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, ClassVar

from autolabel.exceptions import ModelUnavailable
from autolabel.shapes import Box, BoxPrompt, Shape

from .base import ModelInfo, ModelSpec, Predictor
from .checkpoints import build_architecture, fill, read_options, read_tensors
from .chunks import Chunks
from .devices import choose
from .engines import installed_versions
from .mask_shapes import mask_shape, mask_size

if TYPE_CHECKING:
    import numpy as np
    import torch

__all__ = ["SamPredictor"]

_OPTIONS = {"architecture": "vit_b", "box_batch": 16}
_NO_DETECTOR = (
    "It has no DETECTOR, the model whose boxes it outlines, and so takes boxes that people have accepted only."
)


class SamPredictor:
    """A SAM checkpoint of the package `segment_anything`; implements BoxPredictor.

    The boxes of `spec.detector` are the prompts, and its classes the labels. The score of a shape is the detector's
    score times the IoU that SAM expects of its mask: the overlap with a real object to be expected, so that a mask is
    rather a match from 0.5 on. It is never above the detector's score, so no box below the floor is prompted.
    Without a detector the model takes accepted boxes alone: `predict_batch` then raises ModelUnavailable.

    Options: `architecture` ("vit_b", "vit_l", "vit_h", or the dotted path of a function without arguments that returns
    a `segment_anything.modeling.Sam`; default "vit_b"), `box_batch` (boxes that go through the decoder at once, default
    16). An image is encoded once, whatever the number of its boxes; with fp16 the encoder alone computes in 16 bits.
    """

    needs_weights: ClassVar[bool] = True
    how_to_get: ClassVar[str] = (
        "Segment Anything's checkpoints (vit_b, vit_l, vit_h) are free to download from the page of the project "
        "segment-anything by Meta; set WEIGHTS to the absolute path of the file, SHA256 to its sha256 and "
        'OPTIONS["architecture"] to its architecture.'
    )

    def __init__(self, spec: ModelSpec) -> None:
        options = read_options(spec, _OPTIONS)
        chosen = choose(spec)
        import segment_anything

        sam = build_architecture(spec, options["architecture"], _architectures())
        fill(sam, read_tensors(spec), spec, options["architecture"])
        self._sam = segment_anything.SamPredictor(sam.to(chosen.device))
        self._spec, self._chosen = spec, chosen
        self._chunks = Chunks(options["box_batch"], "boxes")
        self._detector = _detector(spec)
        self.info = _info(spec, chosen.device, chosen.precision, self._detector)

    def predict_batch(self, images: Sequence[np.ndarray], labels: Sequence[str], floor: float) -> list[list[Shape]]:
        """The detector's objects with their outlines, best first; see Predictor. `labels` go to the detector."""
        if self._detector is None or self._spec.detector is None:
            raise ModelUnavailable(f"The model {self._spec.model_type!r}: {_NO_DETECTOR}")
        if not images:
            return []
        # A detector's own FLOOR may be higher, to spend less time on boxes that nobody wants.
        found = self._detector.predict_batch(images, labels, max(floor, self._spec.detector.floor))
        return [self._outlined(image, boxes, floor) for image, boxes in zip(images, found, strict=True)]

    def predict_masks(self, images: Sequence[np.ndarray], prompts: Sequence[Sequence[BoxPrompt]]) -> list[list[Shape]]:
        """Outlines for accepted boxes, in their order, scored by the IoU that SAM expects; see BoxPredictor."""
        return [self._prompted(image, boxes) for image, boxes in zip(images, prompts, strict=True)]

    def _outlined(self, image: np.ndarray, found: Sequence[Shape], floor: float) -> list[Shape]:
        best = sorted(found, key=lambda shape: -shape.score)[: self._spec.max_predictions]
        shapes = []
        masks = self.masks(image, [shape.bbox_xyxy for shape in best])
        for shape, (logits, expected_iou) in zip(best, masks, strict=True):
            score = shape.score * expected_iou
            if score >= floor:
                shapes.append(self._shape(shape.label, score, logits, image))
        return sorted((shape for shape in shapes if shape is not None), key=lambda shape: -shape.score)

    def _prompted(self, image: np.ndarray, prompts: Sequence[BoxPrompt]) -> list[Shape]:
        masks = self.masks(image, [prompt.bbox_xyxy for prompt in prompts])
        shapes = [
            self._shape(prompt.label, expected_iou, logits, image, prompt.ref)
            for prompt, (logits, expected_iou) in zip(prompts, masks, strict=True)
        ]
        return [shape for shape in shapes if shape is not None]

    def _shape(
        self, label: str, score: float, logits: np.ndarray | None, image: np.ndarray, source: str = ""
    ) -> Shape | None:
        if logits is None:
            return None
        level = self._sam.model.mask_threshold
        return mask_shape(label, score, logits, image.shape[:2], level=level, source=source)

    def masks(self, image: np.ndarray, boxes: Sequence[Box]) -> Iterator[tuple[np.ndarray | None, float]]:
        """For each box, in order: the logits of its mask, and the IoU with the object that the model expects, 0 to 1.

        The logits have the shape that `mask_size` gives and cover the whole image; above SAM's `mask_threshold` (0)
        lies the object. They are None where the image is too thin to be seen: a thousand times as long as wide.
        """
        if not boxes:
            return
        if not self._encode(image):
            yield from ((None, 0.0) for _ in boxes)
            return
        try:
            for logits, ious in self._chunks.run(len(boxes), lambda part: self._decode(boxes[part], image)):
                yield from zip(logits, ious, strict=True)
        finally:
            self._sam.reset_image()

    def _encode(self, image: np.ndarray) -> bool:
        import torch

        height, width = image.shape[:2]
        transform = self._sam.transform
        if min(transform.get_preprocess_shape(height, width, transform.target_length)) < 1:
            return False
        resized = torch.as_tensor(transform.apply_image(image), device=self._chosen.device)
        half = torch.autocast("cuda", torch.float16) if self._chosen.half else nullcontext()
        with half:
            # The second argument is the size of the masks, which need not be the image's.
            self._sam.set_torch_image(resized.permute(2, 0, 1)[None].contiguous(), mask_size(height, width))
        self._sam.features = self._sam.features.float()
        return True

    def _decode(self, boxes: Sequence[Box], image: np.ndarray) -> tuple[np.ndarray, list[float]]:
        import torch

        prompts = torch.as_tensor(boxes, dtype=torch.float32, device=self._chosen.device)
        prompts = self._sam.transform.apply_boxes_torch(prompts, image.shape[:2])
        # One mask a box: the three alternatives are for prompts that leave open what is meant, such as points.
        logits, ious, _ = self._sam.predict_torch(None, None, prompts, multimask_output=False, return_logits=True)
        return logits[:, 0].cpu().numpy(), ious[:, 0].clamp(0, 1).tolist()


def _architectures() -> dict[str, Callable[[], torch.nn.Module]]:
    from segment_anything import sam_model_registry

    return {name: sam_model_registry[name] for name in ("vit_b", "vit_l", "vit_h")}


def _detector(spec: ModelSpec) -> Predictor | None:
    if spec.detector is None:
        return None
    from .registry import build_predictor

    return build_predictor(spec.detector)


def _info(spec: ModelSpec, device: str, precision: str, detector: Predictor | None) -> ModelInfo:
    facts: dict[str, Any] = {"labels": (), "notes": (_NO_DETECTOR,)}
    if detector is not None:
        its = detector.info
        facts = {
            "labels": its.labels,
            "notes": its.notes,
            "detector": {"name": its.name, "version": its.version, "weights_sha256": its.weights_sha256},
        }
    return ModelInfo(
        name=spec.weights.stem if spec.weights else spec.model_type,
        version=spec.version or spec.sha256[:12],
        weights_sha256=spec.sha256,
        kinds=("polygon",),
        engine="pytorch",
        device=device,
        precision=precision,
        libraries=installed_versions("torch", "segment-anything"),
        takes_boxes=True,
        **facts,
    )
