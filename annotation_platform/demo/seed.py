"""The demo project: generated scenes, the first of them already finished by a person, the others waiting."""

from __future__ import annotations

import io

from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction
from django.utils import timezone

from annotation_platform.models import Annotation, Item, Label, Membership, Project
from annotation_platform.projects import create_project
from annotation_platform.uploads import create_item

from .scenes import LABELS, Scene, demo_scenes

__all__ = ["PASSWORD", "PROJECT_NAME", "USERNAME", "ensure_project", "ensure_user"]

PROJECT_NAME = "Workbench hardware"
# For a server that answers on this machine alone; said so where it is printed.
USERNAME, PASSWORD = "demo", "demo-demo"
DONE_BY_HAND = 10


def ensure_user() -> AbstractBaseUser:
    """The demo's user, who may see the admin, too. An existing one is left as it is."""
    users = get_user_model()
    found = users.objects.filter(**{users.USERNAME_FIELD: USERNAME}).first()
    return found or users.objects.create_superuser(USERNAME, password=PASSWORD)


def ensure_project(user: AbstractBaseUser) -> Project:
    """The user's demo project; made whole or not at all."""
    mine = Project.objects.filter(name=PROJECT_NAME, memberships__user=user, memberships__role=Membership.Role.MANAGER)
    found: Project | None = mine.order_by("id").first()
    return found or _make_project(user)


@transaction.atomic
def _make_project(user: AbstractBaseUser) -> Project:
    project = create_project(user, PROJECT_NAME, [(name, None) for name in LABELS])
    labels = {label.name: label for label in project.labels.all()}
    for number, scene in enumerate(demo_scenes()):
        item = create_item(project, _jpeg(scene), name=scene.name)
        if number < DONE_BY_HAND:
            _finish_by_hand(item, scene, labels, user)
    return project


def _jpeg(scene: Scene) -> io.BytesIO:
    file = io.BytesIO()
    scene.image.save(file, "JPEG", quality=92)
    file.seek(0)
    return file


def _finish_by_hand(item: Item, scene: Scene, labels: dict[str, Label], user: AbstractBaseUser) -> None:
    """The scene's exact truth, as if a person had drawn it."""
    now = timezone.now()
    annotations = []
    for thing in scene.objects:
        x_min, y_min, x_max, y_max = thing.bbox_xyxy
        annotations.append(
            Annotation(
                item=item,
                label=labels[thing.label],
                kind=Annotation.Kind.POLYGON,
                x_min=x_min,
                y_min=y_min,
                x_max=x_max,
                y_max=y_max,
                polygons=thing.polygons,
                status=Annotation.Status.ACCEPTED,
                source=Annotation.Source.MANUAL,
                reviewed_by=user,
                reviewed_at=now,
            )
        )
    Annotation.objects.bulk_create(annotations)
    item.state, item.finished_by, item.finished_at = Item.State.DONE, user, now
    item.save(update_fields=["state", "finished_by", "finished_at", "updated_at"])
