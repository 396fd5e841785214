"""Endpoints and deliveries over the API: one's own alone, and a secret that is told once."""

from __future__ import annotations

from typing import Any

import pytest

from autolabel.models import WebhookDelivery, WebhookEndpoint
from autolabel.webhooks import delivery
from autolabel.webhooks.secrets import unseal
from tests.factories import make_project, make_user

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("rings", "fake_model")]
ENDPOINTS = "/api/v1/webhook-endpoints/"
DELIVERIES = "/api/v1/webhook-deliveries/"
URL = "https://hooks.example.com/in"


@pytest.fixture
def owner() -> Any:
    return make_user("hooks")


@pytest.fixture
def api(as_user: Any, owner: Any) -> Any:
    return as_user(owner)


def add(api: Any, **fields: Any) -> Any:
    answer = api.post(ENDPOINTS, {"url": URL, **fields}, format="json")
    assert answer.status_code == 201, answer.content
    return answer.json()


def test_a_secret_is_told_once_and_kept_encrypted(api: Any) -> None:
    made = add(api)
    row = WebhookEndpoint.objects.get()

    assert made["secret"].startswith("whsec_")
    assert unseal(row.secret) == made["secret"]
    assert made["secret"] not in row.secret
    shown = api.get(f"{ENDPOINTS}{made['uid']}/").json()
    assert shown == {key: value for key, value in made.items() if key != "secret"}
    assert shown["events"] == ["auto_label.cancelled", "auto_label.completed", "auto_label.failed"]
    assert shown["state"] == "active"
    assert api.get(ENDPOINTS).json()["results"] == [shown]


@pytest.mark.parametrize(
    ("fields", "name", "says"),
    [
        ({"url": "http://hooks.example.com/"}, "url", "must begin with https://"),
        ({"url": 7}, "url", "string"),
        ({"url": "https://me:pw@hooks.example.com/"}, "url", "Leave user name and password out"),
        ({"events": []}, "events", "at least 1"),
        ({"events": ["auto_label.test"]}, "events", "Must be one of"),
        ({"events": "auto_label.failed"}, "events", "list"),
        ({"description": "x" * 201}, "description", "200"),
        ({"nonsense": 1}, "nonsense", ""),
    ],
)
def test_what_cannot_be_is_refused_by_name(api: Any, fields: dict[str, Any], name: str, says: str) -> None:
    answer = api.post(ENDPOINTS, {"url": URL, **fields}, format="json")

    assert answer.status_code == 400
    assert says in str(answer.json()[name])
    assert not WebhookEndpoint.objects.exists()


def test_an_endpoint_of_a_project_needs_a_project_that_one_sees(api: Any, owner: Any) -> None:
    assert add(api, project_uid=make_project(members={owner: "manager"}).uid)["project_uid"]
    hidden = make_project(members={make_user("other"): "manager"})
    answer = api.post(ENDPOINTS, {"url": URL, "project_uid": hidden.uid}, format="json")
    assert answer.status_code == 404


def test_there_is_an_end_to_how_many_one_may_have(api: Any, as_user: Any) -> None:
    for _ in range(50):
        add(api)

    answer = api.post(ENDPOINTS, {"url": URL}, format="json")

    assert answer.status_code == 409
    assert "50 endpoints. Delete one" in answer.json()["detail"]
    add(as_user(make_user()))


def test_an_endpoint_is_changed_paused_resumed_and_deleted(api: Any) -> None:
    address = f"{ENDPOINTS}{add(api)['uid']}/"
    changed = {"url": "https://other.example.com/", "events": ["auto_label.failed"], "description": "pager"}
    assert api.patch(address, {**changed, "state": "paused"}, format="json").json().items() >= changed.items()
    WebhookEndpoint.objects.update(state="failing", failures_in_row=20)
    answer = api.patch(address, {"state": "active"}, format="json").json()
    assert (answer["state"], answer["failures_in_row"]) == ("active", 0)
    assert api.patch(address, {"state": "gone"}, format="json").status_code == 400
    assert api.patch(address, {"project_uid": ""}, format="json").status_code == 400
    assert api.delete(address).status_code == 204
    assert api.get(address).status_code == 404


def test_a_rotation_tells_the_new_secret_once(api: Any) -> None:
    made = add(api)
    answer = api.post(f"{ENDPOINTS}{made['uid']}/rotate-secret/").json()
    row = WebhookEndpoint.objects.get()

    assert unseal(row.secret) == answer["secret"] != made["secret"]
    assert unseal(row.previous_secret) == made["secret"]
    assert api.get(f"{ENDPOINTS}{made['uid']}/").json()["previous_secret_until"]


def test_a_test_can_be_followed_and_sent_again(api: Any) -> None:
    made = add(api)
    sent = api.post(f"{ENDPOINTS}{made['uid']}/test/")
    assert sent.status_code == 202
    address = f"{DELIVERIES}{sent.json()['uid']}/"
    assert api.post(f"{address}redeliver/").status_code == 409
    row = WebhookDelivery.objects.get()
    row.log.create(number=1, url=URL, request_headers={"webhook-id": "x"}, status_code=500, seconds=0.2)
    WebhookDelivery.objects.update(state="failed", tries=10, next_try_at=None)

    shown = api.get(address).json()
    assert (shown["state"], shown["event_type"], shown["job"]) == ("failed", "auto_label.test", None)
    assert shown["payload"] == {"test": True, "endpoint": made["uid"]}
    assert [(one["number"], one["status_code"]) for one in shown["log"]] == [(1, 500)]
    assert made["secret"] not in str(shown)
    again = api.post(f"{address}redeliver/")
    assert (again.status_code, again.json()["state"], again.json()["tries"]) == (202, "waiting", 0)
    assert len(api.get(DELIVERIES).json()["results"]) == 1


def test_nobody_sees_or_touches_what_is_another_s(api: Any, as_user: Any) -> None:
    made = add(api)
    endpoint = WebhookEndpoint.objects.get()
    sent = delivery.send_test(endpoint)
    stranger = as_user(make_user("stranger", is_superuser=True))
    anonymous = as_user()

    assert stranger.get(ENDPOINTS).json()["results"] == stranger.get(DELIVERIES).json()["results"] == []
    for method, address in [
        ("get", f"{ENDPOINTS}{made['uid']}/"),
        ("patch", f"{ENDPOINTS}{made['uid']}/"),
        ("delete", f"{ENDPOINTS}{made['uid']}/"),
        ("post", f"{ENDPOINTS}{made['uid']}/test/"),
        ("post", f"{ENDPOINTS}{made['uid']}/rotate-secret/"),
        ("get", f"{DELIVERIES}{sent.uid}/"),
        ("post", f"{DELIVERIES}{sent.uid}/redeliver/"),
    ]:
        assert getattr(stranger, method)(address, {}, format="json").status_code == 404, address
        assert getattr(anonymous, method)(address, {}, format="json").status_code == 401, address
    endpoint.refresh_from_db()
    assert unseal(endpoint.secret) == made["secret"]


def test_a_uid_that_no_database_could_hold_is_404(api: Any) -> None:
    assert api.get(f"{ENDPOINTS}%00/").status_code == 404
    assert api.get(f"{DELIVERIES}{'x' * 300}/").status_code == 404
