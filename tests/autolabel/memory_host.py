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
from autolabel.hosts.base import Action, Actor, ItemDrafts, JobRef, LabelTarget, Project, Scope, Verdict
from autolabel.shapes import BoxPrompt, Shape

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

    @property
    def is_unlabeled(self) -> bool:
        touched = self.by_hand or self.boxes or any(draft.verdict for draft in self.drafts)
        return self.state == "open" and not touched

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
        if known is None:
            return False
        return actor.user in known.managers or (action == "view" and actor.user in known.viewers)

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
        known = self.projects.get(project.uid)
        item = known.items.get(item_uid) if known else None
        if item is None or item.data is None:
            raise ItemUnreadable("The item is gone.")
        return io.BytesIO(item.data)

    def box_prompts(self, project: Project, item_uids: Sequence[str]) -> Mapping[str, Sequence[BoxPrompt]]:
        items = self.projects[project.uid].items
        return {uid: list(items[uid].boxes) if uid in items else [] for uid in item_uids}

    def write_drafts(self, job: JobRef, items: Sequence[ItemDrafts]) -> set[str]:
        """Drafts appear with the caller's commit, as rows of a database would."""
        known = self.projects[job.project_uid].items
        with self._lock:
            free = [one for one in items if one.item_uid in known and known[one.item_uid].waits(job.boxes_to_masks)]
            if job.boxes_to_masks:
                standing = [(one, _beside_a_box(known[one.item_uid], one)) for one in free]
                free = [left for one, left in standing if left.drafts or not one.drafts]
        transaction.on_commit(lambda: self._replace(job, free))
        return {one.item_uid for one in items} - {one.item_uid for one in free}

    def _replace(self, job: JobRef, items: Sequence[ItemDrafts]) -> None:
        with self._lock:
            for one in items:
                item = self.projects[job.project_uid].items[one.item_uid]
                masks = job.boxes_to_masks
                kept = [draft for draft in item.drafts if draft.verdict or (masks and not draft.shape.source)]
                item.drafts = kept + [MemoryDraft(job.uid, draft.prediction_uid, draft.shape) for draft in one.drafts]
                if one.drafts:
                    item.state = "open"

    def delete_drafts(self, job: JobRef) -> int:
        deleted = 0
        with self._lock:
            for item in self.projects[job.project_uid].items.values():
                kept = [draft for draft in item.drafts if draft.job_uid != job.uid or draft.verdict]
                deleted += len(item.drafts) - len(kept)
                item.drafts = kept
        return deleted

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
