"""What the project page shows of a project's items and jobs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.core.paginator import Page, Paginator
from django.db.models import QuerySet
from django.http import HttpRequest

from autolabel.jobs.choices import Choices, choices_of
from autolabel.jobs.stalls import stalled
from autolabel.models import Job

from ..models import Item, Project
from .counts import counts_of

__all__ = ["live_part", "page_of"]

ITEMS_A_PAGE = 48
JOBS_SHOWN = 10
TABS = [("", "All"), *Item.State.choices]


@dataclass(frozen=True, slots=True)
class JobRow:
    """A job in the list; `drafts` as long as it has no summary is None, `stalled` is empty or why it stands still."""

    job: Job
    drafts: int | None
    stalled: str
    can: Choices


class _CountedPaginator(Paginator):
    """Spares the query for a count that is known already."""

    def __init__(self, items: QuerySet[Any], per_page: int, count: int) -> None:
        super().__init__(items, per_page)
        self.count = count


def live_part(project: Project, request: HttpRequest) -> dict[str, Any]:
    """The context of the part that is refreshed in place: counts, thumbnails, jobs.

    The address says which items: `?state=` one of the states, `?page=` from 1. What makes no sense shows the
    first page of all items, for these are links that people keep.
    """
    counts = counts_of([project])[project.pk]
    state = request.GET.get("state", "")
    items = project.items.with_review_counts()
    if state in Item.State.values:
        items = items.filter(state=state)
    else:
        state = ""
    page = page_of(items, request, size=ITEMS_A_PAGE, count=getattr(counts, state or "total"))
    return {
        "project": project,
        "counts": counts,
        "state": state,
        "tabs": [(value, name, getattr(counts, value or "total")) for value, name in TABS],
        "page": page,
        "jobs": _job_rows(project),
    }


def _job_rows(project: Project) -> list[JobRow]:
    jobs = list(Job.objects.filter(project_uid=project.uid).select_related("created_by")[:JOBS_SHOWN])
    choices = choices_of(jobs)
    return [JobRow(job, _draft_count(job), stalled(job), can) for job, can in zip(jobs, choices, strict=True)]


def _draft_count(job: Job) -> int | None:
    """None as long as the job has no summary, which counts drafts by label."""
    return None if job.summary is None else sum(job.summary.get("drafts", {}).values())


def page_of(items: QuerySet[Any], request: HttpRequest, *, size: int, count: int | None = None) -> Page:
    """The page that `?page=` asks for, the nearest there is where it asks for none."""
    paginator = Paginator(items, size) if count is None else _CountedPaginator(items, size, count)
    page = paginator.get_page(request.GET.get("page"))
    page.elided = list(paginator.get_elided_page_range(page.number, on_each_side=2, on_ends=1))
    return page
