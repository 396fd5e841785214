"""What every host must do for a job that makes masks of boxes; part of the suite in `host_contract`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from autolabel.hosts.base import Host, Project, Scope, Written
from autolabel.shapes import BoxPrompt, Shape

from .host_contract import SQUARE, World, box, drafts_for, job_of
from .host_contract_drafts import DraftsContract

__all__ = ["MasksContract"]

MASKS = Scope(boxes_to_masks=True)
BOX, OTHER = (2.0, 2.0, 20.0, 20.0), (22.0, 2.0, 30.0, 20.0)


def mask(ref: str, label: str = "bolt", score: float = 0.75) -> Shape:
    return Shape(label, score, BOX, SQUARE, ref)


class MasksContract(DraftsContract):
    """Everything in DraftsContract, and masks of boxes."""

    @pytest.fixture
    def write_masks(self, project: Project, write: Any) -> Callable[..., Written]:
        """`write_masks(item, "ref", …)`: one mask for each box named, by a job of its own."""
        return lambda item, *refs: write(job_of(project, boxes_to_masks=True), drafts_for(item, *map(mask, refs)))

    # Which items wait for masks

    def test_items_with_accepted_boxes_wait_for_masks_finished_or_not(
        self, world: World, host: Host, project: Project
    ) -> None:
        done, open_one, empty = (world.make_item(project) for _ in range(3))
        for item in (done, open_one):
            world.accept_box(item, BOX)
        world.finish(done)
        world.finish(empty)

        assert set(host.iter_unlabeled(project, MASKS)) == {done, open_one}
        assert host.count_unlabeled(project, MASKS) == 2

    def test_a_flagged_item_does_not_wait_for_masks(
        self, world: World, host: Host, project: Project, item: str
    ) -> None:
        world.accept_box(item, BOX)
        world.flag(item)

        assert list(host.iter_unlabeled(project, MASKS)) == []

    def test_nor_does_one_on_which_no_box_was_accepted(
        self, world: World, host: Host, project: Project, item: str, write: Any
    ) -> None:
        write(job_of(project), drafts_for(item, box(), box("nut")))
        discarded = world.make_item(project)
        world.discard_box(discarded, world.accept_box(discarded, BOX))

        assert list(host.iter_unlabeled(project, MASKS)) == []
        assert host.box_prompts(project, [item, discarded]) == {item: [], discarded: []}

    @pytest.mark.parametrize("scope", [MASKS, Scope(sample=5, seed=3, boxes_to_masks=True)])
    def test_items_that_wait_for_masks_are_listed_in_order_and_resumed_behind_any(
        self, world: World, host: Host, project: Project, scope: Scope
    ) -> None:
        for _ in range(7):
            world.accept_box(world.make_item(project), BOX)
        world.make_item(project)
        listed = list(host.iter_unlabeled(project, scope))

        assert len(listed) == (scope.sample or 7) == host.count_unlabeled(project, scope)
        for place, uid in enumerate(listed):
            assert list(host.iter_unlabeled(project, scope, after=uid)) == listed[place + 1 :]

    def test_masks_can_be_asked_for_on_named_items(self, world: World, host: Host, project: Project) -> None:
        items = [world.make_item(project) for _ in range(3)]
        for item in items:
            world.accept_box(item, BOX)

        named = Scope(item_uids=(items[1], "not a uid"), boxes_to_masks=True)
        assert list(host.iter_unlabeled(project, named)) == [items[1]]

    # The boxes

    def test_the_prompts_are_the_accepted_boxes_with_their_labels(
        self, world: World, host: Host, project: Project, item: str, write: Any
    ) -> None:
        drafts = drafts_for(item, box(), box("nut"))
        write(job_of(project), drafts)
        world.decide(item, drafts.drafts[0].prediction_uid, "accepted")
        drawn = world.accept_box(item, OTHER)

        prompts = host.box_prompts(project, [item])[item]

        assert BoxPrompt(drawn, "bolt", OTHER) in prompts
        assert {(prompt.label, prompt.bbox_xyxy) for prompt in prompts} >= {("bolt", OTHER)}
        assert "nut" not in {prompt.label for prompt in prompts}
        assert len({prompt.ref for prompt in prompts}) == len(prompts)

    def test_there_are_no_prompts_from_another_project(
        self, world: World, host: Host, project: Project, item: str
    ) -> None:
        world.accept_box(item, BOX)

        assert not host.box_prompts(world.make_project(), [item]).get(item)

    # The masks

    def test_a_mask_lies_beside_its_box(
        self, world: World, host: Host, project: Project, item: str, write_masks: Any
    ) -> None:
        ref = world.accept_box(item, BOX)

        assert write_masks(item, ref) == Written()
        assert list(world.drafts(item).values()) == [mask(ref)]
        assert [prompt.ref for prompt in host.box_prompts(project, [item])[item]] == [ref]
        assert world.annotations(item) == 2

    @pytest.mark.parametrize("verdict", ["accepted", "edited"])
    def test_the_box_goes_when_its_mask_is_accepted(
        self, world: World, host: Host, project: Project, item: str, write_masks: Any, verdict: str
    ) -> None:
        ref, other = world.accept_box(item, BOX), world.accept_box(item, OTHER)
        write_masks(item, ref, other)
        world.decide(item, _draft_of(world, item, ref), verdict)

        assert [prompt.ref for prompt in host.box_prompts(project, [item])[item]] == [other]

    def test_the_box_stays_when_its_mask_is_discarded(
        self, world: World, host: Host, project: Project, item: str, write_masks: Any
    ) -> None:
        ref = world.accept_box(item, BOX)
        write_masks(item, ref)
        world.decide(item, _draft_of(world, item, ref), "discarded")

        assert [prompt.ref for prompt in host.box_prompts(project, [item])[item]] == [ref]

    def test_a_finished_item_is_opened_again_by_a_mask(self, world: World, item: str, write_masks: Any) -> None:
        ref = world.accept_box(item, BOX)
        world.finish(item)

        assert write_masks(item, ref) == Written()
        assert not world.is_finished(item)

    def test_a_finished_item_stays_finished_where_there_is_no_mask(
        self, world: World, item: str, write_masks: Any
    ) -> None:
        world.accept_box(item, BOX)
        world.finish(item)

        assert write_masks(item) == Written()
        assert world.is_finished(item)

    @pytest.mark.parametrize("touch", ["flag", "delete_item"])
    def test_no_mask_is_written_on_an_item_that_was_taken_meanwhile(
        self, world: World, item: str, write_masks: Any, touch: str
    ) -> None:
        ref = world.accept_box(item, BOX)
        getattr(world, touch)(item)
        before = world.annotations(item)

        assert write_masks(item, ref) == Written(taken=frozenset({item}))
        assert world.annotations(item) == before

    def test_a_mask_whose_box_is_gone_is_not_written(
        self, world: World, project: Project, item: str, write: Any
    ) -> None:
        ref, gone = world.accept_box(item, BOX), world.accept_box(item, OTHER)
        world.discard_box(item, gone)
        drafts = drafts_for(item, mask(ref), mask(gone))

        written = write(job_of(project, boxes_to_masks=True), drafts)

        assert written == Written(gone=frozenset({drafts.drafts[1].prediction_uid}))
        assert [shape.source for shape in world.drafts(item).values()] == [ref]

    def test_an_item_of_which_all_boxes_are_gone_was_taken_and_stays_finished(
        self, world: World, item: str, write_masks: Any
    ) -> None:
        gone, _ = world.accept_box(item, BOX), world.accept_box(item, OTHER)
        world.discard_box(item, gone)
        world.finish(item)

        assert write_masks(item, gone) == Written(taken=frozenset({item}))
        assert world.drafts(item) == {}
        assert world.is_finished(item)

    def test_later_masks_take_the_place_of_earlier_ones_and_of_nothing_else(
        self, world: World, project: Project, item: str, write: Any, write_masks: Any
    ) -> None:
        found = drafts_for(item, box("nut"))
        write(job_of(project), found)
        ref, other = world.accept_box(item, BOX), world.accept_box(item, OTHER)
        write_masks(item, ref, other)
        world.decide(item, _draft_of(world, item, other), "discarded")
        before = set(world.drafts(item))
        write_masks(item, ref)

        after = world.drafts(item)
        assert found.drafts[0].prediction_uid in after
        assert sorted(shape.source for shape in after.values()) == ["", ref]
        assert set(after) != before
        assert world.annotations(item) == 5  # two boxes, the discarded mask, and what is compared above

    def test_masks_that_a_job_writes_again_are_not_doubled(
        self, world: World, project: Project, item: str, write: Any
    ) -> None:
        ref, other = world.accept_box(item, BOX), world.accept_box(item, OTHER)
        job, drafts = job_of(project, boxes_to_masks=True), drafts_for(item, mask(ref), mask(other))
        write(job, drafts)
        world.decide(item, drafts.drafts[1].prediction_uid, "discarded")
        write(job, drafts)

        assert set(world.drafts(item)) == {drafts.drafts[0].prediction_uid}
        assert world.annotations(item) == 4


def _draft_of(world: World, item: str, ref: str) -> str:
    """The prediction uid of the mask of that box."""
    return next(uid for uid, shape in world.drafts(item).items() if shape.source == ref)
