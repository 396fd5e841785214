from __future__ import annotations

import hashlib
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from annotation_platform import access
from annotation_platform.keys import issue_key
from annotation_platform.models import ApiKey
from tests.factories import make_project, make_user

pytestmark = pytest.mark.django_db
PROJECTS = "/api/v1/users/me/projects/"


@pytest.fixture
def owner() -> Any:
    user = make_user("owner")
    make_project("Owner's", members={user: "viewer"})
    return user


@pytest.mark.parametrize("header", ["Authorization", "X-Api-Key", "X-Avala-Api-Key"])
def test_a_key_works_in_each_of_the_three_headers(client: Client, owner: Any, header: str) -> None:
    _, key = issue_key(owner, "script")

    value = f"Bearer {key}" if header == "Authorization" else key
    answer = client.get(PROJECTS, headers={header: value})

    assert [project["name"] for project in answer.json()["results"]] == ["Owner's"]


def test_no_credentials_are_401_with_a_challenge(client: Client) -> None:
    answer = client.get(PROJECTS)

    assert answer.status_code == 401
    assert answer["WWW-Authenticate"].startswith("Bearer")
    assert "detail" in answer.json()


@pytest.mark.parametrize("sent", ["Bearer wrong", "Bearer", "bearer ", "Bearer " + "x" * 5000])
def test_a_wrong_key_is_401(client: Client, owner: Any, sent: str) -> None:
    assert client.get(PROJECTS, headers={"Authorization": sent}).status_code == 401


def test_a_wrong_key_is_refused_even_beside_a_session(client: Client, owner: Any) -> None:
    client.force_login(owner)

    assert client.get(PROJECTS, headers={"X-Api-Key": "wrong"}).status_code == 401


def test_another_authorization_scheme_does_not_hide_the_session(client: Client, owner: Any) -> None:
    client.force_login(owner)

    assert client.get(PROJECTS, headers={"Authorization": "Basic abc"}).status_code == 200


def test_a_revoked_key_is_401(client: Client, owner: Any) -> None:
    row, key = issue_key(owner, "script")
    ApiKey.objects.filter(pk=row.pk).update(is_active=False)

    assert client.get(PROJECTS, headers={"X-Api-Key": key}).status_code == 401


def test_the_key_of_an_inactive_user_is_401(client: Client, owner: Any) -> None:
    _, key = issue_key(owner, "script")
    owner.is_active = False
    owner.save()

    assert client.get(PROJECTS, headers={"X-Api-Key": key}).status_code == 401


def test_the_database_holds_no_key_but_only_its_hash(owner: Any) -> None:
    row, key = issue_key(owner, "script")

    stored = ApiKey.objects.filter(pk=row.pk).values().get()
    assert key not in str(stored)
    assert key.startswith(stored["prefix"])
    assert len(stored["key_hash"]) == 64
    assert len(key) - len(stored["prefix"]) >= 32


def test_two_keys_are_never_the_same(owner: Any) -> None:
    assert issue_key(owner, "one")[1] != issue_key(owner, "two")[1]


def test_the_time_of_use_is_written_at_most_once_a_minute(client: Client, owner: Any) -> None:
    row, key = issue_key(owner, "script")

    def used() -> Any:
        assert client.get(PROJECTS, headers={"X-Api-Key": key}).status_code == 200
        return ApiKey.objects.get(pk=row.pk).last_used_at

    first = used()
    assert used() == first
    ApiKey.objects.filter(pk=row.pk).update(last_used_at=timezone.now() - timedelta(seconds=61))
    assert used() > first


def test_a_key_needs_no_csrf_token_but_a_session_does(owner: Any) -> None:
    client = Client(enforce_csrf_checks=True)
    _, key = issue_key(owner, "script")
    body: Any = {"data": {"name": "New"}, "content_type": "application/json"}

    assert client.post(PROJECTS, headers={"X-Api-Key": key}, **body).status_code == 201
    client.force_login(owner)
    assert client.post(PROJECTS, **body).status_code == 403


def test_the_command_prints_a_key_that_works(client: Client, owner: Any) -> None:
    out = StringIO()
    call_command("create_api_key", "owner", "--name", "nightly", stdout=out)

    key = out.getvalue().strip()
    assert client.get(PROJECTS, headers={"X-Api-Key": key}).status_code == 200
    assert ApiKey.objects.get().name == "nightly"


@pytest.mark.parametrize(("username", "name"), [("nobody", "nightly"), ("owner", " "), ("owner", "x" * 101)])
def test_the_command_refuses_an_unknown_user_or_a_bad_name(owner: Any, username: str, name: str) -> None:
    with pytest.raises(CommandError):
        call_command("create_api_key", username, "--name", name)
    assert not ApiKey.objects.exists()


def test_a_key_ends_at_its_time(client: Client, owner: Any) -> None:
    row, key = issue_key(owner, "script", expires_at=timezone.now() + timedelta(minutes=1))
    assert client.get(PROJECTS, headers={"X-Api-Key": key}).status_code == 200
    ApiKey.objects.filter(pk=row.pk).update(expires_at=timezone.now())
    assert client.get(PROJECTS, headers={"X-Api-Key": key}).status_code == 401


def test_keys_outlive_a_change_of_the_secret_key_only_beside_the_old_one(
    client: Client, owner: Any, settings: Any
) -> None:
    _, key = issue_key(owner, "script")
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another-key"
    assert client.get(PROJECTS, headers={"X-Api-Key": key}).status_code == 200
    settings.SECRET_KEY_FALLBACKS = []
    assert client.get(PROJECTS, headers={"X-Api-Key": key}).status_code == 401


def test_a_row_made_without_the_secret_key_is_no_key(client: Client, owner: Any) -> None:
    digest = hashlib.sha256(b"ap_mine").hexdigest()
    ApiKey.objects.create(user=owner, name="smuggled", prefix="ap_mine", key_hash=digest)

    assert client.get(PROJECTS, headers={"X-Api-Key": "ap_mine"}).status_code == 401


@pytest.mark.parametrize(
    ("scope", "statuses"),
    [("read", [200, 403, 403, 403, 403]), ("run", [200, 202, 200, 403, 403]), ("manage", [200, 202, 200, 200, 201])],
)
def test_a_key_does_what_its_scope_says(
    client: Client, owner: Any, scope: str, statuses: list[int], settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("autolabel.queue.ring", lambda *args, **options: None)
    settings.AUTOLABEL = {
        **settings.AUTOLABEL,
        "MODELS": {"yolo": {"PREDICTOR": "tests.autolabel.fakes.FakePredictor"}},
    }
    project = make_project(members={owner: "manager"})
    headers = {"X-Api-Key": issue_key(owner, "script", scope)[1]}

    def send(method: str, path: str, body: dict[str, Any]) -> int:
        options = {} if method == "get" else {"data": body, "content_type": "application/json"}
        return int(getattr(client, method)(f"/api/v1/{path}", headers=headers, **options).status_code)

    assert [
        send("get", "users/me/projects/", {}),
        send("post", f"projects/{project.uid}/auto-label/", {}),
        send("post", f"projects/{project.uid}/review-queue/", {"order": "score", "count": 1}),
        send("patch", f"users/me/projects/{project.uid}/", {"name": "Renamed"}),
        send("post", "webhooks/", {"target_url": "https://hooks.example.com/"}),
    ] == statuses


def test_a_credential_that_nobody_knows_may_nothing(owner: Any) -> None:
    project = make_project(members={owner: "manager"})
    assert access.may(owner, "manage", project.uid)
    assert not access.may(owner, "view", project.uid, object())
