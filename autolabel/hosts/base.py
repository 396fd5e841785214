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

# From this intersection over union on, a new draft shows what an existing one shows.
OVERLAP = 0.5

__all__ = [
    "OVERLAP",
    "Action",
    "Actor",
    "Draft",
    "ExistingDrafts",
    "Host",
    "ItemDrafts",
    "JobRef",
    "LabelTarget",
    "Project",
    "Scope",
    "Verdict",
    "Written",
]

Action = Literal["view", "run", "cancel", "manage"]
ExistingDrafts = Literal["replace", "keep", "skip"]


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
    existing_drafts: ExistingDrafts = "replace"


@dataclass(frozen=True, slots=True)
class Draft:
    """A prediction to show to a reviewer; `shape.label` is one of the project's labels as the host spells it."""

    prediction_uid: str
    shape: Shape


@dataclass(frozen=True, slots=True)
class ItemDrafts:
    """All drafts of one item, none included, with the size in pixels of the image that the model saw.

    Both are 0 in `Host.restore_drafts`: predictions do not keep the size, the host has the image.
    """

    item_uid: str
    width: int
    height: int
    drafts: tuple[Draft, ...]


@dataclass(frozen=True, slots=True)
class Written:
    """What `write_drafts` did not write.

    `taken`: items that a person has labeled meanwhile, or that are gone. `left_out`: uids of predictions that are no
    drafts because of untouched drafts that are there already; see `JobRef.existing_drafts`. `gone`: uids of masks
    whose box a person has taken away meanwhile, on items that are not taken as a whole.
    """

    taken: frozenset[str] = frozenset()
    left_out: frozenset[str] = frozenset()
    gone: frozenset[str] = frozenset()


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

    def credential_allows(self, actor: Actor, action: Action) -> bool:
        """Whether the credential of the request is for `action` at all, whatever the project; a session is."""

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

        Raises ItemUnreadable where it is gone for good; any other error is taken as a passing fault of the storage: the
        item is tried again, then the job waits. A whole storage that is away must not look like a missing file.
        """

    def write_drafts(self, job: JobRef, items: Sequence[ItemDrafts]) -> Written:
        """Write drafts, inside a transaction that the caller has opened; returns what was not written.

        `job.existing_drafts` says what becomes of untouched drafts that earlier jobs left on these items: "replace"
        deletes them; "keep" keeps them, and leaves out new drafts that overlap one of them (IoU of the bounds of
        OVERLAP or more); "skip" writes nothing on an item that has one. Nothing that a person reviewed is touched by
        any of them. Writes nothing on an item that a person has labeled meanwhile, or that is gone.

        For a job with `boxes_to_masks` each draft's `shape.source` names the box that it is the mask of. The draft
        lies beside that box until it is accepted, which discards the box; a finished item is opened again. Drafts
        whose box is gone or has changed its status are not written; an item without any other is returned as taken.
        Only earlier masks of boxes are replaced, kept or a reason to skip, and "keep" leaves out the mask of a box that
        has one, whatever overlaps it.
        """

    def count_drafts(self, job: JobRef) -> int:
        """How many drafts of the job nobody has touched: what `delete_drafts` would delete."""

    def delete_drafts(self, job: JobRef, limit: int) -> Mapping[str, Collection[str]]:
        """Delete the untouched drafts of the job on at most `limit` items, inside a transaction of the caller.

        Returns the uids of their predictions by item, nothing when none is left. What a person touched stays. An item
        that the job has opened again is finished again where nobody has touched it since.
        """

    def restore_drafts(self, job: JobRef, items: Sequence[ItemDrafts]) -> int:
        """Write drafts that `delete_drafts` has deleted once more, inside a transaction of the caller.

        Beside what people have decided on the item meanwhile, and beside the job's own drafts. Left out: predictions
        that an annotation stands for already, masks whose box is gone, and all on items that are finished (but those
        that `delete_drafts` has finished again are opened again), flagged, gone, or have untouched drafts of another
        job (masks of boxes, where the job made such). A job that was to "keep" drafts beside its own leaves out only
        what overlaps one of them. Returns how many drafts were written.
        """

    def used_predictions(self, job: JobRef, item_uids: Sequence[str]) -> Collection[str]:
        """The uids of the job's predictions on these items that a draft or a reviewed annotation still stands for."""

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
