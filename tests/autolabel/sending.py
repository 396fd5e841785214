"""Ends of jobs, and the sender's work done step by step."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.utils import timezone

from autolabel.jobs import lifecycle
from autolabel.models import Job, WebhookDelivery, WebhookEndpoint, WebhookEvent
from autolabel.webhooks import delivery
from tests.factories import make_project

from .builders import make_job

ALL = [value for value in WebhookEvent.Type.values if value != WebhookEvent.Type.TEST]


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
