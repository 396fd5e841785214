"""SAM 3: finds and outlines whatever words name, through ultralytics' semantic predictor."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from autolabel.exceptions import ModelUnavailable
from autolabel.shapes import Shape

from .base import ModelInfo, ModelSpec
from .checkpoints import build_architecture, fill, read_options, read_tensors
from .chunks import Chunks
from .devices import Chosen, choose, use_all_cores
from .engines import installed_versions
from .mask_shapes import mask_shape, mask_size
from .yolo_network import import_ultralytics

if TYPE_CHECKING:
    import numpy as np
    import torch

__all__ = ["Sam3Predictor", "full_size"]

_FULL = "sam3"
_IMAGE_SIZE = 1008
_OPTIONS = {"architecture": _FULL, "stride": 14, "concept_batch": 8, "iou": 0.7}
# In the published file the detector stands beside the tracker of videos.
_PREFIX = "detector."
# What the published detector has beyond ultralytics' one: point prompts, and tables that are computed anew.
_UNUSED_PREFIX, _UNUSED_SUFFIX = "geometry_encoder.points_", ".attn.freqs_cis"


@dataclass(frozen=True, slots=True)
class _Found:
    """A mask as the model makes it: `logits` of shape (rows, columns) cover the whole image, above 0 is the object."""

    concept: str
    score: float
    logits: torch.Tensor


class Sam3Predictor:
    """A SAM 3 checkpoint. Open vocabulary: `labels` of a call are the concepts to look for, and name the shapes.

    Scores are SAM 3's own: that of the object times that of the concept's presence in the image. Without labels there
    is nothing to look for, and nothing is found. Images are stretched to a square of IMAGE_SIZE pixels (default 1008).

    Options: `architecture` ("sam3", the full size, or the dotted path of a function without arguments that returns an
    ultralytics `SAM3SemanticModel`), `stride` (pixels a token of the square has: 14 in the full size), `concept_batch`
    (concepts looked for at once, default 8: memory grows with it, speed hardly), `iou` (the overlap of boxes above
    which two finds of one concept are one, default 0.7). An image is encoded once, whatever the number of concepts;
    words are encoded once for as long as they stay the same.
    """

    needs_weights: ClassVar[bool] = True
    how_to_get: ClassVar[str] = (
        "SAM 3's weights are licensed by Meta and given out on request: ask for access to facebook/sam3 on Hugging "
        "Face, accept the SAM licence there, and download sam3.pt. Then set WEIGHTS to the absolute path of the file "
        "and SHA256 to its sha256, and start the workers again."
    )

    def __init__(self, spec: ModelSpec) -> None:
        options = read_options(spec, _OPTIONS)
        chosen = choose(spec)
        size, stride = spec.image_size or _IMAGE_SIZE, options["stride"]
        if size % stride:
            reason = f"IMAGE_SIZE of {spec.model_type!r} is {size}; give a multiple of its stride, {stride} pixels."
            raise ModelUnavailable(reason)
        tensors = _of_the_detector(read_tensors(spec))
        import_ultralytics()
        model = build_architecture(spec, options["architecture"], {_FULL: full_size})
        fill(model, tensors, spec, options["architecture"])
        self._predictor = _semantic_predictor(size, stride, options["iou"], chosen)
        self._predictor.setup_model(model, verbose=False)
        use_all_cores()
        self._spec = spec
        self._chunks = Chunks(options["concept_batch"], "concepts")
        self._concepts: tuple[str, ...] = ()
        self._words: dict[str, torch.Tensor] = {}
        self.info = _info(spec, chosen)

    def predict_batch(self, images: Sequence[np.ndarray], labels: Sequence[str], floor: float) -> list[list[Shape]]:
        """Objects that the words of `labels` name, with outlines, best first; see Predictor."""
        return [self._shapes(image, labels, floor) for image in images]

    def _shapes(self, image: np.ndarray, labels: Sequence[str], floor: float) -> list[Shape]:
        size = image.shape[:2]
        found = (
            mask_shape(concept, score, logits, size) for concept, score, logits in self.masks(image, labels, floor)
        )
        return [shape for shape in found if shape is not None]

    def masks(self, image: np.ndarray, labels: Sequence[str], floor: float) -> Iterator[tuple[str, float, np.ndarray]]:
        """The concept, score and mask of each object, best first; at most `max_predictions`.

        A mask is logits of the shape that `mask_size` gives; they cover the whole image, and above 0 lies the object.
        """
        import torch

        concepts = tuple(dict.fromkeys(label for label in labels if label.strip()))
        if not concepts:
            return
        with torch.inference_mode():
            best = sorted(self._find(image, concepts, floor), key=lambda found: -found.score)
            rows_columns = mask_size(*image.shape[:2])
            for found in best[: self._spec.max_predictions]:
                logits = torch.nn.functional.interpolate(
                    found.logits[None, None].float(), rows_columns, mode="bilinear"
                )
                yield found.concept, found.score, logits[0, 0].cpu().numpy()

    def _find(self, image: np.ndarray, concepts: tuple[str, ...], floor: float) -> list[_Found]:
        self._look_for(concepts)
        self._predictor.args.conf = floor
        # BGR, as ultralytics takes arrays.
        self._predictor.set_image(image[..., ::-1])
        try:
            parts = self._chunks.run(len(concepts), lambda part: self._find_some(concepts[part], part, image))
            return [found for part in parts for found in part]
        finally:
            self._predictor.reset_image()
            self._predictor.dataset = None

    def _find_some(self, concepts: tuple[str, ...], part: slice, image: np.ndarray) -> list[_Found]:
        model = self._predictor.model
        # Words that are set beforehand are not encoded again.
        model.names = list(concepts)
        model.text_embeddings = {
            "language_features": self._words["language_features"][:, part],
            "language_mask": self._words["language_mask"][part],
            "language_embeds": self._words["language_embeds"][:, part],
        }
        logits, boxes = self._predictor.inference_features(self._predictor.features, image.shape[:2])
        rows = boxes[:, 4:].tolist()
        # Copied, or each would hold the masks of all queries.
        return [_Found(concepts[int(index)], score, logits[row].clone()) for row, (score, index) in enumerate(rows)]

    def _look_for(self, concepts: tuple[str, ...]) -> None:
        """Encode the words, unless they are those of the last image."""
        import torch

        if concepts == self._concepts:
            return
        parts = list(self._chunks.run(len(concepts), lambda part: self._encode(list(concepts[part]))))
        along = {"language_features": 1, "language_mask": 0, "language_embeds": 1}
        self._words = {name: torch.cat([part[name] for part in parts], dim) for name, dim in along.items()}
        self._concepts = concepts

    def _encode(self, words: list[str]) -> dict[str, torch.Tensor]:
        self._predictor.model.set_classes(words)
        embeddings: dict[str, torch.Tensor] = self._predictor.model.text_embeddings
        return embeddings


def _of_the_detector(tensors: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The tensors that ultralytics' model has: without the tracker and without what it does not use or computes."""
    if any(name.startswith(_PREFIX) for name in tensors):
        tensors = {name.removeprefix(_PREFIX): value for name, value in tensors.items() if name.startswith(_PREFIX)}
    return {
        name: value
        for name, value in tensors.items()
        if not name.startswith(_UNUSED_PREFIX) and not name.endswith(_UNUSED_SUFFIX)
    }


