"""What is done when a worker is known to have died."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db.models.functions import Now

from autolabel.models import Chunk, Job, Worker
from autolabel.workers.bereaved import give_back
from tests.factories import make_project

from .builders import make_job, make_worker

# Its thread has a connection of its own, which sees only what is committed.
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("fake_model")]


def held(holder: str, **fields: Any) -> Job:
    job = make_job(make_project(), status="running", **fields)
    Chunk.objects.create(
        job=job, item_uids=["x"], state="leased", token="t", holder=holder, lease_until=Now() + timedelta(minutes=1)
    )
    return job


def states() -> dict[str, str]:
    return dict(Chunk.objects.values_list("job__uid", "state"))


def test_what_it_held_is_free_and_its_jobs_are_rung_for(rings: Any) -> None:
    first, second = held("worker-1#1"), held("worker-2#1")
    make_worker("worker-1")
    make_worker("worker-2")
    give_back("worker-1", "killed", "worker-1")

    assert states() == {first.uid: "waiting", second.uid: "leased"}
    assert rings == [(first.uid, "autolabel", 1)]
    assert list(Worker.objects.values_list("name", flat=True)) == ["worker-2"]


def test_one_process_of_a_worker_gives_back_its_own_only(rings: Any) -> None:
    dead, alive, namesake = held("worker-1#1"), held("worker-1#2"), held("worker-1#11")
    give_back("worker-1#1", "killed", "worker-1")
    assert states() == {dead.uid: "waiting", alive.uid: "leased", namesake.uid: "leased"}


def test_the_job_that_it_was_preparing_is_rung_for_too(rings: Any) -> None:
    preparing, named = make_job(make_project(), status="running"), make_job(make_project())
    make_worker("worker-1")
    Worker.objects.update(job_uid=preparing.uid)
    give_back("worker-1#1", "killed", "worker-1", [named.uid])
    assert sorted(rings) == sorted([(preparing.uid, "autolabel", 1), (named.uid, "autolabel", 1)])


@pytest.mark.parametrize("fields", [{"status": "cancelled"}, {"paused_at": "2026-01-01T00:00Z"}])
def test_nobody_is_rung_for_a_job_that_has_ended_or_is_paused(fields: dict[str, Any], rings: Any) -> None:
    job = make_job(make_project(), **{"status": "running", **fields})
    give_back("worker-1", "killed", "worker-1", [job.uid])
    assert rings == []


def test_a_queue_that_is_down_leaves_the_rings_to_the_reaper(queue_down: None) -> None:
    job = held("worker-1#1")
    give_back("worker-1#1", "killed", "worker-1")
    assert states() == {job.uid: "waiting"}
