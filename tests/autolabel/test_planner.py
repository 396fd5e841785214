"""Planning: the host's items become chunks slice by slice, without ever being in memory all at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from annotation_platform import review
from annotation_platform.autolabel_host import PlatformHost
from autolabel.hosts.base import Project, Scope
from autolabel.jobs import planner
from autolabel.models import Job
from tests.factories import make_member, make_project, make_rows_of_items

from .builders import make_job
from .memory_host import MemoryHost, MemoryItem, MemoryProject

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def small_slices(configure: Callable[..., None]) -> None:
    configure(PLAN_SLICE=10, CHUNK_SIZE=4)


class CountingHost(MemoryHost):
    """A host that counts how many refs were taken from each of its iterators."""

    def __init__(self, items: int) -> None:
        super().__init__()
        named = {f"item-{number:05}": MemoryItem(None) for number in range(items)}
        self.projects["p"] = MemoryProject("Parts", [], items=named)
        self.taken: list[int] = []
        self.resumed_behind: list[str | None] = []

    def iter_unlabeled(self, project: Project, scope: Scope, after: str | None = None) -> Iterator[str]:
        self.taken.append(0)
        self.resumed_behind.append(after)
        return self._counting(super().iter_unlabeled(project, scope, after))

    def _counting(self, refs: Iterator[str]) -> Iterator[str]:
        for ref in refs:
            self.taken[-1] += 1
            yield ref


PROJECT = Project("p", "Parts")


def plan(job: Job, host: MemoryHost, project: Project = PROJECT) -> list[int]:
    chunks = list(planner.plan_slices(job, host, project))
    job.refresh_from_db()
    return chunks


def planned(job: Job) -> list[str]:
    return [uid for uids in job.chunks.values_list("item_uids", flat=True) for uid in uids]


def test_every_item_is_planned_once_in_chunks_of_the_size_that_is_set() -> None:
    host, job = CountingHost(25), make_job("p", status="running")

    assert plan(job, host) == [3, 6, 8]
    assert planned(job) == list(host.projects["p"].items)
    assert [len(uids) for uids in job.chunks.values_list("item_uids", flat=True)] == [4, 4, 2, 4, 4, 2, 4, 1]
    assert (job.total_items, job.plan_cursor, job.plan_lease_until) == (25, "item-00024", None)
    assert job.planned_at is not None


@pytest.mark.parametrize("items", [0, 1, 9, 10, 11, 20])
def test_a_job_is_planned_whatever_the_number_of_items(items: int) -> None:
    host, job = CountingHost(items), make_job("p", status="running")
    plan(job, host)

    assert len(planned(job)) == job.total_items == items
    assert job.planned_at is not None
    assert job.status == ("running" if items else "completed")


def test_memory_stays_flat_because_no_slice_reads_further_than_itself() -> None:
    host = CountingHost(1000)
    slices = planner.plan_slices(make_job("p", status="running"), host, PROJECT)

    next(slices)
    next(slices)
    assert host.taken == [10, 10]
    assert host.resumed_behind == [None, "item-00009"]


def test_one_that_is_told_to_stop_is_continued_at_once_from_its_cursor_and_not_from_the_start() -> None:
    host, job = CountingHost(25), make_job("p", status="running")
    slices = planner.plan_slices(job, host, PROJECT)
    next(slices)
    slices.close()

    plan(job, host)
    assert host.resumed_behind == [None, "item-00009", "item-00019"]
    assert planned(job) == list(host.projects["p"].items)


def test_while_one_plans_another_leaves_it_alone() -> None:
    host, job = CountingHost(25), make_job("p", status="running")
    slices = planner.plan_slices(job, host, PROJECT)
    next(slices)

    assert plan(job, host) == []
    assert job.total_items == 10


def test_a_planned_job_is_not_planned_again() -> None:
    host, job = CountingHost(25), make_job("p", status="running")
    plan(job, host)

    assert plan(job, host) == []
    assert job.total_items == 25


def test_planning_ends_with_the_job() -> None:
    host, job = CountingHost(25), make_job("p", status="running")
    slices = planner.plan_slices(job, host, PROJECT)
    next(slices)
    Job.objects.filter(pk=job.pk).update(status="cancelled", completed_at="2026-01-01T00:00Z")

    assert list(slices) == []
    job.refresh_from_db()
    assert (job.total_items, job.planned_at) == (10, None)


def test_items_that_people_label_or_delete_between_slices_are_left_out_and_no_other_is_lost() -> None:
    project = make_project()
    make_rows_of_items(project, 25)
    items = list(project.items.order_by("uid"))
    host, job = PlatformHost(), make_job(project, status="running")
    slices = planner.plan_slices(job, host, host.get_project_trusted(project.uid))
    next(slices)
    review.add(items[3], make_member(project), "bolt", box=(1, 1, 9, 9))
    review.add(items[15], make_member(project), "bolt", box=(1, 1, 9, 9))
    items[9].delete()  # the cursor itself
    list(slices)

    assert planned(job) == [item.uid for number, item in enumerate(items) if number != 15]


def test_the_scope_of_the_request_is_what_is_planned() -> None:
    host = CountingHost(25)
    named = make_job("p", status="running", item_uids=["item-00003", "item-00001", "item-99999"])
    plan(named, host)
    assert planned(named) == ["item-00001", "item-00003"]

    Job.objects.filter(pk=named.pk).update(status="cancelled", completed_at="2026-01-01T00:00Z")
    sampled = make_job("p", status="running", sample=12, seed=5)
    plan(sampled, host)
    assert planned(sampled) == list(host.iter_unlabeled(PROJECT, Scope(sample=12, seed=5)))
