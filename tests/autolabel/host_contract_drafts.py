"""What every host must do with a job's drafts; part of the suite in `host_contract`."""

from __future__ import annotations

from typing import Any, get_args

import pytest
from django.db import transaction

from autolabel.hosts.base import OVERLAP, ExistingDrafts, Host, Project, Written
from autolabel.shapes import Box, Shape, iou

from .host_contract import SQUARE, HostContract, World, box, drafts_for, job_of

__all__ = ["DraftsContract"]

THERE: Box = (2.0, 2.0, 12.0, 12.0)
BESIDE: Box = (30.0, 2.0, 40.0, 12.0)
# Of 100 pixels each they share 70 and 60 with THERE: 0.54 and 0.43 of both together.
MUCH_OF_IT: Box = (5.0, 2.0, 15.0, 12.0)
LITTLE_OF_IT: Box = (6.0, 2.0, 16.0, 12.0)
KEEP_OR_SKIP: list[ExistingDrafts] = ["keep", "skip"]
EACH_POLICY = get_args(ExistingDrafts)


class DraftsContract(HostContract):
    """Everything in HostContract, and drafts."""

    def test_it_writes_drafts_as_they_are(
        self, world: World, host: Host, project: Project, item: str, write: Any
    ) -> None:
        polygon = Shape("nut", 0.5, (2.0, 2.0, 20.0, 20.0), SQUARE)
        drafts = drafts_for(item, box(score=0.75), polygon)

        assert write(job_of(project), drafts) == Written()
        assert world.drafts(item) == {draft.prediction_uid: draft.shape for draft in drafts.drafts}

    def test_it_writes_no_drafts_where_the_caller_rolls_back(
        self, world: World, host: Host, project: Project, item: str
    ) -> None:
        with transaction.atomic():
            host.write_drafts(job_of(project), [drafts_for(item, box())])
            transaction.set_rollback(True)

        assert world.annotations(item) == 0

    @pytest.mark.parametrize("policy", EACH_POLICY)
    def test_it_does_not_double_what_a_job_writes_again(
        self, world: World, project: Project, item: str, write: Any, policy: Any
    ) -> None:
        job, drafts = job_of(project, existing_drafts=policy), drafts_for(item, box(), box("nut"))
        write(job, drafts)
        write(job, drafts)

        assert set(world.drafts(item)) == {draft.prediction_uid for draft in drafts.drafts}
        assert world.annotations(item) == 2

    def test_it_replaces_the_untouched_drafts_of_earlier_jobs(
        self, world: World, project: Project, item: str, write: Any
    ) -> None:
        write(job_of(project), drafts_for(item, box(), box("nut")))
        later = drafts_for(item, box("nut", 0.9))
        write(job_of(project), later)

        assert set(world.drafts(item)) == {later.drafts[0].prediction_uid}
        assert world.annotations(item) == 1

    def test_it_replaces_them_by_nothing_where_a_later_job_finds_nothing(
        self, world: World, project: Project, item: str, write: Any
    ) -> None:
        write(job_of(project), drafts_for(item, box()))

        assert write(job_of(project), drafts_for(item)) == Written()
        assert world.annotations(item) == 0

    def test_it_leaves_drafts_on_items_that_the_later_job_does_not_name(
        self, world: World, project: Project, write: Any
    ) -> None:
        first, second = world.make_item(project), world.make_item(project)
        write(job_of(project), drafts_for(first, box()), drafts_for(second, box()))
        write(job_of(project), drafts_for(second))

        assert (len(world.drafts(first)), len(world.drafts(second))) == (1, 0)

    @pytest.mark.parametrize("policy", EACH_POLICY)
    @pytest.mark.parametrize("verdict", ["accepted", "edited", "discarded"])
    def test_it_never_touches_what_a_person_reviewed(
        self, world: World, project: Project, item: str, write: Any, verdict: str, policy: Any
    ) -> None:
        drafts = drafts_for(item, box(), box("nut"))
        write(job_of(project), drafts)
        world.decide(item, drafts.drafts[0].prediction_uid, verdict)

        later = job_of(project, existing_drafts=policy)
        assert write(later, drafts_for(item, box())) == Written(taken=frozenset({item}))
        assert world.annotations(item) == 2
        assert set(world.drafts(item)) == {drafts.drafts[1].prediction_uid}

    @pytest.mark.parametrize("touch", ["label_by_hand", "finish", "flag", "delete_item"])
    def test_it_skips_and_returns_items_that_a_person_took_meanwhile(
        self, world: World, project: Project, item: str, write: Any, touch: str
    ) -> None:
        free = world.make_item(project)
        getattr(world, touch)(item)
        before = world.annotations(item)

        assert write(job_of(project), drafts_for(item, box()), drafts_for(free, box())) == Written(
            taken=frozenset({item})
        )
        assert world.annotations(item) == before
        assert len(world.drafts(free)) == 1

    def test_it_writes_on_no_item_of_another_project(
        self, world: World, project: Project, item: str, write: Any
    ) -> None:
        job = job_of(world.make_project())

        assert write(job, drafts_for(item, box())) == Written(taken=frozenset({item}))
        assert world.annotations(item) == 0

    # Untouched drafts that are there already

    def test_it_keeps_them_and_leaves_out_what_overlaps_one(
        self, world: World, project: Project, item: str, write: Any
    ) -> None:
        first = drafts_for(item, box(at=THERE))
        write(job_of(project), first)
        later = drafts_for(item, box("nut", at=MUCH_OF_IT), box(at=LITTLE_OF_IT), box(at=BESIDE))
        same, near, beside = (draft.prediction_uid for draft in later.drafts)

        written = write(job_of(project, existing_drafts="keep"), later)

        assert iou(THERE, LITTLE_OF_IT) < OVERLAP <= iou(THERE, MUCH_OF_IT)
        assert written == Written(left_out=frozenset({same}))
        assert set(world.drafts(item)) == {first.drafts[0].prediction_uid, near, beside}

    def test_drafts_of_one_job_may_overlap_each_other_where_others_are_kept(
        self, world: World, project: Project, item: str, write: Any
    ) -> None:
        write(job_of(project), drafts_for(item, box(at=BESIDE)))

        twins = drafts_for(item, box(at=THERE), box(at=THERE))
        assert write(job_of(project, existing_drafts="keep"), twins) == Written()
        assert len(world.drafts(item)) == 3

    def test_it_skips_an_item_that_has_one_and_writes_on_the_others(
        self, world: World, project: Project, item: str, write: Any
    ) -> None:
        first, free = drafts_for(item, box(at=THERE)), world.make_item(project)
        write(job_of(project), first)
        later = drafts_for(item, box(at=THERE), box(at=BESIDE))

        written = write(job_of(project, existing_drafts="skip"), later, drafts_for(free, box()))

        assert written == Written(left_out=frozenset(draft.prediction_uid for draft in later.drafts))
        assert set(world.drafts(item)) == {first.drafts[0].prediction_uid}
        assert len(world.drafts(free)) == 1

    @pytest.mark.parametrize("policy", KEEP_OR_SKIP)
    def test_where_they_stay_a_job_that_finds_nothing_deletes_nothing(
        self, world: World, project: Project, item: str, write: Any, policy: Any
    ) -> None:
        write(job_of(project), drafts_for(item, box()))

        assert write(job_of(project, existing_drafts=policy), drafts_for(item)) == Written()
        assert len(world.drafts(item)) == 1

    @pytest.mark.parametrize("policy", KEEP_OR_SKIP)
    def test_drafts_on_one_item_are_no_reason_to_leave_out_any_on_another(
        self, world: World, project: Project, item: str, write: Any, policy: Any
    ) -> None:
        other = world.make_item(project)
        write(job_of(project), drafts_for(other, box()))

        assert write(job_of(project, existing_drafts=policy), drafts_for(item, box()), drafts_for(other)) == Written()
        assert len(world.drafts(item)) == 1

    @pytest.mark.parametrize("policy", KEEP_OR_SKIP)
    def test_what_is_left_out_on_a_taken_item_is_not_told_twice(
        self, world: World, project: Project, item: str, write: Any, policy: Any
    ) -> None:
        write(job_of(project), drafts_for(item, box()))
        world.flag(item)

        written = write(job_of(project, existing_drafts=policy), drafts_for(item, box()))
        assert written == Written(taken=frozenset({item}))

    # Verdicts

    def test_it_tells_the_verdicts_of_a_job(
        self, world: World, host: Host, project: Project, item: str, write: Any
    ) -> None:
        job = job_of(project)
        drafts = drafts_for(item, box(), box("nut"), box(), box("nut"))
        write(job, drafts)
        uids = [draft.prediction_uid for draft in drafts.drafts]
        decisions = dict(zip(uids, ("accepted", "edited", "discarded"), strict=False))
        for uid, verdict in decisions.items():
            world.decide(item, uid, verdict)

        assert {one.prediction_uid: one.verdict for one in host.verdicts(job)} == decisions
        assert list(host.verdicts(job_of(project))) == []
