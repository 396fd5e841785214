"""Items that end their workers, workers that die, databases that are away: what of it costs whom."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from django.db import OperationalError

from annotation_platform.autolabel_host import PlatformHost
from annotation_platform.models import Item, Project
from autolabel.jobs import commit, lane, leases, lifecycle, patience, planner
from autolabel.jobs.lane import run_lane
from autolabel.models import Job

from .builders import balanced, drafts_of, make_job, parts_project, results_of, run_to_end
from .crashes import Crash, Raises, leave_as_killed, let_leases_run_out
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


def plan(job: Job) -> None:
    lifecycle.start(job.pk)
    host = PlatformHost()
    list(planner.plan_slices(job, host, host.get_project_trusted(job.project_uid)))


@pytest.mark.parametrize("poisonous", [1, 8], ids=["one", "all-of-a-chunk"])
def test_only_items_that_end_their_workers_fail_each_after_three_crashes_at_most(
    poisonous: int, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    poison = set(project.items.order_by("uid").values_list("uid", flat=True)[:poisonous])
    real, crashes = PlatformHost.write_drafts, itertools.count()

    def dies(self: Any, job: Any, items: Any) -> Any:
        if any(item.item_uid in poison for item in items):
            next(crashes)
            raise Crash
        return real(self, job, items)

    monkeypatch.setattr(PlatformHost, "write_drafts", dies)
    leave_as_killed(monkeypatch)
    job = make_job(project)
    for _ in range(4 * poisonous):
        with suppress(Crash):
            run_lane(job.uid)
        let_leases_run_out()

    balanced(job, items_of(project))
    assert job.status == "completed"
    rows = results_of(job)
    assert {uid for uid, row in rows.items() if row.reason == "crashed_the_worker"} == poison
    assert job.failed_items == poisonous
    assert next(crashes) <= 1 + 2 * poisonous


def test_a_message_says_how_the_worker_ended(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    poison = project.items.order_by("uid").first().uid
    real = PlatformHost.write_drafts

    def dies(self: Any, job: Any, items: Any) -> Any:
        if any(item.item_uid == poison for item in items):
            raise Crash
        return real(self, job, items)

    monkeypatch.setattr(PlatformHost, "write_drafts", dies)
    leave_as_killed(monkeypatch)
    job = make_job(project)
    for _ in range(4):
        with suppress(Crash):
            run_lane(job.uid, holder="worker-1")
        leases.release_of("worker-1", "used more than 512 MB of memory")

    assert results_of(job)[poison].message == (
        "The worker ended 2 times while it had only this item in hand. Last: used more than 512 MB of memory."
    )


def test_each_item_is_told_how_the_worker_ended_on_it(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = project.items.order_by("uid").values_list("uid", flat=True)[:2]
    endings = {first: "used more than 512 MB of memory", second: "signal 11"}
    real, last = PlatformHost.write_drafts, ""

    def dies(self: Any, job: Any, items: Any) -> Any:
        nonlocal last
        for item in items:
            if item.item_uid in endings:
                last = endings[item.item_uid]
                raise Crash
        return real(self, job, items)

    monkeypatch.setattr(PlatformHost, "write_drafts", dies)
    leave_as_killed(monkeypatch)
    job = make_job(project)
    for _ in range(8):
        with suppress(Crash):
            run_lane(job.uid, holder="worker-1")
        leases.release_of("worker-1", last)

    rows = results_of(job)
    for uid, ending in endings.items():
        assert rows[uid].message.endswith(f"Last: {ending}.")


def test_a_chunk_whose_workers_end_before_they_begin_is_given_up(
    project: Project, configure: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(CHUNK_ATTEMPTS=3)
    monkeypatch.setattr(leases, "mark_in_flight", crash := Raises(Crash))
    monkeypatch.setattr(HookedPredictor, "hook", lambda images: crash())
    leave_as_killed(monkeypatch)
    job = make_job(project)
    for _ in range(20):
        with suppress(Crash):
            run_lane(job.uid)
        let_leases_run_out()

    balanced(job, items_of(project))
    assert job.status == "failed"
    assert {row.message for row in results_of(job).values()} == {"Given up: its chunk failed 3 times."}


def test_an_item_that_was_in_hand_when_work_ended_in_order_is_not_suspected(project: Project) -> None:
    job = make_job(project)
    plan(job)
    job.chunks.update(attempts=1)
    held = leases.claim(job.pk, holder="worker-1")
    assert held is not None
    assert leases.mark_in_flight(held, held.item_uids[0])
    leases.release(held, refund=True)

    again = leases.claim(job.pk)
    assert again is not None
    assert (again.in_flight, again.crashes, again.attempts) == ("", {}, 2)


def test_a_lane_that_has_lost_its_lease_marks_nothing(project: Project) -> None:
    job = make_job(project)
    plan(job)
    stale = leases.claim(job.pk)
    let_leases_run_out()
    current = leases.claim(job.pk)
    assert stale is not None
    assert current is not None

    assert not leases.mark_in_flight(stale, stale.item_uids[0])
    current.refresh_from_db()
    assert current.in_flight == ""


# Workers that are known to have died


def test_what_a_dead_worker_held_is_free_at_once_and_its_jobs_are_named(project: Project) -> None:
    job = make_job(project)
    plan(job)
    held, others = leases.claim(job.pk, holder="worker-1"), leases.claim(job.pk, holder="worker-2")
    assert held is not None
    assert others is not None

    assert leases.release_of("worker-1", "killed") == {job.uid}
    assert leases.release_of("") == set()

    again = leases.claim(job.pk, holder="worker-3")
    assert again is not None
    assert (again.pk, again.attempts, again.crash_note) == (held.pk, 2, "killed")
    others.refresh_from_db()
    assert others.state == "leased"
    assert not leases.mark_in_flight(held, held.item_uids[0])


# Databases that are away for a moment


@pytest.mark.parametrize("name", ["_pass_fence", "_count"])
def test_a_batch_is_committed_once_when_the_database_was_away(
    name: str, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "_PAUSES_SECONDS", (0.0, 0.0, 0.0))
    real, calls = getattr(commit, name), itertools.count()

    def fails_now_and_then(*args: Any) -> None:
        if next(calls) % 3 != 2:
            raise OperationalError("the server is restarting")
        real(*args)

    monkeypatch.setattr(commit, name, fails_now_and_then)
    job = run_to_end(make_job(project))

    balanced(job, items_of(project))
    assert job.failed_items == 0
    assert sum(job.summary["drafts"].values()) == len(drafts_of(job)) == 30


def test_a_commit_that_was_made_although_its_connection_broke_is_not_made_twice(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "_PAUSES_SECONDS", (0.0,))
    real, calls = lane.commit_batch, itertools.count()

    def breaks_after_its_commit(*args: Any, **kwargs: Any) -> None:
        real(*args, **kwargs)
        if next(calls) in (0, 2):
            raise OperationalError("the connection was closed")

    monkeypatch.setattr(lane, "commit_batch", breaks_after_its_commit)
    job = run_to_end(make_job(project))

    balanced(job, items_of(project))
    assert job.failed_items == 0
    assert sum(job.summary["drafts"].values()) == 30
