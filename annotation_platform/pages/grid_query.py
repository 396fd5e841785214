"""What the address of the review grid asks for, and the items and drafts that fit."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Exists, OuterRef, QuerySet
from django.http import QueryDict

from ..models import Annotation, Item, Project
from .verdicts import score_bin

__all__ = ["SORTS", "GridQuery", "waiting_drafts"]

SORTS = [("score", "Lowest score first"), ("drafts", "Most drafts first"), ("name", "Name")]
_ORDERS: Mapping[str, tuple[str, ...]] = {
    "score": ("lowest_score", "id"),
    "drafts": ("-draft_count", "id"),
    "name": ("name", "id"),
}
DEFAULT_THRESHOLD = 0.5


@dataclass(frozen=True, slots=True)
class GridQuery:
    """Which drafts the grid is about: those of `label` (empty: of all) with a score from `low` to `high`.

    What makes no sense in an address counts as not said, for these are links that people keep.
    """

    sort: str = "score"
    label: str = ""
    low: float = 0.0
    high: float = 1.0
    threshold: float = DEFAULT_THRESHOLD

    @classmethod
    def of(cls, parameters: QueryDict, labels: Collection[str]) -> GridQuery:
        sort, label = parameters.get("sort", ""), parameters.get("label", "")
        low, high = _score(parameters.get("min"), 0.0), _score(parameters.get("max"), 1.0)
        return cls(
            sort=sort if sort in _ORDERS else "score",
            label=label if label in labels else "",
            low=min(low, high),
            high=max(low, high),
            threshold=_score(parameters.get("threshold"), DEFAULT_THRESHOLD),
        )

    @property
    def is_filtered(self) -> bool:
        return bool(self.label) or self.low > 0 or self.high < 1

    def items(self, project: Project) -> QuerySet[Item]:
        """The open items that have such a draft, in order."""
        items = project.items.open().filter(draft_count__gt=0).order_by(*_ORDERS[self.sort])
        if self.is_filtered:
            items = items.filter(Exists(self._drafts().filter(item=OuterRef("pk"))))
        return items

    def fits(self, label: str, score: float) -> bool:
        return (not self.label or label == self.label) and self.low <= score <= self.high

    def _drafts(self) -> QuerySet[Annotation]:
        drafts = Annotation.objects.drafts().filter(score__gte=self.low, score__lte=self.high)
        return drafts.filter(label__name=self.label) if self.label else drafts


def waiting_drafts(project: Project) -> dict[str, list[tuple[int, int]]]:
    """By label, how many drafts on open items are in each score bin: pairs of bin and number, lowest bin first."""
    drafts = Annotation.objects.drafts().filter(item__in=project.items.open()).order_by()
    counted: QuerySet[Any] = drafts.annotate(bin=score_bin()).values_list("label__name", "bin").annotate(n=Count("pk"))
    found: dict[str, list[tuple[int, int]]] = {}
    for label, score, n in sorted(counted):
        found.setdefault(label, []).append((int(score), n))
    return found


def _score(text: str | None, default: float) -> float:
    try:
        score = float(text or default)
    except ValueError:
        return default
    return min(max(score, 0.0), 1.0) if math.isfinite(score) else default
