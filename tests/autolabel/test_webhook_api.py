"""Endpoints and deliveries over the API: one's own alone, and a secret that is told once."""

from __future__ import annotations

from typing import Any

import pytest

from annotation_platform.models import Membership
from autolabel.api.views_webhooks import WebhookViewSet
from autolabel.models import WebhookDelivery, WebhookEndpoint
from autolabel.webhooks import client
from autolabel.webhooks.events import record_end
from autolabel.webhooks.secrets import unseal
from tests.factories import make_member, make_project, make_user

from .builders import make_delivery, make_job
from .receivers import receiver

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("rings", "fake_model")]
HOOKS = "/api/v1/webhooks/"
DELIVERIES = "/api/v1/webhook-deliveries/"
URL = "https://hooks.example.com/in"


@pytest.fixture
def owner() -> Any:
    return make_user("hooks")


@pytest.fixture
def api(as_user: Any, owner: Any) -> Any:
    return as_user(owner)


def add(api: Any, **fields: Any) -> Any:
    answer = api.post(HOOKS, {"target_url": URL, **fields}, format="json")
    assert answer.status_code == 201, answer.content
    return answer.json()


def test_a_secret_is_told_once_and_kept_encrypted(api: Any) -> None:
    made = add(api)
    row = WebhookEndpoint.objects.get()

    assert made["secret"].startswith("whsec_")
    assert unseal(row.secret) == made["secret"]
    assert made["secret"] not in row.secret
    shown = api.get(f"{HOOKS}{made['uid']}/").json()
    assert shown == {key: value for key, value in made.items() if key != "secret"}
    assert set(made) >= {"uid", "target_url", "events", "is_active", "secret", "created_at", "updated_at"}
    assert shown["events"] == ["auto_label.cancelled", "auto_label.completed", "auto_label.failed"]
    assert (shown["is_active"], shown["state"], shown["project"]) == (True, "active", "")
    assert api.get(HOOKS).json()["results"] == [shown]


@pytest.mark.parametrize(
    ("fields", "name", "says"),
    [
        ({"target_url": "http://hooks.example.com/"}, "target_url", "must begin with https://"),
        ({"target_url": 7}, "target_url", "string"),
        ({"target_url": "https://me:pw@hooks.example.com/"}, "target_url", "Leave user name and password out"),
        ({"events": []}, "events", "at least 1"),
        ({"events": ["auto_label.test"]}, "events", "Must be one of"),
        ({"events": "auto_label.failed"}, "events", "list"),
        ({"description": "x" * 201}, "description", "200"),
        ({"is_active": "yes"}, "is_active", "valid boolean"),
        ({"secret": "mine"}, "secret", "Unknown field"),
        ({"nonsense": 1}, "nonsense", ""),
    ],
)
def test_what_cannot_be_is_refused_by_name(api: Any, fields: dict[str, Any], name: str, says: str) -> None:
    answer = api.post(HOOKS, {"target_url": URL, **fields}, format="json")

    assert answer.status_code == 400
    assert says in str(answer.json()[name])
    assert not WebhookEndpoint.objects.exists()


def test_a_webhook_of_a_project_needs_a_project_that_one_manages(api: Any, owner: Any) -> None:
    assert add(api, project=make_project(members={owner: "manager"}).uid)["project"]
    for members, status in (({make_user("other"): "manager"}, 404), ({owner: "annotator"}, 403)):
        answer = api.post(HOOKS, {"target_url": URL, "project": make_project(members=members).uid}, format="json")
        assert answer.status_code == status


def test_all_who_manage_a_project_share_its_webhooks(api: Any, owner: Any, as_user: Any) -> None:
    project = make_project(members={owner: "manager"})
    made = add(api, project=project.uid)
    personal = add(api)
    sent = make_delivery(WebhookEndpoint.objects.get(uid=made["uid"]))
    heir, viewer = as_user(make_member(project, "manager")), as_user(make_member(project, "viewer"))

    def found(address: str, client: Any = heir) -> list[str]:
        return [one["uid"] for one in client.get(address).json()["results"]]

    assert found(f"{HOOKS}?project={project.uid}") == [made["uid"]]
    assert found(f"{DELIVERIES}?subscription={made['uid']}") == [sent.uid]
    assert found(HOOKS) == found(DELIVERIES) == found(f"{DELIVERIES}?subscription={personal['uid']}") == []
    assert found(f"{HOOKS}?project={project.uid}", viewer) == []
    assert found(f"{DELIVERIES}?subscription={made['uid']}", viewer) == []
    assert heir.patch(f"{HOOKS}{made['uid']}/", {"description": "ours"}, format="json").status_code == 200
    assert heir.get(f"{DELIVERIES}{sent.uid}/").status_code == 200
    assert viewer.get(f"{HOOKS}{made['uid']}/").status_code == viewer.get(f"{DELIVERIES}{sent.uid}/").status_code == 404
    assert heir.get(f"{HOOKS}{personal['uid']}/").status_code == 404
    assert heir.get(f"{HOOKS}?project=%00").status_code == 404


