"""The libraries that run an exported network on a CPU. Each is imported only where it is used."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

__all__ = ["ENGINES", "ExportedEngine", "Network", "installed_versions"]

# From uint8 images of shape (count, channels, size, size) to the network's outputs, float32, `count` first.
Network = Callable[["np.ndarray"], list["np.ndarray"]]


@dataclass(frozen=True, slots=True)
class ExportedEngine:
    """`format` is what ultralytics calls its export, `pattern` finds the file to load in it."""

    name: str
    title: str
    packages: tuple[str, ...]
    format: str
    pattern: str
    load: Callable[[Path, int], Network]

    def missing(self) -> tuple[str, ...]:
        """The packages that it needs and this environment has not."""
        return tuple(name for name in self.packages if find_spec(name) is None)

    def versions(self) -> dict[str, str]:
        return installed_versions(*self.packages)


def installed_versions(*distributions: str) -> dict[str, str]:
    """The versions of those of `distributions` that are installed."""
    found = {}
    for name in distributions:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def import_openvino() -> Any:
    """Import OpenVINO without its telemetry, which reports every import and every conversion to a server.

    Where the telemetry package cannot be imported, OpenVINO takes a stub of its own that does nothing.
    """
    sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]  # what makes an import of it fail
    import openvino

    return openvino


def _load_openvino(path: Path, threads: int) -> Network:
    openvino = import_openvino()
    compiled = openvino.Core().compile_model(
        path,
        "CPU",
        {
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_NUM_THREADS": threads,
            # By default it computes in 16 bits on processors that can. Outputs of a YOLO n with random weights were
            # then up to 160 pixels and a score of 0.87 away from PyTorch's, for half the time.
            "INFERENCE_PRECISION_HINT": "f32",
            # Several workers on one machine would all be pinned to its first cores.
            "ENABLE_CPU_PINNING": False,
        },
    )
    request = compiled.create_infer_request()

    def run(image: np.ndarray) -> Sequence[np.ndarray]:
        return list(request.infer([image], share_inputs=True, share_outputs=True).values())

    return _one_by_one(run)


def _load_onnxruntime(path: Path, threads: int) -> Network:
    import onnxruntime

    onnxruntime.disable_telemetry_events()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name

    def run(image: np.ndarray) -> Sequence[np.ndarray]:
        outputs: Sequence[np.ndarray] = session.run(None, {name: image})
        return outputs

    return _one_by_one(run)


def _one_by_one(run: Callable[[np.ndarray], Sequence[np.ndarray]]) -> Network:
    """A network for many images from `run`, which takes one in float32, values 0 to 1.

    On a CPU a batch is no faster, and so no image can change another's result. The memory of the image is used again
    for the next one, and that of the outputs may be: fresh memory for each would cost a tenth of the whole time.
    """

    def network(images: np.ndarray) -> list[np.ndarray]:
        import numpy as np

        one = np.empty((1, *images.shape[1:]), np.float32)
        results: list[np.ndarray] = []
        for index, image in enumerate(images):
            np.divide(image, np.float32(255), out=one[0])
            outputs = run(one)
            results = results or [np.empty((len(images), *output.shape[1:]), output.dtype) for output in outputs]
            for result, output in zip(results, outputs, strict=True):
                result[index] = output[0]
        return results

    return network


# The fastest first: YOLO n at 640 takes OpenVINO 0.6 of PyTorch's time, ONNX Runtime 0.7; see
# benchmarks/bench_engines.py.
ENGINES = (
    ExportedEngine("openvino", "OpenVINO", ("openvino",), "openvino", "*_openvino_model/*.xml", _load_openvino),
    ExportedEngine("onnxruntime", "ONNX Runtime", ("onnxruntime", "onnx"), "onnx", "*.onnx", _load_onnxruntime),
)
