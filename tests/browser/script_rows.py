"""Rows whose every text is a script. Runs inside of the site's own process."""

from __future__ import annotations

from datetime import timedelta

from django.contrib.auth import get_user_model
from django.core.files.base import ContentFile
from django.urls import reverse
from django.utils import timezone

from annotation_platform.keys import issue_key
from annotation_platform.models import Item, Project
from annotation_platform.projects import create_project
from annotation_platform.uploads import create_item
from autolabel import audit
from autolabel.hosts.base import Actor
from autolabel.models import Job, WebhookEndpoint
from autolabel.webhooks import endpoints
from tests.autolabel.builders import make_attempt, make_delivery, make_job
from tests.factories import image_bytes, make_draft, make_manual


def fill(payloads: list[str]) -> list[str]:
    """The paths of all pages that show one of them, for the user mallory, an administrator who signs in with that."""
    people = get_user_model().objects
    user = people.create_superuser("mallory", password="mallory", first_name=payloads[0], last_name=payloads[1])
    paths = ["/", "/projects/new/", "/status/", "/settings/api-keys/", "/settings/webhooks/", "/api/v1/docs/"]
    for number, payload in enumerate(payloads):
        paths += _fill_one(user, number, payload)
    for model in ("project", "item", "annotation", "apikey", "bulkreview"):
        paths.append(reverse(f"admin:annotation_platform_{model}_changelist"))
    for model in ("job", "webhookendpoint", "webhookdelivery", "webhookevent", "auditentry", "worker", "itemresult"):
        paths.append(reverse(f"admin:autolabel_{model}_changelist"))
    return paths


def _fill_one(user: object, number: int, payload: str) -> list[str]:
    labels = [(payload[:100], None), (f"{number} {payload}"[:100], None)]
    project: Project = create_project(user, payload, labels)  # type: ignore[arg-type]
    items = [create_item(project, ContentFile(image_bytes()), name=f"{payload}.jpg") for _ in range(3)]
    # Past the cleaning of names, as an older version may have stored it.
    Item.objects.filter(pk=items[0].pk).update(name=payload)
    make_draft(items[0], model_name=payload[:100])
    make_manual(items[0])
    Item.objects.filter(pk=items[1].pk).update(
        state="flagged", flag_comment=payload, flagged_by=user, flagged_at=timezone.now()
    )
    job = make_job(project.uid, created_by=user, status="failed", model_type=payload[:50], error_message=payload)
    Job.objects.filter(pk=job.pk).update(labels=[payload], summary={"drafts": {payload: 1}, "model": {"name": payload}})
    issue_key(user, payload[:100], expires_at=timezone.now() + timedelta(days=9))  # type: ignore[arg-type]
    url = f"https://hooks.example.com/{payload}"
    endpoint, _ = endpoints.create(Actor(user), target_url=url, events=[], description=payload)
    WebhookEndpoint.objects.filter(pk=endpoint.pk).update(target_url=payload, state="failing")
    sent = make_delivery(endpoint, status="failed", attempts=1)
    make_attempt(sent, 500, url=payload, request_headers={payload: payload}, response_body=payload, error=payload)
    audit.record(user, payload[:40], detail=payload)
    return [
        f"/projects/{project.uid}/",
        f"/projects/{project.uid}/review/",
        f"/projects/{project.uid}/flagged/",
        f"/projects/{project.uid}/statistics/",
        f"/items/{items[0].uid}/",
        f"/items/{items[1].uid}/",
        f"/settings/webhooks/{endpoint.uid}/",
        f"/settings/deliveries/{sent.uid}/",
        reverse("admin:annotation_platform_project_change", args=[project.pk]),
        reverse("admin:annotation_platform_item_change", args=[items[0].pk]),
        reverse("admin:autolabel_job_change", args=[job.pk]),
        reverse("admin:autolabel_webhookdelivery_change", args=[sent.pk]),
    ]
