"""What every host must do: one suite, run against each host there is.

A host's test file subclasses `HostContract` and gives it a fixture `world`: the few things that only a platform itself
can do, such as letting a person accept a draft.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any, Protocol, get_args

import pytest
from django.db import transaction

from autolabel.exceptions import ItemUnreadable
from autolabel.hosts.base import Action, Actor, Draft, ExistingDrafts, Host, ItemDrafts, JobRef, Project, Scope, Written
from autolabel.shapes import Box, Shape

from .fakes import picture

__all__ = ["HostContract", "World"]

NOWHERE = "00000000-0000-4000-8000-000000000000"
ALL = Scope()
SQUARE = ((((2.0, 2.0), (20.0, 2.0), (20.0, 20.0), (2.0, 20.0)),),)


class World(Protocol):
    """A platform as its own people use it."""

    host: Host
    manager: Any  # of every project made here
    viewer: Any  # may only look at them
    stranger: Any  # sees none of them

    def make_project(self, labels: tuple[str, ...] = ("bolt", "nut")) -> Project: ...
    def make_item(self, project: Project, data: bytes | None = None) -> str: ...
    def delete_project(self, project: Project) -> None: ...
    def delete_item(self, item_uid: str) -> None: ...
    def lose_file(self, item_uid: str) -> None: ...
    def lose_storage(self) -> None:
        """All files are out of reach, as when a disk is not mounted."""

    def find_storage(self) -> None: ...
    def label_by_hand(self, item_uid: str) -> None: ...
    def finish(self, item_uid: str) -> None: ...
    def flag(self, item_uid: str) -> None: ...
    def is_finished(self, item_uid: str) -> bool: ...
    def accept_box(self, item_uid: str, bbox: Box) -> str:
        """A person puts an accepted "bolt" there; returns what the host's prompts call it."""

    def discard_box(self, item_uid: str, ref: str) -> None: ...
    def decide(self, item_uid: str, prediction_uid: str, verdict: str) -> None: ...
    def drafts(self, item_uid: str) -> dict[str, Shape]:
        """The untouched drafts on an item, by prediction uid."""

    def annotations(self, item_uid: str) -> int:
        """How many annotations of any state are on the item."""


def job_of(project: Project, *, boxes_to_masks: bool = False, existing_drafts: ExistingDrafts = "replace") -> JobRef:
    return JobRef(str(uuid.uuid4()), project.uid, "running", "fake", "1", boxes_to_masks, existing_drafts)


def box(label: str = "bolt", score: float = 0.75, at: Box = (1.0, 2.0, 11.0, 12.0)) -> Shape:
    return Shape(label, score, at)


def drafts_for(item_uid: str, *shapes: Shape) -> ItemDrafts:
    drafts = tuple(Draft(str(uuid.uuid4()), shape) for shape in shapes)
    return ItemDrafts(item_uid, 48, 32, drafts)


