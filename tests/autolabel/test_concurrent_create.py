"""However many people press the button at once, a project gets one job."""

from __future__ import annotations

from typing import Any

import pytest

from autolabel.models import Job
from tests.factories import make_member

from .builders import in_threads, parts_project

REQUESTS = 50


@pytest.mark.django_db(transaction=True)
def test_of_fifty_requests_at_once_one_starts_a_job_and_all_others_are_told_which(
    as_user: Any, fake_model: Any, rings: Any
) -> None:
    project = parts_project()
    user = make_member(project, "manager")
    clients = [as_user(user) for _ in range(REQUESTS)]
    url = f"/api/v1/projects/{project.uid}/auto-label/"

    answers = in_threads(
        *[lambda client=client: client.post(url, {"dry_run": True}, format="json") for client in clients]
    )

    statuses = [answer.status_code for answer in answers]
    job = Job.objects.get()
    assert sorted(statuses) == [202] + [409] * (REQUESTS - 1)
    assert {answer.json()["job"] for answer in answers if answer.status_code == 409} == {job.uid}
    assert rings == [(job.uid, "autolabel", 1)]
