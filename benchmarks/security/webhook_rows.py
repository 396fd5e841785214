"""What `webhooks` asks for inside of the site's own process."""

from __future__ import annotations

from datetime import timedelta

from django.contrib.auth import get_user_model
from django.db.models import F

from annotation_platform.projects import create_project
from autolabel.hosts.base import Actor
from autolabel.jobs import lifecycle
from autolabel.models import WebhookDelivery, WebhookEndpoint, WebhookEvent
from autolabel.webhooks import delivery, endpoints
from tests.autolabel.builders import in_threads, make_delivery, make_job


def make(url: str, events: int) -> str:
    """Jobs that end, each with its event in the same commit; the secret of the endpoint that wants them."""
    owner = get_user_model().objects.create(username="receiver")
    _, secret = endpoints.create(Actor(owner), target_url=url, events=list(WebhookEvent.Type.values))
    for number in range(events):
        project = create_project(owner, f"Project {number}", [("bolt", None)])
        job = make_job(project.uid, created_by=owner, status="running")
        (lifecycle.cancel if number % 2 else lambda pk: lifecycle.fail(pk, "Nothing could run."))(job.pk)
    return secret


def ids() -> list[str]:
    return list(WebhookEvent.objects.values_list("uid", flat=True))


def pass_time(seconds: int) -> int:
    """For what waits, so much time has passed; returns how many deliveries wait, or are not yet made."""
    waiting = WebhookDelivery.objects.filter(status=WebhookDelivery.Status.PENDING)
    past = timedelta(seconds=seconds)
    waiting.update(next_retry_at=F("next_retry_at") - past)
    waiting.exclude(lease_until=None).update(lease_until=F("lease_until") - past)
    failing = WebhookEndpoint.objects.exclude(next_probe_at=None)
    failing.update(next_probe_at=F("next_probe_at") - past)
    return waiting.count() + WebhookEvent.objects.filter(spread_at=None).count()


def claims_at_once() -> int:
    """How many of eight that claim in the same moment are given a delivery to the one endpoint."""
    endpoint = WebhookEndpoint.objects.get()
    for _ in range(30):
        make_delivery(endpoint)
    claimed = in_threads(*[delivery.claim] * 8)
    assert all(one is None or isinstance(one, WebhookDelivery) for one in claimed), claimed
    return sum(one is not None for one in claimed)
