"""A worker's word about itself: which models it can run, and that it is alive."""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

from django.db import DatabaseError, close_old_connections, connections
from django.db.models.functions import Now

from autolabel.conf import conf
from autolabel.exceptions import ModelUnavailable
from autolabel.inference.base import ModelSpec
from autolabel.inference.registry import load_predictor, warm_spec
from autolabel.inference.weights import may_pass
from autolabel.jobs.catalog import catalog
from autolabel.models import Worker

from .machine import resident_bytes

__all__ = ["Showcase", "describe", "publish", "start_heartbeat", "withdraw"]

logger = logging.getLogger(__name__)

# How often weights that were missing or wrong are looked for again.
_RETRY_SECONDS = 300.0


class Showcase:
    """What a worker offers: it loads each model of its queues once, and publishes at once what the model is.

    All of it happens in the caller's thread, one model a `step`, so that no model is loaded beside a job and a job
    never waits for more than one. Models and defaults registered later are found within a few seconds of idleness.
    """

    def __init__(self, name: str, queues: Sequence[str]) -> None:
        self._name, self._queues = name, queues
        # What is published; the row in the database wins, for lanes take back there what they could not load.
        self.served_models: dict[str, dict[str, Any]] = {}
        self._described: dict[str, ModelSpec] = {}
        self._wanted: dict[str, ModelSpec] = {}
        self._tried_at: dict[str, float] = {}
        self._looked_at = float("-inf")
        # What stays loaded when all is described: the model of the last job, at first that of the settings' first.
        self._keep: ModelSpec | None = None

    def step(self) -> float:
        """Do the next piece of work, if there is one; how many seconds the caller may wait before the next step."""
        try:
            if time.monotonic() - self._looked_at >= conf().heartbeat_seconds:
                self._look()
            spec = self._next()
            if spec is not None:
                self._show(spec)
                return 0.0
        except DatabaseError as error:
            logger.warning("The models of %s cannot be published for now: %s", self._name, error)
            connections.close_all()
            return conf().heartbeat_seconds
        self._warm_up()
        return conf().heartbeat_seconds

    def after_job(self) -> None:
        """Take note of what the job has loaded: it stays, and is described for nothing if it is not yet."""
        self._keep = warm_spec() or self._keep
        self._looked_at = float("-inf")

    def _look(self) -> None:
        """See what is registered now, and drop what no longer is."""
        close_old_connections()
        self._looked_at = time.monotonic()
        row = Worker.objects.filter(name=self._name).first()
        if row is not None:
            self.served_models = row.served_models
        wanted = {name: spec for name, spec in catalog().items() if spec.queue in self._queues}
        if not self._wanted and self._keep is None:
            self._keep = next(iter(wanted.values()), None)
        self._wanted = wanted
        gone = set(self.served_models) - set(self._wanted)
        if gone or row is None:
            self.served_models = {name: facts for name, facts in self.served_models.items() if name not in gone}
            publish(self._name, self.served_models)

    def _next(self) -> ModelSpec | None:
        """The model to describe next: one that is loaded anyway, else the first that is new or worth a retry."""
        waiting = [spec for spec in self._wanted.values() if self._is_due(spec)]
        loaded = warm_spec()
        return next((spec for spec in waiting if spec == loaded), waiting[0] if waiting else None)

    def _is_due(self, spec: ModelSpec) -> bool:
        if self._described.get(spec.model_type) != spec:
            return True
        facts = self.served_models.get(spec.model_type, {})
        if not facts.get("ready") and spec == warm_spec():
            return True
        tried = self._tried_at.get(spec.model_type, float("-inf"))
        return bool(facts.get("may_pass")) and time.monotonic() - tried >= _RETRY_SECONDS

    def _show(self, spec: ModelSpec) -> None:
        self.served_models = {**self.served_models, spec.model_type: describe(spec)}
        publish(self._name, self.served_models)
        self._described[spec.model_type] = spec
        self._tried_at[spec.model_type] = time.monotonic()

    def _warm_up(self) -> None:
        if self._keep is None or self._keep == warm_spec():
            return
        try:
            load_predictor(self._keep)
        except ModelUnavailable:
            self._keep = None  # until a job loads another


def describe(spec: ModelSpec) -> dict[str, Any]:
    """Load the model and say what it is, or why it cannot run; the form is that of `Worker.served_models`."""
    try:
        info = load_predictor(spec).info
    except ModelUnavailable as error:
        return Worker.unready(str(error), spec.version, may_pass=may_pass(error))
    return {
        "ready": True,
        "reason": "",
        "registered": spec.version,
        "name": info.name,
        "version": info.version,
        # Texts, since a predictor of somebody's own may give numpy's, which no JSON takes.
        "labels": None if info.labels is None else [str(label) for label in info.labels],
        "kinds": list(info.kinds),
        "device": info.device,
        "engine": info.engine,
        "takes_boxes": info.takes_boxes,
        "notes": [str(note) for note in info.notes],
    }


def publish(name: str, served_models: dict[str, dict[str, Any]]) -> None:
    Worker.objects.update_or_create(
        name=name,
        defaults={
            "hostname": socket.gethostname(),
            "pid": os.getpid(),
            "served_models": served_models,
            "heartbeat_at": Now(),
            "memory_bytes": resident_bytes(),
        },
    )


def withdraw(name: str) -> None:
    Worker.objects.filter(name=name).delete()


def start_heartbeat(name: str, showcase: Showcase, on_orphaned: Callable[[], None]) -> None:
    """Beat in a daemon thread for as long as this process lives; calls `on_orphaned` when its parent is gone."""
    parent = os.getppid()

    def beat() -> None:
        pause = threading.Event()
        while not pause.wait(conf().heartbeat_seconds):
            if os.getppid() != parent:
                return on_orphaned()
            try:
                facts = {"heartbeat_at": Now(), "memory_bytes": resident_bytes()}
                if not Worker.objects.filter(name=name).update(**facts):
                    # The row was tidied away while this machine slept.
                    publish(name, showcase.served_models)
            except DatabaseError as error:
                # The database may be restarting; a fresh connection is made at the next beat.
                logger.warning("Heartbeat of %s not written: %s", name, error)
                connections.close_all()
        return None

    threading.Thread(target=beat, name="heartbeat", daemon=True).start()
