"""Making projects and labels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from django.db import IntegrityError, transaction
from django.db.models import Max

from autolabel import audit

from .models import Label, Membership, Project

if TYPE_CHECKING:
    from django.contrib.auth.models import User

__all__ = ["MAX_LABELS", "PALETTE", "LabelTaken", "TooManyLabels", "add_label", "create_project"]

# Twelve colours that people tell apart, on dark images and on light ones.
PALETTE = (
    "#e6194b",
    "#3cb44b",
    "#4363d8",
    "#f58231",
    "#911eb4",
    "#00b8d4",
    "#f032e6",
    "#c0ca33",
    "#009688",
    "#9a6324",
    "#ffc107",
    "#7e57c2",
)
MAX_LABELS = 1000


class LabelTaken(Exception):
    """The project already has a label of that name; upper and lower case count as the same."""

    def __init__(self, name: str) -> None:
        super().__init__(f"This project already has a label named {name!r}.")


class TooManyLabels(Exception):
    def __init__(self) -> None:
        super().__init__(f"A project has at most {MAX_LABELS} labels.")


@transaction.atomic
def create_project(
    user: User,
    name: str,
    labels: Sequence[tuple[str, str | None]] = (),
    shapes: str = Project.Shapes.ANY,
    *,
    credential: object = None,
) -> Project:
    """A project with its labels (name, colour or None), managed by `user`. Raises LabelTaken."""
    project = Project.objects.create(name=name, shapes=shapes)
    Membership.objects.create(project=project, user=user, role=Membership.Role.MANAGER)
    audit.record(user, "project.create", credential=credential, project_uid=project.uid, name=name)
    seen: set[str] = set()
    for label_name, _ in labels:
        if label_name.casefold() in seen:
            raise LabelTaken(label_name)
        seen.add(label_name.casefold())
    Label.objects.bulk_create(
        Label(project=project, name=label_name, color=color or default_color(order), order=order)
        for order, (label_name, color) in enumerate(labels)
    )
    return project


def add_label(project: Project, name: str, color: str | None = None) -> Label:
    """Append a label. Raises LabelTaken or TooManyLabels."""
    names = list(project.labels.values_list("name", flat=True))
    # SQLite's LOWER, on which the constraint rests, only knows ASCII.
    if name.casefold() in {taken.casefold() for taken in names}:
        raise LabelTaken(name)
    if len(names) >= MAX_LABELS:
        raise TooManyLabels
    last = project.labels.aggregate(last=Max("order"))["last"]
    order = 0 if last is None else last + 1
    try:
        with transaction.atomic():
            return Label.objects.create(project=project, name=name, color=color or default_color(order), order=order)
    except IntegrityError as error:
        raise LabelTaken(name) from error


def default_color(order: int) -> str:
    return PALETTE[order % len(PALETTE)]