def test_who_has_left_a_project_finds_nothing_of_it_any_more(api: Any, owner: Any) -> None:
    project = make_project(members={owner: "manager"})
    of_project, personal = add(api, project=project.uid), add(api)
    sent = [
        WebhookDelivery.objects.create(
            event=record_end(make_job(project.uid, status="failed")), endpoint=WebhookEndpoint.objects.get(uid=uid)
        )
        for uid in (of_project["uid"], personal["uid"])
    ]
    assert len(api.get(DELIVERIES).json()["results"]) == 2
    Membership.objects.filter(user=owner).delete()

    assert [one["uid"] for one in api.get(HOOKS).json()["results"]] == [personal["uid"]]
    assert api.get(DELIVERIES).json()["results"] == []
    assert api.patch(f"{HOOKS}{of_project['uid']}/", {"target_url": URL}, format="json").status_code == 404
    for one in sent:
        assert api.get(f"{DELIVERIES}{one.uid}/").status_code == 404


def test_there_is_an_end_to_how_many_one_may_have(api: Any, as_user: Any) -> None:
    for _ in range(50):
        add(api)

    answer = api.post(HOOKS, {"target_url": URL}, format="json")

    assert answer.status_code == 409
    assert "50 endpoints. Delete one" in answer.json()["detail"]
    add(as_user(make_user()))


def test_a_webhook_is_changed_paused_resumed_and_deleted(api: Any) -> None:
    address = f"{HOOKS}{add(api)['uid']}/"
    changed = {
        "target_url": "https://other.example.com/",
        "events": ["auto_label.failed"],
        "description": "pager",
        "is_active": False,
    }
    answer = api.patch(address, changed, format="json").json()
    assert answer.items() >= {**changed, "state": "paused"}.items()
    assert answer["updated_at"] > answer["created_at"]
    WebhookEndpoint.objects.update(state="failing", failures_in_row=20)
    assert api.get(address).json()["is_active"] is False
    answer = api.patch(address, {"is_active": True}, format="json").json()
    assert (answer["is_active"], answer["state"], answer["failures_in_row"]) == (True, "active", 0)
    assert api.patch(address, {"state": "gone"}, format="json").status_code == 400
    assert api.patch(address, {"project": ""}, format="json").status_code == 400
    assert api.delete(address).status_code == 204
    assert api.get(address).status_code == 404


def test_what_is_so_already_changes_nothing(api: Any, owner: Any, as_user: Any) -> None:
    project = make_project(members={owner: "manager"})
    address = f"{HOOKS}{add(api, project=project.uid)['uid']}/"
    heir = as_user(make_member(project, "manager"))
    assert heir.patch(address, {"is_active": True, "description": "ours"}, format="json").status_code == 200
    assert WebhookEndpoint.objects.get().owner == owner

    for state in ("gone", "orphaned"):
        WebhookEndpoint.objects.update(state=state)
        assert heir.patch(address, {"is_active": False}, format="json").json()["state"] == state


