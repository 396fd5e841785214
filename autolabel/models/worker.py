"""What live workers have published about themselves; all that the web process knows of models."""

from __future__ import annotations

import os
import socket
from datetime import timedelta
from typing import Any

from django.db import models
from django.db.models.functions import Now

from autolabel.conf import conf

__all__ = ["Worker"]


class WorkerQuerySet(models.QuerySet["Worker"]):
    def live(self) -> WorkerQuerySet:
        """Workers whose last heartbeat is recent by the database's clock."""
        return self.filter(heartbeat_at__gte=Now() - timedelta(seconds=conf().worker_timeout_seconds))

    def lanes_for(self, model_type: str, version: str) -> int:
        """How many lanes of a job can be worked at once: one for each live worker that does not say it cannot."""
        # One that has just begun knows nothing of its models yet.
        able = (model_type not in one.served_models or one.may_run(model_type, version) for one in self.live())
        return max(1, sum(able))

    def can_run(self, model_type: str, version: str = "") -> bool:
        """Whether a live worker has published that model as ready, or has another version of it and not tried this."""
        return any(worker.may_run(model_type, version) for worker in self.live())

    def mark_unready(self, model_type: str, reason: str, version: str = "", *, may_pass: bool = False) -> None:
        """This process, if it is a worker, takes back that it can run that version of the model."""
        for worker in self.filter(hostname=socket.gethostname(), pid=os.getpid()):
            facts = worker.served_models.get(model_type)
            if facts is None or facts.get("registered", "") == version:
                worker.served_models[model_type] = Worker.unready(reason, version, may_pass=may_pass)
            else:
                facts.setdefault("failed_versions", {})[version] = reason
            worker.save(update_fields=["served_models"])


class Worker(models.Model):
    """A worker process that is, or was, able to run models.

    `served_models` maps each model_type to what came of loading its default version:
    {"ready": bool, "reason": str, "registered": str (the version that these facts are about, "" for the settings'),
    "name": str, "version": str, "labels": [str] | None, "kinds": [str], "device": str, "engine": str,
    "takes_boxes": bool, "notes": [str]}; where it is not ready {"ready", "reason", "registered", "may_pass": bool
    (whether it is tried again)}. A job may ask for another version: "failed_versions" maps those that could not be
    loaded to the reason.
    """

    name = models.CharField(max_length=100, unique=True)
    hostname = models.CharField(max_length=255)
    pid = models.PositiveIntegerField()
    served_models = models.JSONField(default=dict)
    job_uid = models.CharField(max_length=36, blank=True, help_text="The job that it works on now.")
    memory_bytes = models.BigIntegerField(null=True, help_text="Resident memory of its model process.")
    started_at = models.DateTimeField(auto_now_add=True)
    heartbeat_at = models.DateTimeField()

    objects = WorkerQuerySet.as_manager()

    class Meta:
        ordering = ["-heartbeat_at"]

    def __str__(self) -> str:
        return self.name

    def may_run(self, model_type: str, version: str = "") -> bool:
        """Whether this worker has said that it can run that version, or may find out by trying."""
        facts = self.served_models.get(model_type)
        if facts is None:
            return False
        if facts.get("registered", "") == version:
            return bool(facts["ready"])
        return version not in facts.get("failed_versions", {})

    @staticmethod
    def unready(reason: str, version: str = "", *, may_pass: bool = False) -> dict[str, Any]:
        """The facts of a model that cannot run, as `served_models` holds them."""
        return {"ready": False, "reason": reason, "registered": version, "may_pass": may_pass}
