"""The server-side registry of models. Weights come from here and nowhere else, each verified by its sha256.

AUTOLABEL = {
    "MODELS": {
        "yolo": {
            "PREDICTOR": "autolabel.inference.yolo.YoloPredictor",
            "WEIGHTS": BASE_DIR / "weights" / "yolo26n.pt",   # an absolute path, or "storage:KEY"
            "SHA256": "…",                                   # a .pt file is a pickle: never load an unknown one
            # Optional from here on, with their defaults:
            "TITLE": "yolo", "QUEUE": "autolabel", "FLOOR": 0.05, "MAX_PREDICTIONS": 100, "BATCH_SIZE": 8,
            "DEVICE": "auto", "PRECISION": "auto", "ENGINE": "auto", "IMAGE_SIZE": None, "CONCURRENCY": None,
            "PERMISSION": "", "GROUP": "", "DETECTOR": None, "HOW_TO_GET": "", "OPTIONS": {},
        },
    },
}

docs/models.md explains each key. Versions registered without a redeploy are added to this by `autolabel.jobs.catalog`.
"""

from __future__ import annotations

import gc
import logging
import sys

from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

from autolabel.conf import conf
from autolabel.exceptions import ModelUnavailable, without_paths

from .base import ModelInfo, ModelSpec, Predictor
from .entries import read_registry
from .weights import located, verify_weights

__all__ = [
    "build_predictor",
    "get_spec",
    "load_predictor",
    "missing_weights",
    "specs",
    "unload",
    "verify_weights",
    "warm_spec",
]

logger = logging.getLogger(__name__)

# The predictor that this process has loaded last, by its spec: one model stays warm, and two never fill the memory.
_warm: dict[str, tuple[ModelSpec, Predictor]] = {}


def specs() -> dict[str, ModelSpec]:
    """The settings' models by model_type, in their order. Raises ImproperlyConfigured."""
    registry, mistakes = read_registry(conf().models, conf().queue)
    if mistakes:
        raise ImproperlyConfigured(" ".join(f"{mistake.text} {mistake.hint}" for mistake in mistakes))
    return registry


def get_spec(model_type: str) -> ModelSpec:
    """The model as the settings have it. Raises ModelUnavailable for a name they do not have."""
    try:
        return specs()[model_type]
    except KeyError:
        raise ModelUnavailable(f"The registry has no model {model_type!r}.") from None


def load_predictor(spec: ModelSpec) -> Predictor:
    """The model, loaded, from memory if this process used it last. Raises ModelUnavailable with the reason."""
    held = _warm.get(spec.model_type)
    if held and held[0] == spec:
        return held[1]
    ready = _located(spec)
    # Only now: missing weights are no reason to forget the model that does run.
    unload()
    predictor = _construct(ready)
    _warm[spec.model_type] = (spec, predictor)
    return predictor


def build_predictor(spec: ModelSpec) -> Predictor:
    """The model, loaded anew from verified weights and not kept. Raises ModelUnavailable with the reason.

    For a predictor that runs another model: SAM's detector, for instance.
    """
    return _construct(_located(spec))


def warm_spec() -> ModelSpec | None:
    """The model that `load_predictor` would answer from memory."""
    return next((spec for spec, _ in _warm.values()), None)


def unload() -> None:
    """Forget the warm model and give back its memory."""
    _warm.clear()
    gc.collect()
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_initialized():
        torch.cuda.empty_cache()


def missing_weights(spec: ModelSpec) -> str:
    """Why the model can run nowhere, because it needs weights and nobody has named any; empty if that is not so.

    Known without loading anything, so that the web process can say it: from `needs_weights` and `how_to_get` of the
    predictor class, both optional.
    """
    if spec.detector is not None and (reason := missing_weights(spec.detector)):
        return f"Its detector cannot run. {reason}"
    if spec.weights is not None or spec.weights_key:
        return ""
    try:
        predictor = import_string(spec.predictor)
    except Exception:
        return ""  # a system check and the workers say that
    if not getattr(predictor, "needs_weights", False):
        return ""
    how = spec.how_to_get or getattr(predictor, "how_to_get", "")
    return f"The model {spec.model_type!r} has no weights. {how}".strip()


def _located(spec: ModelSpec) -> ModelSpec:
    reason = missing_weights(spec)
    if reason:
        raise ModelUnavailable(reason)
    return located(spec)


def _construct(spec: ModelSpec) -> Predictor:
    try:
        predictor: Predictor = import_string(spec.predictor)(spec)
    except ModelUnavailable:
        raise
    except ImportError as error:
        reason = f"The model {spec.model_type!r} needs a library that is missing here: {without_paths(error)}"
        raise ModelUnavailable(reason) from error
    except Exception as error:
        # The reason is shown to people who start jobs; paths of the server are for its log alone.
        logger.exception("The model %s cannot be loaded", spec.model_type)
        reason = f"The model {spec.model_type!r} cannot be loaded ({type(error).__name__}); the worker's log says more."
        raise ModelUnavailable(reason) from error
    if not isinstance(getattr(predictor, "info", None), ModelInfo):
        raise ModelUnavailable(f"The predictor of {spec.model_type!r} sets no `info`: give it a ModelInfo.")
    return predictor
