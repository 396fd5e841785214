"""The reaper makes good what crashes, lost rings and restarts leave behind."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.db.models.functions import Now
from django.utils import timezone

from autolabel import queue
from autolabel.jobs.reaper import Reaped, reap_once
from autolabel.models import Chunk, Job, Worker
from tests.factories import make_project

from .builders import balanced, make_job, make_worker, parts_project, run_to_end
from .fakes import picture

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("rings", "fake_model")]
NOW, THEN = timezone.now, "2026-01-01T00:00Z"


def running(chunks: int = 0, **fields: Any) -> Job:
    job = make_job(make_project(), **{"status": "running", "planned_at": THEN, "total_items": chunks, **fields})
    Chunk.objects.bulk_create(Chunk(job=job, item_uids=[f"item-{number}"]) for number in range(chunks))
    return job


def lease(job: Job, number: int, *, seconds: float) -> None:
    pks = list(job.chunks.filter(state="waiting").values_list("pk", flat=True)[:number])
    Chunk.objects.filter(pk__in=pks).update(
        state="leased", token="t", lease_until=Now() + timedelta(seconds=seconds), attempts=1
    )


def test_it_has_nothing_to_do_where_nothing_is_wrong() -> None:
    assert reap_once() == Reaped()


def test_a_pending_job_whose_ring_was_lost_is_rung_again(rings: Any) -> None:
    job = make_job(make_project())

    assert reap_once().rung == 1
    assert rings == [(job.uid, "autolabel", 1)]


def workers(number: int) -> None:
    for index in range(number):
        make_worker(f"worker-{index}")


def test_it_rings_for_as_many_lanes_as_the_chunks_can_use(rings: Any, configure: Callable[..., None]) -> None:
    configure(LANES_PER_JOB=3)
    workers(8)
    few, many = running(2), running(9)
    reap_once()

    assert rings == [(few.uid, "autolabel", 2), (many.uid, "autolabel", 3)]


def test_it_rings_for_no_more_lanes_than_there_are_workers(rings: Any) -> None:
    workers(2)
    make_worker("silent", silent=timedelta(minutes=5))
    make_worker("without the model", yolo=Worker.unready("No weights."))
    job = running(9)
    reap_once()

    assert rings == [(job.uid, "autolabel", 2)]


def test_it_counts_the_lanes_that_work_and_those_that_wait_in_the_queue(
    rings: Any, configure: Callable[..., None]
) -> None:
    configure(LANES_PER_JOB=5)
    workers(8)
    job = running(9)
    lease(job, 2, seconds=60)
    rings.queued = 1
    reap_once()
    assert rings == [(job.uid, "autolabel", 2)]

    rings.clear()
    rings.queued = 3
    assert reap_once().rung == 0
    assert rings == []


def test_a_job_that_is_being_planned_is_left_to_its_planner(rings: Any) -> None:
    job = running(planned_at=None, plan_lease_until=NOW() + timedelta(minutes=1))
    reap_once()
    assert rings == []

    Job.objects.filter(pk=job.pk).update(plan_lease_until=NOW() - timedelta(minutes=1))
    reap_once()
    assert rings == [(job.uid, "autolabel", 1)]


def test_it_rings_in_the_queue_of_the_jobs_model(
    rings: Any, configure: Callable[..., None], fake_model: Callable[..., None]
) -> None:
    fake_model(QUEUE="gpu")
    job = make_job(make_project())
    reap_once()

    assert rings == [(job.uid, "gpu", 1)]


def test_expired_leases_are_given_back_at_once(rings: Any) -> None:
    workers(3)
    job = running(3)
    lease(job, 1, seconds=-1)
    lease(job, 1, seconds=60)

    assert reap_once().released == 1
    assert sorted(job.chunks.values_list("state", flat=True)) == ["leased", "waiting", "waiting"]
    assert rings == [(job.uid, "autolabel", 2)]


@pytest.mark.django_db(transaction=True)
def test_a_job_that_its_last_lane_could_not_close_is_closed(rings: Any) -> None:
    job = running(2, successful_items=0)
    job.chunks.update(state="done")

    assert reap_once().closed == 1
    job.refresh_from_db()
    assert job.status == "completed"
    assert rings == []


def test_a_job_past_its_greatest_age_fails(configure: Callable[..., None], rings: Any) -> None:
    configure(JOB_MAX_HOURS=2)
    old, young = running(1), running(1)
    Job.objects.filter(pk=old.pk).update(created_at=NOW() - timedelta(hours=2, minutes=1))
    Job.objects.filter(pk=young.pk).update(created_at=NOW() - timedelta(hours=1, minutes=59))

    assert reap_once().failed == 1
    old.refresh_from_db()
    assert (old.status, old.error_message) == ("failed", "The job did not end within 2 hours.")
    assert [uid for uid, _, _ in rings] == [young.uid]


def test_a_job_whose_model_left_the_registry_fails() -> None:
    job = make_job(make_project(), model_type="gone")

    assert reap_once().failed == 1
    job.refresh_from_db()
    assert "no model 'gone'" in job.error_message


def test_a_queue_that_is_down_hinders_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    def down(*args: Any) -> Any:
        raise queue.QueueDown("nobody there")

    monkeypatch.setattr(queue, "queued_lanes", down)
    monkeypatch.setattr(queue, "stop_lanes", down)
    stuck, done, ended = running(2), running(0), running(status="cancelled", completed_at=NOW() - timedelta(minutes=1))
    lease(stuck, 1, seconds=-1)
    reaped = reap_once()

    assert (reaped.released, reaped.closed, reaped.rung, reaped.stopped) == (1, 1, 0, 0)
    stuck.refresh_from_db()
    done.refresh_from_db()
    assert (stuck.status, done.status, ended.status) == ("running", "completed", "cancelled")


def test_a_queue_server_that_does_not_answer_is_survived(monkeypatch: pytest.MonkeyPatch, queue_down: None) -> None:
    monkeypatch.undo()  # the doorbell itself, on a socket where nobody listens
    make_job(make_project())

    assert reap_once().rung == 0


def test_lanes_that_hang_in_an_ended_job_are_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    stopped: list[str] = []
    monkeypatch.setattr(queue, "stop_lanes", lambda uid, name: stopped.append(uid) or 1)
    ages = {"just now": timedelta(seconds=2), "hung": timedelta(seconds=20), "long ago": timedelta(hours=1)}
    jobs = {
        name: running(status="cancelled", completed_at=NOW() - age, host_told_at=NOW()) for name, age in ages.items()
    }

    assert reap_once().stopped == 1
    assert stopped == [jobs["hung"].uid]


def test_workers_that_fell_silent_long_ago_are_forgotten() -> None:
    make_worker("live")
    make_worker("silent", silent=timedelta(hours=2))
    make_worker("gone", silent=timedelta(days=1, minutes=1))
    reap_once()

    assert set(Worker.objects.values_list("name", flat=True)) == {"live", "silent"}


def test_the_command_makes_one_round_and_tells_what_it_did(capsys: pytest.CaptureFixture[str]) -> None:
    make_job(make_project())
    call_command("autolabel_reap")

    assert "rung 1" in capsys.readouterr().out


@pytest.mark.django_db(transaction=True)
def test_a_job_left_by_a_killed_lane_is_brought_to_its_end(rings: Any) -> None:
    project = parts_project(*[picture(1)] * 5)
    job = make_job(project, status="running")
    Job.objects.filter(pk=job.pk).update(plan_lease_until=NOW() - timedelta(seconds=1))

    assert reap_once().rung == 1
    assert balanced(run_to_end(job), project.items.all()).status == "completed"