@pytest.mark.django_db(transaction=True)
class HostContract:
    @pytest.fixture
    def host(self, world: World) -> Host:
        return world.host

    @pytest.fixture
    def project(self, world: World) -> Project:
        return world.make_project()

    @pytest.fixture
    def item(self, world: World, project: Project) -> str:
        return world.make_item(project)

    @pytest.fixture
    def write(self, host: Host) -> Callable[..., Written]:
        def write(job: JobRef, *items: ItemDrafts) -> Written:
            with transaction.atomic():
                return host.write_drafts(job, items)

        return write

    # Projects and people

    def test_it_shows_a_project_to_its_members_only(self, world: World, host: Host, project: Project) -> None:
        for member in (world.manager, world.viewer):
            assert project.uid in host.visible_project_uids(member)
            assert host.get_project(project.uid, member) == project
        assert project.uid not in host.visible_project_uids(world.stranger)
        with pytest.raises(LookupError):
            host.get_project(project.uid, world.stranger)

    @pytest.mark.parametrize("uid", [NOWHERE, "x", "", "é", "1" * 500])
    def test_it_knows_no_project_of_an_unknown_or_malformed_uid(self, world: World, host: Host, uid: str) -> None:
        with pytest.raises(LookupError):
            host.get_project(uid, world.manager)
        with pytest.raises(LookupError):
            host.get_project_trusted(uid)

    def test_it_gives_workers_any_project(self, host: Host, project: Project) -> None:
        assert host.get_project_trusted(project.uid) == project

    def test_it_knows_no_project_that_is_deleted(self, world: World, host: Host, project: Project) -> None:
        world.delete_project(project)

        with pytest.raises(LookupError):
            host.get_project_trusted(project.uid)

    @pytest.mark.parametrize("action", get_args(Action))
    def test_it_lets_managers_do_everything_viewers_look_and_strangers_nothing(
        self, world: World, host: Host, project: Project, action: Action
    ) -> None:
        assert host.can(Actor(world.manager), action, project)
        assert host.can(Actor(world.viewer), action, project) == (action == "view")
        assert not host.can(Actor(world.stranger), action, project)

    def test_it_refuses_a_project_that_does_not_exist(self, world: World, host: Host) -> None:
        assert not host.can(Actor(world.manager), "run", Project(NOWHERE, "gone"))

    def test_a_session_has_no_credential_that_could_be_too_little(self, host: Host, world: World) -> None:
        for action in get_args(Action):
            assert host.credential_allows(Actor(world.stranger), action)

    def test_it_lists_a_projects_labels_in_order(self, world: World, host: Host) -> None:
        targets = host.label_targets(world.make_project(labels=("Zebra", "ant", "Mole")))

        assert [target.name for target in targets] == ["Zebra", "ant", "Mole"]
        assert all(target.kinds <= {"box", "polygon"} and target.kinds for target in targets)

    def test_it_names_the_database_and_the_pages_of_its_projects(self, host: Host, project: Project, item: str) -> None:
        assert host.database_alias() == "default"
        assert project.uid in host.project_url(project.uid)
        assert item in host.item_url(project.uid, item)

    def test_it_wraps_a_workers_dealings_for_a_user_and_for_nobody(self, world: World, host: Host) -> None:
        for user in (world.manager, None):
            with host.worker_context(user):
                pass

    def test_it_may_be_told_of_a_jobs_end_twice(self, host: Host, project: Project) -> None:
        job = job_of(project)
        host.on_finished(job)
        host.on_finished(job)

    # Which items are unlabeled

    def test_an_item_nobody_has_touched_is_unlabeled(self, host: Host, project: Project, item: str) -> None:
        assert list(host.iter_unlabeled(project, ALL)) == [item]

    @pytest.mark.parametrize("touch", ["label_by_hand", "finish", "flag", "delete_item"])
    def test_an_item_that_a_person_has_dealt_with_is_not(
        self, world: World, host: Host, project: Project, item: str, touch: str
    ) -> None:
        getattr(world, touch)(item)

        assert list(host.iter_unlabeled(project, ALL)) == []
        assert host.count_unlabeled(project, ALL) == 0

    def test_an_item_with_only_untouched_drafts_still_is(
        self, host: Host, project: Project, item: str, write: Any
    ) -> None:
        write(job_of(project), drafts_for(item, box()))

        assert list(host.iter_unlabeled(project, ALL)) == [item]

    @pytest.mark.parametrize("verdict", ["accepted", "edited", "discarded"])
    def test_an_item_with_a_verdict_is_not(
        self, world: World, host: Host, project: Project, item: str, write: Any, verdict: str
    ) -> None:
        drafts = drafts_for(item, box(), box("nut"))
        write(job_of(project), drafts)
        world.decide(item, drafts.drafts[0].prediction_uid, verdict)

        assert list(host.iter_unlabeled(project, ALL)) == []

    def test_it_lists_no_other_projects_items(self, world: World, host: Host, project: Project, item: str) -> None:
        world.make_item(world.make_project())

        assert list(host.iter_unlabeled(project, ALL)) == [item]

    # Scope, order, resuming

    @pytest.fixture
    def items(self, world: World, project: Project) -> list[str]:
        return [world.make_item(project) for _ in range(12)]

    @pytest.mark.parametrize("scope", [ALL, Scope(sample=5, seed=3), Scope(sample=100), Scope(item_uids=(NOWHERE,))])
    def test_it_counts_what_it_lists(self, host: Host, project: Project, items: list[str], scope: Scope) -> None:
        listed = list(host.iter_unlabeled(project, scope))

        assert host.count_unlabeled(project, scope) == len(listed) == len(set(listed))
        assert set(listed) <= set(items)

    @pytest.mark.parametrize("scope", [ALL, Scope(sample=9, seed=3)])
    def test_it_lists_in_a_fixed_order_and_resumes_behind_any_item(
        self, host: Host, project: Project, items: list[str], scope: Scope
    ) -> None:
        listed = list(host.iter_unlabeled(project, scope))

        assert listed == list(host.iter_unlabeled(project, scope))
        for place, uid in enumerate(listed):
            assert list(host.iter_unlabeled(project, scope, after=uid)) == listed[place + 1 :]

    def test_it_resumes_behind_an_item_that_was_deleted(
        self, world: World, host: Host, project: Project, items: list[str]
    ) -> None:
        listed = list(host.iter_unlabeled(project, ALL))
        world.delete_item(listed[4])

        assert list(host.iter_unlabeled(project, ALL, after=listed[4])) == listed[5:]

    @pytest.mark.parametrize("touch", ["label_by_hand", "finish", "flag"])
    def test_it_resumes_behind_an_item_that_was_labeled(
        self, world: World, host: Host, project: Project, items: list[str], touch: str
    ) -> None:
        listed = list(host.iter_unlabeled(project, ALL))
        for place in (1, 4, 7):
            getattr(world, touch)(listed[place])

        rest = list(host.iter_unlabeled(project, ALL, after=listed[4]))
        assert rest == [uid for place, uid in enumerate(listed) if place > 4 and place != 7]

    def test_it_lists_only_the_named_items_and_each_once(
        self, world: World, host: Host, project: Project, items: list[str]
    ) -> None:
        foreign = world.make_item(world.make_project())
        scope = Scope(item_uids=(items[3], items[1], items[3], foreign, NOWHERE, "not a uid"))

        assert sorted(host.iter_unlabeled(project, scope)) == sorted([items[1], items[3]])
        assert host.count_unlabeled(project, scope) == 2

    def test_it_names_no_items_for_an_empty_list(self, host: Host, project: Project, items: list[str]) -> None:
        assert list(host.iter_unlabeled(project, Scope(item_uids=()))) == []

    def test_it_takes_ten_thousand_named_items(self, host: Host, project: Project, items: list[str]) -> None:
        unknown = tuple(str(uuid.uuid4()) for _ in range(9_999))

        assert list(host.iter_unlabeled(project, Scope(item_uids=(*unknown, items[0])))) == [items[0]]

    def test_it_repeats_a_sample_by_its_seed(self, host: Host, project: Project, items: list[str]) -> None:
        drawn = {seed: frozenset(host.iter_unlabeled(project, Scope(sample=4, seed=seed))) for seed in range(8)}

        assert all(len(sample) == 4 for sample in drawn.values())
        assert drawn[3] == frozenset(host.iter_unlabeled(project, Scope(sample=4, seed=3)))
        assert len(set(drawn.values())) > 1

    # Images

    def test_it_opens_the_original_byte_for_byte(self, world: World, host: Host, project: Project) -> None:
        data = picture(3)
        item = world.make_item(project, data)

        with host.open_image(project, item) as file:
            assert file.read(10) + file.read() == data

    @pytest.mark.parametrize("loss", ["delete_item", "lose_file"])
    def test_it_says_that_an_item_or_file_is_gone_for_good(
        self, world: World, host: Host, project: Project, item: str, loss: str
    ) -> None:
        getattr(world, loss)(item)

        with pytest.raises(ItemUnreadable, match=r"\w"), host.open_image(project, item) as file:
            file.read()

    def test_a_storage_that_is_away_makes_no_item_unreadable(self, world: World, host: Host, project: Project) -> None:
        data = picture(3)
        item, lost = world.make_item(project, data), world.make_item(project)
        world.lose_file(lost)
        world.lose_storage()

        for uid in (item, lost):
            with pytest.raises(Exception, match=r"\w") as fault, host.open_image(project, uid) as file:
                file.read()
            assert not isinstance(fault.value, ItemUnreadable)
        world.find_storage()
        with host.open_image(project, item) as file:
            assert file.read() == data
        with pytest.raises(ItemUnreadable), host.open_image(project, lost) as file:
            file.read()

    def test_it_opens_no_item_of_another_project(self, world: World, host: Host, project: Project, item: str) -> None:
        other = world.make_project()

        with pytest.raises(ItemUnreadable), host.open_image(other, item) as file:
            file.read()
