"""Jobs that are paused, or stop by a limit of their request; and why one makes no progress."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db.models.functions import Now
from django.utils import timezone

from annotation_platform.models import Project
from autolabel.jobs import lifecycle, stalls
from autolabel.jobs.lane import run_lane
from autolabel.jobs.reaper import glance, reap_once
from autolabel.models import Chunk, Job
from tests.factories import make_project

from .builders import balanced, make_job, make_worker, parts_project, results_of, run_to_end
from .fakes import RAISE, HookedPredictor, picture

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("rings", "fake_model")]
ITEMS = 12


@pytest.fixture
def project(configure: Callable[..., None], fake_model: Callable[..., None]) -> Project:
    configure(CHUNK_SIZE=4, PLAN_SLICE=5)
    fake_model(BATCH_SIZE=2, PREDICTOR="tests.autolabel.fakes.HookedPredictor")
    return parts_project(*[picture(1)] * ITEMS)


def ago(**delta: float) -> Any:
    return timezone.now() - timedelta(**delta)


# Pausing


def test_a_paused_job_is_left_alone_and_goes_on_where_it_was(
    project: Project, monkeypatch: pytest.MonkeyPatch, rings: Any
) -> None:
    job = make_job(project)
    monkeypatch.setattr(HookedPredictor, "hook", lambda images: lifecycle.pause(job.pk))
    run_lane(job.uid, should_stop=lambda: Job.objects.get(pk=job.pk).paused_at is not None)
    job.refresh_from_db()
    done = job.processed_items
    rings.clear()

    monkeypatch.setattr(HookedPredictor, "hook", lambda images: None)
    run_lane(job.uid)
    reap_once()
    job.refresh_from_db()
    assert (job.status, job.processed_items, rings) == ("running", done, [])
    assert 0 < done < ITEMS
    assert not job.chunks.filter(state="leased").exists()
    assert {chunk.attempts for chunk in job.chunks.filter(state="waiting")} <= {0}

    assert lifecycle.resume(job.pk)
    balanced(run_to_end(job), project.items.all())


def test_a_job_paused_while_it_is_planned_is_planned_on_without_a_wait(project: Project) -> None:
    job = make_job(project)
    run_lane(job.uid, should_stop=lambda: lifecycle.pause(job.pk) or True)
    job.refresh_from_db()
    assert job.planned_at is None

    lifecycle.resume(job.pk)
    balanced(run_to_end(job, rounds=1), project.items.all())


def test_a_lane_notices_a_pause_while_its_model_is_busy(
    project: Project, configure: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(CANCEL_POLL_SECONDS=0.02)
    job = make_job(project)

    def pause_and_wait(images: Any) -> None:
        lifecycle.pause(job.pk)
        import time

        time.sleep(0.3)

    monkeypatch.setattr(HookedPredictor, "hook", pause_and_wait)
    run_lane(job.uid)

    job.refresh_from_db()
    # The batch in hand is finished, the next one is not begun.
    assert job.processed_items == 2


def test_pauses_count_neither_as_age_nor_as_running_time(configure: Callable[..., None]) -> None:
    configure(JOB_MAX_HOURS=1)
    job = make_job(make_project(), status="running", started_at=ago(hours=3), max_seconds=60)
    Job.objects.filter(pk=job.pk).update(created_at=ago(hours=3), paused_at=ago(hours=3))
    assert reap_once().failed == 0

    lifecycle.resume(job.pk)
    assert reap_once().failed == 0
    job.refresh_from_db()
    assert job.paused_seconds == pytest.approx(3 * 3600, abs=5)

    Job.objects.filter(pk=job.pk).update(paused_seconds=3600)
    assert reap_once().failed == 1


@pytest.mark.parametrize("status", ["completed", "failed", "cancelled"])
def test_an_ended_job_is_neither_paused_nor_resumed(status: str) -> None:
    job = make_job(make_project(), status=status)
    assert not lifecycle.pause(job.pk)
    assert not lifecycle.resume(job.pk)


# Limits


@pytest.mark.parametrize("limit", [1, 5, 7, ITEMS, ITEMS + 1])
def test_no_more_than_max_items_are_planned(limit: int, project: Project) -> None:
    job = run_to_end(make_job(project, max_items=limit))
    assert (job.status, job.total_items) == ("completed", min(limit, ITEMS))
    assert len(results_of(job)) == job.total_items


def test_a_job_stops_when_too_many_of_its_items_fail() -> None:
    good, bad = picture(1), picture(1, command=RAISE)
    project = parts_project(*[good] * 6, *[bad] * 40)
    job = run_to_end(make_job(project, max_failed_pct=50, max_failed_min=10))

    assert job.status == "failed"
    assert job.error_message.startswith("Stopped by a limit: ")
    assert "max_failed_pct is 50" in job.error_message
    assert 10 <= job.processed_items < 46
    balanced(job)


def test_failures_before_the_least_number_stop_nothing() -> None:
    project = parts_project(picture(1, command=RAISE), picture(1, command=RAISE), picture(1))
    assert run_to_end(make_job(project, max_failed_pct=10, max_failed_min=4)).status == "completed"


def test_a_job_whose_time_is_over_stops_at_its_next_batch(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    job = make_job(project, max_seconds=60)
    later = {"started_at": ago(seconds=61)}
    monkeypatch.setattr(HookedPredictor, "hook", lambda images: Job.objects.filter(pk=job.pk).update(**later))
    run_to_end(job)

    assert (job.status, job.processed_items) == ("failed", 2)
    assert "max_seconds is 60" in job.error_message
    assert job.webhook_event.event_type == "auto_label.failed"


def test_a_job_whose_time_is_over_while_nobody_works_is_stopped_by_the_reaper() -> None:
    job = make_job(make_project(), status="running", started_at=ago(seconds=61), max_seconds=60)
    assert reap_once().failed == 1
    job.refresh_from_db()
    assert "0 of 0 items were done" in job.error_message


# What is shown of a job that does not move


def test_a_job_that_moves_is_not_stalled() -> None:
    make_worker()
    assert stalls.stalled(make_job(make_project(), status="running", progressed_at=ago(seconds=10))) == ""


def test_a_job_without_a_worker_says_how_to_start_one() -> None:
    make_worker("silent", silent=timedelta(minutes=2))
    job = make_job(make_project(), status="running", progressed_at=ago(seconds=40))
    Job.objects.filter(pk=job.pk).update(created_at=ago(minutes=1))
    job.refresh_from_db()
    assert stalls.stalled(job) == "No live worker can run 'yolo'. Start one: manage.py autolabel_worker"


def test_a_job_that_stands_still_says_for_how_long_and_where() -> None:
    make_worker()
    job = make_job(make_project(), status="running", progressed_at=ago(minutes=3))
    Job.objects.filter(pk=job.pk).update(created_at=ago(minutes=9))
    job.refresh_from_db()
    assert stalls.stalled(job).startswith("No image was finished for 3\xa0minutes: it waits for a free worker")

    Chunk.objects.create(job=job, item_uids=["x"], state="leased", lease_until=Now() + timedelta(minutes=1))
    assert "1 worker is at it" in stalls.stalled(job)


@pytest.mark.parametrize("fields", [{"paused_at": ago(hours=1)}, {"status": "completed"}])
def test_a_paused_or_ended_job_is_not_stalled(fields: dict[str, Any]) -> None:
    job = make_job(make_project(), **{"status": "running", "progressed_at": ago(hours=1), **fields})
    assert stalls.stalled(job) == ""


def test_a_reason_that_a_lane_has_left_comes_first() -> None:
    assert stalls.stalled(make_job(make_project(), stalled_reason="storage: 503")) == "storage: 503"


def test_whoever_looks_at_a_job_that_stands_still_rings_for_it_once(rings: Any) -> None:
    job = make_job(make_project(), status="running", progressed_at=ago(hours=1), planned_at=ago(hours=1))
    Job.objects.filter(pk=job.pk).update(created_at=ago(hours=2))
    job.refresh_from_db()
    Chunk.objects.create(job=job, item_uids=["x"])
    glance(job)
    glance(job)
    assert rings == [(job.uid, "autolabel", 1)]


def test_whoever_looks_at_a_job_that_moves_or_is_paused_does_nothing(
    rings: Any, django_assert_num_queries: Any
) -> None:
    moves = make_job(make_project(), status="running", progressed_at=ago(seconds=1))
    paused = make_job(make_project(), status="running", progressed_at=ago(hours=1), paused_at=ago(hours=1))
    with django_assert_num_queries(0):
        glance(moves)
        glance(paused)
    assert rings == []
