"""What every host must do with masks of boxes where there are some already, and when they are taken back."""

from __future__ import annotations

from typing import Any

import pytest

from autolabel.hosts.base import Host, ItemDrafts, JobRef, Project, Written

from .host_contract import World, box, drafts_for, job_of
from .host_contract_masks import BOX, OTHER, MasksContract, mask
from .host_contract_undo import UndoContract

__all__ = ["WholeContract"]


class WholeContract(MasksContract, UndoContract):
    """Everything in both, and masks that come later or go again."""

    # Masks that are there already

    @pytest.mark.parametrize("policy", ["replace", "keep", "skip"])
    def test_only_masks_meet_masks(self, world: World, project: Project, item: str, write: Any, policy: Any) -> None:
        found = drafts_for(item, box("nut", at=BOX))
        write(job_of(project), found)
        drafts = drafts_for(item, mask(world.accept_box(item, BOX)))

        assert write(job_of(project, boxes_to_masks=True, existing_drafts=policy), drafts) == Written()
        assert set(world.drafts(item)) == {found.drafts[0].prediction_uid, drafts.drafts[0].prediction_uid}

    def test_a_box_that_has_a_mask_keeps_it_and_one_that_has_none_gets_its_own(
        self, world: World, project: Project, item: str, write: Any, write_masks: Any
    ) -> None:
        ref, alike = world.accept_box(item, BOX), world.accept_box(item, BOX)
        write_masks(item, ref)
        there = set(world.drafts(item))
        later = drafts_for(item, mask(ref), mask(alike))
        second, new = (draft.prediction_uid for draft in later.drafts)

        written = write(job_of(project, boxes_to_masks=True, existing_drafts="keep"), later)

        assert written == Written(left_out=frozenset({second}))
        assert set(world.drafts(item)) == there | {new}

    def test_an_item_that_has_a_mask_is_skipped(
        self, world: World, project: Project, item: str, write: Any, write_masks: Any
    ) -> None:
        ref, other = world.accept_box(item, BOX), world.accept_box(item, OTHER)
        write_masks(item, ref)
        there = set(world.drafts(item))
        later = drafts_for(item, mask(ref), mask(other))

        written = write(job_of(project, boxes_to_masks=True, existing_drafts="skip"), later)

        assert written == Written(left_out=frozenset(draft.prediction_uid for draft in later.drafts))
        assert set(world.drafts(item)) == there

    # Taking masks back, and bringing them back

    @pytest.fixture
    def masks_job(self, project: Project) -> JobRef:
        return job_of(project, boxes_to_masks=True)

    def test_it_deletes_a_jobs_masks_and_leaves_the_boxes(
        self, world: World, host: Host, project: Project, item: str, masks_job: JobRef, write: Any, take_back: Any
    ) -> None:
        ref = world.accept_box(item, BOX)
        drafts = drafts_for(item, mask(ref))
        write(masks_job, drafts)

        assert take_back(masks_job) == {item: {drafts.drafts[0].prediction_uid}}
        assert [prompt.ref for prompt in host.box_prompts(project, [item])[item]] == [ref]
        assert world.annotations(item) == 1

    def test_a_mask_comes_back_beside_its_box_and_beside_other_drafts(
        self, world: World, project: Project, item: str, masks_job: JobRef, write: Any, take_back: Any, bring_back: Any
    ) -> None:
        found = drafts_for(item, box("nut"))
        write(job_of(project), found)
        ref = world.accept_box(item, BOX)
        drafts = drafts_for(item, mask(ref))
        write(masks_job, drafts)
        take_back(masks_job)

        assert bring_back(masks_job, drafts) == 1
        assert world.drafts(item)[drafts.drafts[0].prediction_uid] == mask(ref)
        assert len(world.drafts(item)) == 2

    def test_a_mask_whose_box_is_gone_does_not_come_back(
        self, world: World, item: str, masks_job: JobRef, write: Any, take_back: Any, bring_back: Any
    ) -> None:
        ref, gone = world.accept_box(item, BOX), world.accept_box(item, OTHER)
        drafts = drafts_for(item, mask(ref), mask(gone))
        write(masks_job, drafts)
        take_back(masks_job)
        world.discard_box(item, gone)

        assert bring_back(masks_job, drafts) == 1
        assert [shape.source for shape in world.drafts(item).values()] == [ref]

    def test_a_mask_does_not_come_back_where_there_are_later_ones(
        self, world: World, item: str, masks_job: JobRef, write: Any, write_masks: Any, take_back: Any, bring_back: Any
    ) -> None:
        ref = world.accept_box(item, BOX)
        drafts = drafts_for(item, mask(ref))
        write(masks_job, drafts)
        take_back(masks_job)
        write_masks(item, ref)

        assert bring_back(masks_job, drafts) == 0
        assert len(world.drafts(item)) == 1

    @pytest.fixture
    def opened(self, world: World, item: str, masks_job: JobRef, write: Any) -> ItemDrafts:
        """The masks of two boxes, by which `masks_job` has opened the finished `item` again."""
        drafts = drafts_for(item, *[mask(world.accept_box(item, place)) for place in (BOX, OTHER)])
        world.finish(item)
        write(masks_job, drafts)
        return drafts

    def test_an_item_that_was_opened_again_is_finished_again_without_its_masks(
        self, world: World, item: str, masks_job: JobRef, opened: ItemDrafts, take_back: Any, bring_back: Any
    ) -> None:
        for _ in range(2):
            assert not world.is_finished(item)
            take_back(masks_job)
            assert world.is_finished(item)
            assert bring_back(masks_job, opened) == 2

        assert not world.is_finished(item)

    @pytest.mark.parametrize("verdict", ["accepted", "edited", "discarded"])
    def test_it_stays_open_where_a_person_has_decided_on_a_mask(
        self, world: World, item: str, masks_job: JobRef, opened: ItemDrafts, take_back: Any, verdict: str
    ) -> None:
        world.decide(item, opened.drafts[0].prediction_uid, verdict)
        take_back(masks_job)

        assert world.drafts(item) == {}
        assert not world.is_finished(item)

    @pytest.mark.parametrize("touch", ["label_by_hand", "flag"])
    def test_it_stays_as_a_person_has_left_it(
        self, world: World, item: str, masks_job: JobRef, opened: ItemDrafts, take_back: Any, touch: str
    ) -> None:
        getattr(world, touch)(item)
        take_back(masks_job)

        assert not world.is_finished(item)

    def test_masks_do_not_come_back_where_a_person_has_finished_the_item_since(
        self, world: World, item: str, masks_job: JobRef, opened: ItemDrafts, take_back: Any, bring_back: Any
    ) -> None:
        world.label_by_hand(item)
        take_back(masks_job)
        world.finish(item)

        assert bring_back(masks_job, opened) == 0
        assert world.is_finished(item)

    def test_an_item_that_a_second_job_took_over_is_finished_again_by_that_one_only(
        self,
        world: World,
        item: str,
        masks_job: JobRef,
        opened: ItemDrafts,
        project: Project,
        write: Any,
        take_back: Any,
    ) -> None:
        second = job_of(project, boxes_to_masks=True)
        write(second, drafts_for(item, mask(next(iter(world.drafts(item).values())).source)))

        take_back(masks_job)
        assert not world.is_finished(item)
        take_back(second)
        assert world.is_finished(item)

    def test_an_item_that_was_open_before_the_job_stays_open(
        self, world: World, item: str, masks_job: JobRef, write: Any, take_back: Any
    ) -> None:
        write(masks_job, drafts_for(item, mask(world.accept_box(item, BOX))))
        take_back(masks_job)

        assert not world.is_finished(item)
