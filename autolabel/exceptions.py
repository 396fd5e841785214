"""Errors that callers are expected to handle; each message can be shown to a person as it is."""

from __future__ import annotations

import re

__all__ = [
    "AutolabelError",
    "ItemUnreadable",
    "JobActive",
    "JobConflict",
    "JobInvalid",
    "JobLimit",
    "JobNotActive",
    "KeyReused",
    "ModelUnavailable",
    "NotAllowed",
    "NothingToRestore",
    "NothingToRetry",
    "without_paths",
]


class AutolabelError(Exception):
    """Base of every expected failure of this app."""


class ItemUnreadable(AutolabelError):
    """The item can never be read as an image; that item fails, the job goes on."""


class ModelUnavailable(AutolabelError):
    """The model cannot run here: unknown, not installed, weights missing or not the registered ones."""


class NotAllowed(AutolabelError):
    """The actor may see the project but not do this."""


class JobInvalid(AutolabelError):
    """A job request that names something the project or the registry does not have."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


class JobConflict(AutolabelError):
    """The project already has an active job."""

    def __init__(self, active_uid: str) -> None:
        super().__init__("An auto-label job is already active on this project.")
        self.active_uid = active_uid


class JobLimit(AutolabelError):
    """The user has as many active jobs as one user may have."""

    def __init__(self, limit: int) -> None:
        jobs = "1 active job" if limit == 1 else f"{limit:,} active jobs"
        super().__init__(
            f"You have {jobs}, and more at once are not allowed (setting MAX_ACTIVE_JOBS_PER_USER). "
            "Wait until one has ended, or cancel one."
        )


class KeyReused(AutolabelError):
    """An Idempotency-Key came back with another request."""


class JobNotActive(AutolabelError):
    """The job has already ended."""


class JobActive(AutolabelError):
    """What is asked for has to wait until the job has ended."""


class NothingToRetry(AutolabelError):
    """The job has no failed items, or no longer knows which they were."""


class NothingToRestore(AutolabelError):
    """The predictions that the discarded drafts were copies of have been pruned."""


def without_paths(error: ImportError) -> str:
    """What could not be imported, without the files that Python names: people who start jobs read it."""
    text = str(error).replace(f" ({error.path})", "") if error.path else str(error)
    return re.sub(r"(?<![\w.])/[^\s():,']+", "…", text)
