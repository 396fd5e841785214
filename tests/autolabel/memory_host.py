"""A Host that keeps everything in dicts: the smallest platform that keeps the contract's promises."""

from __future__ import annotations

import hashlib
import io
import threading
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from typing import IO, Any, Literal

from django.db import DEFAULT_DB_ALIAS, transaction

from autolabel.exceptions import ItemUnreadable
from autolabel.hosts.base import (
    OVERLAP,
    Action,
    Actor,
    ExistingDrafts,
    ItemDrafts,
    JobRef,
    LabelTarget,
    Project,
    Scope,
    Verdict,
    Written,
)
from autolabel.shapes import BoxPrompt, Shape, iou

__all__ = ["MemoryDraft", "MemoryHost", "MemoryItem", "MemoryProject"]


@dataclass
class MemoryDraft:
    job_uid: str
    prediction_uid: str
    shape: Shape
    verdict: Literal["accepted", "edited", "discarded"] | None = None


@dataclass
class MemoryItem:
    data: bytes | None
    state: Literal["open", "done", "flagged"] = "open"
    by_hand: list[str] = field(default_factory=list)
    drafts: list[MemoryDraft] = field(default_factory=list)
    boxes: list[BoxPrompt] = field(default_factory=list)  # which people have accepted
    opened_by: str = ""  # the job that has opened it again, as long as nobody has touched it since

    @property
    def is_unlabeled(self) -> bool:
        touched = self.by_hand or self.boxes or any(draft.verdict for draft in self.drafts)
        return self.state == "open" and not touched

    def drafts_of(self, job: JobRef) -> list[MemoryDraft]:
        return [draft for draft in self.drafts if draft.job_uid == job.uid and not draft.verdict]

    def waits(self, boxes_to_masks: bool) -> bool:
        return bool(self.boxes) and self.state != "flagged" if boxes_to_masks else self.is_unlabeled


@dataclass
class MemoryProject:
    name: str
    targets: list[LabelTarget]
    managers: set[Any] = field(default_factory=set)
    viewers: set[Any] = field(default_factory=set)
    items: dict[str, MemoryItem] = field(default_factory=dict)


