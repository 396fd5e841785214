"""DELETE auto-label-jobs/{uid}/ ends a job; what it has made stays."""

from __future__ import annotations

from typing import Any

import pytest

from autolabel.jobs.lane import run_lane
from autolabel.models import Job, WebhookEvent
from tests.factories import make_draft, make_item, make_member, make_project

from .builders import make_job, parts_project
from .fakes import picture

pytestmark = pytest.mark.django_db
JOBS = "/api/v1/auto-label-jobs/"


@pytest.mark.parametrize("status", ["pending", "running"])
def test_an_active_job_is_cancelled_once(as_user: Any, status: str) -> None:
    project = make_project()
    job = make_job(project, status=status)
    client = as_user(make_member(project, "manager"))

    answer = client.delete(f"{JOBS}{job.uid}/")
    assert (answer.status_code, answer.content) == (204, b"")
    shown = client.get(f"{JOBS}{job.uid}/").json()
    assert shown["status"] == "cancelled"
    assert shown["completed_at"]

    again = client.delete(f"{JOBS}{job.uid}/")
    assert (again.status_code, set(again.json())) == (409, {"detail"})
    assert WebhookEvent.objects.get().event_type == "auto_label.cancelled"


@pytest.mark.parametrize("status", ["completed", "failed", "cancelled"])
def test_an_ended_job_is_409_and_stays_as_it_is(as_user: Any, status: str) -> None:
    project = make_project()
    job = make_job(project, status=status)

    assert as_user(make_member(project, "manager")).delete(f"{JOBS}{job.uid}/").status_code == 409
    job.refresh_from_db()
    assert job.status == status


@pytest.mark.parametrize("role", ["viewer", "annotator"])
def test_who_may_only_look_is_403(as_user: Any, role: str) -> None:
    project = make_project()
    job = make_job(project)

    assert as_user(make_member(project, role)).delete(f"{JOBS}{job.uid}/").status_code == 403
    job.refresh_from_db()
    assert job.status == "pending"


def test_another_teams_job_is_404_and_nobody_is_401(as_user: Any) -> None:
    job = make_job(make_project("Secret"))
    stranger = make_member(make_project(), "manager")

    assert as_user(stranger).delete(f"{JOBS}{job.uid}/").status_code == 404
    assert as_user().delete(f"{JOBS}{job.uid}/").status_code == 401
    assert Job.objects.get().is_active


def test_drafts_stay_when_their_job_is_cancelled(as_user: Any) -> None:
    item = make_item()
    job = make_job(item.project, status="running")
    make_draft(item, job_uid=job.uid)
    as_user(make_member(item.project, "manager")).delete(f"{JOBS}{job.uid}/")

    assert item.annotations.count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_job_cancelled_before_its_first_lane_never_starts_and_the_next_one_may(
    as_user: Any, fake_model: Any, rings: Any
) -> None:
    project = parts_project(picture(1))
    client = as_user(make_member(project, "manager"))
    job = make_job(project)
    client.delete(f"{JOBS}{job.uid}/")
    run_lane(job.uid)

    job.refresh_from_db()
    assert (job.status, job.started_at, job.total_items) == ("cancelled", None, 0)
    assert client.post(f"/api/v1/projects/{project.uid}/auto-label/", {}, format="json").status_code == 202
