"""What the showcase's site holds. Runs inside the site's own process, and decides over the API, as people do."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import timedelta
from itertools import islice
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractBaseUser
from django.utils import timezone
from rest_framework.test import APIClient

from annotation_platform.demo.scenes import LABELS, Scene, demo_scenes
from annotation_platform.demo.seed import PROJECT_NAME, USERNAME
from annotation_platform.keys import issue_key, revoke_key
from annotation_platform.models import ApiKey, Item, Membership, Project
from annotation_platform.projects import create_project
from annotation_platform.uploads import create_item
from autolabel.hosts.base import Actor
from autolabel.hosts.loader import get_host
from autolabel.jobs.services import JobRequest, create_job
from autolabel.models import Chunk, Job, WebhookDelivery, WebhookEndpoint, Worker
from autolabel.shapes import Shape
from autolabel.webhooks import endpoints
from tests.autolabel.builders import make_attempt, make_delivery, make_job, make_worker
from tests.review_rows import draft, make_person

QUESTION = "Is the thin ring at the edge a washer or a nut? The shadow hides its hole."

STALLED = "Waits for the storage: The storage is away: [Errno 107] Transport endpoint is not connected"


def make_showcase() -> dict[str, str]:
    """Every state that a page can show, out of the demo project with its drafts; uids by the names that views use."""
    demo = get_user_model().objects.get(username=USERNAME)
    project = Project.objects.get(name=PROJECT_NAME)
    _make_people(project)
    names = {
        "project": project.uid,
        **_review(_Reviewer(demo), project),
        "empty": create_project(demo, "Spare parts", [("gasket", None), ("seal ring", None)]).uid,
        "waiting": _make_waiting_project(demo),
        "paused": _make_running_project(demo, "Day shift", paused_at=timezone.now()),
        "stalled": _make_running_project(demo, "Cold store", stalled_reason=STALLED),
        "last": _make_finished_project(_Reviewer(demo), demo),
        "masks": _make_project_with_masks(_Reviewer(demo), demo),
        **_make_project_of_polygons(demo),
        **_make_settings(demo, project),
        "nowhere": "00000000-0000-0000-0000-000000000000",
    }
    archived = create_project(demo, "Line 2, before the move", [("bolt", None)])
    Project.objects.filter(pk=archived.pk).update(status=Project.Status.ARCHIVED)
    _make_failed_job(project, demo)
    _make_workers(names["stalled"])
    make_job(project.uid, created_by=demo, status="cancelled", dry_run=True)
    return names


class _Reviewer:
    """A person who decides over the API."""

    def __init__(self, user: AbstractBaseUser) -> None:
        self._api = APIClient(HTTP_HOST="localhost")
        self._api.force_login(user)

    def post(self, path: str, **body: Any) -> Any:
        return self._done(self._api.post(f"/api/v1/{path}", body, format="json"))

    def decide(self, item: Item, verdict: Callable[[int, dict[str, Any]], dict[str, Any] | None]) -> None:
        """`verdict(n, draft)` is what to change of the item's n-th draft, least sure first; None leaves it a draft."""
        path = f"/api/v1/items/{item.uid}/annotations/"
        drafts = self._done(self._api.get(path, {"status": "draft"}))["results"]
        drafts.sort(key=lambda draft: draft["score"])
        changes = [
            {"uid": draft["uid"], "version": draft["version"], **change}
            for number, draft in enumerate(drafts)
            if (change := verdict(number, draft))
        ]
        self._done(self._api.patch(path, {"changes": changes}, format="json"))

    def finish(self, item: Item) -> None:
        self.post(f"items/{item.uid}/finish/")

    @staticmethod
    def _done(response: Any) -> Any:
        assert response.status_code < 300, (response.status_code, response.content)
        return response.json()


def _make_people(project: Project) -> None:
    """Another reviewer, a viewer, and somebody who has no project at all."""
    make_person("amir", project)
    make_person("vera", project, Membership.Role.VIEWER)
    make_person("nora")


