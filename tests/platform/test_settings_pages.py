"""Settings pages: API keys and webhooks of whoever is signed in, and of nobody else."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import reverse

from annotation_platform.keys import find_key, issue_key
from annotation_platform.models import ApiKey
from autolabel.hosts.base import Actor
from autolabel.models import AuditEntry, WebhookDelivery, WebhookEndpoint
from autolabel.webhooks import endpoints
from autolabel.webhooks.secrets import unseal
from tests.autolabel.builders import make_attempt, make_delivery
from tests.autolabel.receivers import receiver
from tests.factories import make_member, make_project, make_user
from tests.platform.browsing import assert_fit_for_a_strict_policy, signed_in, visit, words_of

pytestmark = pytest.mark.django_db
URL = "https://hooks.example.com/in"
KEYS, HOOKS = "/settings/api-keys/", "/settings/webhooks/"


@pytest.fixture
def user() -> Any:
    return make_user("olga")


@pytest.fixture
def client(user: Any) -> Any:
    return signed_in(user)


@pytest.fixture
def endpoint(user: Any) -> WebhookEndpoint:
    return endpoints.create(Actor(user), target_url=URL, events=["auto_label.completed"])[0]


def text_of(response: Any) -> str:
    html = response.content.decode()
    assert_fit_for_a_strict_policy(html)
    return words_of(html)


class TestKeys:
    def test_a_new_key_is_shown_once_and_opens_what_its_scope_says(self, client: Any, user: Any) -> None:
        answer = client.post(KEYS, {"name": "ci", "scope": "read", "lifetime": "30"})

        key = answer.context["key"]
        assert key in text_of(answer)
        assert "no-store" in answer["Cache-Control"]
        row = find_key(key)
        assert row is not None
        assert (row.user, row.name, row.scope) == (user, "ci", "read")
        assert row.expires_at is not None
        assert 29 <= (row.expires_at - row.created_at).days <= 30
        assert key not in text_of(client.get(KEYS))

    def test_a_key_may_live_for_ever(self, client: Any) -> None:
        client.post(KEYS, {"name": "ci", "scope": "run", "lifetime": ""})

        assert ApiKey.objects.get().expires_at is None

    @pytest.mark.parametrize(
        ("fields", "said"),
        [
            ({"name": ""}, "Give the key a name."),
            ({"name": "x" * 101}, "at most 100 characters"),
            ({"scope": "root"}, "root is not one of the available choices"),
            ({"scope": ""}, "This field is required"),
            ({"lifetime": "7000"}, "7000 is not one of the available choices"),
        ],
    )
    def test_what_is_wrong_is_said_at_its_field(self, client: Any, fields: Any, said: str) -> None:
        answer = client.post(KEYS, {"name": "ci", "scope": "run", "lifetime": "30", **fields})

        assert answer.status_code == 422
        assert said in text_of(answer)
        assert not ApiKey.objects.exists()

    def test_a_revoked_key_opens_nothing(self, client: Any, user: Any) -> None:
        row, key = issue_key(user, "ci")

        answer = client.post(reverse("settings-api-key-revoke", args=[row.pk]), follow=True)

        assert find_key(key) is None
        assert "is revoked" in text_of(answer)
        assert "Revoked and ended keys" in text_of(answer)
        assert client.post(reverse("settings-api-key-revoke", args=[row.pk])).status_code == 404

    def test_nobody_sees_or_revokes_the_key_of_another(self, client: Any) -> None:
        row, key = issue_key(make_user(), "theirs")

        assert "theirs" not in text_of(client.get(KEYS))
        assert client.post(reverse("settings-api-key-revoke", args=[row.pk])).status_code == 404
        assert find_key(key) is not None

    def test_there_is_an_end_to_the_number_of_keys(self, client: Any, user: Any, monkeypatch: Any) -> None:
        monkeypatch.setattr("annotation_platform.pages.api_keys_page.MOST_KEYS", 1)
        issue_key(user, "first")

        answer = client.post(KEYS, {"name": "ci", "scope": "run", "lifetime": "30"})

        assert "You have 1 active keys" in text_of(answer)
        assert ApiKey.objects.count() == 1

    def test_making_and_revoking_are_in_the_audit_log(self, client: Any) -> None:
        client.post(KEYS, {"name": "ci", "scope": "run", "lifetime": "30"})
        client.post(reverse("settings-api-key-revoke", args=[ApiKey.objects.get().pk]))

        assert [(one.user_name, one.action) for one in AuditEntry.objects.order_by("id")] == [
            ("olga", "api_key.create"),
            ("olga", "api_key.revoke"),
        ]


class TestEndpoints:
    def test_a_new_endpoint_shows_its_secret_once(self, client: Any, user: Any) -> None:
        project = make_project(members={user: "manager"})

        answer = client.post(
            HOOKS, {"target_url": URL, "project_uid": project.uid, "events": ["auto_label.failed"], "description": "x"}
        )

        row = WebhookEndpoint.objects.get()
        assert (row.owner, row.target_url, row.project_uid, row.events) == (
            user,
            URL,
            project.uid,
            ["auto_label.failed"],
        )
        secret = unseal(row.secret)
        assert secret in text_of(answer)
        assert secret not in text_of(client.get(HOOKS)) + text_of(visit(client, "settings-webhook", row.uid))

    @pytest.mark.parametrize(
        ("fields", "said"),
        [
            ({"target_url": ""}, "Give the URL"),
            ({"target_url": "http://hooks.example.com/"}, "must begin with https://"),
            ({"target_url": "https://me:pw@hooks.example.com/"}, "Leave user name and password out"),
            ({"events": []}, "Choose at least one event"),
            ({"events": ["auto_label.test"]}, "is not one of the available choices"),
            ({"project_uid": "nowhere"}, "is not one of the available choices"),
        ],
    )
    def test_what_is_wrong_is_said_at_its_field(self, client: Any, fields: Any, said: str) -> None:
        answer = client.post(HOOKS, {"target_url": URL, "events": ["auto_label.failed"], **fields})

        assert answer.status_code == 422
        assert said in text_of(answer)
        assert not WebhookEndpoint.objects.exists()

    def test_a_project_of_another_team_cannot_be_chosen(self, client: Any) -> None:
        foreign = make_project("Secret plans", members={make_user(): "manager"})

        answer = client.post(HOOKS, {"target_url": URL, "project_uid": foreign.uid, "events": ["auto_label.failed"]})

        assert answer.status_code == 422
        assert "Secret plans" not in text_of(answer)

    def test_it_is_changed_on_its_page(self, client: Any, endpoint: WebhookEndpoint) -> None:
        address = reverse("settings-webhook", args=[endpoint.uid])

        answer = client.post(
            address, {"target_url": f"{URL}/2", "events": ["auto_label.failed"], "description": "new"}, follow=True
        )

        endpoint.refresh_from_db()
        assert (endpoint.target_url, endpoint.events, endpoint.description) == (
            f"{URL}/2",
            ["auto_label.failed"],
            "new",
        )
        assert "Saved." in text_of(answer)
        assert client.post(address, {"target_url": "ftp://x", "events": []}).status_code == 422

    def test_rotating_shows_the_new_secret_once(self, client: Any, endpoint: WebhookEndpoint) -> None:
        before = unseal(endpoint.secret)

        answer = client.post(reverse("settings-webhook-action", args=[endpoint.uid, "rotate"]))

        endpoint.refresh_from_db()
        assert unseal(endpoint.secret) in text_of(answer)
        assert unseal(endpoint.previous_secrets[0][0]) == before

    def test_what_moves_is_asked_for_at_the_page_whatever_was_pressed(
        self, client: Any, endpoint: WebhookEndpoint
    ) -> None:
        make_delivery(endpoint)

        answer = client.post(reverse("settings-webhook-action", args=[endpoint.uid, "rotate"]))

        assert f'hx-get="{reverse("settings-webhook", args=[endpoint.uid])}"' in answer.content.decode()

    def test_pause_resume_and_delete(self, client: Any, endpoint: WebhookEndpoint) -> None:
        def act(action: str) -> str:
            return text_of(client.post(reverse("settings-webhook-action", args=[endpoint.uid, action]), follow=True))

        make_delivery(endpoint)
        assert "Events wait until you resume" in act("pause")
        assert "When resumed" in text_of(visit(client, "settings-webhook", endpoint.uid))
        assert "Deliveries go on." in act("resume")
        assert "is deleted" in act("delete")
        assert not WebhookEndpoint.objects.exists()

    def test_a_test_says_what_came_of_it(self, client: Any, user: Any, configure: Any) -> None:
        configure(WEBHOOK_ALLOW_HTTP=True, WEBHOOK_ALLOW_LOOPBACK=True)
        with receiver() as server:
            endpoint, _ = endpoints.create(Actor(user), target_url=server.url, events=[])
            address = reverse("settings-webhook-action", args=[endpoint.uid, "test"])
            assert "Test: The receiver answered 200" in text_of(client.post(address, follow=True))
            server.answer = 404
            assert "Test: The receiver answered 404" in text_of(client.post(address, follow=True))

    def test_all_who_manage_a_project_share_its_endpoints(self, user: Any) -> None:
        project = make_project(members={user: "manager"})
        endpoint, _ = endpoints.create(Actor(user), target_url=URL, events=[], project_uid=project.uid)
        endpoints.create(Actor(user), target_url=f"{URL}/personal", events=[])
        heir, viewer = make_member(project, "manager"), make_member(project, "viewer")

        page = text_of(signed_in(heir).get(HOOKS))
        assert URL in page
        assert "Set up by olga" in page
        assert "personal" not in page
        assert URL not in text_of(signed_in(viewer).get(HOOKS))
        for person, status in ((heir, 200), (viewer, 404)):
            address = reverse("settings-webhook", args=[endpoint.uid])
            assert signed_in(person).get(address).status_code == status

    def test_who_resumes_an_endpoint_without_an_owner_takes_it_over(self, user: Any) -> None:
        project = make_project(members={user: "manager"})
        endpoint, _ = endpoints.create(
            Actor(make_user("gone")), target_url=URL, events=[], project_uid=project.uid, state="orphaned"
        )
        client = signed_in(user)
        assert "its owner has left the project" in text_of(visit(client, "projects"))
        assert "Stopped, because gone, who set it up" in text_of(visit(client, "settings-webhook", endpoint.uid))

        client.post(reverse("settings-webhook-action", args=[endpoint.uid, "resume"]))
        endpoint.refresh_from_db()
        assert (endpoint.owner, endpoint.state) == (user, "active")

    @pytest.mark.parametrize(("state", "said"), [("failing", "20 tries in a row"), ("gone", "gone (410)")])
    def test_a_stopped_endpoint_is_told_where_its_owner_comes_first(
        self, client: Any, endpoint: WebhookEndpoint, state: str, said: str
    ) -> None:
        WebhookEndpoint.objects.update(state=state, failures_in_row=20)

        assert said in text_of(visit(client, "projects"))
        assert "have failed" not in text_of(visit(signed_in(make_user()), "projects"))
        client.post(reverse("settings-webhook-action", args=[endpoint.uid, "resume"]))
        assert URL not in text_of(visit(client, "projects"))

    def test_a_delivery_tells_request_answer_and_tries(self, client: Any, endpoint: WebhookEndpoint) -> None:
        one = make_delivery(endpoint)
        make_attempt(one, 503, request_headers={"webhook-id": "abc"}, response_body="<b>later</b>", seconds=1.5)
        WebhookDelivery.objects.update(status="failed", attempts=1, next_retry_at=None)

        page = visit(client, "settings-webhook-delivery", one.uid)

        assert "&lt;b&gt;later&lt;/b&gt;" in page.content.decode()
        for part in ("webhook-id: abc", "503", "1.50 s", "auto_label.test", "Redeliver"):
            assert part in text_of(page)
        answer = client.post(reverse("settings-webhook-redeliver", args=[one.uid]), follow=True)
        assert "under the same id" in text_of(answer)
        again = client.post(reverse("settings-webhook-redeliver", args=[one.uid]), follow=True)
        assert "on its way already" in text_of(again)

    def test_only_what_moves_is_asked_for_again(self, client: Any, endpoint: WebhookEndpoint) -> None:
        make_delivery(endpoint)
        assert "hx-get" in visit(client, "settings-webhook", endpoint.uid).content.decode()

        WebhookDelivery.objects.update(status="delivered")

        part = client.get(
            reverse("settings-webhook", args=[endpoint.uid]),
            headers={"HX-Request": "true", "HX-Target": "deliveries"},
        ).content.decode()
        assert part.lstrip().startswith("<section")
        assert "hx-get" not in part

    def test_endpoints_and_deliveries_of_others_are_not_there(self, endpoint: WebhookEndpoint) -> None:
        one = make_delivery(endpoint)
        other = signed_in(make_user())

        assert URL not in text_of(other.get(HOOKS))
        for name, args, method in (
            ("settings-webhook", [endpoint.uid], "get"),
            ("settings-webhook", [endpoint.uid], "post"),
            ("settings-webhook-action", [endpoint.uid, "rotate"], "post"),
            ("settings-webhook-delivery", [one.uid], "get"),
            ("settings-webhook-redeliver", [one.uid], "post"),
        ):
            assert getattr(other, method)(reverse(name, args=args)).status_code == 404

    def test_every_change_is_in_the_audit_log(self, client: Any, endpoint: WebhookEndpoint) -> None:
        for action in ("pause", "resume", "rotate", "delete"):
            client.post(reverse("settings-webhook-action", args=[endpoint.uid, action]))

        assert list(AuditEntry.objects.filter(target=endpoint.uid).order_by("id").values_list("action", flat=True)) == [
            "webhook.create",
            "webhook.pause",
            "webhook.resume",
            "webhook.rotate_secret",
            "webhook.delete",
        ]