class MemoryHost:
    """See autolabel.hosts.base.Host. `projects` is public, for tests to make and look at."""

    def __init__(self) -> None:
        self.projects: dict[str, MemoryProject] = {}
        self.finished: list[JobRef] = []
        self.storage_is_away = False
        self._lock = threading.RLock()

    def database_alias(self) -> str:
        return DEFAULT_DB_ALIAS

    def visible_project_uids(self, user: Any) -> Collection[str]:
        return [uid for uid, project in self.projects.items() if user in project.managers | project.viewers]

    def get_project(self, uid: str, user: Any) -> Project:
        if uid not in self.visible_project_uids(user):
            raise LookupError("There is no such project.")
        return self.get_project_trusted(uid)

    def get_project_trusted(self, uid: str) -> Project:
        if uid not in self.projects:
            raise LookupError("There is no such project.")
        return Project(uid, self.projects[uid].name)

    def can(self, actor: Actor, action: Action, project: Project) -> bool:
        known = self.projects.get(project.uid)
        if known is None or not self.credential_allows(actor, action):
            return False
        return actor.user in known.managers or (action == "view" and actor.user in known.viewers)

    def credential_allows(self, actor: Actor, action: Action) -> bool:
        """Credentials here are the actions that they are for."""
        return actor.credential is None or action in actor.credential

    def label_targets(self, project: Project) -> Sequence[LabelTarget]:
        return list(self.projects[project.uid].targets)

    def count_unlabeled(self, project: Project, scope: Scope) -> int:
        return len(self._unlabeled(project, scope))

    def iter_unlabeled(self, project: Project, scope: Scope, after: str | None = None) -> Iterator[str]:
        return (uid for uid in self._unlabeled(project, scope) if after is None or uid > after)

    def _unlabeled(self, project: Project, scope: Scope) -> list[str]:
        with self._lock:
            items = self.projects[project.uid].items
            found = [uid for uid, item in items.items() if item.waits(scope.boxes_to_masks)]
        if scope.item_uids is not None:
            found = [uid for uid in found if uid in set(scope.item_uids)]
        if scope.sample is not None:
            found = sorted(found, key=lambda uid: hashlib.sha256(f"{scope.seed}/{uid}".encode()).digest())
            found = found[: scope.sample]
        return sorted(found)

    def open_image(self, project: Project, item_uid: str) -> AbstractContextManager[IO[bytes]]:
        if self.storage_is_away:
            raise OSError("The storage is away.")
        known = self.projects.get(project.uid)
        item = known.items.get(item_uid) if known else None
        if item is None or item.data is None:
            raise ItemUnreadable("The item is gone.")
        return io.BytesIO(item.data)

    def box_prompts(self, project: Project, item_uids: Sequence[str]) -> Mapping[str, Sequence[BoxPrompt]]:
        items = self.projects[project.uid].items
        return {uid: list(items[uid].boxes) if uid in items else [] for uid in item_uids}

    def write_drafts(self, job: JobRef, items: Sequence[ItemDrafts]) -> Written:
        """Drafts appear with the caller's commit, as rows of a database would."""
        known = self.projects[job.project_uid].items
        with self._lock:
            free = [one for one in items if one.item_uid in known and known[one.item_uid].waits(job.boxes_to_masks)]
            if job.boxes_to_masks:
                standing = [(one, _beside_a_box(known[one.item_uid], one)) for one in free]
                free = [left for one, left in standing if left.drafts or not one.drafts]
            room = [_room(job.existing_drafts, known[one.item_uid], job, one) for one in free]
        transaction.on_commit(lambda: self._replace(job, room))
        return Written(
            taken=frozenset(one.item_uid for one in items) - {one.item_uid for one in free},
            left_out=_prediction_uids(free) - _prediction_uids(room),
            gone=_prediction_uids([one for one in items if one.item_uid in {left.item_uid for left in free}])
            - _prediction_uids(free),
        )

    def _replace(self, job: JobRef, items: Sequence[ItemDrafts]) -> None:
        with self._lock:
            for one in items:
                item = self.projects[job.project_uid].items[one.item_uid]
                stay = [] if job.existing_drafts == "replace" else _others(item, job)
                kept = [draft for draft in item.drafts if draft in stay or draft not in _meeting(item, job)]
                item.drafts = kept + [MemoryDraft(job.uid, draft.prediction_uid, draft.shape) for draft in one.drafts]
                if one.drafts:
                    _open_again(item, job)

    def count_drafts(self, job: JobRef) -> int:
        return sum(len(item.drafts_of(job)) for item in self.projects[job.project_uid].items.values())

    def delete_drafts(self, job: JobRef, limit: int) -> Mapping[str, Collection[str]]:
        with self._lock:
            items = self.projects[job.project_uid].items
            found = {uid: item.drafts_of(job) for uid, item in items.items() if item.drafts_of(job)}
            some = dict(list(found.items())[:limit])
            for uid, drafts in some.items():
                items[uid].drafts = [draft for draft in items[uid].drafts if draft not in drafts]
                if items[uid].opened_by == job.uid:
                    items[uid].state = "done"
        return {uid: [draft.prediction_uid for draft in drafts] for uid, drafts in some.items()}

    def restore_drafts(self, job: JobRef, items: Sequence[ItemDrafts]) -> int:
        policy: ExistingDrafts = "keep" if job.existing_drafts == "keep" else "skip"
        restored = 0
        with self._lock:
            for one in items:
                item = self.projects[job.project_uid].items.get(one.item_uid)
                if item is not None and (item.state == "open" or item.opened_by == job.uid):
                    there = {draft.prediction_uid for draft in item.drafts}
                    gone = tuple(draft for draft in one.drafts if draft.prediction_uid not in there)
                    given = replace(one, drafts=gone)
                    given = _room(policy, item, job, _beside_a_box(item, given) if job.boxes_to_masks else given)
                    item.drafts += [MemoryDraft(job.uid, draft.prediction_uid, draft.shape) for draft in given.drafts]
                    restored += len(given.drafts)
                    if given.drafts:
                        _open_again(item, job)
        return restored

    def used_predictions(self, job: JobRef, item_uids: Sequence[str]) -> Collection[str]:
        items = self.projects[job.project_uid].items
        drafts = [draft for uid in item_uids if uid in items for draft in items[uid].drafts]
        return {draft.prediction_uid for draft in drafts if draft.job_uid == job.uid}

    def verdicts(self, job: JobRef) -> Iterator[Verdict]:
        for item in list(self.projects[job.project_uid].items.values()):
            for draft in item.drafts:
                if draft.job_uid == job.uid and draft.verdict:
                    yield Verdict(draft.prediction_uid, draft.verdict)

    def on_finished(self, job: JobRef) -> None:
        self.finished.append(job)

    def worker_context(self, user: Any) -> AbstractContextManager[None]:
        return nullcontext()

    def project_url(self, project_uid: str) -> str:
        return f"/memory/{project_uid}/"

    def item_url(self, project_uid: str, item_uid: str) -> str:
        return f"/memory/{project_uid}/{item_uid}/"


def _beside_a_box(item: MemoryItem, given: ItemDrafts) -> ItemDrafts:
    boxes = {box.ref for box in item.boxes}
    decided = {draft.prediction_uid for draft in item.drafts if draft.verdict}
    drafts = [one for one in given.drafts if one.shape.source in boxes and one.prediction_uid not in decided]
    return replace(given, drafts=tuple(drafts))


def _meeting(item: MemoryItem, job: JobRef) -> list[MemoryDraft]:
    """The untouched drafts that meet those of the job: masks of boxes meet only each other."""
    drafts = [draft for draft in item.drafts if not draft.verdict]
    return [draft for draft in drafts if draft.shape.source] if job.boxes_to_masks else drafts


def _others(item: MemoryItem, job: JobRef) -> list[MemoryDraft]:
    return [draft for draft in _meeting(item, job) if draft.job_uid != job.uid]


def _open_again(item: MemoryItem, job: JobRef) -> None:
    if item.state == "done" or item.opened_by:
        item.state, item.opened_by = "open", job.uid


def _room(policy: ExistingDrafts, item: MemoryItem, job: JobRef, given: ItemDrafts) -> ItemDrafts:
    others = _others(item, job)
    if policy == "replace" or not others:
        return given
    if policy == "skip":
        return replace(given, drafts=())
    free = [draft for draft in given.drafts if not any(_alike(draft.shape, other.shape) for other in others)]
    return replace(given, drafts=tuple(free))


def _alike(shape: Shape, other: Shape) -> bool:
    if shape.source:
        return shape.source == other.source
    return iou(shape.bbox_xyxy, other.bbox_xyxy) >= OVERLAP


def _prediction_uids(items: Sequence[ItemDrafts]) -> frozenset[str]:
    return frozenset(draft.prediction_uid for one in items for draft in one.drafts)
