"""The use cases: start a job, cancel a job. API, button, admin and command all come through here."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any

from django.db import IntegrityError, router, transaction
from django.utils import timezone

from autolabel import queue
from autolabel.conf import conf
from autolabel.exceptions import JobConflict, JobInvalid, JobNotActive, KeyReused, NotAllowed
from autolabel.hosts.base import Actor, Project
from autolabel.hosts.loader import get_host
from autolabel.inference.base import ModelSpec
from autolabel.inference.registry import specs
from autolabel.models import Job, Worker

from . import lifecycle
from .matching import fold

__all__ = ["JobRequest", "cancel_job", "create_job", "published_models", "start_job"]


@dataclass(frozen=True, slots=True)
class JobRequest:
    """What a client asks for; already of the right types and ranges."""

    model_type: str = "yolo"
    confidence_threshold: float = 0.5
    labels: tuple[str, ...] = ()
    dry_run: bool = False
    item_uids: tuple[str, ...] | None = None
    sample: int | None = None
    seed: int = 0


def start_job(actor: Actor, project_uid: str, request: JobRequest, idempotency_key: str | None = None) -> Job:
    """Create a job for `actor`, or return the one that this key has created before.

    Raises LookupError (no such project for this user), NotAllowed, JobInvalid, KeyReused, JobConflict.
    """
    host = get_host()
    project = host.get_project(project_uid, actor.user)
    if not host.can(actor, "run", project):
        raise NotAllowed("You may not auto-label this project.")
    return create_job(project, request, user=actor.user, idempotency_key=idempotency_key)


def create_job(project: Project, request: JobRequest, *, user: Any = None, idempotency_key: str | None = None) -> Job:
    """Create a job without asking who may: for `start_job` and for the command line. Raises as `start_job` does."""
    fingerprint = _fingerprint(project, request)
    if idempotency_key and (earlier := _by_key(user, idempotency_key, fingerprint)):
        return earlier
    spec = _checked_spec(request)
    labels = _checked_labels(project, request)
    for last_try in (False, False, True):
        try:
            with transaction.atomic(using=router.db_for_write(Job)):
                job = Job.objects.create(
                    project_uid=project.uid,
                    created_by=user,
                    model_type=request.model_type,
                    confidence_threshold=request.confidence_threshold,
                    labels=labels,
                    dry_run=request.dry_run,
                    item_uids=None if request.item_uids is None else list(request.item_uids),
                    sample=request.sample,
                    seed=request.seed,
                    idempotency_key=idempotency_key,
                    request_hash=fingerprint,
                )
                queue.ring_on_commit(job.uid, spec.queue)
                return job
        except IntegrityError:
            # Two requests at once: the same key twice, or another job on this project.
            if idempotency_key and (earlier := _by_key(user, idempotency_key, fingerprint)):
                return earlier
            active = Job.objects.active().filter(project_uid=project.uid).first()
            if active is not None:
                raise JobConflict(active.uid) from None
            if last_try:
                raise
            # The job that was in the way has ended just now; the project is free.
    raise AssertionError("unreachable")


def cancel_job(actor: Actor, job: Job) -> None:
    """End an active job; drafts it has made stay. Raises NotAllowed, JobNotActive."""
    host = get_host()
    if not host.can(actor, "cancel", host.get_project(job.project_uid, actor.user)):
        raise NotAllowed("You may not cancel jobs of this project.")
    if not lifecycle.cancel(job.pk):
        raise JobNotActive("The job has already ended.")


def published_models() -> list[dict[str, Any]]:
    """Each registry entry with what live workers have published about it; `ready` if any of them can run it."""
    workers = list(Worker.objects.live())
    return [_published(spec, workers) for spec in specs().values()]


def _published(spec: ModelSpec, workers: Sequence[Worker]) -> dict[str, Any]:
    told = [worker.served_models[spec.model_type] for worker in workers if spec.model_type in worker.served_models]
    best = next((facts for facts in told if facts["ready"]), told[0] if told else None)
    waiting = "Waiting for a worker: start one with manage.py autolabel_worker."
    facts = best or {"ready": False, "reason": waiting}
    return {
        "model_type": spec.model_type,
        "title": spec.title,
        "ready": facts["ready"],
        "reason": facts["reason"],
        "name": facts.get("name", ""),
        "version": facts.get("version", ""),
        "labels": facts.get("labels"),
        "output_kinds": facts.get("kinds", []),
        "device": facts.get("device", ""),
        "workers": len(told),
    }


def _checked_spec(request: JobRequest) -> ModelSpec:
    registry = specs()
    if request.model_type not in registry:
        allowed = ", ".join(registry) or "none is registered"
        raise JobInvalid("model_type", f'"{request.model_type}" is not a registered model. Allowed: {allowed}.')
    return registry[request.model_type]


def _checked_labels(project: Project, request: JobRequest) -> list[str]:
    """The requested labels in the project's spelling, each once; known to the project and to the model."""
    targets = {fold(target.name): target.name for target in get_host().label_targets(project)}
    unknown = [label for label in request.labels if fold(label) not in targets]
    if unknown:
        raise JobInvalid("labels", _not_a_label(unknown, "this project", targets.values()))
    published = next(model for model in published_models() if model["model_type"] == request.model_type)
    if published["ready"] and published["labels"] is not None:
        known = {fold(label) for label in published["labels"]}
        unknown = [label for label in request.labels if fold(label) not in known]
        if unknown:
            raise JobInvalid("labels", _not_a_label(unknown, "this model", published["labels"]))
    return list(dict.fromkeys(targets[fold(label)] for label in request.labels))


def _not_a_label(unknown: Sequence[str], whose: str, allowed: Any) -> str:
    named = ", ".join(f'"{label}"' for label in unknown)
    return f"{named}: not a label of {whose}. Allowed: {', '.join(allowed) or 'it has none'}."


def _fingerprint(project: Project, request: JobRequest) -> str:
    return hashlib.sha256(json.dumps([project.uid, asdict(request)], sort_keys=True).encode()).hexdigest()


def _by_key(user: Any, key: str, fingerprint: str) -> Job | None:
    """The job that `key` has created. An expired key is forgotten. Raises KeyReused for another request."""
    mine = Job.objects.filter(created_by=user, idempotency_key=key)
    mine.filter(created_at__lt=timezone.now() - timedelta(hours=conf().idempotency_hours)).update(idempotency_key=None)
    job = mine.first()
    if job and job.request_hash != fingerprint:
        raise KeyReused("This Idempotency-Key was used for another request. Use a new key.")
    return job
