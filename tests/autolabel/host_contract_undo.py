"""What every host must do when a job's drafts are taken back and brought back; part of the suite in `host_contract`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import transaction

from autolabel.hosts.base import Host, ItemDrafts, JobRef, Project

from .host_contract import ALL, NOWHERE, World, box, drafts_for, job_of
from .host_contract_drafts import BESIDE, MUCH_OF_IT, THERE, DraftsContract

__all__ = ["UndoContract"]


def uids(*items: ItemDrafts) -> set[str]:
    return {draft.prediction_uid for item in items for draft in item.drafts}


class UndoContract(DraftsContract):
    """Everything in DraftsContract, and undo."""

    @pytest.fixture
    def job(self, project: Project) -> JobRef:
        return job_of(project)

    @pytest.fixture
    def take_back(self, host: Host) -> Callable[..., dict[str, set[str]]]:
        def take_back(job: JobRef, limit: int = 100) -> dict[str, set[str]]:
            with transaction.atomic():
                return {item: set(found) for item, found in host.delete_drafts(job, limit).items()}

        return take_back

    @pytest.fixture
    def bring_back(self, host: Host) -> Callable[..., int]:
        def bring_back(job: JobRef, *items: ItemDrafts) -> int:
            with transaction.atomic():
                return host.restore_drafts(job, items)

        return bring_back

    # Taking back

    def test_it_deletes_only_the_jobs_own_untouched_drafts(
        self, world: World, host: Host, project: Project, job: JobRef, write: Any, take_back: Any
    ) -> None:
        items = [world.make_item(project) for _ in range(3)]
        drafts, whole = drafts_for(items[0], box(), box("nut")), drafts_for(items[1], box())
        write(job, drafts, whole)
        write(job_of(project), drafts_for(items[2], box()))
        world.decide(items[0], drafts.drafts[0].prediction_uid, "accepted")

        assert host.count_drafts(job) == 2
        assert take_back(job) == {items[0]: {drafts.drafts[1].prediction_uid}, items[1]: uids(whole)}
        assert [world.annotations(item) for item in items] == [1, 0, 1]
        assert host.count_drafts(job) == 0
        assert take_back(job) == {}

    @pytest.mark.parametrize("verdict", ["accepted", "edited", "discarded"])
    def test_a_draft_with_a_verdict_is_neither_counted_nor_deleted(
        self, world: World, host: Host, job: JobRef, item: str, write: Any, take_back: Any, verdict: str
    ) -> None:
        drafts = drafts_for(item, box())
        write(job, drafts)
        world.decide(item, drafts.drafts[0].prediction_uid, verdict)

        assert host.count_drafts(job) == 0
        assert take_back(job) == {}
        assert world.annotations(item) == 1

    def test_it_deletes_on_so_many_items_at_a_time_and_each_of_them_whole(
        self, world: World, host: Host, project: Project, job: JobRef, write: Any, take_back: Any
    ) -> None:
        drafts = [drafts_for(world.make_item(project), *[box()] * 20) for _ in range(5)]
        write(job, *drafts)
        slices = []
        while taken := take_back(job, 2):
            slices.append(taken)

        assert all(len(taken) <= 2 and {len(found) for found in taken.values()} == {20} for taken in slices)
        assert {item: found for taken in slices for item, found in taken.items()} == {
            of_item.item_uid: uids(of_item) for of_item in drafts
        }
        assert host.count_drafts(job) == 0

    def test_an_item_whose_drafts_were_taken_back_is_unlabeled_and_can_be_labeled_anew(
        self, world: World, host: Host, project: Project, job: JobRef, item: str, write: Any, take_back: Any
    ) -> None:
        write(job, drafts_for(item, box()))
        take_back(job)
        again = drafts_for(item, box())

        assert host.count_unlabeled(project, ALL) == 1
        write(job_of(project), again)
        assert set(world.drafts(item)) == uids(again)

    # Bringing back

    @pytest.fixture
    def taken_back(self, job: JobRef, item: str, write: Any, take_back: Any) -> ItemDrafts:
        """Two drafts of `job` on `item` that were taken back."""
        drafts = drafts_for(item, box(at=THERE), box("nut", at=BESIDE))
        write(job, drafts)
        take_back(job)
        return drafts

    def test_it_brings_drafts_back_as_they_were(
        self, world: World, host: Host, job: JobRef, item: str, taken_back: ItemDrafts, bring_back: Any
    ) -> None:
        assert bring_back(job, taken_back) == 2
        assert world.drafts(item) == {draft.prediction_uid: draft.shape for draft in taken_back.drafts}
        assert host.count_drafts(job) == 2

    def test_it_brings_back_none_twice(
        self, world: World, job: JobRef, item: str, taken_back: ItemDrafts, bring_back: Any
    ) -> None:
        bring_back(job, taken_back)

        assert bring_back(job, taken_back) == 0
        assert world.annotations(item) == 2

    def test_drafts_come_back_beside_what_people_have_decided_of_the_same_job(
        self, world: World, job: JobRef, item: str, write: Any, take_back: Any, bring_back: Any
    ) -> None:
        drafts = drafts_for(item, box(), box("nut"))
        first, second = (draft.prediction_uid for draft in drafts.drafts)
        write(job, drafts)
        world.decide(item, first, "accepted")
        take_back(job)

        assert bring_back(job, drafts) == 1
        assert set(world.drafts(item)) == {second}
        assert world.annotations(item) == 2

    def test_drafts_come_back_beside_what_a_person_has_drawn(
        self, world: World, job: JobRef, item: str, taken_back: ItemDrafts, bring_back: Any
    ) -> None:
        world.label_by_hand(item)

        assert bring_back(job, taken_back) == 2
        assert world.annotations(item) == 3

    @pytest.mark.parametrize("touch", ["finish", "flag", "delete_item"])
    def test_none_come_back_on_an_item_that_a_person_is_done_with(
        self, world: World, job: JobRef, item: str, taken_back: ItemDrafts, bring_back: Any, touch: str
    ) -> None:
        getattr(world, touch)(item)

        assert bring_back(job, taken_back) == 0
        assert world.annotations(item) == 0

    @pytest.mark.parametrize("policy", ["replace", "skip"])
    def test_none_come_back_where_another_job_has_left_drafts_since(
        self, world: World, project: Project, item: str, write: Any, take_back: Any, bring_back: Any, policy: Any
    ) -> None:
        job, drafts = job_of(project, existing_drafts=policy), drafts_for(item, box(at=THERE))
        write(job, drafts)
        take_back(job)
        later = drafts_for(item, box(at=BESIDE))
        write(job_of(project), later)

        assert bring_back(job, drafts) == 0
        assert set(world.drafts(item)) == uids(later)

    def test_drafts_that_were_written_beside_others_come_back_beside_them(
        self, world: World, project: Project, item: str, write: Any, take_back: Any, bring_back: Any
    ) -> None:
        earlier, later = drafts_for(item, box(at=BESIDE)), drafts_for(item, box(at=THERE), box(at=MUCH_OF_IT))
        write(job_of(project), earlier)
        job = job_of(project, existing_drafts="keep")
        write(job, later)
        assert take_back(job) == {item: uids(later)}

        assert bring_back(job, later) == 2
        assert set(world.drafts(item)) == uids(earlier, later)

    def test_but_not_over_what_overlaps_them_now(
        self, world: World, project: Project, item: str, write: Any, take_back: Any, bring_back: Any
    ) -> None:
        job, drafts = job_of(project, existing_drafts="keep"), drafts_for(item, box(at=THERE), box(at=BESIDE))
        write(job, drafts)
        take_back(job)
        since = drafts_for(item, box(at=MUCH_OF_IT))
        write(job_of(project), since)

        assert bring_back(job, drafts) == 1
        assert set(world.drafts(item)) == {drafts.drafts[1].prediction_uid, *uids(since)}

    def test_they_come_back_on_no_item_of_another_project(
        self, world: World, project: Project, item: str, bring_back: Any
    ) -> None:
        assert bring_back(job_of(world.make_project()), drafts_for(item, box())) == 0
        assert world.annotations(item) == 0

    # Which predictions are in use

    def test_a_prediction_is_used_as_long_as_a_draft_or_a_verdict_stands_for_it(
        self, world: World, host: Host, project: Project, job: JobRef, item: str, write: Any, take_back: Any
    ) -> None:
        drafts = drafts_for(item, box(), box("nut"), box(), box())
        accepted, edited, discarded, _ = (draft.prediction_uid for draft in drafts.drafts)
        write(job, drafts)
        for uid, verdict in ((accepted, "accepted"), (edited, "edited"), (discarded, "discarded")):
            world.decide(item, uid, verdict)

        assert set(host.used_predictions(job, [item])) == uids(drafts)
        take_back(job)
        assert set(host.used_predictions(job, [item])) == {accepted, edited, discarded}
        assert not host.used_predictions(job_of(project), [item])

    def test_it_is_asked_for_the_predictions_of_some_items(
        self, world: World, host: Host, project: Project, job: JobRef, item: str, write: Any
    ) -> None:
        drafts, other = drafts_for(item, box()), drafts_for(world.make_item(project), box())
        write(job, drafts, other)
        unknown = [NOWHERE, *(f"{NOWHERE[:-4]}{number:04}" for number in range(1_500))]

        assert set(host.used_predictions(job, [item])) == uids(drafts)
        assert set(host.used_predictions(job, [item, *unknown, other.item_uid])) == uids(drafts, other)
        assert not host.used_predictions(job, [])
