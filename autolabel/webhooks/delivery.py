"""From the outbox to the receivers: at least once, with an id that stays, for about three days.

A sender takes a delivery under a lease with a token, tries it outside of any transaction, and writes down what came of
it if the token still holds. One that is killed in between has perhaps delivered: the next one delivers again, with the
same id.
"""

from __future__ import annotations

import logging
import random
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import cache
from typing import Any

from django.db import connections, router, transaction
from django.db.models import F, QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from autolabel.hosts.loader import get_host
from autolabel.models import WebhookAttempt, WebhookDelivery, WebhookEndpoint, WebhookEvent
from autolabel.models.job import new_uid

from . import client
from .secrets import SecretLost, still_valid, unseal
from .signing import serialized, signed_headers

__all__ = ["PAUSES", "Tested", "claim", "hurry", "redeliver", "send_test", "spread", "tidy", "try_once"]

logger = logging.getLogger(__name__)

Status, EndpointState = WebhookDelivery.Status, WebhookEndpoint.State

# Before each try after the first; ten tries within a little more than three days.
PAUSES = tuple(
    timedelta(seconds=seconds)
    for seconds in (5, 300, 1800, 2 * 3600, 5 * 3600, 10 * 3600, 14 * 3600, 20 * 3600, 24 * 3600)
)
_JITTER = 0.1
_LONGEST_RETRY_AFTER = timedelta(days=1)
_LEASE = timedelta(seconds=60)
_PAUSE_AFTER_FAILURES = 20
# An endpoint paused for its failures gets one delivery so often, and goes on by itself when it takes it.
_PROBE_EVERY = timedelta(minutes=10)
# Of one owner at once, so that whoever has many slow endpoints leaves senders for the others.
_MOST_OF_AN_OWNER = 4
# So long a delivery waits for an endpoint that is paused, or fails.
_LONGEST_WAIT = timedelta(days=30)
_KEPT_OF_ANSWER = 4000
_EVENTS_AT_ONCE = 100
# The key of the lock under which deliveries are claimed; any number that nobody else takes.
_CLAIMS = 6153447


@dataclass(frozen=True, slots=True)
class Tested:
    """What came of a test, for people."""

    success: bool
    message: str
    delivery: WebhookDelivery


def spread() -> int:
    """Write the deliveries of events that have none yet; returns of how many events. Safe beside other senders."""
    done = 0
    for event in WebhookEvent.objects.filter(spread_at=None).select_related("job").order_by("id")[:_EVENTS_AT_ONCE]:
        try:
            done += _spread(event)
        except Exception:
            logger.exception("Event %s could not be spread; the others do not wait for it.", event.uid)
    return done


def _spread(event: WebhookEvent) -> bool:
    # Asked outside of the transaction: a host may take its time, and others want to write.
    wanted = _wanted_by(event)
    with transaction.atomic(using=router.db_for_write(WebhookEvent)):
        if not WebhookEvent.objects.filter(pk=event.pk, spread_at=None).update(spread_at=Now()):
            return False
        WebhookDelivery.objects.bulk_create(
            [WebhookDelivery(event=event, endpoint=one, next_retry_at=Now()) for one in wanted], ignore_conflicts=True
        )
    return True


def _wanted_by(event: WebhookEvent) -> list[WebhookEndpoint]:
    """The endpoints, older than the event, of the project and of all who see it now. A paused one gets it later."""
    assert event.job is not None
    endpoints = WebhookEndpoint.objects.exclude(state=EndpointState.GONE).filter(
        project_uid__in=("", event.job.project_uid), created_at__lte=event.created_at
    )
    wanting = [one for one in endpoints.select_related("owner") if event.event_type in one.events]
    seeing = cache(lambda owner: _sees(owner, event))
    return [one for one in wanting if one.project_uid or seeing(one.owner)]


