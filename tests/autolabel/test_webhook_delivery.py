"""From the end of a job to a receiver that can trust what it gets: once, signed, in time."""

from __future__ import annotations

import hashlib
import hmac
import json
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from standardwebhooks import Webhook

from autolabel.hosts.base import Actor
from autolabel.models import WebhookAttempt, WebhookDelivery, WebhookEndpoint, WebhookEvent
from autolabel.webhooks import delivery, endpoints
from autolabel.webhooks.delivery import PAUSES
from autolabel.webhooks.events import job_body
from autolabel.webhooks.secrets import unseal

from .receivers import Receiver, receiver
from .sending import ALL, ended_job, let_time_pass, send_all

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("rings", "fake_model")]


def test_the_end_of_a_job_arrives_signed_in_both_families(
    server: Receiver, endpoint: WebhookEndpoint, owner: Any
) -> None:
    job = ended_job(owner)
    assert send_all() == 1
    assert send_all() == 0

    (request,) = server.requests
    secret, event = unseal(endpoint.secret), WebhookEvent.objects.get(job=job)
    assert Webhook(secret).verify(request.body, request.headers) == job_body(job)
    assert request.headers["webhook-id"] == event.uid
    expected = hmac.new(secret.encode(), request.body, hashlib.sha256).hexdigest()
    assert request.headers["X-Avala-Webhook-Signature"] == expected
    assert request.headers["X-Avala-Webhook-Event"] == "auto_label.completed"
    row = WebhookDelivery.objects.get()
    assert request.headers["X-Avala-Webhook-Delivery"] == row.uid
    assert (row.status, row.attempts, row.next_retry_at) == ("delivered", 1, None)
    assert row.log.get().status_code == 200
    assert row.log.get().response_body == "heard"


def test_a_receiver_that_fails_gets_ten_tries_over_about_three_days_with_the_same_id_and_body(
    server: Receiver, endpoint: WebhookEndpoint, owner: Any
) -> None:
    ended_job(owner)
    server.answer = 500
    waits = []
    for _ in range(12):
        send_all()
        row = WebhookDelivery.objects.get()
        if row.next_retry_at:
            waits.append((row.next_retry_at - timezone.now()).total_seconds())
        let_time_pass()

    assert (row.status, row.attempts, len(server.requests)) == ("failed", 10, 10)
    assert len({(request.headers["webhook-id"], request.body) for request in server.requests}) == 1
    assert all(
        pause.total_seconds() - 2 <= wait <= pause.total_seconds() * 1.1
        for pause, wait in zip(PAUSES, waits, strict=True)
    )
    assert timedelta(days=3) < sum(PAUSES, timedelta()) < timedelta(days=3.5)
    assert [one.number for one in row.log.all()] == list(range(10, 0, -1))


@pytest.mark.parametrize("status", [301, 302, 307, 400, 404, 429, 503])
def test_all_but_2xx_is_a_failure_that_is_tried_again(
    status: int, server: Receiver, endpoint: WebhookEndpoint, owner: Any
) -> None:
    ended_job(owner)
    server.answer, server.headers = status, {"Location": "/elsewhere"}
    send_all()

    row = WebhookDelivery.objects.get()
    assert (row.status, row.attempts, row.log.get().status_code) == ("pending", 1, status)
    server.answer = 204
    let_time_pass()
    send_all()
    row.refresh_from_db()
    endpoint.refresh_from_db()
    assert (row.status, endpoint.failures_in_row) == ("delivered", 0)


@pytest.mark.parametrize(
    ("asked", "seconds"),
    [("600", 600), ("0", 5), ("-5", 5), ("99999999999999999999", 5), ("nonsense", 5), ("864000", 86400)],
)
def test_the_wait_that_a_receiver_asks_for_is_kept_up_to_a_day(
    asked: str, seconds: float, server: Receiver, endpoint: WebhookEndpoint, owner: Any
) -> None:
    ended_job(owner)
    server.answer, server.headers = 503, {"Retry-After": asked}
    send_all()

    wait = (WebhookDelivery.objects.get().next_retry_at - timezone.now()).total_seconds()
    assert seconds - 2 <= wait <= seconds * 1.1


def test_410_disables_the_endpoint_and_ends_what_waits_for_it(
    server: Receiver, endpoint: WebhookEndpoint, owner: Any
) -> None:
    ended_job(owner)
    ended_job(owner)
    server.answer = 410
    send_all()
    ended_job(owner)
    send_all()

    endpoint.refresh_from_db()
    assert endpoint.state == "gone"
    assert list(WebhookDelivery.objects.values_list("status", flat=True)) == ["failed", "failed"]
    assert len(server.requests) == 1


def make_it_fail(server: Receiver, endpoint: WebhookEndpoint, owner: Any) -> None:
    """Twenty tries of two jobs' events, which then wait for hours."""
    for _ in range(2):
        ended_job(owner)
    server.answer = 500
    while endpoint.state == "active":
        let_time_pass()
        send_all()
        endpoint.refresh_from_db()
    assert (endpoint.state, len(server.requests)) == ("failing", 20)


