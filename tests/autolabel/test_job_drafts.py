"""POST auto-label-jobs/{uid}/discard-drafts/ and restore-drafts/: what a client gets, and who may."""

from __future__ import annotations

from typing import Any

import pytest

from annotation_platform.models import Annotation, Project
from autolabel.jobs import drafts
from autolabel.models import Job, Prediction
from tests.factories import make_member, make_project, make_rows_of_items

from .builders import drafts_of, make_job
from .past_jobs import decide, ended_job

pytestmark = pytest.mark.django_db
JOBS = "/api/v1/auto-label-jobs/"
ACTIONS = ["discard-drafts", "restore-drafts"]


@pytest.fixture
def project() -> Project:
    project = make_project()
    make_rows_of_items(project, 2)
    return project


@pytest.fixture
def job(project: Project) -> Job:
    """Four drafts on two items."""
    return ended_job(project)


@pytest.fixture
def manager(project: Project, as_user: Any) -> Any:
    return as_user(make_member(project, "manager"))


def post(client: Any, job: Job, action: str = "discard-drafts", body: Any = None) -> Any:
    return client.post(f"{JOBS}{job.uid}/{action}/", body, format="json")


def test_the_count_is_shown_before_and_nothing_goes(manager: Any, job: Job) -> None:
    decide(drafts_of(job)[0])

    answer = post(manager, job, body={"dry_run": True})
    assert (answer.status_code, answer.json()) == (200, {"drafts": 3, "kept": 1, "remaining": 3})
    assert len(drafts_of(job)) == 3


def test_drafts_go_and_come_back_and_the_job_tells(manager: Any, job: Job) -> None:
    decide(drafts_of(job)[0])

    assert post(manager, job).json() == {"drafts": 3, "kept": 1, "remaining": 0}
    assert drafts_of(job) == []
    assert manager.get(f"{JOBS}{job.uid}/").json()["drafts_discarded_at"]

    back = post(manager, job, "restore-drafts")
    assert (back.status_code, back.json()) == (200, {"restored": 3, "left_out": 0, "remaining": 0, "after": ""})
    assert len(drafts_of(job)) == 3
    assert manager.get(f"{JOBS}{job.uid}/").json()["drafts_discarded_at"] is None


def test_a_client_that_repeats_its_request_gets_to_the_end(
    manager: Any, job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drafts, "_SLICE", 1)
    monkeypatch.setattr(drafts, "monotonic", iter(range(0, 10_000, 100)).__next__)

    assert post(manager, job).json() == {"drafts": 2, "kept": 0, "remaining": 2}
    assert post(manager, job).json() == {"drafts": 2, "kept": 0, "remaining": 0}
    half = post(manager, job, "restore-drafts").json()
    assert (half["restored"], half["remaining"]) == (2, 2)
    rest = post(manager, job, "restore-drafts", {"after": half["after"]}).json()
    assert rest == {"restored": 2, "left_out": 0, "remaining": 0, "after": ""}


def test_pruned_predictions_are_400_and_said(manager: Any, job: Job) -> None:
    post(manager, job)
    Prediction.objects.all().delete()

    answer = post(manager, job, "restore-drafts")
    assert (answer.status_code, list(answer.json())) == (400, ["detail"])
    assert "pruned" in answer.json()["detail"]


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize("status", ["pending", "running"])
def test_an_active_job_is_409(manager: Any, project: Project, action: str, status: str) -> None:
    answer = post(manager, make_job(project, status=status), action)

    assert (answer.status_code, list(answer.json())) == (409, ["detail"])


def test_a_dry_run_has_no_drafts(manager: Any, project: Project) -> None:
    job = make_job(project, status="completed", dry_run=True)

    assert post(manager, job).json() == {"drafts": 0, "kept": 0, "remaining": 0}


@pytest.mark.parametrize("body", [{"dry_run": "yes"}, {"dry_run": 1}, {"dry_run": None}, {"dryrun": True}, []])
def test_a_body_that_is_not_understood_takes_nothing_back(manager: Any, job: Job, body: Any) -> None:
    """A mistyped `dry_run` must not be taken for none."""
    assert post(manager, job, body=body).status_code == 400
    assert len(drafts_of(job)) == 4


@pytest.mark.parametrize("body", [{"after": 1}, {"after": "x" * 65}, {"after": "a\x00"}, {"before": ""}])
def test_a_place_to_go_on_is_a_word(manager: Any, job: Job, body: Any) -> None:
    post(manager, job)

    assert post(manager, job, "restore-drafts", body).status_code == 400
    assert drafts_of(job) == []


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize("role", ["viewer", "annotator"])
def test_who_may_not_cancel_jobs_is_403(as_user: Any, project: Project, job: Job, role: str, action: str) -> None:
    client = as_user(make_member(project, role))

    assert post(client, job, action).status_code == 403
    assert post(client, job, action, {"x": 1}).status_code == 403
    assert Annotation.objects.count() == 4


@pytest.mark.parametrize("action", ACTIONS)
def test_another_teams_job_is_404_and_nobody_is_401(as_user: Any, job: Job, action: str) -> None:
    assert post(as_user(make_member(make_project(), "manager")), job, action).status_code == 404
    assert post(as_user(), job, action).status_code == 401
    assert Annotation.objects.count() == 4
