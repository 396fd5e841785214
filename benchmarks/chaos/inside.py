"""What a chaos site runs inside its own processes, with Django set up."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Sequence
from typing import Any

from django.contrib.auth import get_user_model
from django.db.models import Count, Sum

from annotation_platform.keys import issue_key
from annotation_platform.models import Annotation
from autolabel.models import Job, WebhookEvent
from tests.autolabel.builders import add_items
from tests.autolabel.fakes import picture
from tests.factories import make_member
from tests.factories import make_project as make_bare_project

__all__ = ["audit", "make_project", "manager_key", "states"]


def make_project(items: int, commands: Sequence[int] = (), manager: str = "") -> str:
    """Images that ask for zero to three boxes in turn, and by chance's order among them one for each command."""
    project = make_bare_project(labels=("washer", "nut", "bolt"))
    if manager:
        make_member(project, "manager", get_user_model().objects.get(username=manager))
    pictures = [picture(number % 4) for number in range(4)]
    ordered = [picture(1, command=command, size=(48, 33 + number % 7)) for number, command in enumerate(commands)]
    plain = [pictures[number % 4] for number in range(items - len(ordered))]
    add_items(project, [*plain, *ordered])
    return project.uid


def manager_key() -> dict[str, str]:
    user = get_user_model().objects.create_user(f"manager-{uuid.uuid4().hex[:8]}")
    return {"user": user.username, "key": issue_key(user, "chaos")[1]}


def states() -> dict[str, int]:
    found = dict(Job.objects.order_by().values_list("status").annotate(Count("pk")))
    sums = Job.objects.aggregate(done=Sum("successful_items") + Sum("skipped_items") + Sum("failed_items"))
    return {**found, "processed": sums["done"] or 0}


def audit(job_uids: Sequence[str]) -> dict[str, Any]:
    """What is wrong, all zero where nothing is: `lost` items without a result, `doubled` drafts beyond what results say
    and `missing_drafts` below it, `miscounted` jobs whose counters are not what their rows say, `events` other than one
    an ended job, `open` chunks. And `failed` items, `jobs` by status."""
    wrong: Counter[str] = Counter()
    statuses: Counter[str] = Counter()
    for job in Job.objects.filter(uid__in=job_uids):
        statuses[job.status] += 1
        results = dict(job.item_results.order_by().values_list("outcome").annotate(Count("pk")))
        drafts = Counter(Annotation.objects.filter(job_uid=job.uid).values_list("item__uid", flat=True))
        said = dict(job.item_results.values_list("item_uid", "drafts"))
        counted = {"successful": job.successful_items, "skipped": job.skipped_items, "failed": job.failed_items}
        wrong["lost"] += job.total_items - len(said) if job.status == "completed" else 0
        wrong["doubled"] += sum((drafts - Counter(said)).values())
        wrong["missing_drafts"] += sum((Counter(said) - drafts).values())
        wrong["miscounted"] += any(counted[name] != results.get(name, 0) for name in counted)
        wrong["events"] += abs(WebhookEvent.objects.filter(job=job).count() - (0 if job.is_active else 1))
        wrong["open"] += job.chunks.open().count() if job.status == "completed" else 0
        wrong["failed"] += job.failed_items
    keys = ("lost", "doubled", "missing_drafts", "miscounted", "events", "open", "failed")
    return {**{key: wrong[key] for key in keys}, "jobs": dict(statuses)}
