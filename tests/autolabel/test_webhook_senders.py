"""Senders that die, and many endpoints at once: one at a time to each, and everybody gets a turn."""

from __future__ import annotations

import threading
import time
from datetime import timedelta
from typing import Any

import pytest
from django.db import connections
from django.utils import timezone

from autolabel.hosts.base import Actor
from autolabel.jobs import lifecycle
from autolabel.models import WebhookAttempt, WebhookDelivery, WebhookEndpoint
from autolabel.webhooks import delivery, endpoints
from autolabel.workers.sender import send_until
from tests.factories import make_member, make_project

from .builders import in_threads, make_delivery, make_job
from .receivers import Receiver, receiver
from .sending import ALL, ended_job, send_all

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("rings", "fake_model")]


def test_what_a_killed_sender_had_in_hand_is_tried_again_after_its_lease(
    server: Receiver, endpoint: WebhookEndpoint, owner: Any
) -> None:
    ended_job(owner)
    delivery.spread()
    stale = delivery.claim()
    assert stale is not None
    assert delivery.claim() is None
    WebhookDelivery.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    assert send_all() == 1

    delivery.try_once(stale)  # it wakes up: a duplicate, with the same id, that writes nothing down
    row = WebhookDelivery.objects.get()
    assert (row.status, row.attempts, row.log.count()) == ("delivered", 2, 1)
    assert len({request.headers["webhook-id"] for request in server.requests}) == 1


def test_what_cannot_be_sent_at_all_is_a_failure_like_another(
    server: Receiver, endpoint: WebhookEndpoint, owner: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended_job(owner)
    monkeypatch.setattr("autolabel.webhooks.client.send", lambda *args, **options: 1 / 0)
    send_all()

    assert WebhookAttempt.objects.get().error == "The request could not be made."
    assert WebhookDelivery.objects.get().lease_until is None


def test_who_has_many_slow_endpoints_leaves_senders_for_the_others(server: Receiver, owner: Any) -> None:
    project = make_project(members={owner: "manager"})
    other = make_member(project)
    for person in [owner] * 6 + [other]:
        endpoints.create(Actor(person), target_url=server.url, events=ALL)
    lifecycle.cancel(make_job(project, status="running", planned_at=timezone.now()).pk)
    delivery.spread()

    claimed = [one.endpoint.owner for one in iter(delivery.claim, None)]
    assert sorted(claimed, key=lambda person: person == other) == [owner] * 4 + [other]


def test_an_endpoint_with_a_backlog_lets_others_have_their_turn(server: Receiver, owner: Any) -> None:
    busy, other = (endpoints.create(Actor(owner), target_url=server.url, events=ALL)[0] for _ in range(2))
    for _ in range(3):
        make_delivery(busy, next_retry_at=timezone.now() - timedelta(hours=1))
    make_delivery(other)
    turns = []
    for _ in range(3):
        claimed = delivery.claim()
        delivery.try_once(claimed)
        turns.append(claimed.endpoint)

    assert turns == [busy, other, busy]


@pytest.mark.parametrize("due", [1, 30])
def test_however_many_claim_at_once_an_endpoint_is_sent_to_by_one(endpoint: WebhookEndpoint, due: int) -> None:
    for _ in range(due):
        make_delivery(endpoint)

    claimed = [one for one in in_threads(*[delivery.claim] * 8) if one is not None]
    assert [one.endpoint for one in claimed] == [endpoint]


def test_a_slow_endpoint_delays_no_other(
    server: Receiver, endpoint: WebhookEndpoint, owner: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("autolabel.webhooks.client.DEADLINE_SECONDS", 4.0)
    with receiver() as slow:
        endpoints.create(Actor(owner), target_url=slow.url.replace("/hook", "/drip"), events=ALL)
        for _ in range(20):
            ended_job(owner)
        told_to_end = threading.Event()
        sender = threading.Thread(target=run_sender, args=(told_to_end,))
        sender.start()
        try:
            ends_at = time.monotonic() + 30
            while len(server.requests) < 20 and time.monotonic() < ends_at:
                time.sleep(0.05)
            assert (len(server.requests), len(slow.requests)) == (20, 1)
        finally:
            told_to_end.set()
            sender.join(timeout=30)
        assert not sender.is_alive()
    assert WebhookDelivery.objects.filter(endpoint=endpoint, status="delivered").count() == 20


def run_sender(told_to_end: threading.Event) -> None:
    try:
        send_until(told_to_end)
    finally:
        connections.close_all()


def test_a_clock_that_is_behind_that_of_the_database_costs_no_endless_tries(
    server: Receiver, endpoint: WebhookEndpoint, owner: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended_job(owner)
    server.answer = 500
    real = timezone.now
    monkeypatch.setattr(timezone, "now", lambda: real() - timedelta(hours=1))
    delivery.spread()
    claimed = delivery.claim()
    assert claimed is not None
    delivery.try_once(claimed)

    row = WebhookDelivery.objects.get()
    assert row.attempts == 1
    assert row.next_retry_at > real()
    assert delivery.claim() is None
