"""From the outbox to the receivers: at least once, with an id that stays, for about three days.

A sender takes a delivery under a lease with a token, tries it outside of any transaction, and writes down what came of
it if the token still holds. One that is killed in between has perhaps delivered: the next one delivers again, with the
same id.
"""

from __future__ import annotations

import random
import time
from collections.abc import Mapping
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime

from django.db import connections, router, transaction
from django.db.models import Exists, F, OuterRef, QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from autolabel.hosts.loader import get_host
from autolabel.models import WebhookDelivery, WebhookEndpoint, WebhookEvent, WebhookTry
from autolabel.models.job import new_uid

from . import client
from .secrets import SecretLost, unseal
from .signing import serialized, signed_headers

__all__ = ["PAUSES", "claim", "redeliver", "send_test", "spread", "try_once"]

State, EndpointState = WebhookDelivery.State, WebhookEndpoint.State

# Before each try after the first; ten tries within a little more than three days.
PAUSES = tuple(
    timedelta(seconds=seconds)
    for seconds in (5, 300, 1800, 2 * 3600, 5 * 3600, 10 * 3600, 14 * 3600, 20 * 3600, 24 * 3600)
)
_JITTER = 0.1
_LONGEST_RETRY_AFTER = timedelta(days=1)
_LEASE = timedelta(seconds=60)
_PAUSE_AFTER_FAILURES = 20
_KEPT_OF_ANSWER = 4000
_EVENTS_AT_ONCE = 100


def spread() -> int:
    """Write the deliveries of events that have none yet; returns of how many events. Safe beside other senders."""
    done = 0
    for event in WebhookEvent.objects.filter(spread_at=None).select_related("job").order_by("id")[:_EVENTS_AT_ONCE]:
        with transaction.atomic(using=router.db_for_write(WebhookEvent)):
            if not WebhookEvent.objects.filter(pk=event.pk, spread_at=None).update(spread_at=timezone.now()):
                continue
            now = timezone.now()
            WebhookDelivery.objects.bulk_create(
                [WebhookDelivery(event=event, endpoint=one, next_try_at=now) for one in _wanted_by(event)],
                ignore_conflicts=True,
            )
        done += 1
    return done


def _wanted_by(event: WebhookEvent) -> list[WebhookEndpoint]:
    """The endpoints, older than the event, of all who may see the project now. A paused one gets it later."""
    assert event.job is not None
    project_uid = event.job.project_uid
    endpoints = WebhookEndpoint.objects.exclude(state=EndpointState.GONE).filter(
        project_uid__in=("", project_uid), owner__is_active=True, created_at__lte=event.created_at
    )
    host = get_host()
    return [
        one
        for one in endpoints.select_related("owner")
        if event.event_type in one.events and project_uid in host.visible_project_uids(one.owner)
    ]


def claim() -> WebhookDelivery | None:
    """Take the delivery that is due longest, of an endpoint that nobody is sending to right now."""
    busy = WebhookDelivery.objects.leased().filter(endpoint=OuterRef("endpoint"))
    # An earlier event of the same job goes first.
    earlier = WebhookDelivery.objects.filter(
        endpoint=OuterRef("endpoint"), event__job=OuterRef("event__job"), state=State.WAITING, pk__lt=OuterRef("pk")
    )
    alias = router.db_for_write(WebhookDelivery)
    with transaction.atomic(using=alias):
        due = WebhookDelivery.objects.due().filter(~Exists(busy), ~Exists(earlier))
        if connections[alias].features.has_select_for_update_skip_locked:
            due = due.select_for_update(skip_locked=True, of=("self",))
        found = due.order_by("next_try_at", "id").first()
        if found is None:
            return None
        token = new_uid()
        mine = WebhookDelivery.objects.filter(pk=found.pk, token=found.token)
        if not mine.update(token=token, lease_until=Now() + _LEASE, tries=F("tries") + 1):
            return None
    return WebhookDelivery.objects.select_related("event", "endpoint").get(pk=found.pk)