def test_what_is_deleted_meanwhile_is_not_there(api: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    address = f"{HOOKS}{add(api)['uid']}/"
    endpoint = WebhookEndpoint.objects.get()
    monkeypatch.setattr(WebhookViewSet, "get_object", lambda self: endpoint)
    WebhookEndpoint.objects.all().delete()

    assert api.patch(address, {"description": "x"}, format="json").status_code == 404
    assert api.post(f"{address}test/").status_code == api.post(f"{address}rotate-secret/").status_code == 404


def test_a_webhook_may_begin_paused(api: Any) -> None:
    assert add(api, is_active=False)["state"] == "paused"


def test_a_rotation_tells_the_new_secret_once(api: Any) -> None:
    made = add(api)
    answer = api.post(f"{HOOKS}{made['uid']}/rotate-secret/").json()
    row = WebhookEndpoint.objects.get()

    assert unseal(row.secret) == answer["secret"] != made["secret"]
    assert unseal(row.previous_secrets[0][0]) == made["secret"]
    assert api.get(f"{HOOKS}{made['uid']}/").json()["previous_secrets_until"]


def test_a_test_says_what_came_of_it(api: Any, configure: Any) -> None:
    configure(WEBHOOK_ALLOW_HTTP=True, WEBHOOK_ALLOW_LOOPBACK=True)
    with receiver() as server:
        made = add(api, target_url=server.url)
        answer = api.post(f"{HOOKS}{made['uid']}/test/")
        assert answer.status_code == 200
        assert answer.json()["success"] is True
        assert "answered 200" in answer.json()["message"]
        server.answer, server.body = 500, b"broken"
        failed = api.post(f"{HOOKS}{made['uid']}/test/").json()
    assert failed["success"] is False
    assert "answered 500" in failed["message"]

    shown = api.get(f"{DELIVERIES}{failed['delivery']}/").json()
    assert (shown["subscription"], shown["event_type"], shown["job"]) == (made["uid"], "auto_label.test", None)
    assert shown["payload"] == {"test": True, "webhook": made["uid"]}
    assert (shown["status"], shown["response_status"], shown["response_body"]) == ("failed", 500, "broken")
    assert (shown["attempts"], shown["next_retry_at"]) == (1, None)
    assert [(one["number"], one["status_code"]) for one in shown["log"]] == [(1, 500)]
    assert made["secret"] not in str(shown)
    listed = api.get(f"{DELIVERIES}?status=failed&event_type=auto_label.test").json()["results"]
    assert listed == [{key: value for key, value in shown.items() if key != "log"}]


def test_a_test_waits_for_a_place_and_says_when_to_come_again(api: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    made = add(api)
    monkeypatch.setattr(client, "_WAIT_SECONDS", 0.01)
    with client.place(), client.place(), client.place():
        answer = api.post(f"{HOOKS}{made['uid']}/test/")
    assert (answer.status_code, answer["Retry-After"]) == (429, "5")
    assert not WebhookDelivery.objects.exists()


def test_a_delivery_that_has_ended_is_sent_again(api: Any) -> None:
    made = add(api)
    row = make_delivery(WebhookEndpoint.objects.get(uid=made["uid"]))
    address = f"{DELIVERIES}{row.uid}/redeliver/"
    assert api.post(address).status_code == 409

    WebhookDelivery.objects.update(status="failed", attempts=10, next_retry_at=None)
    again = api.post(f"{address}?status=failed")
    assert (again.status_code, again.json()["status"], again.json()["attempts"]) == (202, "pending", 0)
    assert len(api.get(DELIVERIES).json()["results"]) == 1


def test_nobody_sees_or_touches_what_is_another_s(api: Any, as_user: Any) -> None:
    made = add(api)
    endpoint = WebhookEndpoint.objects.get()
    sent = make_delivery(endpoint)
    stranger = as_user(make_user("stranger", is_superuser=True))
    anonymous = as_user()

    assert stranger.get(HOOKS).json()["results"] == stranger.get(DELIVERIES).json()["results"] == []
    for method, address in [
        ("get", f"{HOOKS}{made['uid']}/"),
        ("patch", f"{HOOKS}{made['uid']}/"),
        ("delete", f"{HOOKS}{made['uid']}/"),
        ("post", f"{HOOKS}{made['uid']}/test/"),
        ("post", f"{HOOKS}{made['uid']}/rotate-secret/"),
        ("get", f"{DELIVERIES}{sent.uid}/"),
        ("post", f"{DELIVERIES}{sent.uid}/redeliver/"),
    ]:
        assert getattr(stranger, method)(address, {}, format="json").status_code == 404, address
        assert getattr(anonymous, method)(address, {}, format="json").status_code == 401, address
    endpoint.refresh_from_db()
    assert unseal(endpoint.secret) == made["secret"]


def test_a_uid_that_no_database_could_hold_is_404(api: Any) -> None:
    assert api.get(f"{HOOKS}%00/").status_code == 404
    assert api.get(f"{DELIVERIES}{'x' * 300}/").status_code == 404
