"""From an architecture by name and a file of weights to a model that is exactly both, or a reason why not.

Nothing of a file is run: only tensors are read. And no model keeps a random tensor: every tensor of the architecture
must be in the file in its shape, and the file must hold nothing else.
"""

from __future__ import annotations

import pickle
import re
import zipfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.utils.module_loading import import_string

from autolabel.exceptions import ModelUnavailable, without_paths

from .base import ModelSpec

if TYPE_CHECKING:
    import torch

__all__ = ["build_architecture", "fill", "read_options", "read_tensors"]

_SHOWN = 3  # names of tensors in a message


def read_options(spec: ModelSpec, defaults: Mapping[str, Any]) -> dict[str, Any]:
    """OPTIONS of the model over `defaults`, of their types; numbers above 0. Raises ModelUnavailable naming the key."""
    unknown = sorted(set(spec.options) - set(defaults))
    if unknown:
        raise ModelUnavailable(
            f"OPTIONS of {spec.model_type!r} has unknown keys: {', '.join(unknown)}; it takes {', '.join(defaults)}."
        )
    for key, value in spec.options.items():
        wanted = type(defaults[key])
        number = isinstance(value, int | float) and not isinstance(value, bool)
        fits = number and value > 0 if wanted is float else isinstance(value, wanted) and not isinstance(value, bool)
        if not fits or (wanted is int and value < 1):
            kind = {int: "a whole number above 0", float: "a number above 0", str: "a text"}[wanted]
            raise ModelUnavailable(f'OPTIONS["{key}"] of {spec.model_type!r} is {value!r}; give {kind}.')
    return {**defaults, **spec.options}


def build_architecture(spec: ModelSpec, name: str, known: Mapping[str, Callable[[], Any]]) -> Any:
    """The model `name` with random weights: one of `known`, or what a function without arguments at that dotted path
    returns. Raises ModelUnavailable for a name that is neither.
    """
    option = f'OPTIONS["architecture"] of {spec.model_type!r}'
    builder = known.get(name)
    if builder is None and "." not in name:
        raise ModelUnavailable(
            f"{option} is {name!r}; give one of {', '.join(known)}, or the dotted path of a function that builds one."
        )
    if builder is None:
        try:
            builder = import_string(name)
        except ImportError as error:
            raise ModelUnavailable(f"{option} cannot be imported: {without_paths(error)}.") from error
    if not callable(builder):
        raise ModelUnavailable(f"{option} is {name!r}, which is no function.")
    return builder()


def read_tensors(spec: ModelSpec) -> dict[str, torch.Tensor]:
    """The tensors of a checkpoint by name, on the CPU; one {"model": …} around them is taken off.

    Raises ModelUnavailable for a file that holds anything but tensors, such as code: it is refused, not run.
    """
    import torch

    if spec.weights is None:
        raise ModelUnavailable(f"The model {spec.model_type!r} names no WEIGHTS.")
    what = f"The weights of {spec.model_type!r} ({spec.weights.name})"
    try:
        # Mapped, a file of gigabytes is not in memory twice while the model is filled from it.
        state = torch.load(spec.weights, map_location="cpu", weights_only=True, mmap=_is_zip(spec.weights))
    except pickle.UnpicklingError as error:
        if named := re.search(r"GLOBAL (\S+)", str(error)):
            reason = f"{what} hold more than tensors ({named[1]}). They were refused, and nothing of them was run."
            raise ModelUnavailable(reason) from error
        raise ModelUnavailable(f"{what} are no PyTorch checkpoint.") from error
    except MemoryError:
        raise
    except Exception as error:  # the reader raises almost any type on a file of another kind
        raise ModelUnavailable(f"{what} are no PyTorch checkpoint.") from error
    if isinstance(state, dict) and isinstance(state.get("model"), dict):
        state = state["model"]
    if not isinstance(state, dict) or not state or not all(isinstance(value, torch.Tensor) for value in state.values()):
        raise ModelUnavailable(f"{what} are no state dict: tensors by name are expected.")
    return state


def fill(model: torch.nn.Module, tensors: Mapping[str, torch.Tensor], spec: ModelSpec, architecture: str) -> None:
    """Load `tensors` into `model`, for inference.

    Raises ModelUnavailable naming what is missing, unexpected or of another shape; the model must not be used then.
    """
    wanted = model.state_dict()
    mistakes = [
        _counted("missing", (name for name in wanted if name not in tensors)),
        _counted("unexpected", (name for name in tensors if name not in wanted)),
        _counted(
            "of another shape",
            (name for name in wanted if name in tensors and tensors[name].shape != wanted[name].shape),
        ),
    ]
    if any(mistakes):
        raise ModelUnavailable(
            f"The weights of {spec.model_type!r} are not those of the architecture {architecture!r}. Of its "
            f"{len(wanted)} tensors: {'; '.join(filter(None, mistakes))}. Set WEIGHTS to a checkpoint of "
            f'{architecture!r}, or OPTIONS["architecture"] to what the file holds.'
        )
    model.load_state_dict(tensors, strict=True)
    model.requires_grad_(False).eval()


def _counted(what: str, names: Iterable[str]) -> str:
    found = sorted(names)
    if not found:
        return ""
    more = ", …" if len(found) > _SHOWN else ""
    return f"{len(found)} {what} ({', '.join(found[:_SHOWN])}{more})"


def _is_zip(path: Path) -> bool:
    """Whether it is a checkpoint as torch writes them since 1.6; older ones cannot be mapped."""
    return zipfile.is_zipfile(path)
