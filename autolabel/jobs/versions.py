"""Registering models without a redeploy: add a version, choose the default. Command and admin come through here.

A version names weights and an entry of the settings whose predictor and options run them, so that no row names code.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any

from django.core.files.storage import default_storage
from django.db import IntegrityError, router, transaction

from autolabel.exceptions import AutolabelError, ModelUnavailable
from autolabel.inference.base import ModelSpec
from autolabel.inference.entries import MODEL_NAME, SHA256, STORAGE, storage_key
from autolabel.inference.registry import specs
from autolabel.inference.weights import sha256_of_stream
from autolabel.models import ModelDefault, ModelVersion

from .catalog import spec_for

__all__ = ["SETTINGS", "Checked", "NewVersion", "VersionInvalid", "add_version", "checked", "set_default", "store"]

# What people say for "the weights that the settings name", instead of a version.
SETTINGS = "settings"


class VersionInvalid(AutolabelError):
    """A version that cannot be registered or made the default. `field` is one of NewVersion's."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


@dataclass(frozen=True, slots=True)
class NewVersion:
    """What is to be registered: `like` names an entry of the settings, where `model_type` is not one itself."""

    model_type: str
    version: str
    weights: str  # an absolute path on the workers, or storage:KEY
    sha256: str
    like: str = ""
    title: str = ""


@dataclass(frozen=True, slots=True)
class Checked:
    """A version that may be stored. `verified`: its weights are reachable here and have that sha256."""

    row: ModelVersion
    verified: bool


def add_version(
    new: NewVersion, *, user: Any = None, default: bool = False, verify_bytes: int | None = None
) -> Checked:
    """Register a version, and make it the default if asked to or if the model has none. Raises VersionInvalid."""
    return store(checked(new, verify_bytes), user=user, default=default)


def checked(new: NewVersion, verify_bytes: int | None = None) -> Checked:
    """Judge everything about a version without storing it. Raises VersionInvalid.

    Weights that this machine can read are verified now, unless they are larger than `verify_bytes`; workers verify
    them before each load in any case.
    """
    for field, name in (("model_type", new.model_type), ("version", new.version)):
        if not MODEL_NAME.fullmatch(name):
            raise VersionInvalid(field, f"{name!r} cannot be: up to 64 letters, digits, '.', '_' and '-'.")
    if new.version == SETTINGS:
        raise VersionInvalid("version", f"{SETTINGS!r} stands for the weights that the settings name; choose another.")
    if len(new.title) > 100:
        raise VersionInvalid("title", "A title has up to 100 characters.")
    if not SHA256.fullmatch(new.sha256):
        raise VersionInvalid("sha256", 'A sha256 is 64 hexadecimal digits, as "sha256sum FILE" prints it.')
    if ModelVersion.objects.filter(model_type=new.model_type, version=new.version).exists():
        raise VersionInvalid("version", _taken(new.model_type, new.version))
    row = ModelVersion(
        model_type=new.model_type,
        version=new.version,
        base=_base(new),
        title=new.title,
        weights=new.weights,
        sha256=new.sha256.lower(),
    )
    return Checked(row, _verified(new, verify_bytes))


def store(judged: Checked, *, user: Any = None, default: bool = False) -> Checked:
    """Store a version that has been judged. Raises VersionInvalid where another was faster."""
    row = judged.row
    row.created_by = user
    try:
        with transaction.atomic(using=router.db_for_write(ModelVersion)):
            row.save()
            if default or not _has_weights(row.model_type):
                _point(row.model_type, row, user)
    except IntegrityError:
        raise VersionInvalid("version", _taken(row.model_type, row.version)) from None
    return judged


def set_default(model_type: str, version: str, *, user: Any = None) -> ModelSpec:
    """New jobs of the model use that version from now on; SETTINGS goes back to the settings' weights.

    Jobs that exist keep theirs. Returns the model at that version. Raises VersionInvalid.
    """
    wanted = "" if version == SETTINGS else version
    try:
        spec = spec_for(model_type, wanted)
    except ModelUnavailable as error:
        raise VersionInvalid("version" if wanted else "model_type", str(error)) from None
    row = ModelVersion.objects.get(model_type=model_type, version=wanted) if wanted else None
    _point(model_type, row, user)
    return spec


def _point(model_type: str, version: ModelVersion | None, user: Any) -> None:
    ModelDefault.objects.update_or_create(model_type=model_type, defaults={"version": version, "changed_by": user})


def _has_weights(model_type: str) -> bool:
    """Whether new jobs have something to run without the version that is being added."""
    return model_type in specs() or ModelDefault.objects.filter(model_type=model_type, version__isnull=False).exists()


def _base(new: NewVersion) -> str:
    """The entry of the settings whose predictor and options run the weights."""
    entries = specs()
    if new.model_type in entries:
        if new.like and new.like != new.model_type:
            raise VersionInvalid("like", f"{new.model_type!r} is an entry of the settings and runs like itself.")
        return new.model_type
    if new.like:
        if new.like not in entries:
            raise VersionInvalid("like", f"The settings have no entry {new.like!r}. They have {', '.join(entries)}.")
        return new.like
    earlier = ModelVersion.objects.filter(model_type=new.model_type).order_by("-id").first()
    if earlier is None or earlier.base not in entries:
        raise VersionInvalid(
            "like", f"{new.model_type!r} is a new model: say which entry it runs like ({', '.join(entries)})."
        )
    return earlier.base


def _verified(new: NewVersion, verify_bytes: int | None) -> bool:
    """Whether the weights could be read here and are the ones that the sha256 names. Raises VersionInvalid."""
    if len(new.weights) > 1024:
        raise VersionInvalid("weights", "The place of the weights has up to 1024 characters.")
    if new.weights.startswith(STORAGE):
        return _verified_in_storage(new, verify_bytes)
    path = PurePath(new.weights)
    if not path.is_absolute() or ".." in path.parts:
        raise VersionInvalid(
            "weights", f"Give the absolute path of a file on the workers, or {STORAGE}KEY for one of the storage."
        )
    here = Path(new.weights)
    try:
        if not here.exists():
            return False
        if not here.is_file():
            raise VersionInvalid("weights", "This is no file.")
        if verify_bytes is not None and here.stat().st_size > verify_bytes:
            return False
        with here.open("rb") as file:
            digest = sha256_of_stream(file)
    except OSError:
        return False  # another user's, on a disk that is away: for the workers to say
    return _same(digest, new)


def _verified_in_storage(new: NewVersion, verify_bytes: int | None) -> bool:
    try:
        key = storage_key(new.weights)
    except ValueError as error:
        raise VersionInvalid("weights", f"{error}.") from None
    try:
        if not default_storage.exists(key):
            raise VersionInvalid("weights", f"The default storage has no file {key!r}.")
        if verify_bytes is not None and default_storage.size(key) > verify_bytes:
            return False
        with default_storage.open(key, "rb") as file:
            digest = sha256_of_stream(file)
    except AutolabelError:
        raise
    except Exception as error:
        # Storages raise whatever their client raises.
        raise VersionInvalid("weights", f"The storage does not answer ({type(error).__name__}).") from error
    return _same(digest, new)


def _same(digest: str, new: NewVersion) -> bool:
    if digest != new.sha256.lower():
        # Without the file's own hash: it may be a file that is none of the caller's business.
        raise VersionInvalid("sha256", "The file has another sha256.")
    return True


def _taken(model_type: str, version: str) -> str:
    return f"{model_type!r} has a version {version!r} already. Versions never change: choose another name."
