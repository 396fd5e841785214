"""What a change means for an annotation: the pure rules of review. Nothing here writes."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.utils import timezone

from autolabel.jobs.matching import fold

from .geometry import Geometry, GeometryError, Parts, box_geometry, polygon_geometry
from .models import Annotation, Item, Label, Project
from .originals import Original, originals_of

if TYPE_CHECKING:
    from django.contrib.auth.models import User

__all__ = ["Change", "Plan", "Refused", "check_kind", "find_label", "labels_by_name", "placed", "plan_changes"]


class Refused(Exception):
    """The change makes no sense; `field` names what is wrong, `uid` which annotation it was for."""

    def __init__(self, field: str, message: str, uid: str | None = None) -> None:
        super().__init__(message)
        self.field = field
        self.uid = uid


@dataclass(frozen=True, slots=True)
class Change:
    """A wish to change an annotation that the client has seen in `version`. None means: leave it as it is.

    A new label or new geometry accepts a draft. Status "draft" takes a verdict or an edit back.
    """

    uid: str
    version: int
    label: str | None = None
    box: Sequence[float] | None = None
    polygons: Parts | None = None
    status: str | None = None

    @property
    def edits(self) -> bool:
        return self.label is not None or self.box is not None or self.polygons is not None


@dataclass(frozen=True, slots=True)
class Plan:
    """The column values that a change comes to."""

    annotation: Annotation
    version: int
    values: Mapping[str, Any]

    @property
    def accepts(self) -> bool:
        """Whether the annotation is accepted by it, and was not before."""
        accepted = Annotation.Status.ACCEPTED
        return self.values.get("status") == accepted and self.annotation.status != accepted

    @property
    def reopens(self) -> bool:
        """Whether the annotation is made a draft by it, and was accepted before."""
        draft, accepted = Annotation.Status.DRAFT, Annotation.Status.ACCEPTED
        return self.values.get("status") == draft and self.annotation.status == accepted

    @property
    def key(self) -> object:
        """Equal for plans that one UPDATE can write; a plan with a polygon is written by itself."""
        if self.values.get("polygons") is not None:
            return self.annotation.pk
        return self.version, tuple(self.values.items())


@dataclass(frozen=True, slots=True)
class _Context:
    """What all changes of a request share, read once."""

    item: Item
    user: User
    labels: Mapping[str, Label]
    originals: Mapping[int, Original]
    label_maps: Mapping[str, Mapping[str, str]]
    now: datetime


def plan_changes(
    item: Item, user: User, changes: Sequence[Change], annotations: Mapping[str, Annotation]
) -> list[Plan]:
    """A plan for each change, in order. Raises Refused, with the uid, at the first that makes no sense.

    A change of another version than the current one is planned without being judged, for its author must be
    shown the current annotation first.
    """
    missing = next((change.uid for change in changes if change.uid not in annotations), None)
    if missing is not None:
        raise Refused("uid", "There is no such annotation on this item.", missing)
    restored = [annotations[change.uid] for change in changes if change.status == Annotation.Status.DRAFT]
    edited = [annotation for annotation in restored if annotation.edited]
    labels, originals = labels_by_name(item.project_id), originals_of(item, edited)
    context = _Context(item, user, labels, originals, _label_maps(edited), timezone.now())
    return [_plan(context, change, annotations[change.uid]) for change in changes]


def check_kind(item: Item, kind: Annotation.Kind) -> None:
    """Raises Refused where the project takes no new annotations of that kind."""
    shapes = Project.Shapes(Project.objects.values_list("shapes", flat=True).get(pk=item.project_id))
    if not shapes.takes(kind):
        raise Refused("kind", f"This project takes {shapes.label.lower()}.")


def find_label(item: Item, name: str) -> Label:
    """The project's label of that name, without case. Raises Refused."""
    return _label(labels_by_name(item.project_id), name)


def placed(item: Item, box: Sequence[float] | None, polygons: Parts | None) -> Geometry:
    """The geometry, clipped to the item. Raises Refused with the name of the field."""
    try:
        if polygons is not None:
            return polygon_geometry(polygons, item.width, item.height)
        if box is not None:
            return box_geometry(box, item.width, item.height)
    except GeometryError as error:
        raise Refused("bbox_xyxy" if polygons is None else "polygons", str(error)) from error
    raise Refused("bbox_xyxy", "This field is required.")


