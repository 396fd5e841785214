"""How many active jobs one user may have, however many requests come at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from annotation_platform.models import Project
from autolabel.hosts.loader import get_host
from autolabel.jobs import lifecycle
from autolabel.jobs.services import JobRequest, create_job
from autolabel.models import Job
from tests.factories import make_project, make_user

from .builders import in_threads, make_job

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("fake_model")]


@pytest.fixture
def user() -> Any:
    return make_user()


@pytest.fixture
def projects(user: Any) -> list[Project]:
    return [make_project(members={user: "manager"}) for _ in range(4)]


@pytest.fixture
def post(as_user: Any, user: Any) -> Callable[..., Any]:
    def send(project: Project, who: Any = user, **headers: str) -> Any:
        return as_user(who).post(f"/api/v1/projects/{project.uid}/auto-label/", {}, format="json", headers=headers)

    return send


def test_one_more_is_refused_with_the_limit_and_the_way_out(
    post: Any, projects: list[Project], configure: Any, rings: Any
) -> None:
    configure(MAX_ACTIVE_JOBS_PER_USER=2)
    assert [post(project).status_code for project in projects[:2]] == [202, 202]

    refused = post(projects[2])
    assert (refused.status_code, list(refused.json())) == (429, ["detail"])
    assert "2 active jobs" in refused.json()["detail"]
    assert "MAX_ACTIVE_JOBS_PER_USER" in refused.json()["detail"]
    assert "cancel one" in refused.json()["detail"]
    assert Job.objects.count() == 2


def test_a_job_that_ends_makes_room_for_another(post: Any, projects: list[Project], configure: Any, rings: Any) -> None:
    configure(MAX_ACTIVE_JOBS_PER_USER=1)
    post(projects[0])
    assert post(projects[1]).status_code == 429

    lifecycle.cancel(Job.objects.get().pk)
    assert post(projects[1]).status_code == 202


def test_a_paused_job_counts(post: Any, projects: list[Project], user: Any, configure: Any, rings: Any) -> None:
    configure(MAX_ACTIVE_JOBS_PER_USER=1)
    make_job(projects[0], created_by=user, paused_at="2026-01-01T00:00Z")

    assert post(projects[1]).status_code == 429


def test_other_peoples_jobs_do_not_count(
    post: Any, projects: list[Project], user: Any, configure: Any, rings: Any
) -> None:
    configure(MAX_ACTIVE_JOBS_PER_USER=1)
    make_job(projects[0]), make_job(projects[1], created_by=make_user())

    assert post(projects[2]).status_code == 202


def test_a_conflict_and_a_repeated_key_are_the_better_answers(
    post: Any, projects: list[Project], configure: Any, rings: Any
) -> None:
    configure(MAX_ACTIVE_JOBS_PER_USER=1)
    first = post(projects[0], **{"Idempotency-Key": "k"})

    assert post(projects[0]).status_code == 409
    assert post(projects[0], **{"Idempotency-Key": "k"}).json()["uid"] == first.json()["uid"]


def test_a_retry_counts(as_user: Any, user: Any, projects: list[Project], configure: Any, rings: Any) -> None:
    configure(MAX_ACTIVE_JOBS_PER_USER=1)
    make_job(projects[0], created_by=user)
    ended = make_job(projects[1], status="completed", failed_items=1, total_items=1)
    ended.item_results.create(item_uid="x", outcome="failed", reason="unreadable")

    assert as_user(user).post(f"/api/v1/auto-label-jobs/{ended.uid}/retry/").status_code == 429


def test_none_is_without_a_limit_and_so_is_the_command_line(
    post: Any, projects: list[Project], configure: Any, rings: Any
) -> None:
    configure(MAX_ACTIVE_JOBS_PER_USER=None)
    assert [post(project).status_code for project in projects[:3]] == [202] * 3

    configure(MAX_ACTIVE_JOBS_PER_USER=1)
    assert create_job(get_host().get_project_trusted(projects[3].uid), JobRequest()).is_active


@pytest.mark.django_db(transaction=True)
def test_a_refused_job_rings_for_nobody(post: Any, projects: list[Project], configure: Any, rings: Any) -> None:
    configure(MAX_ACTIVE_JOBS_PER_USER=0)
    post(projects[0])

    assert rings == []


@pytest.mark.django_db(transaction=True)
def test_of_twenty_requests_at_once_as_many_pass_as_may(as_user: Any, configure: Any, rings: Any) -> None:
    configure(MAX_ACTIVE_JOBS_PER_USER=3)
    user = make_user()
    projects = [make_project(members={user: "manager"}) for _ in range(20)]
    clients = [as_user(user) for _ in projects]

    answers = in_threads(
        *[
            lambda client=client, uid=project.uid: client.post(f"/api/v1/projects/{uid}/auto-label/", {}, format="json")
            for client, project in zip(clients, projects, strict=True)
        ]
    )

    assert sorted(answer.status_code for answer in answers) == [202] * 3 + [429] * 17
    assert Job.objects.active().count() == len(rings) == 3