def full_size() -> Any:
    """The published architecture with random weights, by ultralytics' builder kept from reading a file itself: its own
    loader would unpickle anything and take whatever fits.
    """
    from .clip_tokenizer import clip_module, require

    require("timm", "timm")
    with clip_module():
        from ultralytics.models.sam import build_sam3

        own_loader = build_sam3._load_checkpoint
        build_sam3._load_checkpoint = _as_built
        try:
            return build_sam3.build_sam3_image_model("")
        finally:
            build_sam3._load_checkpoint = own_loader


def _as_built(model: Any, checkpoint: str, interactive: bool = False) -> Any:
    return model


def _semantic_predictor(size: int, token: int, iou: float, chosen: Chosen) -> Any:
    from ultralytics.models.sam import SAM3SemanticPredictor

    class SmallMasks(SAM3SemanticPredictor):
        """Gives the masks as the model makes them, instead of each in all pixels of the image."""

        stride = token

        def _upscale_masks(self, masks: torch.Tensor, shape: tuple[int, int]) -> torch.Tensor:
            return masks

    return SmallMasks(
        overrides={
            "task": "segment",
            "mode": "predict",
            "imgsz": size,
            "iou": iou,
            "device": chosen.device,
            "quantize": 16 if chosen.half else None,
            "save": False,
            "verbose": False,
        }
    )


def _info(spec: ModelSpec, chosen: Chosen) -> ModelInfo:
    return ModelInfo(
        name=spec.weights.stem if spec.weights else spec.model_type,
        version=spec.version or spec.sha256[:12],
        weights_sha256=spec.sha256,
        labels=None,
        kinds=("polygon",),
        engine="pytorch",
        device=chosen.device,
        precision=chosen.precision,
        libraries=installed_versions("torch", "ultralytics", "ultralytics-opencv-headless", "open_clip_torch", "timm"),
    )
