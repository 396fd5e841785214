"""YOLO boxes and outlines, on ultralytics' networks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from autolabel.exceptions import ModelUnavailable
from autolabel.shapes import Box, Kind, Shape, clip_box

from .base import ModelInfo, ModelSpec
from .checkpoints import read_options
from .devices import Chosen, choose, use_all_cores
from .engines import installed_versions
from .masks import polygons_bounds
from .runtime import Exportable, Running, choose_engine
from .yolo_masks import outline
from .yolo_network import (
    difference,
    export_weights,
    import_ultralytics,
    make_pipeline,
    reference_network,
    use_network,
)

if TYPE_CHECKING:
    import numpy as np

__all__ = ["YoloPredictor", "import_ultralytics", "installed_versions"]

_KINDS: dict[str, Kind] = {"detect": "box", "segment": "polygon"}
_OPTIONS = {"iou": 0.7}
_LIBRARIES = ("torch", "ultralytics", "ultralytics-opencv-headless")
_IMAGE_SIZE = 640  # of weights that do not tell at what size they were trained


class YoloPredictor:
    """A YOLO checkpoint: boxes from detection weights, polygons with holes from segmentation (`-seg`) weights.

    Class names come from the weights. IMAGE_SIZE is rounded up to a multiple of the network's stride; without it, it is
    the size that the weights were trained at. Options: `iou` (the overlap above which boxes of one class are one,
    default 0.7).
    """

    needs_weights: ClassVar[bool] = True
    how_to_get: ClassVar[str] = (
        "Name a YOLO .pt file, such as yolo26n.pt or yolo26n-seg.pt of ultralytics, and its SHA256 in the settings."
    )

    def __init__(self, spec: ModelSpec) -> None:
        options = read_options(spec, _OPTIONS)
        chosen = choose(spec)
        model = _open_weights(spec)
        self._kind = _kind_of(model, spec)
        self._names: dict[int, str] = dict(model.names)
        size = _image_size(model, spec)
        self._pipeline = make_pipeline(
            model,
            task=model.task,
            mode="predict",
            imgsz=size,
            iou=options["iou"],
            max_det=spec.max_predictions,
            device=chosen.device,
            quantize=16 if chosen.half else None,
            # Every image is padded to the same square, so that its result does not depend on those beside it.
            rect=False,
            save=False,
            verbose=False,
        )
        del model
        use_all_cores()
        running = self._choose_engine(spec, chosen, size)
        self.info = self._describe(spec, chosen, running)

    def predict_batch(self, images: Sequence[np.ndarray], labels: Sequence[str], floor: float) -> list[list[Shape]]:
        """Shapes above `floor`, best first; see Predictor. `labels` are ignored: the classes are the weights' own."""
        if not images:
            return []
        self._pipeline.args.conf = floor
        results = self._pipeline(list(images))
        return [
            self._shapes(result, image.shape[1], image.shape[0]) for result, image in zip(results, images, strict=True)
        ]

    def _choose_engine(self, spec: ModelSpec, chosen: Chosen, size: int) -> Running:
        import torch

        assert spec.weights is not None
        classes = len(self._names)
        subject = Exportable(
            reference=reference_network(self._pipeline),
            image_size=size,
            libraries=installed_versions(*_LIBRARIES),
            export=export_weights(spec.weights, size),
            difference=lambda outputs, wanted: difference(outputs, wanted, classes),
        )
        threads = torch.get_num_threads()
        running = choose_engine(spec, chosen.device, subject)
        torch.set_num_threads(threads)  # an export has changed it
        if running.network is not None:
            use_network(self._pipeline, running.network)
        return running

    def _describe(self, spec: ModelSpec, chosen: Chosen, running: Running) -> ModelInfo:
        assert spec.weights is not None
        return ModelInfo(
            name=spec.weights.stem,
            version=spec.version or spec.sha256[:12],
            weights_sha256=spec.sha256,
            labels=tuple(self._names[index] for index in sorted(self._names)),
            kinds=(self._kind,),
            engine=running.engine,
            device=chosen.device,
            libraries=installed_versions(*_LIBRARIES) | running.libraries,
            precision=chosen.precision,
            notes=running.notes,
        )

    def _shapes(self, result: Any, width: int, height: int) -> list[Shape]:
        boxes = result.boxes
        shapes = []
        rows = zip(boxes.xyxy.tolist(), boxes.conf.tolist(), boxes.cls.tolist(), strict=True)
        for number, (box, score, index) in enumerate(rows):
            clipped = clip_box(box, width, height)
            if clipped is None:
                continue
            shape = Shape(self._names[int(index)], min(1.0, max(0.0, score)), clipped)
            outlined = shape if self._kind == "box" else self._outlined(shape, result, number, (width, height))
            if outlined is not None:
                shapes.append(outlined)
        return sorted(shapes, key=lambda shape: -shape.score)

    def _outlined(self, shape: Shape, result: Any, number: int, size: tuple[int, int]) -> Shape | None:
        height, width = self._pipeline.imgsz
        polygons = outline(result.logits[number].cpu().numpy(), shape.bbox_xyxy, size, (width, height))
        if polygons is None:
            return None
        bounds: Box = polygons_bounds(polygons)
        return Shape(shape.label, shape.score, bounds, polygons)


def _open_weights(spec: ModelSpec) -> Any:
    if spec.weights is None:
        raise ModelUnavailable(f"The model {spec.model_type!r} names no WEIGHTS.")
    if spec.weights.suffix != ".pt":  # of a .yaml ultralytics would build a network with random weights
        raise ModelUnavailable(
            f"The weights of {spec.model_type!r} ({spec.weights.name}) are no .pt file. Set WEIGHTS to a YOLO .pt file."
        )
    return import_ultralytics().YOLO(str(spec.weights))


def _kind_of(model: Any, spec: ModelSpec) -> Kind:
    kind = _KINDS.get(model.task)
    if kind is None:
        raise ModelUnavailable(
            f"WEIGHTS of {spec.model_type!r} hold a model for the task {model.task!r}; YoloPredictor takes detection "
            "weights, which give boxes, and segmentation weights (-seg), which give polygons."
        )
    channels = model.model.yaml.get("channels", 3)
    if channels != 3:
        raise ModelUnavailable(
            f"WEIGHTS of {spec.model_type!r} take images of {channels} channels, not of red, green and blue."
        )
    return kind


def _image_size(model: Any, spec: ModelSpec) -> int:
    size = spec.image_size or model.overrides.get("imgsz") or _IMAGE_SIZE
    stride = max(int(model.model.stride.max()), 32)
    return -(-int(size) // stride) * stride
