"""Webhooks in the admin: watched, stopped, sent once more; and the audit log, which nobody changes."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client

from autolabel import audit
from autolabel.hosts.base import Actor
from autolabel.models import AuditEntry, WebhookDelivery, WebhookEndpoint
from autolabel.webhooks import endpoints
from tests.factories import make_user

from .builders import make_attempt, make_delivery

pytestmark = pytest.mark.django_db
HOOKS, DELIVERIES = "/admin/autolabel/webhookendpoint/", "/admin/autolabel/webhookdelivery/"


@pytest.fixture
def hook() -> WebhookEndpoint:
    return endpoints.create(Actor(make_user("olga")), target_url="https://hooks.example.com/in", events=[])[0]


def staff(*permissions: str) -> Client:
    user = make_user("staff", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client = Client()
    client.force_login(user)
    return client


def act(client: Client, address: str, action: str, row: Any, **more: str) -> Any:
    return client.post(address, {"action": action, "_selected_action": row.pk, **more}, follow=True)


def test_its_pages_show_everything_but_the_secret(hook: WebhookEndpoint) -> None:
    client = staff("view_webhookendpoint", "view_webhookdelivery", "view_auditentry")
    sent = make_delivery(hook)
    make_attempt(sent, 503)
    entry = AuditEntry.objects.get()

    for address, text in (
        (HOOKS, hook.target_url),
        (f"{HOOKS}{hook.pk}/change/", hook.target_url),
        (DELIVERIES, sent.uid),
        (f"{DELIVERIES}{sent.pk}/change/", "503"),
        ("/admin/autolabel/auditentry/", "webhook.create"),
        (f"/admin/autolabel/auditentry/{entry.pk}/change/", "olga"),
    ):
        page = client.get(address).content.decode()
        assert text in page
        assert hook.secret not in page


def test_an_endpoint_is_paused_by_who_may_change_it_and_that_is_recorded(hook: WebhookEndpoint) -> None:
    act(staff("view_webhookendpoint", "change_webhookendpoint"), HOOKS, "pause", hook)

    hook.refresh_from_db()
    assert hook.state == "paused"
    assert AuditEntry.objects.filter(action="webhook.pause", target=hook.uid, user_name="staff").exists()


def test_it_is_deleted_with_its_deliveries_by_who_may_delete_it(hook: WebhookEndpoint) -> None:
    make_attempt(make_delivery(hook), 200)
    client = staff("view_webhookendpoint", "delete_webhookendpoint")
    assert hook.target_url in act(client, HOOKS, "delete_selected", hook).content.decode()
    assert WebhookEndpoint.objects.exists()

    act(client, HOOKS, "delete_selected", hook, post="yes")
    assert not WebhookEndpoint.objects.exists()
    assert not WebhookDelivery.objects.exists()
    assert AuditEntry.objects.filter(action="webhook.delete", target=hook.uid, user_name="staff").exists()


def test_a_delivery_is_sent_once_more_by_who_may_change_it(hook: WebhookEndpoint) -> None:
    sent = make_delivery(hook, status="failed", attempts=10, next_retry_at=None)
    act(staff("view_webhookdelivery", "change_webhookdelivery"), DELIVERIES, "redeliver", sent)

    sent.refresh_from_db()
    assert (sent.status, sent.attempts) == ("pending", 0)


def test_who_may_only_look_does_nothing(hook: WebhookEndpoint) -> None:
    sent = make_delivery(hook, status="failed")
    client = staff("view_webhookendpoint", "view_webhookdelivery")
    for address, action, row in ((HOOKS, "pause", hook), (DELIVERIES, "redeliver", sent)):
        act(client, address, action, row)
    act(client, HOOKS, "delete_selected", hook, post="yes")

    hook.refresh_from_db()
    sent.refresh_from_db()
    assert (hook.state, sent.status) == ("active", "failed")


def test_nobody_changes_the_audit_log(hook: WebhookEndpoint) -> None:
    audit.record(None, "job.start")
    client = Client()
    client.force_login(make_user(is_staff=True, is_superuser=True))
    before = list(AuditEntry.objects.values())
    for entry in AuditEntry.objects.all():
        for page in ("change", "delete"):
            client.post(f"/admin/autolabel/auditentry/{entry.pk}/{page}/", {"action": "x", "post": "yes"})
    act(client, "/admin/autolabel/auditentry/", "delete_selected", AuditEntry.objects.first(), post="yes")

    assert list(AuditEntry.objects.values()) == before
    assert "command line" in client.get("/admin/autolabel/auditentry/").content.decode()
