"""A worker's word about itself: which models it can run, and that it is alive."""

from __future__ import annotations

import logging
import os
import socket
import threading
from collections.abc import Callable
from typing import Any

from django.db import DatabaseError, connections
from django.db.models.functions import Now

from autolabel.conf import conf
from autolabel.exceptions import ModelUnavailable
from autolabel.inference.registry import load_predictor, specs
from autolabel.models import Worker

__all__ = ["describe_models", "publish", "start_heartbeat", "withdraw"]

logger = logging.getLogger(__name__)


def describe_models(queues: list[str]) -> dict[str, dict[str, Any]]:
    """Load every model of `queues` and say what it is, or why it cannot run. The first of the registry stays warm."""
    served = [model_type for model_type, spec in specs().items() if spec.queue in queues]
    return {model_type: _describe(model_type) for model_type in reversed(served)}


def _describe(model_type: str) -> dict[str, Any]:
    try:
        info = load_predictor(model_type).info
    except ModelUnavailable as error:
        return {"ready": False, "reason": str(error)}
    return {
        "ready": True,
        "reason": "",
        "name": info.name,
        "version": info.version,
        "labels": None if info.labels is None else list(info.labels),
        "kinds": list(info.kinds),
        "device": info.device,
    }


def publish(name: str, served_models: dict[str, dict[str, Any]]) -> None:
    Worker.objects.update_or_create(
        name=name,
        defaults={
            "hostname": socket.gethostname(),
            "pid": os.getpid(),
            "served_models": served_models,
            "heartbeat_at": Now(),
        },
    )


def withdraw(name: str) -> None:
    Worker.objects.filter(name=name).delete()


def start_heartbeat(name: str, served_models: dict[str, dict[str, Any]], on_orphaned: Callable[[], None]) -> None:
    """Beat in a daemon thread for as long as this process lives; calls `on_orphaned` when its parent is gone."""
    parent = os.getppid()

    def beat() -> None:
        pause = threading.Event()
        while not pause.wait(conf().heartbeat_seconds):
            if os.getppid() != parent:
                return on_orphaned()
            try:
                if not Worker.objects.filter(name=name).update(heartbeat_at=Now()):
                    # The row was tidied away while this machine slept.
                    publish(name, served_models)
            except DatabaseError as error:
                # The database may be restarting; a fresh connection is made at the next beat.
                logger.warning("Heartbeat of %s not written: %s", name, error)
                connections.close_all()
        return None

    threading.Thread(target=beat, name="heartbeat", daemon=True).start()