def test_an_answer_to_a_url_that_was_changed_meanwhile_says_nothing_of_the_new_one(
    server: Receiver, endpoint: WebhookEndpoint, owner: Any
) -> None:
    for _ in range(2):
        ended_job(owner)
    delivery.spread()
    claimed = delivery.claim()
    assert claimed is not None
    server.answer = 410
    endpoints.change(Actor(owner), endpoint, {"target_url": f"{server.url}/new"})
    delivery.try_once(claimed)

    endpoint.refresh_from_db()
    assert endpoint.state == "active"
    assert sorted(WebhookDelivery.objects.values_list("status", flat=True)) == ["failed", "pending"]


def test_what_waits_for_a_month_is_given_up(server: Receiver, endpoint: WebhookEndpoint, owner: Any) -> None:
    for _ in range(2):
        ended_job(owner)
    endpoints.pause(Actor(owner), endpoint)
    delivery.spread()
    old = WebhookDelivery.objects.first()
    WebhookDelivery.objects.filter(pk=old.pk).update(updated_at=timezone.now() - timedelta(days=31))

    assert delivery.tidy() == 1
    old.refresh_from_db()
    assert old.status == "failed"
    assert delivery.redeliver(old)
    assert delivery.tidy() == 0


def test_twenty_failures_in_a_row_pause_the_endpoint_and_nothing_is_lost(
    server: Receiver, endpoint: WebhookEndpoint, owner: Any
) -> None:
    ended_job(owner)
    make_it_fail(server, endpoint, owner)
    WebhookDelivery.objects.update(next_retry_at=timezone.now())
    assert send_all() == 0

    server.answer = 200
    endpoints.resume(Actor(owner), endpoint)
    send_all()
    assert set(WebhookDelivery.objects.values_list("status", flat=True)) == {"delivered"}
    assert len({request.headers["webhook-id"] for request in server.requests}) == 3


def test_a_failing_endpoint_is_probed_with_one_delivery_whose_tries_that_does_not_cost(
    server: Receiver, endpoint: WebhookEndpoint, owner: Any
) -> None:
    ended_job(owner)
    make_it_fail(server, endpoint, owner)
    later = timezone.now() + timedelta(hours=5)
    WebhookDelivery.objects.filter(status="pending").update(next_retry_at=later, attempts=7)
    for _ in range(3):
        WebhookEndpoint.objects.update(next_probe_at=timezone.now())
        assert send_all() == 1
    assert set(WebhookDelivery.objects.filter(status="pending").values_list("attempts", "next_retry_at")) == {
        (7, later)
    }
    wait = (WebhookEndpoint.objects.get().next_probe_at - timezone.now()).total_seconds()
    assert 590 < wait <= 600

    server.answer = 200
    WebhookEndpoint.objects.update(next_probe_at=timezone.now())
    send_all()
    endpoint.refresh_from_db()
    assert (endpoint.state, endpoint.failures_in_row, endpoint.next_probe_at) == ("active", 0, None)
    assert not WebhookDelivery.objects.filter(status="pending").exists()


def test_a_host_that_is_not_there_is_tried_again_and_the_reason_is_kept(
    server: Receiver, endpoint: WebhookEndpoint, owner: Any
) -> None:
    with receiver() as gone:
        WebhookEndpoint.objects.update(target_url=gone.url)
    ended_job(owner)
    send_all()

    note = WebhookAttempt.objects.get()
    assert (note.status_code, note.error) == (None, "The host could not be reached, or closed the connection.")


@pytest.mark.parametrize("state", ["active", "paused", "failing"])
def test_a_test_goes_to_its_endpoint_alone_and_at_once(
    server: Receiver, endpoint: WebhookEndpoint, owner: Any, state: str
) -> None:
    endpoints.create(Actor(owner), target_url=server.url, events=ALL)
    WebhookEndpoint.objects.update(state=state)
    tested = delivery.send_test(endpoint)

    assert tested.success
    assert tested.message.startswith("The receiver answered 200 after ")
    assert json.loads(server.requests[0].body) == {"test": True, "webhook": endpoint.uid}
    assert server.requests[0].headers["X-Avala-Webhook-Event"] == "auto_label.test"
    assert send_all() == 0


def test_a_test_that_fails_says_why_is_not_tried_again_and_counts_for_nothing(
    server: Receiver, endpoint: WebhookEndpoint
) -> None:
    server.answer = 503
    tested = delivery.send_test(endpoint)
    assert (tested.success, tested.delivery.status) == (False, "failed")
    assert tested.message.startswith("The receiver answered 503 after ")
    with receiver() as gone:
        WebhookEndpoint.objects.update(target_url=gone.url)
    assert delivery.send_test(endpoint).message == "The host could not be reached, or closed the connection."
    let_time_pass()
    assert send_all() == 0
    endpoint.refresh_from_db()
    assert (endpoint.state, endpoint.failures_in_row) == ("active", 0)


def test_a_redelivery_has_the_same_id_and_all_its_tries(
    server: Receiver, endpoint: WebhookEndpoint, owner: Any
) -> None:
    ended_job(owner)
    send_all()
    row = WebhookDelivery.objects.get()
    assert delivery.redeliver(row)
    assert not delivery.redeliver(row)
    send_all()

    assert len({request.headers["webhook-id"] for request in server.requests}) == 1
    row.refresh_from_db()
    assert (row.status, row.log.count()) == ("delivered", 2)