def _review(reviewer: _Reviewer, project: Project) -> dict[str, str]:
    """Some items reviewed with all kinds of verdicts, one flagged, some done in bulk; most wait with their drafts."""
    waiting = sorted(project.items.filter(state=Item.State.DRAFTED), key=lambda item: -item.draft_count)
    drafts, contested, edited, flagged, begun, taken, *others = waiting
    nothing_found = project.items.filter(state=Item.State.UNLABELED, auto_labeled_at__isnull=False).first()

    reviewer.decide(edited, _mixed)
    reviewer.finish(edited)
    reviewer.post(f"items/{flagged.uid}/flag/", comment=QUESTION)
    reviewer.decide(begun, lambda number, draft: {"status": "accepted"} if number > 1 else None)
    colleague, until = get_user_model().objects.get(username="amir"), timezone.now() + timedelta(days=1)
    Item.objects.filter(pk=taken.pk).update(assigned_to=colleague, assigned_until=until)
    for item in others[:12]:
        reviewer.decide(item, _mixed)
        reviewer.finish(item)
    bulk = [item.uid for item in others[12:18]]
    reviewer.post(f"projects/{project.uid}/bulk-reviews/", verdict="discarded", items=bulk, max_score=0.75)
    reviewer.post(f"projects/{project.uid}/bulk-reviews/", verdict="accepted", items=bulk, min_score=0.8, finish=True)
    return {
        "drafts": drafts.uid,
        "edited": edited.uid,
        "flagged": flagged.uid,
        "begun": begun.uid,
        "contested": contested.uid,
        "taken": taken.uid,
        "done": project.items.filter(state=Item.State.DONE).order_by("id")[0].uid,
        "nothing_found": nothing_found.uid,
    }


def _mixed(number: int, draft: dict[str, Any]) -> dict[str, Any]:
    """What the model was unsure about is discarded; the first of an item is made smaller, the others accepted."""
    if draft["score"] < 0.65:
        return {"status": "discarded"}
    if number == 0:
        x_min, y_min, x_max, y_max = draft["bbox_xyxy"]
        return {"bbox_xyxy": [x_min, y_min, x_max - 2, y_max - 2]}
    return {"status": "accepted"}


def _make_waiting_project(user: AbstractBaseUser) -> str:
    """A project whose job has no worker yet."""
    project = _project_of_scenes(user, "Night shift", 6)
    create_job(get_host().get_project_trusted(project.uid), JobRequest(), user=user)
    return project.uid


def _make_running_project(user: AbstractBaseUser, name: str, **fields: Any) -> str:
    """A project whose job stands still half-way."""
    project = _project_of_scenes(user, name, 4)
    uids = list(project.items.values_list("uid", flat=True))
    now = timezone.now()
    counts = {"total_items": 4, "successful_items": 1, "failed_items": 1}
    job = make_job(project.uid, status="running", created_by=user, started_at=now, planned_at=now, **counts, **fields)
    Chunk.objects.create(job=job, item_uids=uids[2:])
    return project.uid


def _make_workers(project_uid: str) -> None:
    """Two that live as long as anybody looks: one at work, and one that lacks a model's weights."""
    job = Job.objects.get(project_uid=project_uid)
    make_worker("worker-1", silent=-timedelta(days=1), yolo={"engine": "openvino"})
    make_worker("worker-2", silent=-timedelta(days=1), yolo={}, sam3={"ready": False, "reason": "It has no weights."})
    Worker.objects.filter(name="worker-1").update(job_uid=job.uid, memory_bytes=1_300_000_000)


def _make_failed_job(project: Project, user: AbstractBaseUser) -> None:
    """One that has reached its limit of failed items: it can be retried, and its drafts discarded."""
    message = "Stopped because 31 % of 180 images failed, and at most 10 % may. Drafts that it has made stay."
    now = timezone.now()
    counts = {"total_items": 1200, "successful_items": 110, "skipped_items": 14, "failed_items": 56}
    make_job(project.uid, created_by=user, status="failed", planned_at=now, error_message=message, **counts)


def _make_finished_project(reviewer: _Reviewer, user: AbstractBaseUser) -> str:
    """The uid of the last image of a project in which nothing is left to do."""
    project = _project_of_scenes(user, "First samples", 2)
    for item in project.items.all():
        box = {"label": LABELS[0], "kind": "box", "bbox_xyxy": [80, 60, 240, 200]}
        reviewer.post(f"items/{item.uid}/annotations/", **box)
        reviewer.finish(item)
    return item.uid


