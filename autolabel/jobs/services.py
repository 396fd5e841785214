"""The use cases: start, cancel, pause, resume and retry a job. API, button, admin and command all come through here.

What becomes of the drafts of a job that has ended is in `jobs.drafts`.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib.auth import get_user_model
from django.db import IntegrityError, router, transaction
from django.utils import timezone

from autolabel import queue
from autolabel.conf import conf
from autolabel.exceptions import (
    JobConflict,
    JobLimit,
    JobNotActive,
    KeyReused,
    ModelUnavailable,
    NotAllowed,
    NothingToRetry,
)
from autolabel.hosts.base import Actor, Project
from autolabel.models import ItemResult, Job

from . import lifecycle
from .access import allow, note, permitted
from .catalog import catalog, spec_for
from .offers import may_use, not_for_you, published_models
from .refusals import CheckedRequest, checked
from .requests import JobRequest, again, fingerprint

__all__ = [
    "JobRequest",
    "cancel_job",
    "create_job",
    "pause_job",
    "published_models",
    "resume_job",
    "retry_job",
    "start_job",
]


def start_job(actor: Actor, project_uid: str, request: JobRequest, idempotency_key: str | None = None) -> Job:
    """Create a job for `actor`, or return the one that this key has created before.

    Raises LookupError (no such project for this user), NotAllowed, JobInvalid, KeyReused, JobConflict, JobLimit.
    """
    project = permitted(actor, "run", project_uid, "You may not auto-label this project.")
    _check_model(actor, request)
    return create_job(project, request, actor=actor, idempotency_key=idempotency_key)


def retry_job(actor: Actor | None, job: Job, key: str | None = None, *, by: Any = None) -> Job:
    """A new job over the failed items of one that has ended: its options, the model's default version of today.

    `actor` None may do everything, and `by` is then the user who did it, if anybody. `key` as in `start_job`. Raises as
    `start_job` does, and NothingToRetry; JobConflict also while `job` itself is active.
    """
    project = permitted(actor, "run", job.project_uid, "You may not auto-label this project.")
    request = again(job)
    if actor is not None:
        _check_model(actor, request)
    return create_job(project, request, actor=actor or Actor(by), idempotency_key=key, retry_of=job)


def create_job(
    project: Project,
    request: JobRequest,
    *,
    user: Any = None,
    actor: Actor | None = None,
    idempotency_key: str | None = None,
    retry_of: Job | None = None,
) -> Job:
    """Create a job without asking who may do so, or use the model: for `start_job` and for the command line.

    `actor` stands for `user` where the credential is known, too. Raises as `start_job` does; with `retry_of`, whose
    failed items it is about, as `retry_job` does.
    """
    actor = actor or Actor(user)
    user = actor.user
    request_hash = fingerprint(project, request, retry_of)
    if idempotency_key and (earlier := _by_key(user, idempotency_key, request_hash)):
        return earlier
    if retry_of is not None and retry_of.is_active:
        raise JobConflict(retry_of.uid)
    known = checked(project, request)
    given = {"idempotency_key": idempotency_key, "request_hash": request_hash, "retry_of": retry_of}
    for last_try in (False, False, True):
        try:
            return _insert(project, request, known, actor, given)
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


def cancel_job(actor: Actor | None, job: Job, *, by: Any = None) -> None:
    """End an active job; drafts it has made stay. Raises LookupError, NotAllowed, JobNotActive."""
    allow(actor, "cancel", job.project_uid, "You may not cancel jobs of this project.")
    with transaction.atomic(using=router.db_for_write(Job)):
        if not lifecycle.cancel(job.pk):
            raise JobNotActive("The job has already ended.")
        note(actor, by, "job.cancel", job)


def pause_job(actor: Actor | None, job: Job, *, by: Any = None) -> Job:
    """Stop work on an active job until it is resumed; one that is paused stays so. Raises as `cancel_job` does."""
    allow(actor, "cancel", job.project_uid, "You may not pause jobs of this project.")
    with transaction.atomic(using=router.db_for_write(Job)):
        if lifecycle.pause(job.pk):
            note(actor, by, "job.pause", job)
    return _still_active(job)


def resume_job(actor: Actor | None, job: Job, *, by: Any = None) -> Job:
    """Let work on a paused job go on; nothing changes for another active one. Raises as `cancel_job` does."""
    allow(actor, "cancel", job.project_uid, "You may not resume jobs of this project.")
    with transaction.atomic(using=router.db_for_write(Job)):
        resumed = lifecycle.resume(job.pk)
        if resumed:
            note(actor, by, "job.resume", job)
    job = _still_active(job)
    if resumed:
        _ring(job)
    return job


def _still_active(job: Job) -> Job:
    job.refresh_from_db()
    if not job.is_active:
        raise JobNotActive("The job has already ended.")
    return job


def _ring(job: Job) -> None:
    """Ring for all lanes that can find work. Where the model cannot run, the reaper says so."""
    try:
        spec = spec_for(job.model_type, job.model_version)
    except ModelUnavailable:
        return
    chunks = job.chunks.open().count()
    queue.ring_on_commit(job.uid, spec.queue, max(1, min(chunks, conf().lanes_per_job, spec.concurrency or chunks)))


def _check_model(actor: Actor, request: JobRequest) -> None:
    spec = catalog().get(request.model_type)
    if spec is not None and not may_use(actor.user, spec):
        raise NotAllowed(not_for_you(spec))


def _insert(project: Project, request: JobRequest, known: CheckedRequest, actor: Actor, given: dict[str, Any]) -> Job:
    """Write the job and ring for it. Raises IntegrityError, JobLimit, NothingToRetry, and then nothing was written."""
    user, limit = actor.user, conf().max_active_jobs_per_user
    alias = router.db_for_write(Job)
    with transaction.atomic(using=alias):
        if user is not None and limit is not None:
            # Requests of one user wait for each other here, so that each counts the jobs of those before it.
            list(get_user_model().objects.using(alias).select_for_update(no_key=True).filter(pk=user.pk))
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
            model_version=known.offer.spec.version,
            item_uids=None if request.item_uids is None else list(request.item_uids),
            sample=request.sample,
            seed=request.seed,
            existing_drafts=request.existing_drafts,
            max_items=request.max_items,
            max_seconds=request.max_seconds,
            max_failed_pct=request.max_failed_pct,
            max_failed_min=request.max_failed_min,
            **given,
        )
        # Counted with the new one: a job that is active on the project already is the better answer, and comes first.
        if user is not None and limit is not None and Job.objects.active().filter(created_by=user).count() > limit:
            raise JobLimit(limit)
        if job.retry_of is not None:
            _check_failed_items(job.retry_of)
            note(actor, None, "job.retry", job.retry_of, new_job=job.uid)
        else:
            note(actor, None, "job.start", job, model_type=job.model_type, dry_run=job.dry_run)
        queue.ring_on_commit(job.uid, known.offer.spec.queue)
        return job


def _check_failed_items(job: Job) -> None:
    """Raises NothingToRetry unless all failed items of the job are known. Its row is locked, so that `jobs.prune` comes
    before this, or after the retry is there, which keeps it away."""
    locked = Job.objects.select_for_update(no_key=True).filter(pk=job.pk).values_list("failed_items", flat=True)
    failed = next(iter(locked), None)
    if failed == 0:
        raise NothingToRetry("The job has no failed items.")
    if failed is None or job.item_results.filter(outcome=ItemResult.Outcome.FAILED).count() < failed:
        raise NothingToRetry(
            "Which items of this job failed has been pruned. Start a new job: it takes all items that wait for one."
        )


def _by_key(user: Any, key: str, request_hash: str) -> Job | None:
    """The job that `key` has created. An expired key is forgotten. Raises KeyReused for another request."""
    mine = Job.objects.filter(created_by=user, idempotency_key=key)
    mine.filter(created_at__lt=timezone.now() - timedelta(hours=conf().idempotency_hours)).update(idempotency_key=None)
    job = mine.first()
    if job and job.request_hash != request_hash:
        raise KeyReused("This Idempotency-Key was used for another request. Use a new key.")
    return job
