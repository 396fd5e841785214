"""POST projects/{uid}/auto-label/: what a client gets, and what it is told when the request is wrong."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone
from redis.exceptions import ConnectionError as RedisConnectionError

from annotation_platform.keys import issue_key
from annotation_platform.models import Project
from autolabel import queue
from autolabel.models import Job
from tests.factories import make_member, make_project

from .builders import in_threads, make_job, make_worker
from .fakes import FAKE_LABELS

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("fake_model")]

FIELDS = {
    "uid",
    "project",
    "status",
    "model_type",
    "model_version",
    "confidence_threshold",
    "thresholds",
    "labels",
    "label_map",
    "boxes_to_masks",
    "dry_run",
    "existing_drafts",
    "max_items",
    "max_seconds",
    "max_failed_pct",
    "max_failed_min",
    "retry_of",
    "total_items",
    "processed_items",
    "successful_items",
    "failed_items",
    "skipped_items",
    "progress_pct",
    "stalled",
    "error_message",
    "summary",
    "drafts_discarded_at",
    "paused_at",
    "started_at",
    "completed_at",
    "created_at",
}
UNKNOWN = "00000000-0000-4000-8000-000000000000"


@pytest.fixture
def project() -> Project:
    return make_project(labels=(*FAKE_LABELS, "Car"))


@pytest.fixture
def post(project: Project, as_user: Any, rings: Any) -> Callable[..., Any]:
    """`post({"dry_run": True})` as a manager of the project; other keywords go to the client."""
    client = as_user(make_member(project, "manager"))

    def send(body: Any = None, uid: str = "", **options: Any) -> Any:
        url = f"/api/v1/projects/{uid or project.uid}/auto-label/"
        if body is None:
            return client.post(url, **options)
        return client.post(url, json.dumps(body), content_type="application/json", **options)

    return send


def send_raw(post_client: Any, url: str, body: str | bytes, content_type: str = "application/json") -> Any:
    return post_client.generic("POST", url, body, content_type=content_type)


# What a client gets


def test_it_answers_202_with_the_job_and_where_it_is(post: Any, project: Project) -> None:
    answer = post({})
    job = Job.objects.get()

    assert answer.status_code == 202
    assert answer["Location"] == f"http://testserver/api/v1/auto-label-jobs/{job.uid}/"
    assert set(answer.json()) == FIELDS
    assert answer.json() == {
        "uid": job.uid,
        "project": project.uid,
        "status": "pending",
        "model_type": "yolo",
        "model_version": "",
        "confidence_threshold": 0.5,
        "thresholds": {},
        "labels": [],
        "label_map": {},
        "boxes_to_masks": False,
        "dry_run": False,
        "existing_drafts": "replace",
        "max_items": None,
        "max_seconds": None,
        "max_failed_pct": None,
        "max_failed_min": 20,
        "retry_of": None,
        "total_items": 0,
        "processed_items": 0,
        "successful_items": 0,
        "failed_items": 0,
        "skipped_items": 0,
        "progress_pct": None,
        "stalled": "",
        "error_message": "",
        "summary": None,
        "drafts_discarded_at": None,
        "paused_at": None,
        "started_at": None,
        "completed_at": None,
        "created_at": job.created_at.isoformat().replace("+00:00", "Z"),
    }


def test_the_location_answers_with_the_same_job(post: Any, as_user: Any, project: Project) -> None:
    answer = post({})

    shown = as_user(make_member(project, "viewer")).get(answer["Location"])
    assert (shown.status_code, shown.json()) == (200, answer.json())


def test_no_body_at_all_means_the_defaults(post: Any) -> None:
    assert post().status_code == 202


def test_it_takes_all_that_is_documented(post: Any) -> None:
    body = {
        "model_type": "yolo",
        "confidence_threshold": 0.75,
        "labels": ["bolt", "washer"],
        "dry_run": True,
        "sample": 5,
        "seed": -7,
    }
    answer = post(body)

    assert answer.status_code == 202
    assert {name: answer.json()[name] for name in ("confidence_threshold", "labels", "dry_run")} == {
        "confidence_threshold": 0.75,
        "labels": ["bolt", "washer"],
        "dry_run": True,
    }
    job = Job.objects.get()
    assert (job.sample, job.seed, job.item_uids) == (5, -7, None)


def test_it_takes_named_items(post: Any) -> None:
    assert post({"item_uids": ["a", "b"]}).status_code == 202
    assert Job.objects.get().item_uids == ["a", "b"]


@pytest.mark.parametrize("threshold", [0, 1, 0.0, 1.0, 1e-12])
def test_the_ends_of_the_threshold_are_included(post: Any, threshold: float) -> None:
    answer = post({"confidence_threshold": threshold})

    assert answer.status_code == 202
    assert answer.json()["confidence_threshold"] == threshold


def test_labels_are_known_without_case_and_kept_once_in_the_projects_spelling(post: Any) -> None:
    answer = post({"labels": ["CAR", " car ", "Bolt"]})

    assert answer.json()["labels"] == ["Car", "bolt"]


def test_it_is_recorded_who_asked(post: Any, project: Project) -> None:
    post({})

    assert Job.objects.get().created_by == project.members.get()


# What is wrong


BAD = [
    ({"model_type": "gpt"}, "model_type", "yolo"),
    ({"model_type": ""}, "model_type", "blank"),
    ({"model_type": 5}, "model_type", "string"),
    ({"model_type": None}, "model_type", "null"),
    ({"model_type": "y" * 65}, "model_type", "64"),
    ({"model_type": "\ud800"}, "model_type", "allowed"),
    *[
        ({"confidence_threshold": value}, "confidence_threshold", "0.0 to 1.0")
        for value in (-0.1, 1.1, 2, "x", "0.5", "", True, False, [], {}, 10**400, -(10**400))
    ],
    ({"confidence_threshold": None}, "confidence_threshold", "number from 0.0 to 1.0"),
    ({"labels": "car"}, "labels", "list"),
    ({"labels": {"car": 1}}, "labels", "list"),
    ({"labels": None}, "labels", "null"),
    ({"labels": [1]}, "labels", "string"),
    ({"labels": [None]}, "labels", "null"),
    ({"labels": [""]}, "labels", "blank"),
    ({"labels": [["bolt"]]}, "labels", "string"),
    ({"labels": ["unicorn", "bolt"]}, "labels", '"unicorn": not a label of this project. Allowed: washer, nut'),
    ({"labels": ["bolt"] * 1001}, "labels", "1000"),
    ({"dry_run": "true"}, "dry_run", "boolean"),
    ({"dry_run": 1}, "dry_run", "boolean"),
    ({"dry_run": None}, "dry_run", "null"),
    ({"item_uids": []}, "item_uids", "at least one"),
    ({"item_uids": "a"}, "item_uids", "list"),
    ({"item_uids": None}, "item_uids", "null"),
    ({"item_uids": [1]}, "item_uids", "string"),
    ({"item_uids": [True]}, "item_uids", "string"),
    ({"item_uids": ["x" * 65]}, "item_uids", "64"),
    ({"item_uids": ["a\x00b"]}, "item_uids", "allowed"),
    *[({"sample": value}, "sample", "integer") for value in (True, "5", 1.5, [1])],
    *[({"sample": value}, "sample", "greater than or equal to 1") for value in (0, -1)],
    ({"sample": 2**31}, "sample", "less than or equal to"),
    ({"sample": None}, "sample", "null"),
    ({"sample": 5, "seed": 2**63}, "seed", "less than or equal to"),
    ({"sample": 5, "seed": "1"}, "seed", "integer"),
    ({"seed": 1}, "seed", "sample"),
    ({"sample": 5, "item_uids": ["a"]}, "sample", "not both"),
    ({"confidence": 0.5}, "confidence", "confidence_threshold"),
    ({"status": "completed"}, "status", "Unknown field"),
]


@pytest.mark.parametrize(("body", "field", "message"), BAD, ids=[str(body)[:40] for body, _, _ in BAD])
def test_a_bad_value_is_refused_by_name_with_what_is_allowed(
    post: Any, rings: Any, body: dict[str, Any], field: str, message: str, django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        answer = post(body)

    assert answer.status_code == 400
    assert set(answer.json()) == {field}
    assert message in json.dumps(answer.json(), ensure_ascii=False).replace('\\"', '"')
    assert not Job.objects.exists()
    assert rings == []


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
@pytest.mark.parametrize("field", ["confidence_threshold", "sample", "labels", "dry_run", "model_type"])
def test_a_number_that_is_none_is_refused_by_name(as_user: Any, project: Project, number: str, field: str) -> None:
    client = as_user(make_member(project, "manager"))
    answer = send_raw(client, f"/api/v1/projects/{project.uid}/auto-label/", f'{{"{field}": {number}}}')

    assert answer.status_code == 400
    assert set(answer.json()) == {field}


def test_too_many_items_are_refused_with_the_limit(post: Any) -> None:
    answer = post({"item_uids": [f"item-{number}" for number in range(10_001)]})

    assert answer.status_code == 400
    assert "10,000" in answer.json()["item_uids"][0]
    assert post({"item_uids": [f"item-{number}" for number in range(10_000)]}).status_code == 202


def test_labels_that_no_live_worker_knows_are_refused(post: Any) -> None:
    make_worker()
    answer = post({"labels": ["Car", "bolt"]})

    assert answer.status_code == 400
    assert '"Car": not a label of this model. Allowed: washer, nut, bolt, gear, spring.' in answer.json()["labels"]


@pytest.mark.parametrize(
    "worker",
    [
        {"silent": timedelta(minutes=1)},
        {"yolo": {"labels": None}},
        {"yolo": {"registered": "v2"}},
        {"sam3": {}},
    ],
    ids=["silent", "any-words", "another-version", "another-model"],
)
def test_labels_are_taken_where_no_live_worker_can_tell(post: Any, worker: dict[str, Any]) -> None:
    make_worker(**worker)

    assert post({"labels": ["Car"]}).status_code == 202


def test_it_names_the_label_as_the_client_wrote_it(post: Any) -> None:
    answer = post({"labels": ['a "quoted" <b>name</b>']})

    assert '"a "quoted" <b>name</b>"' in answer.json()["labels"][0]


@pytest.mark.parametrize("body", ["[]", '["yolo"]', '"yolo"', "5", "true", "null"])
def test_a_body_that_is_no_object_is_refused(as_user: Any, project: Project, body: str) -> None:
    answer = send_raw(as_user(make_member(project, "manager")), f"/api/v1/projects/{project.uid}/auto-label/", body)

    assert answer.status_code == 400
    assert answer.json()


@pytest.mark.parametrize("body", ["{", "yolo", "{'a': 1}", b"\xff\xfe", '{"a": 1}x', "[" * 100_000])
def test_a_body_that_is_no_json_is_refused(as_user: Any, project: Project, body: str | bytes) -> None:
    answer = send_raw(as_user(make_member(project, "manager")), f"/api/v1/projects/{project.uid}/auto-label/", body)

    assert answer.status_code == 400
    assert answer.json()["detail"]


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/x-www-form-urlencoded", "dry_run=true"),
        ("multipart/form-data; boundary=x", '--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--x--\r\n'),
        ("text/plain", "{}"),
        ("application/xml", "<a/>"),
    ],
)
def test_a_body_of_another_type_is_415(as_user: Any, project: Project, content_type: str, body: str) -> None:
    answer = send_raw(
        as_user(make_member(project, "manager")), f"/api/v1/projects/{project.uid}/auto-label/", body, content_type
    )

    assert answer.status_code == 415
    assert not Job.objects.exists()


def test_an_unknown_field_of_odd_characters_is_refused_too(as_user: Any, project: Project) -> None:
    answer = send_raw(
        as_user(make_member(project, "manager")),
        f"/api/v1/projects/{project.uid}/auto-label/",
        '{"\\ud800": 1, "<script>": 2}',
    )

    assert answer.status_code == 400
    assert "<script>" in answer.json()


def test_another_method_is_405(as_user: Any, project: Project) -> None:
    client = as_user(make_member(project, "manager"))

    assert client.get(f"/api/v1/projects/{project.uid}/auto-label/").status_code == 405
    assert client.put(f"/api/v1/projects/{project.uid}/auto-label/", {}, format="json").status_code == 405


# Who may


@pytest.mark.parametrize("uid", [UNKNOWN, "x", "A" * 36, "é", "%00", "1" * 500, "..", "%2e%2e"])
def test_a_project_that_is_unknown_or_malformed_is_404(post: Any, uid: str) -> None:
    answer = post({}, uid=uid)

    assert answer.status_code == 404


def test_another_teams_project_is_404_even_for_a_bad_body(post: Any) -> None:
    foreign = make_project("Secret")

    assert post({}, uid=foreign.uid).status_code == 404
    assert post({"model_type": "gpt"}, uid=foreign.uid).status_code == 404


def test_nobody_is_401_and_told_how_to_sign_in(as_user: Any, project: Project) -> None:
    answer = as_user().post(f"/api/v1/projects/{project.uid}/auto-label/", {}, format="json")

    assert answer.status_code == 401
    assert "Bearer" in answer["WWW-Authenticate"]


@pytest.mark.parametrize("role", ["viewer", "annotator"])
def test_who_may_see_but_not_run_is_403(as_user: Any, project: Project, role: str) -> None:
    client = as_user(make_member(project, role))

    for body in ({}, {"model_type": "gpt"}):
        answer = client.post(f"/api/v1/projects/{project.uid}/auto-label/", body, format="json")
        assert answer.status_code == 403
        assert answer.json()["detail"]
    assert not Job.objects.exists()


@pytest.mark.parametrize("header", ["Authorization", "X-Api-Key", "X-Avala-Api-Key"])
def test_a_program_starts_a_job_with_its_key(as_user: Any, project: Project, header: str) -> None:
    _, key = issue_key(make_member(project, "manager"), "CI")
    value = f"Bearer {key}" if header == "Authorization" else key
    answer = as_user().post(f"/api/v1/projects/{project.uid}/auto-label/", {}, format="json", headers={header: value})

    assert answer.status_code == 202


def test_a_session_needs_the_csrf_token(as_user: Any, project: Project) -> None:
    client = as_user(make_member(project, "manager"), enforce_csrf_checks=True)

    assert client.post(f"/api/v1/projects/{project.uid}/auto-label/", {}, format="json").status_code == 403


# One at a time


@pytest.mark.parametrize("status", ["pending", "running"])
def test_a_second_job_on_a_project_is_409_and_names_the_first(post: Any, project: Project, status: str) -> None:
    active = make_job(project, status=status)
    answer = post({})

    assert answer.status_code == 409
    assert set(answer.json()) == {"detail", "job"}
    assert answer.json()["job"] == active.uid


@pytest.mark.parametrize("status", ["completed", "failed", "cancelled"])
def test_an_ended_job_is_in_nobodys_way(post: Any, project: Project, status: str) -> None:
    make_job(project, status=status)
    make_job(make_project())  # nor is another project's

    assert post({}).status_code == 202


def test_a_bad_body_is_400_even_while_a_job_is_active(post: Any, project: Project) -> None:
    make_job(project)

    assert post({"model_type": "gpt"}).status_code == 400


# The same request again


def test_the_same_key_answers_with_the_same_job(post: Any) -> None:
    first = post({"dry_run": True}, headers={"Idempotency-Key": "k-1"})
    again = post({"dry_run": True}, headers={"Idempotency-Key": "k-1"})

    assert (first.status_code, again.status_code) == (202, 202)
    assert first.json() == again.json()
    assert first["Location"] == again["Location"]
    assert Job.objects.count() == 1


def test_a_repeated_request_answers_with_the_job_as_it_is_now_even_when_it_has_ended(post: Any) -> None:
    first = post({}, headers={"Idempotency-Key": "k"})
    Job.objects.update(status="cancelled", completed_at=timezone.now())

    again = post({}, headers={"Idempotency-Key": "k"})
    assert again.status_code == 202
    assert (again.json()["uid"], again.json()["status"]) == (first.json()["uid"], "cancelled")


@pytest.mark.parametrize(
    "bodies", [({}, {"dry_run": True}), ({"labels": ["bolt"]}, {"labels": ["nut"]}), ({}, {"sample": 1})]
)
def test_the_same_key_with_another_body_is_422(post: Any, bodies: tuple[Any, Any]) -> None:
    post(bodies[0], headers={"Idempotency-Key": "k"})
    answer = post(bodies[1], headers={"Idempotency-Key": "k"})

    assert answer.status_code == 422
    assert "Idempotency-Key" in answer.json()["detail"]
    assert Job.objects.count() == 1


def test_the_same_body_said_otherwise_is_the_same_request(post: Any) -> None:
    post({}, headers={"Idempotency-Key": "k"})
    defaults = {"model_type": "yolo", "confidence_threshold": 0.5, "labels": [], "dry_run": False}

    assert post(defaults, headers={"Idempotency-Key": "k"}).status_code == 202


def test_the_same_key_on_another_project_is_422(post: Any, project: Project) -> None:
    other = make_project(labels=FAKE_LABELS, members={project.members.get(): "manager"})
    post({}, headers={"Idempotency-Key": "k"})

    assert post({}, uid=other.uid, headers={"Idempotency-Key": "k"}).status_code == 422


def test_another_users_key_is_another_key(post: Any, project: Project, as_user: Any) -> None:
    post({}, headers={"Idempotency-Key": "k"})
    colleague = as_user(make_member(project, "manager"))

    answer = colleague.post(
        f"/api/v1/projects/{project.uid}/auto-label/", {}, format="json", headers={"Idempotency-Key": "k"}
    )
    assert answer.status_code == 409


def test_a_key_is_forgotten_after_a_day(post: Any) -> None:
    first = post({}, headers={"Idempotency-Key": "k"}).json()["uid"]
    Job.objects.update(
        status="cancelled", completed_at=timezone.now(), created_at=timezone.now() - timedelta(hours=23, minutes=59)
    )
    assert post({}, headers={"Idempotency-Key": "k"}).json()["uid"] == first

    Job.objects.update(created_at=timezone.now() - timedelta(hours=24, minutes=1))
    answer = post({"dry_run": True}, headers={"Idempotency-Key": "k"})
    assert answer.status_code == 202
    assert answer.json()["uid"] != first


def test_without_a_key_every_request_is_its_own(post: Any) -> None:
    assert post({}).status_code == 202
    assert post({}).status_code == 409


@pytest.mark.parametrize(("key", "status"), [("", 400), ("k" * 256, 400), ("k" * 255, 202)])
def test_a_key_has_1_to_255_characters(post: Any, key: str, status: int) -> None:
    answer = post({}, headers={"Idempotency-Key": key})

    assert answer.status_code == status
    if status == 400:
        assert "255" in answer.json()["Idempotency-Key"][0]


@pytest.mark.django_db(transaction=True)
def test_the_same_key_at_the_same_time_makes_one_job(as_user: Any, project: Project, rings: Any) -> None:
    user = make_member(project, "manager")
    clients = [as_user(user) for _ in range(8)]
    url = f"/api/v1/projects/{project.uid}/auto-label/"

    answers = in_threads(*[
        lambda client=client: client.post(url, {}, format="json", headers={"Idempotency-Key": "k"})
        for client in clients
    ])  # fmt: skip

    assert {answer.status_code for answer in answers} == {202}
    assert {answer.json()["uid"] for answer in answers} == {Job.objects.get().uid}
    assert len(rings) == 1


# The doorbell


def test_the_queue_is_rung_when_the_job_is_committed_and_not_before(
    post: Any, rings: Any, django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks() as callbacks:
        job = post({}).json()
        assert rings == []
    assert len(callbacks) == 1
    callbacks[0]()
    assert rings == [(job["uid"], "autolabel", 1)]


@pytest.mark.django_db(transaction=True)
def test_nobody_is_rung_for_a_job_that_was_rolled_back(project: Project, rings: Any) -> None:
    with transaction.atomic():
        queue.ring_on_commit(make_job(project).uid, "autolabel")
        transaction.set_rollback(True)

    assert rings == []
    assert not Job.objects.exists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("error", [queue.QueueDown("away"), RedisConnectionError("away"), OSError("away")])
def test_a_ring_that_fails_leaves_the_answer_202(post: Any, monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def fail(*args: Any) -> None:
        raise error

    monkeypatch.setattr(queue, "ring", fail)

    assert post({}).status_code == 202
    assert Job.objects.get().status == "pending"


@pytest.mark.django_db(transaction=True)
def test_a_queue_server_that_is_away_leaves_the_answer_202(as_user: Any, project: Project, queue_down: None) -> None:
    client = as_user(make_member(project, "manager"))
    answer = client.post(f"/api/v1/projects/{project.uid}/auto-label/", {}, format="json")

    assert answer.status_code == 202
    with pytest.raises(queue.QueueDown):
        queue.queued_lanes(answer.json()["uid"], "autolabel")
