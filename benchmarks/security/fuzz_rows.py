"""A site with some of everything, for requests that are made up. Runs inside of the site's own process."""

from __future__ import annotations

from typing import Any

from annotation_platform.keys import issue_key
from annotation_platform.models import BulkReview
from autolabel.hosts.base import Actor
from autolabel.webhooks import endpoints
from tests.autolabel.builders import make_delivery, make_job
from tests.factories import make_draft, make_item, make_manual, make_member, make_project, make_user

_PROJECTS, _ITEMS = 30, 4


def make() -> dict[str, Any]:
    """Keys by role, that of a stranger, and uids by what they name."""
    people = {role: make_user(role) for role in ("viewer", "annotator", "manager")}
    uids: dict[str, list[str]] = {
        name: [] for name in ("project", "item", "annotation", "job", "bulk", "endpoint", "delivery")
    }
    for number in range(_PROJECTS):
        project = make_project(f"Project {number}")
        for role, person in people.items():
            make_member(project, role, person)
        uids["project"].append(project.uid)
        uids["job"].append(make_job(project.uid, created_by=people["manager"], status="failed").uid)
        uids["bulk"].append(BulkReview.objects.create(project=project, verdict="accepted").uid)
        for _ in range(_ITEMS):
            item = make_item(project)
            uids["item"].append(item.uid)
            uids["annotation"] += [make_manual(item).uid, make_draft(item).uid]
    for person in people.values():
        endpoint, _ = endpoints.create(Actor(person), target_url="https://127.0.0.1/", events=["auto_label.failed"])
        uids["endpoint"].append(endpoint.uid)
        uids["delivery"].append(make_delivery(endpoint).uid)
    keys = {role: issue_key(person, role)[1] for role, person in people.items()}
    return {"keys": keys, "stranger": issue_key(make_user(), "stranger")[1], "uids": uids}
