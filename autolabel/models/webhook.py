"""The outbox of events; delivery reads it, nothing else writes it but jobs.lifecycle."""

from __future__ import annotations

from django.db import models

from .job import Job, new_uid

__all__ = ["WebhookEvent"]


class WebhookEvent(models.Model):
    """Something that happened to a job, written in the commit in which it happened.

    `uid` is the stable id that receivers tell repeated deliveries apart by; `payload` is the job as the API shows it.
    """

    class Type(models.TextChoices):
        COMPLETED = "auto_label.completed"
        FAILED = "auto_label.failed"
        CANCELLED = "auto_label.cancelled"

    uid = models.CharField(max_length=36, unique=True, default=new_uid, editable=False)
    job = models.OneToOneField(Job, on_delete=models.CASCADE, related_name="webhook_event")
    event_type = models.CharField(max_length=32, choices=Type)
    payload = models.JSONField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.event_type} of job {self.job_id}"
