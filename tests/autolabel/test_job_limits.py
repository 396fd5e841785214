"""Request fields that say when a job stops, and what it does with drafts that are there already."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from annotation_platform.models import Project
from autolabel.hosts.base import Project as ProjectRef
from autolabel.jobs.requests import _LATER as LATER
from autolabel.jobs.requests import JobRequest, fingerprint
from autolabel.models import Job
from tests.factories import make_member, make_project

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("fake_model", "rings")]
LIMITS = {"max_items": 10, "max_seconds": 60, "max_failed_pct": 5, "max_failed_min": 50}


@pytest.fixture
def project() -> Project:
    return make_project()


@pytest.fixture
def post(project: Project, as_user: Any) -> Callable[..., Any]:
    client = as_user(make_member(project, "manager"))
    return lambda body: client.post(f"/api/v1/projects/{project.uid}/auto-label/", body, format="json")


def refusal(answer: Any, field: str) -> str:
    assert answer.status_code == 400
    assert list(answer.json()) == [field]
    assert not Job.objects.exists()
    return str(answer.json()[field][0])


def test_limits_and_the_policy_are_kept_and_shown(post: Any) -> None:
    body = {**LIMITS, "existing_drafts": "keep"}
    shown = post(body).json()

    assert {name: shown[name] for name in body} == body
    job = Job.objects.get()
    assert {name: getattr(job, name) for name in body} == body


def test_without_them_drafts_are_replaced_and_nothing_is_limited(post: Any) -> None:
    shown = post({}).json()

    assert shown["existing_drafts"] == "replace"
    assert {shown[name] for name in ("max_items", "max_seconds", "max_failed_pct")} == {None}
    assert shown["max_failed_min"] == 20


@pytest.mark.parametrize("field", ["max_items", "max_seconds", "max_failed_pct"])
@pytest.mark.parametrize("value", [0, -1, 1.5, "5", True, None, [], 2**31])
def test_a_limit_is_a_whole_number_from_1_on(post: Any, field: str, value: Any) -> None:
    refusal(post({field: value}), field)


def test_a_share_is_at_most_100_percent(post: Any) -> None:
    assert "100" in refusal(post({"max_failed_pct": 101}), "max_failed_pct")


def test_the_least_number_is_of_use_with_a_share_only(post: Any) -> None:
    assert "max_failed_pct" in refusal(post({"max_failed_min": 5}), "max_failed_min")


@pytest.mark.parametrize("policy", ["", "REPLACE", "delete", None, True, []])
def test_another_policy_is_refused_with_those_that_there_are(post: Any, policy: Any) -> None:
    message = refusal(post({"existing_drafts": policy}), "existing_drafts")

    assert policy is None or message == "Must be one of: replace, keep, skip."


def test_requests_from_before_these_fields_keep_their_fingerprint() -> None:
    """Or an Idempotency-Key that was used before an update would be refused after it."""
    project = ProjectRef("p", "P")
    plain = fingerprint(project, JobRequest())

    assert plain == fingerprint(project, JobRequest(**LATER))
    assert plain == "9f5d35e33209b01a0f0b95bdfa3f9d3afa4e555accf9fad6ecc65dc212179afe"
    different = [{**LIMITS, name: value + 1} for name, value in LIMITS.items()]
    hashes = {fingerprint(project, JobRequest(**one)) for one in [*different, LIMITS, {}, {"existing_drafts": "skip"}]}
    assert len(hashes) == 7
