"""What reviewers decided about the models' drafts, counted by the database."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, F, Q
from django.db.models.functions import Floor

from ..models import Annotation, Project

__all__ = ["SCORE_BINS", "Verdicts", "score_bin", "verdicts_by_job", "verdicts_by_label", "verdicts_by_score"]

# Bins of scores: number 70 holds 0.70 and what lies below 0.71; only a score of 1 is in the last.
SCORE_BINS = 101


@dataclass(frozen=True, slots=True)
class Verdicts:
    """How many drafts came to which verdict. `accepted` are those kept as the model had made them.

    `by_hand` counts what people drew themselves, and `missed` those of them on images that a model had gone over.
    """

    accepted: int = 0
    edited: int = 0
    discarded: int = 0
    waiting: int = 0
    by_hand: int = 0
    missed: int = 0

    @property
    def decided(self) -> int:
        return self.accepted + self.edited + self.discarded

    @property
    def drafts(self) -> int:
        return self.decided + self.waiting

    def __add__(self, other: Verdicts) -> Verdicts:
        return Verdicts(*(getattr(self, name) + getattr(other, name) for name in self.__slots__))


def score_bin() -> Floor:
    """The bin that a draft's score is in. The tiny addend is for 0.29, which times 100 is 28.999999999999996."""
    return Floor(F("score") * (SCORE_BINS - 1) + 1e-9)


def verdicts_by_label(project: Project) -> dict[int, Verdicts]:
    """By the labels' primary keys, what was drawn by hand included; labels without a shape are missing."""
    by_hand = Q(source=Annotation.Source.MANUAL, status=Annotation.Status.ACCEPTED)
    shapes = Annotation.objects.filter(item__project=project).order_by()
    counted = shapes.values("label").annotate(
        **_counts(),
        by_hand=Count("pk", filter=by_hand),
        missed=Count("pk", filter=by_hand & Q(item__auto_labeled_at__isnull=False)),
    )
    return {row.pop("label"): Verdicts(**row) for row in counted}


def verdicts_by_job(job_uids: Collection[str]) -> dict[str, Verdicts]:
    """By the jobs' uids; those of which no draft is left are missing."""
    drafts = Annotation.objects.filter(job_uid__in=job_uids).order_by()
    return {row.pop("job_uid"): Verdicts(**row) for row in drafts.values("job_uid").annotate(**_counts())}


def verdicts_by_score(project: Project) -> dict[int, Verdicts]:
    """By score bin, without what was decided in bulk: there nobody looked at the single draft."""
    drafts = Annotation.objects.filter(
        item__project=project, source=Annotation.Source.AUTO, bulk_review__isnull=True
    ).order_by()
    counted = drafts.annotate(bin=score_bin()).values("bin").annotate(**_counts())
    return {int(row.pop("bin")): Verdicts(**row) for row in counted}


def _counts() -> dict[str, Any]:
    auto = Q(source=Annotation.Source.AUTO)
    accepted = auto & Q(status=Annotation.Status.ACCEPTED)
    return {
        "accepted": Count("pk", filter=accepted & Q(edited=False)),
        "edited": Count("pk", filter=accepted & Q(edited=True)),
        "discarded": Count("pk", filter=auto & Q(status=Annotation.Status.DISCARDED)),
        "waiting": Count("pk", filter=auto & Q(status=Annotation.Status.DRAFT)),
    }
