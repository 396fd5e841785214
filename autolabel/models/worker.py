"""What live workers have published about themselves; all that the web process knows of models."""

from __future__ import annotations

import os
import socket
from datetime import timedelta

from django.db import models
from django.db.models.functions import Now

from autolabel.conf import conf

__all__ = ["Worker"]


class WorkerQuerySet(models.QuerySet["Worker"]):
    def live(self) -> WorkerQuerySet:
        """Workers whose last heartbeat is recent by the database's clock."""
        return self.filter(heartbeat_at__gte=Now() - timedelta(seconds=conf().worker_timeout_seconds))

    def can_run(self, model_type: str) -> bool:
        """Whether any live worker has published that model as ready."""
        return any(worker.served_models.get(model_type, {}).get("ready") for worker in self.live())

    def mark_unready(self, model_type: str, reason: str) -> None:
        """This process, if it is a worker, takes back that it can run the model."""
        for worker in self.filter(hostname=socket.gethostname(), pid=os.getpid()):
            worker.served_models[model_type] = {"ready": False, "reason": reason}
            worker.save(update_fields=["served_models"])


class Worker(models.Model):
    """A worker process that is, or was, able to run models.

    `served_models` maps each model_type that it serves to what came of loading it:
    {"ready": bool, "reason": str, "name": str, "version": str, "labels": [str] | None, "kinds": [str], "device": str}.
    """

    name = models.CharField(max_length=100, unique=True)
    hostname = models.CharField(max_length=255)
    pid = models.PositiveIntegerField()
    served_models = models.JSONField(default=dict)
    started_at = models.DateTimeField(auto_now_add=True)
    heartbeat_at = models.DateTimeField()

    objects = WorkerQuerySet.as_manager()

    class Meta:
        ordering = ["-heartbeat_at"]

    def __str__(self) -> str:
        return self.name
