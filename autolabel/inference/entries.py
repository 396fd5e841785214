"""Reads the entries of AUTOLABEL["MODELS"]: every key with its type, and every mistake with the way out."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

from .base import ModelSpec

__all__ = ["MODEL_NAME", "SHA256", "STORAGE", "Mistake", "read_registry", "storage_key"]

# A weights location that is a key of the default storage instead of a path.
STORAGE = "storage:"
SHA256 = re.compile(r"[0-9a-fA-F]{64}")
# A model_type or a version: fit for an address, a command line and a column of 64 characters.
MODEL_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@dataclass(frozen=True, slots=True)
class Mistake:
    """One thing that is wrong with one entry. `kind` is its key in lower case, or "entry" or "detector_cycle"."""

    kind: str
    text: str
    hint: str = ""


class _Wrong(ValueError):
    """A value that cannot be; the message says what can."""


def read_registry(models: Any, queue: str) -> tuple[dict[str, ModelSpec], list[Mistake]]:
    """The entries without mistakes by model_type, in their order, and all mistakes of the others.

    `queue` is the queue of entries that name none. DETECTOR is resolved into `ModelSpec.detector`.
    """
    if not isinstance(models, Mapping):
        hint = 'Give a dict: {"yolo": {"PREDICTOR": …, "WEIGHTS": …, "SHA256": …}}.'
        return {}, [Mistake("entry", f'AUTOLABEL["MODELS"] is {_shown(models)}.', hint)]
    found: dict[str, ModelSpec] = {}
    mistakes: list[Mistake] = []
    for model_type, entry in models.items():
        spec, wrong = _read_entry(model_type, entry, queue)
        mistakes += wrong
        if spec is not None:
            found[model_type] = spec
    named = {name: entry.get("DETECTOR") for name, entry in models.items() if isinstance(entry, Mapping)}
    # Of another type it is a mistake of its own entry already.
    detectors = {name: detector for name, detector in named.items() if isinstance(detector, str)}
    wrong_detectors = {name: _wrong_detector(name, set(named), detectors) for name in found}
    mistakes += [mistake for wrong in wrong_detectors.values() for mistake in wrong]
    sound = {name for name, wrong in wrong_detectors.items() if not wrong}
    registry = {
        name: _with_detector(name, found, detectors) for name in found if sound >= {name, *_chain(name, detectors)}
    }
    return registry, mistakes


def storage_key(weights: str) -> str:
    """The storage key in `storage:KEY`. Raises ValueError, with the reason, for one that could leave the storage."""
    key = weights.removeprefix(STORAGE)
    parts = PurePosixPath(key).parts
    if not parts or key.startswith("/") or "\\" in key or ".." in parts or key.endswith("/"):
        raise ValueError(f"{STORAGE}KEY takes the relative name of a file in the default storage, without '..'")
    return key


def _read_entry(model_type: Any, entry: Any, queue: str) -> tuple[ModelSpec | None, list[Mistake]]:
    where = f'AUTOLABEL["MODELS"]["{model_type}"]'
    if not isinstance(model_type, str) or not MODEL_NAME.fullmatch(model_type):
        hint = "Use up to 64 letters, digits, '.', '_' and '-'; clients name the model by it."
        return None, [Mistake("entry", f'AUTOLABEL["MODELS"] has a name that cannot be: {_shown(model_type)}.', hint)]
    if not isinstance(entry, Mapping):
        return None, [Mistake("entry", f"{where} is {_shown(entry)}.", 'Give a dict with at least "PREDICTOR".')]
    mistakes = []
    unknown = sorted(str(key) for key in set(entry) - set(_KEYS))
    if unknown:
        hint = f"The keys are {', '.join(_KEYS)}; whatever is the predictor's own goes into OPTIONS."
        mistakes.append(Mistake("entry", f"{where} has unknown keys: {', '.join(unknown)}.", hint))
    values: dict[str, Any] = {}
    for key, read in _KEYS.items():
        # None is "not given", so that a setting may pass an absent environment variable through.
        if entry.get(key) is None:
            continue
        try:
            values[key] = read(entry[key])
        except _Wrong as wrong:
            mistakes.append(Mistake(key.lower(), f'{where}["{key}"] is {_shown(entry[key])}.', f"Give {wrong}."))
    mistakes += _missing(where, entry, values)
    if mistakes:
        return None, mistakes
    return _spec(model_type, values, queue), []


def _missing(where: str, entry: Mapping[str, Any], values: Mapping[str, Any]) -> list[Mistake]:
    mistakes = []
    if entry.get("PREDICTOR") is None:
        hint = "Give the dotted path of a class with predict_batch; see autolabel.inference.base.Predictor."
        mistakes.append(Mistake("predictor", f'{where} names no "PREDICTOR" class.', hint))
    if values.get("WEIGHTS") and not entry.get("SHA256"):
        hint = 'Give the file\'s sha256, as "sha256sum FILE" prints it: an unknown file is never loaded.'
        mistakes.append(Mistake("sha256", f'{where} has "WEIGHTS" but no "SHA256" to verify them by.', hint))
    return mistakes


def _spec(model_type: str, values: Mapping[str, Any], queue: str) -> ModelSpec:
    weights = values.get("WEIGHTS", "")
    key = storage_key(weights) if weights.startswith(STORAGE) else ""
    given = {_ATTRIBUTES[name]: value for name, value in values.items() if name in _ATTRIBUTES}
    return ModelSpec(
        **{
            "queue": queue,
            "title": model_type,
            "sha256": "",
            **given,
            "model_type": model_type,
            "weights": Path(weights) if weights and not key else None,
            "weights_key": key,
        }
    )


def _wrong_detector(model_type: str, names: set[str], detectors: Mapping[str, str]) -> list[Mistake]:
    where, detector = f'AUTOLABEL["MODELS"]["{model_type}"]["DETECTOR"]', detectors.get(model_type)
    if detector is None:
        return []
    if detector not in names:
        others = ", ".join(sorted(names - {model_type})) or "there is none"
        hint = f"Give another model of the registry: {others}."
        return [Mistake("detector", f"{where} is {_shown(detector)}.", hint)]
    chain = _chain(model_type, detectors)
    if model_type in chain:
        way = " → ".join([model_type, *chain])
        return [Mistake("detector_cycle", f"{where} leads back to itself: {way}.", "A detector stands on its own.")]
    return []


def _chain(model_type: str, detectors: Mapping[str, str]) -> list[str]:
    """The detectors behind the model, nearest first, each once."""
    chain: list[str] = []
    name = detectors.get(model_type)
    while name is not None and name not in chain:
        chain.append(name)
        name = detectors.get(name)
    return chain


def _with_detector(model_type: str, found: Mapping[str, ModelSpec], detectors: Mapping[str, str]) -> ModelSpec:
    detector = detectors.get(model_type)
    if detector is None:
        return found[model_type]
    return replace(found[model_type], detector=_with_detector(detector, found, detectors))


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 100 else f"{text[:97]}…"


# One reader a kind of value: returns the value as a ModelSpec holds it, or raises _Wrong with what can be given.


def _text(what: str, longest: int = 2000) -> Callable[[Any], str]:
    def read(value: Any) -> str:
        if not isinstance(value, str) or len(value) > longest:
            raise _Wrong(what)
        return value

    return read


def _matching(pattern: str, what: str) -> Callable[[Any], str]:
    def read(value: Any) -> str:
        if not isinstance(value, str) or not re.fullmatch(pattern, value):
            raise _Wrong(what)
        return value

    return read


def _whole(least: int, most: int, what: str) -> Callable[[Any], int]:
    def read(value: Any) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            raise _Wrong(f"{what}, a whole number from {least} to {most}")
        return value

    return read


def _weights(value: Any) -> str:
    text = str(value) if isinstance(value, str | Path) else None
    if text is not None and text.startswith(STORAGE):
        try:
            return STORAGE + storage_key(text)
        except ValueError as error:
            raise _Wrong(f"a file that can be: {error}") from None
    if text is None or (text and not Path(text).is_absolute()):
        raise _Wrong(f'the absolute path of an existing file, or "{STORAGE}KEY" for a file of the default storage')
    return text


def _sha256(value: Any) -> str:
    return _matching(f"({SHA256.pattern})?", "the file's sha256: 64 hexadecimal digits")(value).lower()


def _floor(value: Any) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value <= 1:
        raise _Wrong("a number from 0.0 to 1.0, the least score that is kept")
    return float(value)


def _options(value: Any) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise _Wrong("a dict, which the predictor alone reads")
    return dict(value)


_KEYS: dict[str, Callable[[Any], Any]] = {
    "PREDICTOR": _matching(r"(\w+\.)+\w+", "the dotted path of a class with predict_batch"),
    "WEIGHTS": _weights,
    "SHA256": _sha256,
    "TITLE": _text("a text of up to 100 characters for people", 100),
    "HOW_TO_GET": _text("a text for people: how to get weights that cannot be shipped"),
    "QUEUE": _matching(r".+", "the name of a queue, a key of RQ_QUEUES"),
    "FLOOR": _floor,
    "MAX_PREDICTIONS": _whole(1, 10_000, "how many predictions of an image are kept"),
    "BATCH_SIZE": _whole(1, 1024, "how many images the model is given at once"),
    "DEVICE": _matching(r"auto|cpu|cuda(:\d+)?", '"auto", "cpu" or "cuda:N"'),
    "PRECISION": _matching(r"auto|fp32|fp16", '"auto", "fp32" or "fp16"'),
    "ENGINE": _matching(r"auto|pytorch|openvino|onnxruntime", '"auto", "pytorch", "openvino" or "onnxruntime"'),
    "IMAGE_SIZE": _whole(32, 8192, "the side of the network's square input in pixels"),
    "CONCURRENCY": _whole(1, 10_000, "how many lanes may run the model at once"),
    "PERMISSION": _matching(r"(\w+\.\w+)?", 'a permission as "app_label.codename"'),
    "GROUP": _text("the name of a group", 150),
    "DETECTOR": _matching(r".+", "the name of another model of the registry"),
    "OPTIONS": _options,
}
# The keys that are attributes of a ModelSpec as they are.
_ATTRIBUTES = {key: key.lower() for key in _KEYS if key not in ("WEIGHTS", "DETECTOR")}