def _sees(owner: Any, event: WebhookEvent) -> bool:
    """Whether that person may see now what the event is about."""
    if event.job is None:
        return True
    if owner is None or not owner.is_active:
        return False
    try:
        get_host().get_project(event.job.project_uid, owner)
    except LookupError:
        return False
    return True


def claim() -> WebhookDelivery | None:
    """Take a delivery that is due, of the endpoint whose turn it is: one that nobody is sending to right now."""
    alias = router.db_for_write(WebhookDelivery)
    with transaction.atomic(using=alias):
        _one_at_a_time(alias)
        leased = list(WebhookDelivery.objects.leased().values_list("endpoint", "endpoint__owner"))
        owners = Counter(owner for _, owner in leased if owner is not None)
        crowded = [owner for owner, count in owners.items() if count >= _MOST_OF_AN_OWNER]
        free = WebhookEndpoint.objects.to_try().exclude(pk__in=[busy for busy, _ in leased])
        turns = free.exclude(owner__in=crowded).order_by(F("last_tried_at").asc(nulls_first=True), "id")
        if connections[alias].features.has_select_for_update_skip_locked:
            # One that is being deleted, with all its deliveries, keeps nobody waiting.
            turns = turns.select_for_update(skip_locked=True, no_key=True)
        endpoint = turns.first()
        if endpoint is None:
            return None
        free_ones = WebhookDelivery.objects.free().filter(endpoint=endpoint).select_related("endpoint")
        found = free_ones.order_by("next_retry_at", "id").first()
        if found is None:
            return None
        WebhookEndpoint.objects.filter(pk=endpoint.pk).update(last_tried_at=Now())
        mine = WebhookDelivery.objects.filter(pk=found.pk, token=found.token)
        # A probe before its time is none of the ten.
        attempts = F("attempts") + (0 if _is_probe(found) else 1)
        if not mine.update(token=new_uid(), lease_until=Now() + _LEASE, attempts=attempts):
            return None
    return _whole(found)


def _is_probe(delivery: WebhookDelivery) -> bool:
    """Whether it is tried before its time, to see whether its endpoint, which is failing, takes it."""
    is_early = delivery.next_retry_at is not None and delivery.next_retry_at > timezone.now()
    return is_early and delivery.endpoint.state == EndpointState.FAILING


def _one_at_a_time(alias: str) -> None:
    """Until the transaction ends nobody else claims, so that each sees what the others have. SQLite is so by itself."""
    if connections[alias].vendor == "postgresql":
        with connections[alias].cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_CLAIMS])


def _whole(delivery: WebhookDelivery) -> WebhookDelivery:
    return WebhookDelivery.objects.select_related("event", "event__job", "endpoint", "endpoint__owner").get(
        pk=delivery.pk
    )


def try_once(delivery: WebhookDelivery) -> None:
    """Send a claimed delivery, and write down what came of it."""
    endpoint, event = delivery.endpoint, delivery.event
    if not _sees(endpoint.owner, event):
        return _withhold(delivery)
    body, began = serialized(event.payload), time.monotonic()
    answer: client.Answer | None = None
    headers: dict[str, str] = {}
    error = ""
    try:
        secrets = _secrets(endpoint)
        headers = signed_headers(event.uid, event.event_type, delivery.uid, body, secrets, timezone.now())
        answer = client.send("POST", endpoint.target_url, body, headers)
    except (client.RequestFailed, SecretLost) as failed:
        error = str(failed)
    except Exception:
        # Written down as a failure, too: otherwise it would be tried for ever.
        logger.exception("Delivery %s could not be sent.", delivery.uid)
        error = "The request could not be made."
    note = WebhookAttempt(
        delivery=delivery,
        number=delivery.attempts,
        url=endpoint.target_url,
        request_headers=headers,
        status_code=answer.status if answer else None,
        response_body=_readable(answer.body) if answer else "",
        error=error[:300],
        seconds=time.monotonic() - began,
    )
    with transaction.atomic(using=router.db_for_write(WebhookDelivery)):
        _write_down(delivery, answer, note)


