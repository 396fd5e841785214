"""Projects to review, made inside a site's own processes; drafts come the way a job's come."""

from __future__ import annotations

import io
import uuid
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from django.contrib.auth import get_user_model
from django.db import transaction
from django.utils import timezone
from PIL import Image

from annotation_platform.demo.scenes import LABELS, Scene, make_scene
from annotation_platform.models import Membership, Project
from annotation_platform.projects import create_project
from annotation_platform.uploads import create_item
from autolabel.hosts.base import Draft, ItemDrafts
from autolabel.hosts.loader import get_host
from autolabel.jobs import lifecycle
from autolabel.models import Job, Prediction
from autolabel.shapes import Box, Shape

__all__ = ["draft", "make_effort_project", "make_person", "make_review_project"]

EFFORT_ITEMS, EFFORT_EMPTY, EFFORT_MISSED = 20, 2, 10
RIGHT_SHARE = 0.95


def make_person(username: str, project: Project | None = None, role: str = "annotator") -> Any:
    """A person whose password is the name, and their place in a project."""
    user = get_user_model().objects.create_user(username, password=username)
    if project is not None:
        Membership.objects.create(project=project, user=user, role=role)
    return user


def make_review_project(
    username: str, items: Sequence[tuple[str, Image.Image, Sequence[Shape]]], labels: Iterable[str] = LABELS
) -> dict[str, Any]:
    """A project managed by a new person, with a finished job's drafts; the uids of project and items, by name."""
    project = create_project(make_person(username), "Review", [(label, None) for label in labels])
    made = {name: create_item(project, _jpeg(image), name=name) for name, image, _ in items}
    draft(project, {made[name].uid: shapes for name, _, shapes in items})
    return {"project": project.uid, "items": {name: item.uid for name, item in made.items()}}


@transaction.atomic
def draft(project: Project, shapes: Mapping[str, Sequence[Shape]], *, boxes_to_masks: bool = False) -> str:
    """Leave these shapes, by item uid, as predictions and drafts of a completed job; its uid."""
    now = timezone.now()
    job = Job.objects.create(
        project_uid=project.uid,
        status=Job.Status.RUNNING,
        model_type="yolo",
        boxes_to_masks=boxes_to_masks,
        started_at=now,
        planned_at=now,
    )
    sizes = {item.uid: (item.width, item.height) for item in project.items.filter(uid__in=shapes)}
    drafts = []
    for item_uid, found in shapes.items():
        pairs = [Draft(str(uuid.uuid4()), shape) for shape in found]
        Prediction.objects.bulk_create(_prediction(job, item_uid, *row) for row in enumerate(pairs))
        drafts.append(ItemDrafts(item_uid, *sizes[item_uid], tuple(pairs)))
    get_host().write_drafts(lifecycle.job_ref(job), drafts)
    Job.objects.filter(pk=job.pk).update(status=Job.Status.COMPLETED, completed_at=now)
    return job.uid


def make_effort_project(username: str) -> dict[str, Any]:
    """Demo scenes with drafts that are 95 % right: the truth by item name, and how many shapes are wrong or missing.

    Ten items miss one object, two show none; every twentieth draft has the wrong label, the wrong place, or nothing
    below it, in turn. What is right is as exact as a good model is: within a few pixels.
    """
    rng = np.random.default_rng(7)
    items, truths, wrong, seen = [], {}, 0, 0
    for number, scene in enumerate(_effort_scenes()):
        truth = [(thing.label, _rounded(thing.bbox_xyxy)) for thing in scene.objects]
        truths[scene.name] = truth
        missed = {int(rng.integers(len(truth)))} if number < EFFORT_MISSED else set()
        shapes = []
        for index, (label, box) in enumerate(truth):
            if index in missed:
                continue
            seen += 1
            is_wrong = seen % round(1 / (1 - RIGHT_SHARE)) == 0
            shapes += _wrong(wrong, label, box) if is_wrong else [_right(rng, label, box)]
            wrong += is_wrong
        items.append((scene.name, scene.image, shapes))
    made = make_review_project(username, items)
    return {
        **made,
        "truth": truths,
        "wrong": wrong,
        "missed": EFFORT_MISSED,
        "drafts": sum(len(one[2]) for one in items),
    }


def _effort_scenes() -> list[Scene]:
    """Scenes with at least two objects, then those that show none."""
    full, empty, seed = [], [], 40_000
    while len(full) + len(empty) < EFFORT_ITEMS:
        scene = make_scene(seed)
        seed += 1
        if len(scene.objects) >= 2 and len(full) < EFFORT_ITEMS - EFFORT_EMPTY:
            full.append(scene)
        elif not scene.objects and len(empty) < EFFORT_EMPTY:
            empty.append(scene)
    return full + empty


def _right(rng: np.random.Generator, label: str, box: Box) -> Shape:
    """Off by at most a hundredth of its size, hence with an IoU above 0.95."""
    sides = (box[2] - box[0], box[3] - box[1]) * 2
    moved = [value + float(rng.uniform(-0.01, 0.01)) * side for value, side in zip(box, sides, strict=True)]
    return Shape(label, float(rng.uniform(0.7, 0.99)), _inside(moved))


def _wrong(number: int, label: str, box: Box) -> list[Shape]:
    width = box[2] - box[0]
    aside = _inside([box[0] - width / 2, box[1], box[2] - width / 2, box[3]])
    match number % 3:
        case 0:
            return [Shape(next(one for one in LABELS if one != label), 0.55, box)]
        case 1:
            return [Shape(label, 0.5, aside)]
    corner = _inside([box[0], box[1], box[0] + width / 3, box[1] + width / 3])
    return [Shape(label, 0.9, box), Shape(label, 0.45, corner)]


def _inside(box: Sequence[float]) -> Box:
    x0, y0, x1, y1 = box
    return _rounded((max(0.0, x0), max(0.0, y0), min(640.0, x1), min(480.0, y1)))


def _rounded(box: Sequence[float]) -> Box:
    x0, y0, x1, y1 = (round(float(value), 1) for value in box)
    return x0, y0, x1, y1


def _prediction(job: Job, item_uid: str, ordinal: int, pair: Draft) -> Prediction:
    x_min, y_min, x_max, y_max = pair.shape.bbox_xyxy
    return Prediction(
        job=job,
        item_uid=item_uid,
        ordinal=ordinal,
        uid=pair.prediction_uid,
        label=pair.shape.label,
        score=pair.shape.score,
        x_min=x_min,
        y_min=y_min,
        x_max=x_max,
        y_max=y_max,
        polygons=pair.shape.polygons,
        fate=Prediction.Fate.DRAFTED,
    )


def _jpeg(image: Image.Image) -> io.BytesIO:
    file = io.BytesIO()
    image.save(file, "JPEG", quality=90)
    file.seek(0)
    return file
