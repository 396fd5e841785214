"""POST auto-label-jobs/{uid}/pause/ and resume/."""

from __future__ import annotations

from typing import Any

import pytest

from annotation_platform.models import Project
from autolabel.models import Chunk, Job
from tests.factories import make_member, make_project

from .builders import make_job

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("fake_model")]
JOBS = "/api/v1/auto-label-jobs/"
ACTIONS = ["pause", "resume"]


@pytest.fixture
def project() -> Project:
    return make_project()


@pytest.fixture
def manager(project: Project, as_user: Any) -> Any:
    return as_user(make_member(project, "manager"))


def post(client: Any, job: Job, action: str) -> Any:
    return client.post(f"{JOBS}{job.uid}/{action}/")


@pytest.mark.parametrize("status", ["pending", "running"])
def test_a_job_is_paused_and_resumed(manager: Any, project: Project, rings: Any, status: str) -> None:
    job = make_job(project, status=status)

    paused = post(manager, job, "pause")
    assert (paused.status_code, paused.json()["status"], paused.json()["stalled"]) == (200, status, "")
    assert paused.json()["paused_at"]
    assert paused.json() == manager.get(f"{JOBS}{job.uid}/").json()
    assert rings == []

    resumed = post(manager, job, "resume")
    assert (resumed.status_code, resumed.json()["status"], resumed.json()["paused_at"]) == (200, status, None)
    assert rings == [(job.uid, "autolabel", 1)]


def test_a_resumed_job_gets_as_many_lanes_as_it_can_use(
    manager: Any, project: Project, rings: Any, configure: Any
) -> None:
    configure(LANES_PER_JOB=4)
    for chunks, lanes in ((3, 3), (5, 4)):
        job = make_job(project, status="running", paused_at="2026-01-01T00:00Z", planned_at="2026-01-01T00:00Z")
        Chunk.objects.bulk_create(Chunk(job=job, item_uids=["x"]) for _ in range(chunks))
        post(manager, job, "resume")
        assert rings.pop() == (job.uid, "autolabel", lanes)
        manager.delete(f"{JOBS}{job.uid}/")


def test_pausing_twice_changes_nothing(manager: Any, project: Project, rings: Any) -> None:
    job = make_job(project)
    first = post(manager, job, "pause").json()

    assert post(manager, job, "pause").json() == first


def test_resuming_a_job_that_is_not_paused_changes_nothing(manager: Any, project: Project, rings: Any) -> None:
    job = make_job(project)

    assert post(manager, job, "resume").status_code == 200
    assert rings == []


def test_a_queue_that_is_down_is_left_to_the_reaper(manager: Any, project: Project, queue_down: Any) -> None:
    job = make_job(project, paused_at="2026-01-01T00:00Z")

    assert post(manager, job, "resume").status_code == 200


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize("status", ["completed", "failed", "cancelled"])
def test_an_ended_job_is_409(manager: Any, project: Project, rings: Any, action: str, status: str) -> None:
    answer = post(manager, make_job(project, status=status), action)

    assert (answer.status_code, list(answer.json())) == (409, ["detail"])
    assert rings == []


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize("role", ["viewer", "annotator"])
def test_who_may_not_cancel_jobs_is_403(as_user: Any, project: Project, rings: Any, action: str, role: str) -> None:
    job = make_job(project)

    assert post(as_user(make_member(project, role)), job, action).status_code == 403
    job.refresh_from_db()
    assert job.paused_at is None


@pytest.mark.parametrize("action", ACTIONS)
def test_another_teams_job_is_404_and_nobody_is_401(as_user: Any, project: Project, rings: Any, action: str) -> None:
    job = make_job(project)

    assert post(as_user(make_member(make_project(), "manager")), job, action).status_code == 404
    assert post(as_user(), job, action).status_code == 401
