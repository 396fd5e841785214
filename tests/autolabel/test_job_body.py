"""The OpenAPI schema tells what is sent, field for field and type for type."""

from __future__ import annotations

import json
from typing import Any

import pytest
from drf_spectacular.drainage import GENERATOR_STATS
from drf_spectacular.generators import SchemaGenerator
from jsonschema import Draft202012Validator

from autolabel.api.serializers import JobSerializer
from autolabel.models import ItemResult, Job
from autolabel.webhooks.events import job_body
from tests.factories import make_member, make_project

from .builders import make_job, make_worker, parts_project, run_to_end
from .fakes import picture


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

    assert operations >= {"auto_label_project", "auto_label_job_cancel", "auto_label_job_items", "auto_label_models"}


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