def _make_project_with_masks(reviewer: _Reviewer, user: AbstractBaseUser) -> str:
    """The uid of an image whose accepted boxes have masks that wait, all but one."""
    scene = next(scene for scene in demo_scenes() if len(scene.objects) >= 4)
    project = create_project(user, "From boxes to masks", [(label, None) for label in LABELS])
    item = create_item(project, _jpeg(scene), name=scene.name)
    masks = []
    for number, thing in enumerate(scene.objects):
        box = {"label": thing.label, "kind": "box", "bbox_xyxy": thing.bbox_xyxy}
        made = reviewer.post(f"items/{item.uid}/annotations/", **box)
        if number:
            masks.append(Shape(thing.label, 0.95 - 0.07 * number, thing.bbox_xyxy, thing.polygons, source=made["uid"]))
    draft(project, {item.uid: masks}, boxes_to_masks=True)
    return str(item.uid)


def _make_project_of_polygons(user: AbstractBaseUser) -> dict[str, str]:
    """A project that takes polygons only, with a job that has a lot to say of itself, and its image of outlines."""
    project = create_project(user, "Outlines", [(label, None) for label in LABELS], Project.Shapes.POLYGONS)
    scene = next(scene for scene in demo_scenes() if len(scene.objects) >= 3)
    item = create_item(project, _jpeg(scene), name=scene.name)
    shapes = [Shape(thing.label, 0.8, thing.bbox_xyxy, thing.polygons) for thing in scene.objects]
    job = Job.objects.filter(uid=draft(project, {item.uid: shapes}))
    model = {
        "name": "hardware-sam3",
        "engine": "pytorch",
        "device": "cpu",
        "notes": ["ONNX Runtime was refused: boxes differ."],
    }
    summary = {
        "drafts": {"washer": len(shapes)},
        "model": model,
        "dropped": {"speck": 12, "duplicate": 3},
        "incidents": {},
    }
    job.update(model_type="sam3", total_items=1, successful_items=1, summary=summary, created_by=user)
    return {"polygons": project.uid, "outlines": item.uid}


def _make_settings(user: AbstractBaseUser, project: Project) -> dict[str, str]:
    """API keys, an endpoint with deliveries in each state, and one that was stopped; uids by the names of views."""
    issue_key(user, "Nightly training", ApiKey.Scope.RUN, timezone.now() + timedelta(days=80))
    issue_key(user, "Dashboard", ApiKey.Scope.READ)
    revoke_key(issue_key(user, "Old laptop")[0], user)
    url = "https://hooks.example.com/auto-label"
    endpoint, _ = endpoints.create(
        Actor(user), target_url=url, events=["auto_label.completed"], description="Starts the training"
    )
    stopped, orphaned = (
        endpoints.create(
            Actor(user), target_url=f"{url}/{name}", events=["auto_label.failed"], project_uid=project.uid
        )[0]
        for name in ("old", "of-somebody-who-left")
    )
    state = WebhookEndpoint.State
    WebhookEndpoint.objects.filter(pk=stopped.pk).update(state=state.FAILING, failures_in_row=20)
    WebhookEndpoint.objects.filter(pk=orphaned.pk).update(state=state.ORPHANED, owner=make_person("Kim Lee"))
    status, later = WebhookDelivery.Status, timezone.now() + timedelta(hours=2)
    delivered = make_delivery(endpoint, status=status.DELIVERED, attempts=1, next_retry_at=None)
    failed = make_delivery(endpoint, status=status.FAILED, attempts=1, next_retry_at=None)
    waiting = make_delivery(endpoint, attempts=1, next_retry_at=later)
    make_attempt(delivered, 200)
    make_attempt(failed, 503, response_body="upstream is away")
    make_attempt(waiting, None, error="There was no answer in time.")
    make_delivery(stopped, attempts=1, next_retry_at=later)
    return {
        "endpoint": endpoint.uid,
        "stopped_endpoint": stopped.uid,
        "orphaned_endpoint": orphaned.uid,
        "delivery": failed.uid,
    }


def _jpeg(scene: Scene) -> io.BytesIO:
    file = io.BytesIO()
    scene.image.save(file, "JPEG", quality=92)
    return file


def _project_of_scenes(user: AbstractBaseUser, name: str, scenes: int) -> Project:
    project = create_project(user, name, [(label, None) for label in LABELS])
    for scene in islice(demo_scenes(), scenes):
        create_item(project, _jpeg(scene), name=scene.name)
    return project
