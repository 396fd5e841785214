"""The memory host keeps the contract; it shows that the suite asks for nothing that only the platform has."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from autolabel.hosts.base import LabelTarget, Project
from autolabel.shapes import Box, BoxPrompt, Shape

from .fakes import picture
from .host_contract_later_masks import WholeContract
from .memory_host import MemoryHost, MemoryItem, MemoryProject


class MemoryWorld:
    def __init__(self) -> None:
        self.host = MemoryHost()
        self.manager, self.viewer, self.stranger = "manager", "viewer", "stranger"

    def make_project(self, labels: tuple[str, ...] = ("bolt", "nut")) -> Project:
        targets = [LabelTarget(label, frozenset({"box", "polygon"})) for label in labels]
        uid = str(uuid.uuid4())
        self.host.projects[uid] = MemoryProject("Parts", targets, {self.manager}, {self.viewer})
        return Project(uid, "Parts")

    def make_item(self, project: Project, data: bytes | None = None) -> str:
        uid = str(uuid.uuid4())
        self.host.projects[project.uid].items[uid] = MemoryItem(data or picture())
        return uid

    def delete_project(self, project: Project) -> None:
        del self.host.projects[project.uid]

    def delete_item(self, item_uid: str) -> None:
        for project in self.host.projects.values():
            project.items.pop(item_uid, None)

    def lose_file(self, item_uid: str) -> None:
        self._item(item_uid).data = None

    def lose_storage(self) -> None:
        self.host.storage_is_away = True

    def find_storage(self) -> None:
        self.host.storage_is_away = False

    def label_by_hand(self, item_uid: str) -> None:
        self._touched(item_uid).by_hand.append("bolt")

    def finish(self, item_uid: str) -> None:
        self._touched(item_uid).state = "done"

    def flag(self, item_uid: str) -> None:
        self._touched(item_uid).state = "flagged"

    def is_finished(self, item_uid: str) -> bool:
        return self._item(item_uid).state == "done"

    def accept_box(self, item_uid: str, bbox: Box) -> str:
        box = BoxPrompt(str(uuid.uuid4()), "bolt", bbox)
        self._touched(item_uid).boxes.append(box)
        return box.ref

    def discard_box(self, item_uid: str, ref: str) -> None:
        item = self._touched(item_uid)
        item.boxes = [box for box in item.boxes if box.ref != ref]
        item.by_hand.append("a discarded box")

    def decide(self, item_uid: str, prediction_uid: str, verdict: Any) -> None:
        for draft in self._touched(item_uid).drafts:
            if draft.prediction_uid == prediction_uid:
                draft.verdict = verdict
                if draft.shape.source and verdict != "discarded":
                    self.discard_box(item_uid, draft.shape.source)

    def drafts(self, item_uid: str) -> dict[str, Shape]:
        drafts = self._item(item_uid).drafts
        return {draft.prediction_uid: draft.shape for draft in drafts if draft.verdict is None}

    def annotations(self, item_uid: str) -> int:
        try:
            item = self._item(item_uid)
        except LookupError:
            return 0
        return len(item.drafts) + len(item.by_hand) + len(item.boxes)

    def _touched(self, item_uid: str) -> MemoryItem:
        item = self._item(item_uid)
        item.opened_by = ""
        return item

    def _item(self, item_uid: str) -> MemoryItem:
        for project in self.host.projects.values():
            if item_uid in project.items:
                return project.items[item_uid]
        raise LookupError(item_uid)


class TestMemoryHost(WholeContract):
    @pytest.fixture
    def world(self) -> MemoryWorld:
        return MemoryWorld()
