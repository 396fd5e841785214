"""The OpenAPI schema tells what is sent, field for field and type for type."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from drf_spectacular.drainage import GENERATOR_STATS
from drf_spectacular.generators import SchemaGenerator
from jsonschema import Draft202012Validator

from autolabel.api.serializers import JobSerializer
from autolabel.models import Chunk, ItemResult, Job
from autolabel.webhooks.events import job_body
from tests.factories import make_member, make_project, make_user

from .builders import make_job, make_worker, parts_project, run_to_end
from .fakes import picture

_LATER = "2100-01-01T00:00Z"


@pytest.fixture(scope="module")
def schema() -> Any:
    GENERATOR_STATS.reset()
    return SchemaGenerator().get_schema(request=None, public=True)


def answer_schema(schema: Any, method: str, path: str, status: str) -> dict[str, Any]:
    content = schema["paths"][f"/api/v1/{path}"][method]["responses"][status]["content"]
    return {**content["application/json"]["schema"], "components": schema["components"]}


def assert_fits(answer: Any, schema: dict[str, Any]) -> None:
    """OpenAPI 3.0 says null by a keyword of its own, which JSON Schema says by a type."""
    plain = json.loads(json.dumps(schema, default=str))
    errors = [error.message for error in Draft202012Validator(_with_null(plain)).iter_errors(answer)]
    assert errors == []


def _with_null(node: Any) -> Any:
    if isinstance(node, list):
        return [_with_null(one) for one in node]
    if not isinstance(node, dict):
        return node
    node = {key: _with_null(value) for key, value in node.items()}
    if node.pop("nullable", False):
        return {"anyOf": [node, {"type": "null"}]}
    return node


def test_the_schema_of_the_whole_project_is_made_without_a_warning(schema: Any) -> None:
    assert not GENERATOR_STATS._warn_cache
    assert not GENERATOR_STATS._error_cache


def test_every_route_of_the_app_is_described(schema: Any) -> None:
    operations = {
        operation["operationId"]
        for path in schema["paths"].values()
        for operation in path.values()
        if operation["operationId"].startswith("auto_label")
    }

    of_a_job = {"cancel", "items", "retry", "pause", "resume", "discard_drafts", "restore_drafts"}
    assert operations >= {"auto_label_project", "auto_label_models", *(f"auto_label_job_{name}" for name in of_a_job)}


@pytest.mark.django_db
def test_the_serializer_names_exactly_the_keys_of_the_body() -> None:
    job = make_job(make_project())

    assert list(JobSerializer().fields) == list(job_body(job)) == list(JobSerializer(job).data)


@pytest.mark.django_db
def test_the_body_is_plain_json_that_survives_the_database() -> None:
    body = job_body(make_job(make_project()))

    assert json.loads(json.dumps(body, allow_nan=False)) == body


@pytest.mark.django_db(transaction=True)
def test_answers_are_what_the_schema_says(schema: Any, as_user: Any, fake_model: Any, rings: Any) -> None:
    project = parts_project(picture(2), picture(0), b"no image")
    client = as_user(make_member(project, "manager"))
    make_worker()

    created = client.post(f"/api/v1/projects/{project.uid}/auto-label/", {}, format="json")
    assert_fits(created.json(), answer_schema(schema, "post", "projects/{project_uid}/auto-label/", "202"))
    conflict = client.post(f"/api/v1/projects/{project.uid}/auto-label/", {}, format="json")
    assert_fits(conflict.json(), answer_schema(schema, "post", "projects/{project_uid}/auto-label/", "409"))

    job = run_to_end(Job.objects.get())
    for path, described in (
        (f"auto-label-jobs/{job.uid}/", "auto-label-jobs/{uid}/"),
        ("auto-label-jobs/", "auto-label-jobs/"),
        (f"auto-label-jobs/{job.uid}/items/", "auto-label-jobs/{uid}/items/"),
        ("auto-label-models/", "auto-label-models/"),
    ):
        assert_fits(client.get(f"/api/v1/{path}").json(), answer_schema(schema, "get", described, "200"))
    assert ItemResult.objects.count() == 3


@pytest.mark.django_db(transaction=True)
def test_answers_of_actions_are_what_the_schema_says(schema: Any, as_user: Any, fake_model: Any, rings: Any) -> None:
    project = parts_project(picture(2), b"no image")
    client = as_user(make_member(project, "manager"))
    job = run_to_end(make_job(project))

    for action, status in (("discard-drafts", 200), ("restore-drafts", 200), ("retry", 202)):
        answer = client.post(f"/api/v1/auto-label-jobs/{job.uid}/{action}/", {}, format="json")
        assert answer.status_code == status
        assert_fits(answer.json(), answer_schema(schema, "post", f"auto-label-jobs/{{uid}}/{action}/", str(status)))
    retry = answer.json()["uid"]
    for action in ("pause", "resume"):
        answer = client.post(f"/api/v1/auto-label-jobs/{retry}/{action}/")
        assert_fits(answer.json(), answer_schema(schema, "post", f"auto-label-jobs/{{uid}}/{action}/", "200"))
    listed = client.get("/api/v1/auto-label-jobs/").json()
    assert_fits(listed, answer_schema(schema, "get", "auto-label-jobs/", "200"))
    assert [row["retry_of"] for row in listed["results"]] == [job.uid, None]


@pytest.mark.django_db
def test_a_list_takes_no_query_a_row(as_user: Any) -> None:
    user = make_user()
    client = as_user(user)

    def add_rows(number: int) -> None:
        """Retries, jobs that nobody works on, jobs that somebody works on for too long."""
        make_worker(name=f"worker-{number}", slow={})
        for model_type in ["gone", "slow"] * number:
            project = make_project(members={user: "viewer"})
            make_job(project, status="completed", retry_of=make_job(project, status="completed"))
            Chunk.objects.create(
                job=make_job(project, model_type=model_type), item_uids=["x"], state="leased", lease_until=_LATER
            )
        Job.objects.update(created_at="2026-01-01T00:00Z")

    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            rows = client.get("/api/v1/auto-label-jobs/?limit=200").json()["results"]
        assert all(bool(row["stalled"]) == (row["status"] == "pending") for row in rows)
        return len(captured)

    add_rows(1)
    few = queries()
    add_rows(5)
    assert queries() == few
