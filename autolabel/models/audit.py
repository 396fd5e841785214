"""Who did what: to jobs, webhooks, and whatever a host records beside them. Rows are only ever added."""

from __future__ import annotations

from django.conf import settings
from django.db import models

__all__ = ["AuditEntry"]


class AuditEntry(models.Model):
    """One act. `user_name` stays when the user goes; `credential` is empty for a session; `target` is a uid.

    Without a user it was the command line, or the system.
    """

    created_at = models.DateTimeField(auto_now_add=True)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    user_name = models.CharField(max_length=150, blank=True)
    credential = models.CharField(max_length=150, blank=True)
    action = models.CharField(max_length=40)
    project_uid = models.CharField(max_length=64, blank=True)
    target = models.CharField(max_length=64, blank=True)
    detail = models.JSONField(default=dict)

    class Meta:
        ordering = ["-id"]
        verbose_name_plural = "audit log"
        indexes = [
            models.Index(fields=["project_uid", "-id"], name="audit_by_project"),
            models.Index(fields=["target", "-id"], name="audit_by_target"),
        ]

    def __str__(self) -> str:
        return f"{self.user_name or 'system'}: {self.action}"