def try_once(delivery: WebhookDelivery) -> None:
    """Send a claimed delivery, and write down what came of it."""
    endpoint, event = delivery.endpoint, delivery.event
    body, began = serialized(event.payload), time.monotonic()
    answer: client.Answer | None = None
    headers: dict[str, str] = {}
    error = ""
    try:
        secrets = _secrets(endpoint)
        headers = signed_headers(event.uid, event.event_type, delivery.uid, body, secrets, timezone.now())
        answer = client.send("POST", endpoint.url, body, headers)
    except (client.RequestFailed, SecretLost) as failed:
        error = str(failed)
    note = WebhookTry(
        delivery=delivery,
        number=delivery.tries,
        url=endpoint.url,
        request_headers=headers,
        status_code=answer.status if answer else None,
        response_body=_readable(answer.body) if answer else "",
        error=error[:300],
        seconds=time.monotonic() - began,
    )
    with transaction.atomic(using=router.db_for_write(WebhookDelivery)):
        _write_down(delivery, answer, note)


def _write_down(delivery: WebhookDelivery, answer: client.Answer | None, note: WebhookTry) -> None:
    mine = WebhookDelivery.objects.filter(pk=delivery.pk, token=delivery.token, state=State.WAITING)
    endpoint = WebhookEndpoint.objects.filter(pk=delivery.endpoint_id)
    now = timezone.now()
    if answer is not None and 200 <= answer.status < 300:
        held = mine.update(state=State.DELIVERED, ended_at=now, token="", lease_until=None, next_try_at=None)
        endpoint.update(failures_in_row=0, last_success_at=now)
    elif answer is not None and answer.status == 410:
        held = mine.update(state=State.FAILED, ended_at=now, token="", lease_until=None, next_try_at=None)
        endpoint.update(state=EndpointState.GONE)
        gone = WebhookDelivery.objects.filter(endpoint=delivery.endpoint_id, state=State.WAITING)
        gone.update(state=State.FAILED, ended_at=now, token="", lease_until=None, next_try_at=None)
    else:
        held = _wait_or_give_up(delivery, mine, answer, now)
        endpoint.update(failures_in_row=F("failures_in_row") + 1)
        endpoint.filter(failures_in_row__gte=_PAUSE_AFTER_FAILURES, state=EndpointState.ACTIVE).update(
            state=EndpointState.FAILING
        )
    if held:
        note.save(force_insert=True)


def _wait_or_give_up(
    delivery: WebhookDelivery, mine: QuerySet[WebhookDelivery], answer: client.Answer | None, now: datetime
) -> int:
    if delivery.tries > len(PAUSES):
        return mine.update(state=State.FAILED, ended_at=now, token="", lease_until=None, next_try_at=None)
    pause = PAUSES[delivery.tries - 1] * random.uniform(1, 1 + _JITTER)  # noqa: S311  (spreads load, guards nothing)
    pause = max(pause, _retry_after(answer.headers, now) if answer else timedelta(0))
    return mine.update(token="", lease_until=None, next_try_at=now + pause)


def _retry_after(headers: Mapping[str, str], now: datetime) -> timedelta:
    """How long the receiver asks to wait: seconds or a date; a day at most."""
    given = next((value for name, value in headers.items() if name.lower() == "retry-after"), "")
    try:
        asked = timedelta(seconds=int(given)) if given.isdecimal() else parsedate_to_datetime(given) - now
    except (ValueError, TypeError, OverflowError):
        return timedelta(0)
    return min(max(asked, timedelta(0)), _LONGEST_RETRY_AFTER)


def _secrets(endpoint: WebhookEndpoint) -> list[str]:
    """Raises SecretLost."""
    secrets = [unseal(endpoint.secret)]
    until = endpoint.previous_secret_until
    if endpoint.previous_secret and until is not None and until > timezone.now():
        secrets.append(unseal(endpoint.previous_secret))
    return secrets


def _readable(body: bytes) -> str:
    return body[:_KEPT_OF_ANSWER].decode("utf-8", "replace").replace("\0", "�")


def send_test(endpoint: WebhookEndpoint) -> WebhookDelivery:
    """Put an event on its way that tells nothing but that it is a test."""
    now = timezone.now()
    with transaction.atomic(using=router.db_for_write(WebhookEvent)):
        event = WebhookEvent.objects.create(
            event_type=WebhookEvent.Type.TEST, payload={"test": True, "endpoint": endpoint.uid}, spread_at=now
        )
        return WebhookDelivery.objects.create(event=event, endpoint=endpoint, next_try_at=now)


def redeliver(delivery: WebhookDelivery) -> bool:
    """Send it again from the first try on, under the same id; False while it is on its way anyway."""
    ended = WebhookDelivery.objects.filter(pk=delivery.pk).exclude(state=State.WAITING)
    now = timezone.now()
    return ended.update(state=State.WAITING, tries=0, next_try_at=now, ended_at=None) == 1
