"""`{% load autolabel %}{% autolabel_button project.uid %}`: the "Auto-label project" button for any host's page."""

from __future__ import annotations

import json
from typing import Any

from django import template
from django.http import HttpRequest
from django.urls import reverse

from autolabel.hosts.base import Actor, Scope
from autolabel.hosts.loader import get_host
from autolabel.jobs.catalog import catalog
from autolabel.jobs.remarks import WORDS, remarks
from autolabel.jobs.requests import JobRequest
from autolabel.models import Job

register = template.Library()

# What a threshold means to the person who chooses it.
THRESHOLDS = (
    (0.3, "Find more", "Many drafts, and more of them to discard."),
    (0.5, "Balanced", "A good start for most projects."),
    (0.7, "Careful", "Fewer drafts, most of them right."),
    (0.9, "Only sure", "Very few wrong drafts; more is left to draw."),
)
# What becomes of drafts of earlier jobs that nobody has touched; the first is what the API does by default.
EXISTING_DRAFTS = (
    (Job.ExistingDrafts.REPLACE.value, "Replace them", "The new drafts take their place."),
    (Job.ExistingDrafts.KEEP.value, "Keep them", "New drafts are added only where none of them lies already."),
    (Job.ExistingDrafts.SKIP.value, "Skip their images", "An image that has drafts gets no others."),
)


@register.inclusion_tag("autolabel/button.html", takes_context=True)
def autolabel_button(context: dict[str, Any], project_uid: str, review_url: str | None = None) -> dict[str, Any]:
    """The button, its dialog and its progress; nothing for a user who may not run jobs on the project.

    `review_url` is where "Review drafts" leads; by default what the host names.
    """
    request: HttpRequest = context["request"]
    host = get_host()
    try:
        project = host.get_project(project_uid, request.user)
    except LookupError:
        return {"allowed": False}
    if not host.can(Actor(request.user), "run", project):
        return {"allowed": False}
    return {
        "allowed": True,
        "project": project,
        "unlabeled": host.count_unlabeled(project, Scope()),
        # The images of which a model can make masks from what people have accepted.
        "boxed": host.count_unlabeled(project, Scope(boxes_to_masks=True)),
        "labels": [target.name for target in host.label_targets(project)],
        "model_types": [(spec.model_type, spec.title) for spec in catalog().values()],
        "thresholds": THRESHOLDS,
        "existing_drafts": EXISTING_DRAFTS,
        "failed_from": JobRequest().max_failed_min,
        "words": json.dumps(WORDS),
        "start_url": reverse("autolabel:auto-label", args=[project_uid]),
        "jobs_url": reverse("autolabel:job-list"),
        "models_url": reverse("autolabel:models"),
        "review_url": review_url or host.project_url(project_uid),
        "csrf_token": context.get("csrf_token"),
    }


@register.filter
def job_remarks(job: Job) -> list[str]:
    """By which model a job was done, and what was out of the ordinary; see autolabel.jobs.remarks."""
    return remarks(job.summary)
