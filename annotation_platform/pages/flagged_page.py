"""What the list of flagged images shows: who is unsure about what, newest flag first."""

from __future__ import annotations

from typing import Any

from django.db.models import F
from django.http import HttpRequest

from ..access import role_may
from ..models import Item, Project
from .counts import counts_of
from .project_page import page_of

__all__ = ["flagged_context"]

ITEMS_A_PAGE = 48


def flagged_context(project: Project, request: HttpRequest) -> dict[str, Any]:
    """The page's context. Flags of unknown age, which are older than comments are, come last."""
    counts = counts_of([project])[project.pk]
    flagged = project.items.filter(state=Item.State.FLAGGED).select_related("flagged_by").with_review_counts()
    newest_first = flagged.order_by(F("flagged_at").desc(nulls_last=True), "-id")
    return {
        "project": project,
        "counts": counts,
        "page": page_of(newest_first, request, size=ITEMS_A_PAGE, count=counts.flagged),
        "may_review": role_may(project.role, "review"),
    }
