"""All models there are: the settings' entries and the versions registered without a redeploy."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path

from autolabel.exceptions import ModelUnavailable
from autolabel.inference.base import ModelSpec
from autolabel.inference.entries import STORAGE, storage_key
from autolabel.inference.registry import specs
from autolabel.models import ModelDefault, ModelVersion

__all__ = ["VersionGone", "catalog", "spec_for"]

logger = logging.getLogger(__name__)


class VersionGone(ModelUnavailable):
    """The version is registered nowhere any more, so that no worker can run it."""


def catalog() -> dict[str, ModelSpec]:
    """Every model by model_type, at the version that new jobs use: the settings' order first, then by name."""
    settings = specs()
    found = dict(settings)
    defaults = ModelDefault.objects.filter(version__isnull=False).select_related("version").order_by("model_type")
    for default in defaults:
        try:
            assert default.version is not None
            found[default.model_type] = _as_spec(default.version, settings)
        except ModelUnavailable as error:
            logger.warning("The default of the model %s is left out: %s", default.model_type, error)
            found.pop(default.model_type, None)
    return found


def spec_for(model_type: str, version: str = "") -> ModelSpec:
    """One version of a model; the empty one runs the weights that the settings name. Raises ModelUnavailable,
    and VersionGone for one that is not registered."""
    settings = specs()
    if not version:
        if model_type not in settings:
            raise ModelUnavailable(f"The registry has no model {model_type!r}.")
        return settings[model_type]
    row = ModelVersion.objects.filter(model_type=model_type, version=version).first()
    if row is None:
        raise VersionGone(f"The model {model_type!r} has no version {version!r}.")
    return _as_spec(row, settings)


def _as_spec(row: ModelVersion, settings: dict[str, ModelSpec]) -> ModelSpec:
    base = settings.get(row.base)
    if base is None:
        raise ModelUnavailable(
            f"The model {row.model_type!r} {row.version} runs like {row.base!r}, which the settings no longer have."
        )
    stored = row.weights.startswith(STORAGE)
    return replace(
        base,
        model_type=row.model_type,
        version=row.version,
        title=row.title or (base.title if row.model_type == base.model_type else row.model_type),
        weights=None if stored else Path(row.weights),
        weights_key=storage_key(row.weights) if stored else "",
        sha256=row.sha256,
    )
