"""What the review grid shows: thumbnails with their drafts drawn on them, to be decided in bulk."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.core.paginator import Page
from django.http import HttpRequest
from django.utils import timezone

from ..access import role_may
from ..models import Annotation, BulkReview, Item, Label, Project
from .counts import counts_of
from .grid_query import SORTS, GridQuery, waiting_drafts
from .outlines import Frame
from .project_page import page_of

__all__ = ["grid_context"]

ITEMS_A_PAGE = 60
# How long a bulk review is offered to be undone on the page; the API undoes older ones, too.
UNDO_OFFERED_FOR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Outline:
    """A draft as it is drawn on a thumbnail; one that does not fit the filter is only hinted at."""

    path: str
    label: str
    color: str
    score: float
    fits: bool


@dataclass(frozen=True, slots=True)
class Card:
    item: Item
    frame: Frame
    outlines: list[Outline]

    @property
    def fitting(self) -> list[Outline]:
        return [outline for outline in self.outlines if outline.fits]

    @property
    def lowest_score(self) -> float:
        return min((outline.score for outline in self.fitting), default=0.0)


def grid_context(project: Project, request: HttpRequest) -> dict[str, Any]:
    """The context of the page and of the part of it that is refreshed in place."""
    labels = {label.pk: label for label in project.labels.all()}
    query = GridQuery.of(request.GET, [label.name for label in labels.values()])
    page = page_of(query.items(project), request, size=ITEMS_A_PAGE)
    may_review = role_may(project.role, "review")
    waiting = waiting_drafts(project)
    return {
        "project": project,
        "counts": counts_of([project])[project.pk],
        "query": query,
        "sorts": SORTS,
        "labels": list(labels.values()),
        "label_rows": [
            (label, sum(n for _, n in waiting[label.name])) for label in labels.values() if label.name in waiting
        ],
        "waiting": waiting,
        "page": page,
        "cards": _cards(page, query, labels),
        "may_review": may_review,
        "undoable": _undoable(project, request) if may_review else None,
    }


def _cards(page: Page, query: GridQuery, labels: Mapping[int, Label]) -> list[Card]:
    items: list[Item] = list(page)
    frames = {item.pk: Frame.of(item) for item in items}
    outlines = _outlines(frames, query, labels)
    return [Card(item, frames[item.pk], outlines[item.pk]) for item in items]


def _outlines(
    frames: Mapping[int, Frame], query: GridQuery, labels: Mapping[int, Label]
) -> Mapping[int, list[Outline]]:
    """The drafts of these items by the items' keys, in one query."""
    drafts = Annotation.objects.drafts().filter(item__in=list(frames)).order_by("id")
    columns = ("item", "label", "score", "x_min", "y_min", "x_max", "y_max", "polygons")
    found = defaultdict(list)
    # The labels were read just before; a newer one has its drafts shown the next time.
    for item, label_key, score, *box, polygons in drafts.filter(label__in=labels).values_list(*columns):
        label = labels[label_key]
        path = (polygons and frames[item].polygon_path(polygons)) or frames[item].box_path(*box)
        found[item].append(Outline(path, label.name, label.color, score, query.fits(label.name, score)))
    return found


def _undoable(project: Project, request: HttpRequest) -> BulkReview | None:
    """The newest bulk review of this user that has done anything and can be taken back."""
    recent = project.bulk_reviews.filter(undone_at=None, created_at__gte=timezone.now() - UNDO_OFFERED_FOR)
    return recent.filter(user_id=request.user.pk).exclude(drafts=0, finished=0).order_by("-id").first()
