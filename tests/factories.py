"""Small makers of rows, and of the real files behind them, for all tests."""

from __future__ import annotations

import io
import uuid
from collections.abc import Iterable, Mapping
from itertools import count
from typing import Any

from django.contrib.auth import get_user_model
from django.core.files.base import ContentFile
from django.utils import timezone
from PIL import Image

from annotation_platform.models import Annotation, Item, Label, Membership, Project
from annotation_platform.projects import default_color
from annotation_platform.review import refresh_states
from annotation_platform.uploads import create_item

_number = count(1)
SQUARE = [[[[10.0, 10.0], [30.0, 10.0], [30.0, 30.0], [10.0, 30.0]]]]


def make_user(username: str = "", **fields: Any) -> Any:
    """A user who cannot sign in by password, since hashing one is slow; use `force_login`."""
    return get_user_model().objects.create(username=username or f"user-{next(_number)}", **fields)


def make_project(
    name: str = "Parts", *, labels: Iterable[str] = ("bolt", "nut"), members: Mapping[Any, str] | None = None
) -> Project:
    """A project with these labels; `members` maps users to roles."""
    project = Project.objects.create(name=name)
    Label.objects.bulk_create(
        Label(project=project, name=label, color=default_color(order), order=order)
        for order, label in enumerate(labels)
    )
    for user, role in (members or {}).items():
        make_member(project, role, user)
    return project


def make_member(project: Project, role: str = "annotator", user: Any = None) -> Any:
    """A user with that role in the project."""
    user = user or make_user(f"{role}-{next(_number)}")
    Membership.objects.create(project=project, user=user, role=role)
    return user


def image_bytes(size: tuple[int, int] = (64, 48), file_format: str = "JPEG", **options: Any) -> bytes:
    """A real image file; `mode` and `color` are those of PIL.Image.new, further options those of save."""
    mode, color = options.pop("mode", "RGB"), options.pop("color", 0)
    buffer = io.BytesIO()
    Image.new(mode, size, color).save(buffer, file_format, **options)
    return buffer.getvalue()


def make_item(
    project: Project | None = None, *, size: tuple[int, int] = (64, 48), name: str = "part.jpg", state: str = ""
) -> Item:
    """An item with a real JPEG on disk. `state` is set as it is, whatever lies on the item."""
    project = project or make_project()
    item = create_item(project, ContentFile(image_bytes(size, quality=50)), name=name)
    if state:
        item.state = state
        item.finished_at = timezone.now() if state == Item.State.DONE else None
        item.save()
    return item


def make_rows_of_items(project: Project, number: int, *, state: str = "unlabeled") -> list[Item]:
    """Many items at once, without files."""
    finished_at = timezone.now() if state == Item.State.DONE else None
    return Item.objects.bulk_create(
        Item(
            project=project,
            name=f"{index}.jpg",
            image=f"{index}.jpg",
            width=64,
            height=48,
            state=state,
            finished_at=finished_at,
        )
        for index in range(number)
    )


def make_draft(item: Item | None = None, **fields: Any) -> Annotation:
    """A model's box on the item, waiting for review; `polygons=SQUARE` makes it a polygon."""
    origin = {
        "status": Annotation.Status.DRAFT,
        "source": Annotation.Source.AUTO,
        "score": 0.75,
        "model_name": "yolo",
        "model_version": "1",
        "job_uid": str(uuid.uuid4()),
        "prediction_uid": str(uuid.uuid4()),
    }
    return _make_annotation(item, **origin | fields)


def make_manual(item: Item | None = None, **fields: Any) -> Annotation:
    """A person's box on the item."""
    origin = {
        "status": Annotation.Status.ACCEPTED,
        "source": Annotation.Source.MANUAL,
        "reviewed_at": timezone.now(),
    }
    return _make_annotation(item, **origin | fields)


def _make_annotation(item: Item | None, **fields: Any) -> Annotation:
    item = item or make_item()
    label = fields.pop("label", None)
    if not isinstance(label, Label):
        label = item.project.labels.get(name=label) if label else item.project.labels.first()
    kind = "polygon" if fields.get("polygons") else "box"
    x_min, y_min, x_max, y_max = fields.pop("box", (10.0, 10.0, 30.0, 30.0))
    bounds = {"x_min": x_min, "y_min": y_min, "x_max": x_max, "y_max": y_max}
    made = Annotation.objects.create(item=item, label=label, kind=kind, **bounds, **fields)
    refresh_states(Item.objects.filter(pk=item.pk))
    return made