def _plan(context: _Context, change: Change, annotation: Annotation) -> Plan:
    if change.version != annotation.version:
        return Plan(annotation, change.version, {})
    try:
        to_draft = change.status == Annotation.Status.DRAFT
        values = _back_to_draft(context, change, annotation) if to_draft else _verdict(context, change, annotation)
    except Refused as refusal:
        raise Refused(refusal.field, str(refusal), change.uid) from refusal
    # From now on it is this person's decision, which no undone bulk review takes back.
    return Plan(annotation, change.version, {**values, "bulk_review": None})


def _verdict(context: _Context, change: Change, annotation: Annotation) -> dict[str, Any]:
    edits = _edits(context, change, annotation)
    differs = any(getattr(annotation, column) != value for column, value in edits.items())
    # "Edited" tells apart what the model said from what a person made of it, so a person's own work never is.
    edited = annotation.edited or (differs and annotation.source == Annotation.Source.AUTO)
    return {
        **edits,
        "edited": edited,
        "status": change.status or Annotation.Status.ACCEPTED,
        "reviewed_by_id": context.user.pk,
        "reviewed_at": context.now,
    }


def _edits(context: _Context, change: Change, annotation: Annotation) -> dict[str, Any]:
    edits: dict[str, Any] = {}
    if change.label is not None:
        edits["label_id"] = _label(context.labels, change.label).pk
    if change.polygons is not None and annotation.kind == Annotation.Kind.BOX:
        raise Refused("polygons", "A box has no polygons.")
    if change.box is not None and annotation.kind == Annotation.Kind.POLYGON:
        raise Refused("bbox_xyxy", "The bounds of a polygon follow from its polygons: send those only.")
    if change.box is not None or change.polygons is not None:
        edits |= placed(context.item, change.box, change.polygons).columns()
    return edits


def _back_to_draft(context: _Context, change: Change, annotation: Annotation) -> dict[str, Any]:
    if annotation.source != Annotation.Source.AUTO:
        raise Refused("status", "Only what a model has made can be a draft.")
    if change.edits:
        raise Refused("status", "A draft is what the model said: it cannot be changed in the same request.")
    restored = _restored(context, annotation) if annotation.edited else {}
    untouched = {
        "status": Annotation.Status.DRAFT,
        "edited": False,
        "reviewed_by_id": None,
        "reviewed_at": None,
    }
    return restored | untouched


def _restored(context: _Context, annotation: Annotation) -> dict[str, Any]:
    original = context.originals.get(annotation.pk)
    if original is None:
        raise Refused("status", "The original no longer exists, so the edit cannot be taken back.")
    name = context.label_maps.get(annotation.job_uid, {}).get(fold(original.label), original.label)
    label = context.labels.get(fold(name))
    if label is None:
        raise Refused("status", f"The original's label {name!r} is no longer in the project.")
    # Where only boxes were taken, the model's outline came as its bounds.
    is_box = annotation.kind == Annotation.Kind.BOX
    geometry = Geometry(original.geometry.box) if is_box else original.geometry
    return {"label_id": label.pk, **geometry.columns()}


def _label_maps(annotations: Collection[Annotation]) -> dict[str, dict[str, str]]:
    """By job, to which label of the project it mapped a class of its model; the classes are folded."""
    from autolabel.models import Job

    if not annotations:
        return {}
    jobs = Job.objects.filter(uid__in={annotation.job_uid for annotation in annotations})
    return {
        uid: {fold(model_class): label for model_class, label in label_map.items()}
        for uid, label_map in jobs.values_list("uid", "label_map")
    }


def labels_by_name(project_id: int) -> dict[str, Label]:
    """The project's labels by their folded names."""
    return {fold(label.name): label for label in Label.objects.filter(project_id=project_id)}


def _label(labels: Mapping[str, Label], name: str) -> Label:
    try:
        return labels[fold(name)]
    except KeyError:
        raise Refused("label", f"The project has no label {name!r}.") from None
