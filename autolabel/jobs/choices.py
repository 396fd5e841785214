"""What people can do with jobs that have ended, for lists of jobs; `choicesOf` in job-text.js says the same of one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Exists, OuterRef

from autolabel.models import Job, Prediction

__all__ = ["Choices", "choices_of"]


@dataclass(frozen=True, slots=True)
class Choices:
    """Retry its failed items, discard its untouched drafts, bring back those that were discarded."""

    retry: bool = False
    discard: bool = False
    restore: bool = False


def choices_of(jobs: Sequence[Job]) -> list[Choices]:
    """In the order of `jobs`. At most one query, and none where no drafts were discarded.

    Nothing can be retried in a project that has an active job among them.
    """
    busy = {job.project_uid for job in jobs if job.is_active}
    restorable = _restorable([job.pk for job in jobs if job.drafts_discarded_at is not None])
    return [_choices(job, job.project_uid in busy, job.pk in restorable) for job in jobs]


def _choices(job: Job, is_busy: bool, is_restorable: bool) -> Choices:
    if job.is_active:
        return Choices()
    may_have_drafts = job.successful_items > 0 and not job.dry_run and job.drafts_discarded_at is None
    return Choices(job.failed_items > 0 and not is_busy, may_have_drafts, is_restorable)


def _restorable(job_ids: Sequence[int]) -> set[int]:
    """Those of which discarded predictions are still there; each of them is asked for no more than the first."""
    if not job_ids:
        return set()
    taken_back = Prediction.objects.filter(job=OuterRef("pk"), fate=Prediction.Fate.TAKEN_BACK)
    return set(Job.objects.filter(Exists(taken_back), pk__in=job_ids).values_list("pk", flat=True))
