"""Weights on this machine: fetched from the default storage where the registry says so, and verified before each load.

A checkpoint may run code when it is loaded, so that nothing is loaded whose sha256 is not the registered one.
"""

from __future__ import annotations

import hashlib
import logging
import os
import tempfile
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import IO

from django.core.files.storage import default_storage

from autolabel.exceptions import ModelUnavailable

from .base import ModelSpec
from .cache import cache_folder, locked
from .memory import is_out_of_memory

__all__ = ["WeightsUnavailable", "located", "may_pass", "sha256_of", "sha256_of_stream", "verify_weights"]

logger = logging.getLogger(__name__)

_CHUNK_BYTES = 1024 * 1024


class WeightsUnavailable(ModelUnavailable):
    """The weights are not here, or not the registered ones. It may pass: a disk is mounted, a storage comes back."""


def may_pass(error: ModelUnavailable) -> bool:
    """Whether a later try may succeed: weights that come back, memory that others have given back."""
    return isinstance(error, WeightsUnavailable) or is_out_of_memory(error)


def located(spec: ModelSpec) -> ModelSpec:
    """The spec with its own weights as a verified file of this machine. Raises WeightsUnavailable.

    A `weights_key` is fetched from the default storage once and kept; `weights` is then the path of that copy.
    """
    if not spec.weights_key:
        verify_weights(spec)
        return spec
    folder = cache_folder("weights")
    # Named by the sha256, so that a copy never goes out of date, and by its own name, whose ending loaders look at.
    kept = folder / spec.sha256 / PurePosixPath(spec.weights_key).name
    # Other workers of this machine wait and find it; each verifies it anew, as at every load.
    try:
        with locked(folder, spec.sha256):
            if not kept.is_file() or sha256_of(kept) != spec.sha256:
                _fetch(spec, kept)
    except OSError as error:
        raise WeightsUnavailable(
            f"The weights of {spec.model_type!r} cannot be kept in the worker's cache folder: {error.strerror}."
        ) from error
    return replace(spec, weights=kept)


def verify_weights(spec: ModelSpec) -> None:
    """Raises WeightsUnavailable unless the weights exist and are byte for byte the registered ones."""
    if spec.weights is None:
        return
    try:
        if not spec.weights.is_file():
            reason = f"The weights of {spec.model_type!r} are not on this machine ({spec.weights.name})."
            raise WeightsUnavailable(reason)
        digest = sha256_of(spec.weights)
    except OSError as error:
        raise WeightsUnavailable(
            f"The weights of {spec.model_type!r} ({spec.weights.name}) cannot be read here: {error.strerror}."
        ) from error
    if digest != spec.sha256:
        raise WeightsUnavailable(
            f"The weights of {spec.model_type!r} are not the registered ones (sha256 {digest[:12]}…); not loaded."
        )


def sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return sha256_of_stream(file)


def sha256_of_stream(file: IO[bytes]) -> str:
    """The hash of what is left to read; a file of a storage will do."""
    digest = hashlib.sha256()
    while chunk := file.read(_CHUNK_BYTES):
        digest.update(chunk)
    return digest.hexdigest()


def _fetch(spec: ModelSpec, path: Path) -> None:
    path.parent.mkdir(mode=0o700, exist_ok=True)
    # Put in place when it is complete and verified, so that a fetch that is cut off leaves nothing that looks whole.
    handle, name = tempfile.mkstemp(dir=path.parent, prefix="fetching-")
    try:
        with os.fdopen(handle, "wb") as target:
            _download(spec, target)
        Path(name).replace(path)
    finally:
        Path(name).unlink(missing_ok=True)


def _download(spec: ModelSpec, target: IO[bytes]) -> None:
    """Copy the stored file, never more bytes than the storage has announced, and check what came."""
    digest, received = hashlib.sha256(), 0
    try:
        announced = default_storage.size(spec.weights_key)
        with default_storage.open(spec.weights_key, "rb") as source:
            while received <= announced and (chunk := source.read(_CHUNK_BYTES)):
                received += len(chunk)
                digest.update(chunk)
                target.write(chunk)
    except FileNotFoundError:
        raise WeightsUnavailable(f"The weights of {spec.model_type!r} are not in the storage.") from None
    except Exception as error:
        # Storages raise whatever their client raises; its text may hold addresses, which are for the log alone.
        logger.exception("The weights of %s cannot be fetched", spec.model_type)
        raise WeightsUnavailable(
            f"The weights of {spec.model_type!r} cannot be fetched from the storage ({type(error).__name__})."
        ) from error
    if received != announced:
        raise WeightsUnavailable(
            f"The weights of {spec.model_type!r} came incomplete: {received} of {announced} bytes."
        )
    if digest.hexdigest() != spec.sha256:
        raise WeightsUnavailable(
            f"The stored weights of {spec.model_type!r} are not the registered ones "
            f"(sha256 {digest.hexdigest()[:12]}…); not loaded."
        )
