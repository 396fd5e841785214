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

# From float32 images of shape (count, channels, size, size), values 0 to 1, to the network's outputs, `count` first.
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
        return list(request.infer([image]).values())

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
    """Networks are exported for one image: on a CPU a batch is no faster, and no image can change another's result."""

    def network(images: np.ndarray) -> list[np.ndarray]:
        import numpy as np

        outputs = [run(images[index : index + 1]) for index in range(len(images))]
        return [np.concatenate(parts) for parts in zip(*outputs, strict=True)]

    return network


# The fastest first: YOLO n at 640 takes OpenVINO about half of PyTorch's time, ONNX Runtime two thirds; see
# benchmarks/bench_engines.py.
ENGINES = (
    ExportedEngine("openvino", "OpenVINO", ("openvino",), "openvino", "*_openvino_model/*.xml", _load_openvino),
    ExportedEngine("onnxruntime", "ONNX Runtime", ("onnxruntime", "onnx"), "onnx", "*.onnx", _load_onnxruntime),
)