def _withhold(delivery: WebhookDelivery) -> None:
    """Whoever has left a project is told nothing more of it. Its own endpoints wait for somebody to take them over."""
    endpoint = delivery.endpoint
    with transaction.atomic(using=router.db_for_write(WebhookDelivery)):
        _lock_endpoint_of(delivery)
        if endpoint.project_uid:
            counted = 0 if _is_probe(delivery) else 1
            _held(delivery).update(token="", lease_until=None, attempts=F("attempts") - counted)
            unchanged = WebhookEndpoint.objects.filter(pk=endpoint.pk, owner=endpoint.owner, state=endpoint.state)
            unchanged.update(state=EndpointState.ORPHANED)
        elif _end(_held(delivery), Status.FAILED):
            error = "Not sent: the owner of the endpoint no longer sees the project."
            delivery.log.create(
                number=delivery.attempts, url=endpoint.target_url, request_headers={}, error=error, seconds=0
            )


def _lock_endpoint_of(delivery: WebhookDelivery) -> None:
    """The endpoint first, wherever both are changed, so that no two wait for each other."""
    list(WebhookEndpoint.objects.select_for_update(no_key=True).filter(pk=delivery.endpoint_id))


def _held(delivery: WebhookDelivery) -> QuerySet[WebhookDelivery]:
    """The delivery's row, as long as the lease under which it was taken holds."""
    return WebhookDelivery.objects.filter(pk=delivery.pk, token=delivery.token, status=Status.PENDING)


def _end(deliveries: QuerySet[WebhookDelivery], status: str) -> int:
    return deliveries.update(status=status, token="", lease_until=None, next_retry_at=None, updated_at=Now())


def _write_down(delivery: WebhookDelivery, answer: client.Answer | None, note: WebhookAttempt) -> None:
    """Nothing, where the lease is lost; of the endpoint nothing, where its URL has been changed meanwhile."""
    _lock_endpoint_of(delivery)
    endpoint = WebhookEndpoint.objects.filter(pk=delivery.endpoint_id, target_url=note.url)
    mine = _held(delivery)
    if answer is not None and 200 <= answer.status < 300:
        if held := _end(mine, Status.DELIVERED):
            endpoint.update(failures_in_row=0, last_success_at=Now())
            if endpoint.filter(state=EndpointState.FAILING).update(state=EndpointState.ACTIVE, next_probe_at=None):
                hurry(delivery.endpoint)
    elif answer is not None and answer.status == 410:
        held = _end(mine, Status.FAILED)
        if held and endpoint.update(state=EndpointState.GONE):
            _end(WebhookDelivery.objects.filter(endpoint=delivery.endpoint_id, status=Status.PENDING), Status.FAILED)
    elif delivery.event.event_type == WebhookEvent.Type.TEST:
        # Somebody looks at it now; trying it again tomorrow helps nobody, and it says nothing of the deliveries.
        held = _end(mine, Status.FAILED)
    else:
        if held := _wait_or_give_up(delivery, mine, answer):
            _count_failure(endpoint)
    if held:
        note.save(force_insert=True)


def _count_failure(endpoint: QuerySet[WebhookEndpoint]) -> None:
    endpoint.update(failures_in_row=F("failures_in_row") + 1)
    endpoint.filter(
        failures_in_row__gte=_PAUSE_AFTER_FAILURES, state__in=(EndpointState.ACTIVE, EndpointState.FAILING)
    ).update(state=EndpointState.FAILING, next_probe_at=Now() + _PROBE_EVERY)


def hurry(endpoint: WebhookEndpoint) -> None:
    """What waits for its next try has it now."""
    waiting = WebhookDelivery.objects.filter(endpoint=endpoint, status=Status.PENDING)
    waiting.filter(next_retry_at__gt=Now()).update(next_retry_at=Now())


