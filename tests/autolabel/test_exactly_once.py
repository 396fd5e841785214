"""Nothing lost, nothing doubled: lanes that crash anywhere, run twice, run at once, or have lost their lease."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import IntegrityError

from annotation_platform.autolabel_host import PlatformHost
from annotation_platform.models import Annotation, Item, Project
from annotation_platform.querysets import AnnotationQuerySet
from autolabel.hosts.loader import get_host
from autolabel.inference.registry import get_spec, load_predictor
from autolabel.jobs import commit, leases, lifecycle, planner
from autolabel.jobs.commit import Fenced, JobEnded, commit_batch
from autolabel.jobs.lane import run_lane
from autolabel.jobs.matching import LabelMatcher
from autolabel.jobs.pipeline import Outcome, predict_items
from autolabel.models import Chunk, ItemResult, Job, Prediction

from .builders import balanced, drafts_of, in_threads, make_job, parts_project, results_of, run_to_end
from .crashes import Crash, crash_at, leave_as_killed, let_leases_run_out
from .fakes import HookedPredictor, picture

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("rings", "fake_model")]
ITEMS = 21


@pytest.fixture
def project(configure: Callable[..., None], fake_model: Callable[..., None]) -> Project:
    configure(CHUNK_SIZE=8, PLAN_SLICE=10)
    fake_model(BATCH_SIZE=3, PREDICTOR="tests.autolabel.fakes.HookedPredictor")
    return parts_project(*[picture(number % 4) for number in range(ITEMS)])


def items_of(project: Project) -> list[Item]:
    return list(project.items.all())


# Every point at which a lane does something that lasts: (owner, name, after it)
POINTS = {
    "before the fence": (commit, "_pass_fence", False),
    "after the fence": (commit, "_pass_fence", True),
    "inside write_drafts": (AnnotationQuerySet, "bulk_create", True),
    "before write_drafts": (PlatformHost, "write_drafts", False),
    "after write_drafts": (PlatformHost, "write_drafts", True),
    "after the results": (commit, "_predictions", False),
    "after the predictions": (commit, "_tally", False),
    "before the job's row": (commit, "_count", False),
    "after the job's row": (commit, "_count", True),
    "between two batches": (HookedPredictor, "hook", False),
    "before the job ends": (lifecycle, "finish_if_done", False),
    "after the job ended": (lifecycle, "finish_if_done", True),
    "before the event": (lifecycle, "record_end", False),
    "after the event": (lifecycle, "record_end", True),
}


@pytest.mark.parametrize(
    ("call", "killed"), [(1, False), (2, True), (4, True)], ids=["raised-1", "killed-2", "killed-4"]
)
@pytest.mark.parametrize("point", POINTS)
def test_a_lane_that_crashes_anywhere_and_runs_again_loses_and_doubles_nothing(
    point: str, call: int, killed: bool, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = make_job(project)
    owner, name, after = POINTS[point]
    with monkeypatch.context() as crash:
        if killed:
            leave_as_killed(crash)
        crash_at(crash, owner, name, call, after=after)
        try:
            run_lane(job.uid)
            assert call > 1  # every point is reached at least once
        except Crash:
            balanced(job)  # whatever stands there is whole
    let_leases_run_out()

    job.refresh_from_db()
    done = balanced(run_to_end(job), items_of(project)) if job.is_active else balanced(job, items_of(project))
    assert done.status == "completed"
    assert (done.successful_items, done.skipped_items) == (15, 6)
    assert len(drafts_of(done)) == 30


def test_a_lane_that_crashes_again_and_again_still_gets_there(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = make_job(project)
    for call in itertools.cycle([2, 1, 3]):
        with monkeypatch.context() as crash:
            leave_as_killed(crash)
            crash_at(crash, commit, "_count", call)
            try:
                run_lane(job.uid)
            except Crash:
                let_leases_run_out()
                continue
            break

    assert balanced(job, items_of(project)).status == "completed"


def test_a_job_whose_planner_was_killed_before_its_last_look_is_closed_by_the_next_lane(
    configure: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without items no commit of a batch would ever close it."""
    job = make_job(parts_project())
    with monkeypatch.context() as crash:
        crash_at(crash, lifecycle, "finish_if_done", 1)
        with pytest.raises(Crash):
            run_lane(job.uid)
    job.refresh_from_db()
    assert (job.status, job.planned_at is not None) == ("running", True)

    run_lane(job.uid)
    assert balanced(job).status == "completed"


