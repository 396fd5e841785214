"""What a YOLO predictor uses of ultralytics: its pre- and post-processing, and the network between them."""

from __future__ import annotations

import os
import shutil
import tempfile
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autolabel.exceptions import ModelUnavailable

from .engines import Network, import_openvino

if TYPE_CHECKING:
    import numpy as np

__all__ = ["difference", "export_weights", "import_ultralytics", "make_pipeline", "reference_network", "use_network"]

# Engines may differ from PyTorch by half of what the product promises: 1 pixel and 0.01.
_PIXELS, _SCORE, _SHARE = 0.5, 0.005, 0.01


def import_ultralytics() -> Any:
    """Import ultralytics so that it stays offline, installs nothing and unpickles only what it knows.

    It reads the variables when it is first imported. Where something else has done that before us, its own constants
    are set, for otherwise a checkpoint could run code. It also replaces `PIL.Image.open` by a version that asks for
    another package when a file is unreadable, and sets OMP_NUM_THREADS to 1 where nobody has set it, which would leave
    the models one core; both are put back. Raises ModelUnavailable where torch is too old for restricted loading.
    """
    os.environ.setdefault("YOLO_CONFIG_DIR", str(Path(tempfile.gettempdir()) / f"autolabel-ultralytics-{os.getuid()}"))
    os.environ.update(YOLO_OFFLINE="true", YOLO_AUTOINSTALL="false", ULTRALYTICS_SAFE_LOAD="1", YOLO_VERBOSE="false")
    from PIL import Image

    original, threads = Image.open, os.environ.get("OMP_NUM_THREADS")
    import ultralytics
    from ultralytics.nn import tasks
    from ultralytics.utils import checks, patches

    Image.open = original if original is not patches.image_open else patches._image_open
    if not threads:
        os.environ.pop("OMP_NUM_THREADS", None)
    vars(tasks).update(SAFE_LOAD=True)
    vars(checks).update(AUTOINSTALL=False, ONLINE=False)
    if not tasks._SafeLoad.SUPPORTED:
        raise ModelUnavailable("Checkpoints are loaded with torch 2.6 or newer only: older ones would run their code.")
    return ultralytics


def make_pipeline(model: Any, **arguments: Any) -> Any:
    """Ultralytics' own predictor for the task of `model`, set up; calling it with a list of images predicts them.

    The images are RGB, unlike ultralytics' own. Results of a segmentation model have `logits` of shape (n, rows,
    columns) in place of masks: masks in the size of a large image would fill the memory.
    """
    pipeline = _rgb(model.task_map[model.task]["predictor"])(overrides={**model.overrides, **arguments})
    pipeline.setup_model(model.model, verbose=False)
    return pipeline


def _rgb(base: type) -> type:
    class Pipeline(base):
        takes_bytes = False  # the network itself makes numbers from 0 to 1 of the pixels

        def preprocess(self, im: list[np.ndarray]) -> Any:
            """As in ultralytics, but from RGB: turning a photo of 50 megapixels to BGR and back would copy it."""
            import numpy as np
            import torch

            channels_first = torch.from_numpy(np.stack(self.pre_transform(im))).to(self.device).permute(0, 3, 1, 2)
            if self.takes_bytes:
                return channels_first
            channels_first = channels_first.contiguous()
            return (channels_first.half() if self.model.fp16 else channels_first.float()).div_(255)

        def construct_result(self, pred: Any, img: Any, orig_img: np.ndarray, img_path: str, *protos: Any) -> Any:
            if not protos:
                return super().construct_result(pred, img, orig_img, img_path)
            from ultralytics.models.yolo.detect import DetectionPredictor

            result: Any = DetectionPredictor.construct_result(self, pred, img, orig_img, img_path)  # type: ignore[no-untyped-call]
            channels, rows, columns = protos[0].shape
            logits = pred[:, 6:].float() @ protos[0].float().view(channels, -1)
            result.logits = logits.view(-1, rows, columns)
            return result

    return Pipeline


def use_network(pipeline: Any, network: Network) -> None:
    """Let `network` compute in place of PyTorch, whose weights are given back."""
    import torch

    backend = pipeline.model.backend

    def forward(images: Any, **ignored: Any) -> list[Any]:
        return [torch.from_numpy(output) for output in network(images.numpy())]

    backend.forward = forward
    backend.model = None
    pipeline.takes_bytes = True


def reference_network(pipeline: Any) -> Network:
    """What PyTorch makes of the same input: the outputs that an exported network has, too."""

    def network(images: np.ndarray) -> list[np.ndarray]:
        import torch

        with torch.inference_mode():
            # One by one, as the engines do, so that the same is compared.
            outputs = [_outputs(pipeline.model(torch.from_numpy(image)[None].float().div_(255))) for image in images]
        return [torch.cat(parts).numpy() for parts in zip(*outputs, strict=True)]

    return network


def _outputs(raw: Any) -> list[Any]:
    """Of what a network in PyTorch returns, the tensors that are used: boxes, and prototypes of masks."""
    first = raw[0] if isinstance(raw, tuple | list) else raw
    return list(first) if isinstance(first, tuple | list) else [first]


def export_weights(weights: Path, image_size: int) -> Callable[[str, Path], None]:
    """A function (format, folder) that exports the network in `weights` for one square image of `image_size`."""

    def export(format_name: str, folder: Path) -> None:
        if format_name == "openvino":
            import_openvino()  # before ultralytics does, which would let it report
        # Ultralytics writes beside the weights.
        copy = folder / "network.pt"
        shutil.copyfile(weights, copy)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of tracing, about what ultralytics calls
            arguments = {"simplify": False} if format_name == "onnx" else {}  # it would need another package
            import_ultralytics().YOLO(str(copy)).export(
                format=format_name, imgsz=image_size, batch=1, device="cpu", **arguments
            )
        copy.unlink()

    return export


def difference(outputs: Sequence[np.ndarray], wanted: Sequence[np.ndarray], classes: int) -> str:
    """In words how far the outputs of two engines are apart; empty if no box and no score would visibly change.

    The first output is (count, 4 + classes + coefficients of masks, places): centres and sizes in pixels, scores, and
    what masks are made of.
    """
    import numpy as np

    if [output.shape for output in outputs] != [output.shape for output in wanted]:
        return "outputs of another shape"
    if not all(np.isfinite(output).all() for output in outputs):
        return "numbers that are not finite"
    apart = np.abs(outputs[0] - wanted[0])
    found = []
    if (pixels := float(apart[:, :4].max())) > _PIXELS:
        found.append(f"boxes by up to {pixels:.2g} pixels")
    if (scores := float(apart[:, 4 : 4 + classes].max())) > _SCORE:
        found.append(f"scores by up to {scores:.2g}")
    rest = [(outputs[0][:, 4 + classes :], wanted[0][:, 4 + classes :]), *zip(outputs[1:], wanted[1:], strict=True)]
    if any(a.size and np.abs(a - b).max() > _SHARE * np.abs(b).max() for a, b in rest):
        found.append("masks")
    return " and ".join(found)