def tidy() -> int:
    """End what has waited for a month for an endpoint that is paused, or fails; returns how many these are. Endpoints
    that were somebody's, who has been deleted, go."""
    WebhookEndpoint.objects.filter(owner=None, project_uid="").delete()
    waiting = WebhookDelivery.objects.filter(status=Status.PENDING, updated_at__lt=timezone.now() - _LONGEST_WAIT)
    return _end(waiting, Status.FAILED)


def _wait_or_give_up(delivery: WebhookDelivery, mine: QuerySet[WebhookDelivery], answer: client.Answer | None) -> int:
    if _is_probe(delivery):
        return mine.update(token="", lease_until=None)
    if delivery.attempts > len(PAUSES):
        return _end(mine, Status.FAILED)
    pause = PAUSES[delivery.attempts - 1] * random.uniform(1, 1 + _JITTER)  # noqa: S311  (spreads load, guards nothing)
    pause = max(pause, _retry_after(answer.headers, timezone.now()) if answer else timedelta(0))
    return mine.update(token="", lease_until=None, next_retry_at=Now() + pause, updated_at=Now())


def _retry_after(headers: Mapping[str, str], now: datetime) -> timedelta:
    """How long the receiver asks to wait: seconds or a date; a day at most."""
    given = next((value for name, value in headers.items() if name.lower() == "retry-after"), "")
    try:
        asked = timedelta(seconds=int(given)) if given.isdecimal() else parsedate_to_datetime(given) - now
    except (ValueError, TypeError, OverflowError):
        return timedelta(0)
    return min(max(asked, timedelta(0)), _LONGEST_RETRY_AFTER)


def _secrets(endpoint: WebhookEndpoint) -> list[str]:
    """The present one, then those of before whose time is not over. Raises SecretLost."""
    return [unseal(endpoint.secret), *(unseal(sealed) for sealed, _ in still_valid(endpoint.previous_secrets))]


def _readable(body: bytes) -> str:
    return body[:_KEPT_OF_ANSWER].decode("utf-8", "replace").replace("\0", "�")


def send_test(endpoint: WebhookEndpoint) -> Tested:
    """Send, here and now, an event that tells nothing but that it is a test; once, whatever state the endpoint is in.

    Raises ObjectDoesNotExist where somebody deletes the endpoint meanwhile.
    """
    with transaction.atomic(using=router.db_for_write(WebhookEvent)):
        endpoint = WebhookEndpoint.objects.select_for_update(no_key=True).get(pk=endpoint.pk)
        event = WebhookEvent.objects.create(
            event_type=WebhookEvent.Type.TEST,
            payload={"test": True, "webhook": endpoint.uid},
            spread_at=Now(),
        )
        # As if claimed: no sender takes it as long as this process lives.
        delivery = WebhookDelivery.objects.create(
            event=event,
            endpoint=endpoint,
            next_retry_at=Now(),
            token=new_uid(),
            attempts=1,
            lease_until=Now() + _LEASE,
        )
    try_once(_whole(delivery))
    delivery = _whole(delivery)
    attempt = delivery.log.first()
    if attempt is None or attempt.error:
        message = attempt.error if attempt else "The endpoint was changed meanwhile."
    else:
        message = f"The receiver answered {attempt.status_code} after {attempt.seconds:.2f} s."
    return Tested(delivery.status == Status.DELIVERED, message, delivery)


def redeliver(delivery: WebhookDelivery) -> bool:
    """Send it again from the first try on, under the same id; False while it is on its way anyway."""
    ended = WebhookDelivery.objects.filter(pk=delivery.pk).exclude(status=Status.PENDING)
    if not ended.update(status=Status.PENDING, attempts=0, next_retry_at=Now(), updated_at=Now()):
        return False
    WebhookEndpoint.objects.filter(pk=delivery.endpoint_id, state=EndpointState.FAILING).update(next_probe_at=Now())
    return True
