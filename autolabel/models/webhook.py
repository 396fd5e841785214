"""Webhooks: the outbox of events, who wants them, and what became of each delivery.

`jobs.lifecycle` writes events, in the commit in which they happen; `webhooks.delivery` writes everything else.
"""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Exists, OuterRef, Q, Subquery
from django.db.models.functions import Now

from .job import Job, new_uid

__all__ = ["WebhookAttempt", "WebhookDelivery", "WebhookEndpoint", "WebhookEvent"]


class WebhookEvent(models.Model):
    """Something that happened to a job, written in the commit in which it happened.

    `uid` is the stable id that receivers tell repeated deliveries apart by; `payload` is the job as the API shows it.
    A test event has no job. `spread_at` is when the deliveries to those who want it were written.
    """

    class Type(models.TextChoices):
        COMPLETED = "auto_label.completed"
        FAILED = "auto_label.failed"
        CANCELLED = "auto_label.cancelled"
        TEST = "auto_label.test"

    uid = models.CharField(max_length=36, unique=True, default=new_uid, editable=False)
    job = models.OneToOneField(Job, on_delete=models.CASCADE, related_name="webhook_event", null=True)
    event_type = models.CharField(max_length=32, choices=Type)
    payload = models.JSONField()
    created_at = models.DateTimeField(auto_now_add=True)
    spread_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["id"]
        indexes = [models.Index(fields=["id"], condition=Q(spread_at=None), name="webhook_event_unspread")]

    def __str__(self) -> str:
        return f"{self.event_type} of job {self.job_id}" if self.job_id else str(self.event_type)


class WebhookEndpointQuerySet(models.QuerySet["WebhookEndpoint"]):
    def to_try(self) -> WebhookEndpointQuerySet:
        """Active ones with a delivery that is due, and failing ones whose next probe is, with any that waits."""
        state, free = WebhookEndpoint.State, WebhookDelivery.objects.free().filter(endpoint=OuterRef("pk"))
        is_probed = Q(state=state.FAILING, next_probe_at__lte=Now()) & Exists(free)
        return self.filter(Q(state=state.ACTIVE) & Exists(free.filter(next_retry_at__lte=Now())) | is_probed)


class WebhookEndpoint(models.Model):
    """Where events shall go: those of one project, or with no `project_uid` those of all that the owner sees.

    One of a project belongs to all who manage it; its owner is who vouches for it, and once that person no longer sees
    the project it is ORPHANED until another resumes it. `secret` is encrypted (webhooks.secrets). After a rotation the
    one before signs, too: `previous_secrets` holds pairs of a secret and when its time is over, newest first.
    """

    class State(models.TextChoices):
        ACTIVE = "active"
        PAUSED = "paused", "Paused by hand"
        FAILING = "failing", "Paused after too many failures"
        ORPHANED = "orphaned", "Stopped: its owner no longer sees the project"
        GONE = "gone", "Disabled: the receiver answered 410"

    uid = models.CharField(max_length=36, unique=True, default=new_uid, editable=False)
    # Who is deleted leaves those of projects to whoever takes them over; personal ones go with the sender's next round.
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="webhook_endpoints"
    )
    project_uid = models.CharField(max_length=64, blank=True)
    target_url = models.CharField(max_length=2000)
    events = models.JSONField(default=list)
    description = models.CharField(max_length=200, blank=True)
    secret = models.TextField()
    previous_secrets = models.JSONField(default=list)
    state = models.CharField(max_length=10, choices=State, default=State.ACTIVE)
    failures_in_row = models.PositiveIntegerField(default=0)
    # When one that is FAILING is tried next.
    next_probe_at = models.DateTimeField(null=True)
    last_success_at = models.DateTimeField(null=True)
    last_tried_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = WebhookEndpointQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["project_uid"], name="webhook_endpoint_project")]

    def __str__(self) -> str:
        return self.target_url

    @property
    def is_tried(self) -> bool:
        """Whether deliveries go there by themselves: at once, or now and then while it is failing."""
        return self.state in (self.State.ACTIVE, self.State.FAILING)


class WebhookDeliveryQuerySet(models.QuerySet["WebhookDelivery"]):
    def with_last_answer(self) -> WebhookDeliveryQuerySet:
        """Each with `response_status`, `response_body` and `last_error` of its last attempt; None before the first."""
        last = WebhookAttempt.objects.filter(delivery=OuterRef("pk")).order_by("-id")
        return self.annotate(
            response_status=Subquery(last.values("status_code")[:1]),
            response_body=Subquery(last.values("response_body")[:1]),
            last_error=Subquery(last.values("error")[:1]),
        )

    def leased(self) -> WebhookDeliveryQuerySet:
        """Those that a sender is trying right now."""
        return self.filter(status=WebhookDelivery.Status.PENDING, lease_until__gte=Now())

    def free(self) -> WebhookDeliveryQuerySet:
        """Those that wait, and that no sender is trying."""
        is_free = Q(lease_until=None) | Q(lease_until__lt=Now())
        return self.filter(is_free, status=WebhookDelivery.Status.PENDING)


class WebhookDelivery(models.Model):
    """One event on its way to one endpoint, with a fencing token while a sender tries it."""

    class Status(models.TextChoices):
        PENDING = "pending"
        DELIVERED = "delivered"
        FAILED = "failed"

    uid = models.CharField(max_length=36, unique=True, default=new_uid, editable=False)
    event = models.ForeignKey(WebhookEvent, on_delete=models.CASCADE, related_name="deliveries")
    endpoint = models.ForeignKey(WebhookEndpoint, on_delete=models.CASCADE, related_name="deliveries")
    status = models.CharField(max_length=10, choices=Status, default=Status.PENDING)
    attempts = models.PositiveIntegerField(default=0)
    next_retry_at = models.DateTimeField(null=True)
    token = models.CharField(max_length=36, blank=True)
    lease_until = models.DateTimeField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = WebhookDeliveryQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [models.UniqueConstraint(fields=["event", "endpoint"], name="webhook_delivery_once")]
        indexes = [
            models.Index(
                fields=["endpoint", "next_retry_at"], condition=Q(status="pending"), name="webhook_delivery_due"
            ),
            models.Index(
                fields=["lease_until"], condition=Q(lease_until__isnull=False), name="webhook_delivery_leased"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.event_id} to {self.endpoint_id}"


class WebhookAttempt(models.Model):
    """One request and what was answered; `error` says why there was no answer."""

    delivery = models.ForeignKey(WebhookDelivery, on_delete=models.CASCADE, related_name="log")
    number = models.PositiveIntegerField()
    url = models.CharField(max_length=2000)
    request_headers = models.JSONField()
    status_code = models.PositiveSmallIntegerField(null=True)
    response_body = models.TextField(blank=True)
    error = models.CharField(max_length=300, blank=True)
    seconds = models.FloatField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"attempt {self.number} of {self.delivery_id}: {self.status_code or self.error}"
