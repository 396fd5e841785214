"""What to do when a model runs out of memory: recognise it, give back what can be given, take smaller batches.

No torch here: whatever ran out of a GPU's memory has imported it already.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator

from .base import ModelSpec

__all__ = ["batch_limit", "free_memory", "is_out_of_memory", "lower_batch_limit"]

# What the libraries say: torch ("CUDA out of memory.", "MPS backend out of memory", "DefaultCPUAllocator: can't
# allocate memory"), ONNX Runtime ("Failed to allocate memory for requested buffer"), OpenVINO, cuDNN and cuBLAS.
_SIGNS = (
    "out of memory",
    "can't allocate memory",
    "cannot allocate memory",
    "not enough memory",
    "failed to allocate memory",
    "cl_out_of_resources",
    "cl_mem_object_allocation_failure",
    "cudnn_status_alloc_failed",
    "cublas_status_alloc_failed",
)
# By model, the images that fit at once into this process' memory, where they are fewer than the settings say.
_limits: dict[tuple[str, str, str], int] = {}


def is_out_of_memory(error: BaseException) -> bool:
    """Whether the error, or one that it was raised from, says that memory has run out, on a GPU or off it."""
    return any(_says_so(one) for one in _chain(error))


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__


def _says_so(error: BaseException) -> bool:
    if isinstance(error, MemoryError) or any(kind.__name__ == "OutOfMemoryError" for kind in type(error).__mro__):
        return True
    # Libraries with a type of their own say it in words.
    return isinstance(error, Exception) and any(sign in str(error).lower() for sign in _SIGNS)


def free_memory() -> None:
    """Give back what nobody holds any more, torch's own cache included. Call it when the error is out of scope: its
    traceback holds the frames, and these the tensors.
    """
    gc.collect()
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        torch.cuda.empty_cache()


def batch_limit(spec: ModelSpec) -> int:
    """How many images the model takes at once: its batch size, or what has fitted since it ran out of memory here."""
    return min(spec.batch_size, _limits.get(_key(spec), spec.batch_size))


def lower_batch_limit(spec: ModelSpec, size: int) -> None:
    """Remember for the life of this process that the model takes no more than `size` images."""
    _limits[_key(spec)] = max(1, min(size, batch_limit(spec)))


def _key(spec: ModelSpec) -> tuple[str, str, str]:
    return (spec.model_type, spec.version, spec.sha256)
