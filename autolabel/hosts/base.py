"""The Host contract: everything this app asks of the platform it is installed in.

Refs are strings; values are the frozen dataclasses below. Geometry is in absolute pixels of the EXIF-upright image.
One suite, `tests/autolabel/host_contract.py`, says what a host must do and runs against every host there is.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import IO, Any, Literal, Protocol

from autolabel.shapes import BoxPrompt, Kind, Shape

__all__ = [
    "Action",
    "Actor",
    "Draft",
    "Host",
    "ItemDrafts",
    "JobRef",
    "LabelTarget",
    "Project",
    "Scope",
    "Verdict",
]

Action = Literal["view", "run", "cancel", "manage"]


@dataclass(frozen=True, slots=True)
class Actor:
    """Who asks: the user, and the credential of the request (None for a session), which may allow less."""

    user: Any
    credential: Any = None


@dataclass(frozen=True, slots=True)
class Project:
    uid: str
    name: str


@dataclass(frozen=True, slots=True)
class LabelTarget:
    """A label of a project and the kinds of shapes it takes."""

    name: str
    kinds: frozenset[Kind]


@dataclass(frozen=True, slots=True)
class Scope:
    """Which items a job is about: all that wait for it, those named, or a random sample that `seed` repeats.

    Unlabeled items wait for a model that finds objects. With `boxes_to_masks` it is the items on which people have
    accepted boxes, finished ones included, flagged ones not.
    """

    item_uids: tuple[str, ...] | None = None
    sample: int | None = None
    seed: int = 0
    boxes_to_masks: bool = False


@dataclass(frozen=True, slots=True)
class JobRef:
    """What a host may know of a job while it writes drafts or is told of its end."""

    uid: str
    project_uid: str
    status: str
    model_name: str
    model_version: str
    boxes_to_masks: bool = False


@dataclass(frozen=True, slots=True)
class Draft:
    """A prediction to show to a reviewer; `shape.label` is one of the project's labels as the host spells it."""

    prediction_uid: str
    shape: Shape


@dataclass(frozen=True, slots=True)
class ItemDrafts:
    """All drafts of one item, none included, with the size in pixels of the image that the model saw."""

    item_uid: str
    width: int
    height: int
    drafts: tuple[Draft, ...]


@dataclass(frozen=True, slots=True)
class Verdict:
    prediction_uid: str
    verdict: Literal["accepted", "edited", "discarded"]


class Host(Protocol):
    """A platform that this app can label. Methods may be called from several threads and processes at once."""

    def database_alias(self) -> str:
        """The alias of the database that `write_drafts` writes to; it must be the one that holds our jobs."""

    def visible_project_uids(self, user: Any) -> Collection[str]:
        """The uids of all projects that `user` may see; a values queryset keeps this lazy."""

    def get_project(self, uid: str, user: Any) -> Project:
        """The project. Raises LookupError where there is none or `user` may not see it."""

    def get_project_trusted(self, uid: str) -> Project:
        """The project, for workers and administrators. Raises LookupError where there is none."""

    def can(self, actor: Actor, action: Action, project: Project) -> bool:
        """Whether `actor`, who may be anybody, is allowed to do `action` on `project`."""

    def label_targets(self, project: Project) -> Sequence[LabelTarget]:
        """The labels of `project`, in its order."""

    def count_unlabeled(self, project: Project, scope: Scope) -> int:
        """How many items `iter_unlabeled` would yield."""

    def iter_unlabeled(self, project: Project, scope: Scope, after: str | None = None) -> Iterator[str]:
        """The uids of unlabeled items in a fixed order, streamed, resuming behind the item `after`.

        Unlabeled: no human annotation, no verdict, not done, not flagged. Items with only untouched drafts count.
        With `scope.boxes_to_masks`: items with accepted boxes, see Scope.
        A sample is fixed by its seed as long as the set of unlabeled items is.
        """

    def box_prompts(self, project: Project, item_uids: Sequence[str]) -> Mapping[str, Sequence[BoxPrompt]]:
        """The boxes that people have accepted on these items, for a job that makes masks of them."""

    def open_image(self, project: Project, item_uid: str) -> AbstractContextManager[IO[bytes]]:
        """The item's original file, open for reading.

        Raises ItemUnreadable where it is gone for good; any other error is taken as a passing fault of the storage.
        """

    def write_drafts(self, job: JobRef, items: Sequence[ItemDrafts]) -> set[str]:
        """Write drafts, inside a transaction that the caller has opened.

        Replaces the untouched drafts that earlier jobs left on these items, and nothing that a person reviewed.
        Writes nothing on an item that a person has labeled meanwhile, or that is gone, and returns those items' uids.

        For a job with `boxes_to_masks` each draft's `shape.source` names the box that it is the mask of. The draft
        lies beside that box until it is accepted, which discards the box; a finished item is opened again. Drafts
        whose box is gone or has changed its status are left out; an item without any other is returned as taken.
        Only earlier masks of boxes are replaced.
        """

    def delete_drafts(self, job: JobRef) -> int:
        """Delete the job's drafts that nobody has touched; returns how many there were."""

    def verdicts(self, job: JobRef) -> Iterator[Verdict]:
        """What reviewers have decided about the job's drafts so far."""

    def on_finished(self, job: JobRef) -> None:
        """Called after the job's end is committed, at least once."""

    def worker_context(self, user: Any) -> AbstractContextManager[None]:
        """Wraps a worker's dealings with this host on behalf of `user` (None when no person started the job)."""

    def project_url(self, project_uid: str) -> str:
        """The page where a person reviews the project's drafts."""

    def item_url(self, project_uid: str, item_uid: str) -> str:
        """The page where a person reviews one item."""
