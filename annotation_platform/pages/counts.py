"""How far projects are, for many projects in one query."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Count

from ..models import Item, Project

__all__ = ["Counts", "Share", "counts_of"]


@dataclass(frozen=True, slots=True)
class Share:
    """A piece of a bar of width 100."""

    state: str
    start: str
    width: str


@dataclass(frozen=True, slots=True)
class Counts:
    """How many items are in each state, and how many of them wait for a reviewer's decision."""

    unlabeled: int = 0
    drafted: int = 0
    done: int = 0
    flagged: int = 0
    waiting: int = 0

    @property
    def total(self) -> int:
        return self.unlabeled + self.drafted + self.done + self.flagged

    @property
    def percent_done(self) -> int:
        """Rounded down, so that 100 means all."""
        return 100 * self.done // self.total if self.total else 0

    @property
    def shares(self) -> list[Share]:
        """The pieces of the progress bar, as text so that no locale writes a decimal comma into the SVG."""
        pieces, start = [], 0.0
        for state in ("done", "flagged", "drafted"):
            width = 100 * getattr(self, state) / self.total if self.total else 0.0
            pieces.append(Share(state, f"{start:.2f}", f"{width:.2f}"))
            start += width
        return pieces


def counts_of(projects: Iterable[Project]) -> dict[int, Counts]:
    """The counts by the projects' primary keys; every one of them has an entry."""
    keys = [project.pk for project in projects]
    found: dict[int, dict[str, int]] = defaultdict(dict)
    by_state = Item.objects.filter(project__in=keys).order_by().values_list("project", "state", "queue")
    for key, state, queue, n in by_state.annotate(n=Count("pk")):
        found[key][state] = found[key].get(state, 0) + n
        if queue == Item.Queue.WAITING:
            found[key]["waiting"] = found[key].get("waiting", 0) + n
    return {key: Counts(**found[key]) for key in keys}
