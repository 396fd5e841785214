"""The server-side registry of models. Weights come from here and nowhere else, each verified by its sha256.

AUTOLABEL = {
    "MODELS": {
        "yolo": {
            "PREDICTOR": "autolabel.inference.yolo.YoloPredictor",
            "WEIGHTS": BASE_DIR / "weights" / "yolo26n.pt",   # an existing absolute path
            "SHA256": "…",                                   # a .pt file is a pickle: never load an unknown one
            "TITLE": "YOLO26 nano",                          # optional from here on
            "QUEUE": "autolabel", "FLOOR": 0.05, "MAX_PREDICTIONS": 100, "BATCH_SIZE": 8,
            "OPTIONS": {"imgsz": 640, "device": "auto"},
        },
    },
}
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

from autolabel.conf import conf
from autolabel.exceptions import ModelUnavailable

from .base import ModelSpec, Predictor

__all__ = ["get_spec", "load_predictor", "specs"]

logger = logging.getLogger(__name__)

_KEYS = {
    "PREDICTOR",
    "WEIGHTS",
    "SHA256",
    "TITLE",
    "QUEUE",
    "FLOOR",
    "MAX_PREDICTIONS",
    "BATCH_SIZE",
    "OPTIONS",
}
# The predictor that this process has loaded last, by its spec: one model stays warm, and two never fill the memory.
_warm: dict[str, tuple[ModelSpec, Predictor]] = {}


def specs() -> dict[str, ModelSpec]:
    """The registry by model_type, in the order of the settings. Raises ImproperlyConfigured."""
    return {model_type: _spec(model_type, entry) for model_type, entry in conf().models.items()}


def get_spec(model_type: str) -> ModelSpec:
    """Raises ModelUnavailable for a name the registry does not have."""
    try:
        return specs()[model_type]
    except KeyError:
        raise ModelUnavailable(f"The registry has no model {model_type!r}.") from None


def _spec(model_type: str, entry: Mapping[str, Any]) -> ModelSpec:
    unknown = sorted(set(entry) - _KEYS)
    if unknown:
        raise ImproperlyConfigured(f"The model {model_type!r} has unknown keys: {', '.join(unknown)}.")
    if not entry.get("PREDICTOR"):
        raise ImproperlyConfigured(f"The model {model_type!r} names no PREDICTOR class.")
    weights = Path(entry["WEIGHTS"]) if entry.get("WEIGHTS") else None
    if weights is not None and not weights.is_absolute():
        raise ImproperlyConfigured(f"WEIGHTS of the model {model_type!r} must be an absolute path.")
    if weights is not None and len(entry.get("SHA256", "")) != 64:
        raise ImproperlyConfigured(f"The model {model_type!r} has WEIGHTS but no SHA256 to verify them by.")
    return ModelSpec(
        model_type=model_type,
        predictor=entry["PREDICTOR"],
        weights=weights,
        sha256=entry.get("SHA256", "").lower(),
        queue=entry.get("QUEUE", conf().queue),
        title=entry.get("TITLE", model_type),
        floor=entry.get("FLOOR", 0.05),
        max_predictions=entry.get("MAX_PREDICTIONS", 100),
        batch_size=entry.get("BATCH_SIZE", 8),
        options=dict(entry.get("OPTIONS", {})),
    )


def load_predictor(model_type: str) -> Predictor:
    """The model, loaded, from memory if this process used it last. Raises ModelUnavailable with the reason."""
    spec = get_spec(model_type)
    held = _warm.get(model_type)
    if held and held[0] == spec:
        return held[1]
    _warm.clear()
    try:
        verify_weights(spec)
        predictor: Predictor = import_string(spec.predictor)(spec)
    except ModelUnavailable:
        raise
    except ImportError as error:
        raise ModelUnavailable(f"The model {model_type!r} needs a library that is missing here: {error}") from error
    except Exception as error:
        # The reason is shown to people who start jobs; paths of the server are for its log alone.
        logger.exception("The model %s cannot be loaded", model_type)
        reason = f"The model {model_type!r} cannot be loaded ({type(error).__name__}); the worker's log says more."
        raise ModelUnavailable(reason) from error
    _warm[model_type] = (spec, predictor)
    return predictor


def verify_weights(spec: ModelSpec) -> None:
    """Raises ModelUnavailable unless the weights exist and are byte for byte the registered ones."""
    if spec.weights is None:
        return
    if not spec.weights.is_file():
        raise ModelUnavailable(f"The weights of {spec.model_type!r} are not on this machine ({spec.weights.name}).")
    with spec.weights.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if digest != spec.sha256:
        raise ModelUnavailable(
            f"The weights of {spec.model_type!r} are not the registered ones (sha256 {digest[:12]}…); not loaded."
        )
