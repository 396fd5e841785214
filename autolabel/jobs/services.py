"""The use cases: start a job, cancel a job. API, button, admin and command all come through here."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db import IntegrityError, router, transaction
from django.utils import timezone

from autolabel import queue
from autolabel.conf import conf
from autolabel.exceptions import JobConflict, JobNotActive, KeyReused, NotAllowed
from autolabel.hosts.base import Actor, Project
from autolabel.hosts.loader import get_host
from autolabel.models import Job

from . import lifecycle
from .catalog import catalog
from .offers import may_use, not_for_you, published_models
from .refusals import checked
from .requests import JobRequest, fingerprint

__all__ = ["JobRequest", "cancel_job", "create_job", "published_models", "start_job"]


def start_job(actor: Actor, project_uid: str, request: JobRequest, idempotency_key: str | None = None) -> Job:
    """Create a job for `actor`, or return the one that this key has created before.

    Raises LookupError (no such project for this user), NotAllowed, JobInvalid, KeyReused, JobConflict.
    """
    host = get_host()
    project = host.get_project(project_uid, actor.user)
    if not host.can(actor, "run", project):
        raise NotAllowed("You may not auto-label this project.")
    spec = catalog().get(request.model_type)
    if spec is not None and not may_use(actor.user, spec):
        raise NotAllowed(not_for_you(spec))
    return create_job(project, request, user=actor.user, idempotency_key=idempotency_key)


def create_job(project: Project, request: JobRequest, *, user: Any = None, idempotency_key: str | None = None) -> Job:
    """Create a job without asking who may do so, or use the model: for `start_job` and for the command line.

    Raises as `start_job` does.
    """
    request_hash = fingerprint(project, request)
    if idempotency_key and (earlier := _by_key(user, idempotency_key, request_hash)):
        return earlier
    known = checked(project, request)
    spec = known.offer.spec
    for last_try in (False, False, True):
        try:
            with transaction.atomic(using=router.db_for_write(Job)):
                job = Job.objects.create(
                    project_uid=project.uid,
                    created_by=user,
                    model_type=request.model_type,
                    confidence_threshold=request.confidence_threshold,
                    labels=known.labels,
                    dry_run=request.dry_run,
                    thresholds=known.thresholds,
                    label_map=known.label_map,
                    boxes_to_masks=request.boxes_to_masks,
                    model_version=spec.version,
                    item_uids=None if request.item_uids is None else list(request.item_uids),
                    sample=request.sample,
                    seed=request.seed,
                    idempotency_key=idempotency_key,
                    request_hash=request_hash,
                )
                queue.ring_on_commit(job.uid, spec.queue)
                return job
        except IntegrityError:
            # Two requests at once: the same key twice, or another job on this project.
            if idempotency_key and (earlier := _by_key(user, idempotency_key, request_hash)):
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


def _by_key(user: Any, key: str, request_hash: str) -> Job | None:
    """The job that `key` has created. An expired key is forgotten. Raises KeyReused for another request."""
    mine = Job.objects.filter(created_by=user, idempotency_key=key)
    mine.filter(created_at__lt=timezone.now() - timedelta(hours=conf().idempotency_hours)).update(idempotency_key=None)
    job = mine.first()
    if job and job.request_hash != request_hash:
        raise KeyReused("This Idempotency-Key was used for another request. Use a new key.")
    return job