def test_a_lane_that_fails_gives_its_chunk_back_at_once_and_the_attempt_counts(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that the next lane need not wait for the lease, and a chunk that always fails is given up in the end."""
    job = make_job(project)
    with monkeypatch.context() as crash:
        crash_at(crash, PlatformHost, "write_drafts", 1)
        with pytest.raises(Crash):
            run_lane(job.uid)

    first = job.chunks.first()
    assert first is not None
    assert (first.state, first.attempts) == ("waiting", 1)


@pytest.mark.parametrize("slice_", [1, 2, 3])
@pytest.mark.parametrize("point", ["before", "after"])
def test_a_planner_killed_halfway_is_continued(
    slice_: int, point: str, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = make_job(project)
    with monkeypatch.context() as crash:
        crash_at(crash, planner, "_commit_slice", slice_, after=point == "after")
        with pytest.raises(Crash):
            run_lane(job.uid)
    let_leases_run_out()

    assert balanced(run_to_end(job), items_of(project)).status == "completed"


def test_running_a_finished_job_again_changes_nothing(project: Project) -> None:
    job = run_to_end(make_job(project))
    models = (Job, Chunk, ItemResult, Prediction, Annotation, Item)
    before = [list(model.objects.order_by("pk").values()) for model in models]

    run_lane(job.uid)
    run_lane(job.uid)
    assert [list(model.objects.order_by("pk").values()) for model in models] == before


@pytest.mark.parametrize("round_", range(3))
def test_lanes_that_run_at_once_work_each_item_once(
    round_: int, project: Project, fake_model: Callable[..., None]
) -> None:
    fake_model(BATCH_SIZE=2, OPTIONS={"seconds": 0.002})
    job = make_job(project)

    answers = in_threads(*[lambda: run_lane(job.uid)] * 3)

    assert answers == [None] * 3
    job.refresh_from_db()
    done = job if not job.is_active else run_to_end(job)
    assert balanced(done, items_of(project)).status == "completed"
    assert sum(job.chunks.values_list("attempts", flat=True)) == job.chunks.count()


def test_two_planners_at_once_plan_each_item_once(project: Project) -> None:
    job = make_job(project, status="running")
    host = PlatformHost()
    ref = host.get_project_trusted(project.uid)
    Job.objects.filter(pk=job.pk).update(plan_lease_until=None)

    answers = in_threads(*[lambda: list(planner.plan_slices(job, host, ref))] * 4)

    assert not [answer for answer in answers if isinstance(answer, Exception)]
    planned = [uid for uids in job.chunks.values_list("item_uids", flat=True) for uid in uids]
    job.refresh_from_db()
    assert sorted(planned) == sorted(item.uid for item in items_of(project))
    assert (job.total_items, job.planned_at is not None) == (ITEMS, True)


def test_a_planner_whose_lease_ran_out_does_not_plan_a_slice_twice(project: Project) -> None:
    job = make_job(project, status="running")
    host = PlatformHost()
    ref = host.get_project_trusted(project.uid)
    slow = planner.plan_slices(job, host, ref)
    next(slow)
    let_leases_run_out()

    quick = planner.plan_slices(job, host, ref)
    next(quick)
    assert list(slow) == []
    assert len(list(quick)) == 1
    job.refresh_from_db()
    assert job.total_items == ITEMS
    assert sum(len(uids) for uids in job.chunks.values_list("item_uids", flat=True)) == ITEMS


# The fence


@pytest.fixture
def claimed(project: Project) -> tuple[Job, Chunk]:
    job = make_job(project)
    lifecycle.start(job.pk)
    host = PlatformHost()
    list(planner.plan_slices(job, host, host.get_project_trusted(project.uid)))
    chunk = leases.claim(job.pk)
    assert chunk is not None
    job.refresh_from_db()
    return job, chunk


def batches(job: Job, chunk: Chunk) -> Iterator[list[Outcome]]:
    host = get_host()
    project = host.get_project_trusted(job.project_uid)
    spec = get_spec("yolo")
    return predict_items(load_predictor(spec), spec, host, project, chunk.item_uids, [], lambda: False)


def commit_one(job: Job, chunk: Chunk, outcomes: list[Outcome], *, close: bool = False) -> None:
    host = get_host()
    matcher = LabelMatcher(host.label_targets(host.get_project_trusted(job.project_uid)), [], 0.5)
    commit_batch(job, chunk, outcomes, host, matcher, close=close)


def rows_of(job: Job) -> list[Any]:
    return [
        list(model.objects.order_by("pk").values()) for model in (Job, Chunk, ItemResult, Prediction, Annotation, Item)
    ]


@pytest.mark.parametrize("close", [False, True])
def test_a_lane_whose_lease_another_has_taken_writes_nothing(close: bool, claimed: tuple[Job, Chunk]) -> None:
    job, stale = claimed
    work = next(batches(job, stale))
    let_leases_run_out()
    current = leases.claim(job.pk)
    assert current is not None
    assert current.pk == stale.pk
    before = rows_of(job)

    with pytest.raises(Fenced):
        commit_one(job, stale, work, close=close)
    assert rows_of(job) == before
    commit_one(job, current, work)
    assert len(results_of(job)) == len(work)


def test_a_lane_whose_lease_ran_out_unnoticed_may_still_commit(claimed: tuple[Job, Chunk]) -> None:
    """Nobody has taken it, so that its work is not in vain; the commit renews the lease."""
    job, chunk = claimed
    work = next(batches(job, chunk))
    let_leases_run_out()

    commit_one(job, chunk, work)
    assert Chunk.objects.leased().filter(pk=chunk.pk).exists()


def test_a_chunk_that_was_given_back_takes_no_more_from_its_former_lane(claimed: tuple[Job, Chunk]) -> None:
    job, chunk = claimed
    work = next(batches(job, chunk))
    leases.release(chunk, refund=True)

    with pytest.raises(Fenced):
        commit_one(job, chunk, work)


@pytest.mark.parametrize("end", [lifecycle.cancel, lambda pk: lifecycle.fail(pk, "too old")])
@pytest.mark.parametrize("close", [False, True])
def test_an_ended_job_takes_nothing_more(end: Callable[[int], bool], close: bool, claimed: tuple[Job, Chunk]) -> None:
    job, chunk = claimed
    work = next(batches(job, chunk))
    assert end(job.pk)
    before = rows_of(job)

    with pytest.raises(JobEnded):
        commit_one(job, chunk, work, close=close)
    assert rows_of(job) == before


def test_an_item_that_has_a_result_already_takes_no_second_one(claimed: tuple[Job, Chunk]) -> None:
    job, chunk = claimed
    work = next(batches(job, chunk))
    commit_one(job, chunk, work)
    before = rows_of(job)

    with pytest.raises(IntegrityError):
        commit_one(job, chunk, work)
    assert rows_of(job) == before


def test_cancelling_while_lanes_run_leaves_whole_batches_and_nothing_after_it_returned(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = make_job(project)
    seen: list[Any] = []
    calls = itertools.count(1)

    def cancel_at_fourth(images: Any) -> None:
        if next(calls) == 4:
            lifecycle.cancel(job.pk)
            seen.append(rows_of(job)[2:])

    monkeypatch.setattr(HookedPredictor, "hook", cancel_at_fourth)
    run_lane(job.uid)
    run_lane(job.uid)

    assert rows_of(job)[2:] == seen[0]
    assert balanced(job).status == "cancelled"
    assert 0 < job.processed_items < ITEMS
    assert drafts_of(job)
