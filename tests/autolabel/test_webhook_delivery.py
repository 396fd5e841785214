"""From the end of a job to a receiver that can trust what it gets: once, signed, in time."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connections
from django.utils import timezone
from standardwebhooks import Webhook

from annotation_platform.autolabel_host import PlatformHost
from annotation_platform.models import Membership, Project
from autolabel.hosts.base import Actor
from autolabel.jobs import lifecycle
from autolabel.models import Job, WebhookAttempt, WebhookDelivery, WebhookEndpoint, WebhookEvent
from autolabel.webhooks import delivery, endpoints
from autolabel.webhooks.delivery import PAUSES
from autolabel.webhooks.events import job_body
from autolabel.webhooks.secrets import new_secret, seal, unseal
from autolabel.workers.sender import send_until
from tests.factories import make_member, make_project, make_user

from .builders import in_threads, make_delivery, make_job
from .receivers import Receiver, receiver

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("rings", "fake_model")]
ALL = [value for value in WebhookEvent.Type.values if value != WebhookEvent.Type.TEST]


@pytest.fixture
def server(configure: Callable[..., None]) -> Iterator[Receiver]:
    configure(WEBHOOK_ALLOW_HTTP=True, WEBHOOK_ALLOW_LOOPBACK=True)
    with receiver() as one:
        yield one


@pytest.fixture
def owner() -> Any:
    return make_user("hooks")


@pytest.fixture
def endpoint(server: Receiver, owner: Any) -> WebhookEndpoint:
    return endpoints.create(Actor(owner), target_url=server.url, events=ALL)[0]


def ended_job(owner: Any, status: str = "completed") -> Job:
    job = make_job(make_project(members={owner: "manager"}), status="running", planned_at=timezone.now())
    {"completed": lifecycle.finish_if_done, "cancelled": lifecycle.cancel}[status](job.pk)
    job.refresh_from_db()
    assert job.status == status
    return job


def send_all() -> int:
    """Spread, and try what is due now; how many tries that were."""
    delivery.spread()
    tries = 0
    while (claimed := delivery.claim()) is not None:
        delivery.try_once(claimed)
        tries += 1
    return tries


def let_time_pass() -> None:
    """Whatever waits for its next try has it now."""
    WebhookEndpoint.objects.exclude(next_probe_at=None).update(next_probe_at=timezone.now() - timedelta(seconds=1))
    WebhookDelivery.objects.filter(status="pending").update(next_retry_at=timezone.now() - timedelta(seconds=1))


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

    assert delivery.give_up_old() == 1
    old.refresh_from_db()
    assert old.status == "failed"
    assert delivery.redeliver(old)
    assert delivery.give_up_old() == 0


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


def test_a_failing_endpoint_is_probed_with_one_delivery_and_goes_on_when_it_takes_it(
    server: Receiver, endpoint: WebhookEndpoint, owner: Any
) -> None:
    ended_job(owner)
    make_it_fail(server, endpoint, owner)
    let_time_pass()
    assert send_all() == 1
    wait = (WebhookEndpoint.objects.get().next_probe_at - timezone.now()).total_seconds()
    assert 590 < wait <= 600

    server.answer = 200
    let_time_pass()
    send_all()
    endpoint.refresh_from_db()
    assert (endpoint.state, endpoint.failures_in_row, endpoint.next_probe_at) == ("active", 0, None)
    assert set(WebhookDelivery.objects.values_list("status", flat=True)) == {"delivered"}


def test_who_has_many_slow_endpoints_leaves_senders_for_the_others(server: Receiver, owner: Any) -> None:
    project = make_project(members={owner: "manager"})
    other = make_member(project)
    for person in [owner] * 6 + [other]:
        endpoints.create(Actor(person), target_url=server.url, events=ALL)
    lifecycle.cancel(make_job(project, status="running", planned_at=timezone.now()).pk)
    delivery.spread()

    claimed = [one.endpoint.owner for one in iter(delivery.claim, None)]
    assert sorted(claimed, key=lambda person: person == other) == [owner] * 4 + [other]


def test_a_host_that_is_not_there_is_tried_again_and_the_reason_is_kept(
    server: Receiver, endpoint: WebhookEndpoint, owner: Any
) -> None:
    with receiver() as gone:
        WebhookEndpoint.objects.update(target_url=gone.url)
    ended_job(owner)
    send_all()

    note = WebhookAttempt.objects.get()
    assert (note.status_code, note.error) == (None, "The host could not be reached, or closed the connection.")


def test_after_a_rotation_both_secrets_sign_for_a_day(server: Receiver, endpoint: WebhookEndpoint, owner: Any) -> None:
    old = unseal(endpoint.secret)
    new = endpoints.rotate(Actor(owner), endpoint)
    endpoint.refresh_from_db()
    ended_job(owner)
    send_all()
    request = server.requests[-1]
    for secret in (old, new):
        assert Webhook(secret).verify(request.body, request.headers)
    previous = hmac.new(old.encode(), request.body, hashlib.sha256).hexdigest()
    assert request.headers["X-Avala-Webhook-Signature-Previous"] == previous

    (sealed, _), *_ = endpoint.previous_secrets
    WebhookEndpoint.objects.update(previous_secrets=[(sealed, timezone.now().isoformat())])
    ended_job(owner)
    send_all()
    request = server.requests[-1]
    assert Webhook(new).verify(request.body, request.headers)
    assert len(request.headers["webhook-signature"].split()) == 1


def test_a_second_rotation_within_the_day_silences_none_of_the_secrets_before(
    server: Receiver, endpoint: WebhookEndpoint, owner: Any
) -> None:
    first = unseal(endpoint.secret)
    # From the same stale row, as by a double click.
    told = [endpoints.rotate(Actor(owner), endpoint) for _ in range(2)]
    ended_job(owner)
    send_all()

    request = server.requests[-1]
    for secret in (first, *told):
        assert Webhook(secret).verify(request.body, request.headers)
    assert len(request.headers["X-Avala-Webhook-Signature-Previous"].split(",")) == 2


def test_after_the_key_was_lost_a_rotation_is_the_way_out(
    server: Receiver, endpoint: WebhookEndpoint, owner: Any, settings: Any
) -> None:
    settings.SECRET_KEY = "another-key"
    new = endpoints.rotate(Actor(owner), endpoint)
    ended_job(owner)
    send_all()

    request = server.requests[-1]
    assert Webhook(new).verify(request.body, request.headers)


def test_secrets_are_encrypted_at_rest_and_outlive_a_change_of_the_key(settings: Any) -> None:
    secret = new_secret()
    sealed = seal(secret)
    assert secret not in sealed
    assert unseal(sealed) == secret
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another-key"
    assert unseal(sealed) == secret


def test_a_secret_that_cannot_be_read_any_more_sends_nothing_and_says_so(
    server: Receiver, endpoint: WebhookEndpoint, owner: Any, settings: Any
) -> None:
    ended_job(owner)
    settings.SECRET_KEY = "another-key"
    send_all()

    assert server.requests == []
    assert "SECRET_KEY has changed. Rotate the secret." in WebhookAttempt.objects.get().error


# Who gets what


def test_only_endpoints_of_the_project_and_of_people_who_see_it_now_get_its_events(
    server: Receiver, owner: Any
) -> None:
    project = make_project(members={owner: "manager"})
    other = make_project(members={owner: "manager"})
    stranger, inactive = make_user("stranger"), make_user("inactive")
    make_member(project, "viewer", inactive)

    def add(person: Any, **fields: Any) -> WebhookEndpoint:
        return endpoints.create(Actor(person), **{"target_url": server.url, "events": ALL, **fields})[0]

    mine, of_project = add(owner), add(owner, project_uid=project.uid)
    add(owner, project_uid=other.uid)
    add(owner, events=["auto_label.failed"])
    add(stranger)
    add(inactive)
    inactive.is_active = False
    inactive.save()
    lifecycle.cancel(make_job(project, status="running", planned_at=timezone.now()).pk)
    add(owner)  # later than the event

    assert send_all() == 2
    assert set(WebhookDelivery.objects.values_list("endpoint", flat=True)) == {mine.pk, of_project.pk}


def test_what_waits_for_somebody_who_has_left_the_project_is_not_sent(
    server: Receiver, endpoint: WebhookEndpoint, owner: Any
) -> None:
    ended_job(owner)
    server.answer = 500
    send_all()
    Membership.objects.filter(user=owner).delete()
    let_time_pass()
    send_all()

    assert len(server.requests) == 1
    row = WebhookDelivery.objects.get()
    assert row.status == "failed"
    assert row.log.first().error == "Not sent: the owner of the endpoint no longer sees the project."


def test_an_endpoint_of_a_project_whose_owner_has_left_waits_for_another_to_take_it_over(
    server: Receiver, owner: Any
) -> None:
    job = ended_job(owner)
    heir = make_member(Project.objects.get(uid=job.project_uid), "manager")
    endpoint, _ = endpoints.create(Actor(owner), target_url=server.url, events=ALL, project_uid=job.project_uid)
    WebhookEvent.objects.update(created_at=timezone.now())
    Membership.objects.filter(user=owner).delete()
    send_all()

    endpoint.refresh_from_db()
    row = WebhookDelivery.objects.get()
    assert (server.requests, endpoint.state, row.status, row.attempts) == ([], "orphaned", "pending", 0)
    assert send_all() == 0

    endpoints.resume(Actor(heir), endpoint)
    assert send_all() == 1
    assert (len(server.requests), endpoint.owner) == (1, heir)


def test_an_event_is_spread_once_however_many_senders_there_are(endpoint: WebhookEndpoint, owner: Any) -> None:
    ended_job(owner)
    assert [delivery.spread(), delivery.spread()] == [1, 0]
    WebhookEvent.objects.update(spread_at=None)  # killed before its commit was known
    delivery.spread()
    assert WebhookDelivery.objects.count() == 1


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


# Senders that die, and many at once


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


def test_an_event_that_a_host_fails_at_stops_no_other(
    server: Receiver, endpoint: WebhookEndpoint, owner: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad, good = ended_job(owner), ended_job(owner)
    real = PlatformHost.get_project

    def failing(self: PlatformHost, uid: str, user: Any) -> Any:
        if uid == bad.project_uid:
            raise TimeoutError("the host is away")
        return real(self, uid, user)

    monkeypatch.setattr(PlatformHost, "get_project", failing)
    assert send_all() == 1
    monkeypatch.undo()
    assert json.loads(server.requests[0].body)["uid"] == good.uid


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
