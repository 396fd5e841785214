"""Projects, labels, items, annotations and API keys.

Geometry is in absolute pixels of the EXIF-upright image: origin at the top left, x to the right, y down.
"""

from __future__ import annotations

import uuid

from django.conf import settings
from django.core.validators import MinValueValidator, RegexValidator
from django.db import models
from django.db.models import F, Q

from .querysets import AnnotationQuerySet, ItemQuerySet, ProjectQuerySet


def new_uid() -> str:
    """A random uid in the one spelling the API uses: a lowercase UUID."""
    return str(uuid.uuid4())


def uid_field() -> models.CharField:
    return models.CharField(max_length=36, unique=True, default=new_uid, editable=False)


def item_image_path(item: Item, filename: str) -> str:
    """Where the original goes. The name is ours; only the extension of the detected format is kept."""
    return f"items/{item.project.uid}/{item.uid}{filename[filename.rindex('.') :]}"


def item_display_path(item: Item, filename: str) -> str:
    return f"items/{item.project.uid}/{item.uid}.display{filename[filename.rindex('.') :]}"


def item_thumbnail_path(item: Item, filename: str) -> str:
    return f"items/{item.project.uid}/{item.uid}.thumb.jpg"


class Project(models.Model):
    """A set of images, the labels they take and the people who work on them."""

    class Status(models.TextChoices):
        ACTIVE = "active"
        ARCHIVED = "archived"

    uid = uid_field()
    name = models.CharField(max_length=200)
    status = models.CharField(max_length=10, choices=Status, default=Status.ACTIVE)
    members = models.ManyToManyField(settings.AUTH_USER_MODEL, through="Membership", related_name="projects")
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = ProjectQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(condition=~Q(name=""), name="project_has_a_name"),
            models.CheckConstraint(condition=Q(status__in=["active", "archived"]), name="project_status_known"),
        ]

    def __str__(self) -> str:
        return self.name


class Membership(models.Model):
    """What a person may do in a project; each role includes the ones before it."""

    class Role(models.TextChoices):
        VIEWER = "viewer"  # sees everything
        ANNOTATOR = "annotator"  # reviews and draws
        MANAGER = "manager"  # uploads, runs models, edits the project

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=10, choices=Role, default=Role.ANNOTATOR)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "user"], name="one_membership_per_person"),
            models.CheckConstraint(
                condition=Q(role__in=["viewer", "annotator", "manager"]), name="membership_role_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user} is {self.role} of {self.project}"


class Label(models.Model):
    """A class that a person can give to a shape."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="labels")
    name = models.CharField(max_length=100)
    color = models.CharField(
        max_length=7, validators=[RegexValidator(r"^#[0-9a-fA-F]{6}$", "A colour is written #rrggbb.")]
    )
    order = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering = ["order", "id"]
        constraints = [
            # Without case, because model classes are matched to labels without case.
            models.UniqueConstraint(
                "project",
                models.functions.Lower("name"),
                name="label_name_unique_in_project",
                violation_error_message="This project already has a label of that name.",
            ),
            models.CheckConstraint(condition=~Q(name=""), name="label_has_a_name"),
        ]

    def __str__(self) -> str:
        return self.name


class Item(models.Model):
    """One image to annotate. Width and height are those of the upright image."""

    class State(models.TextChoices):
        UNLABELED = "unlabeled"  # nothing on it
        DRAFTED = "drafted"  # drafts or unfinished work on it
        DONE = "done"  # a person finished it, with annotations or with none
        FLAGGED = "flagged"  # a person is unsure about it

    uid = uid_field()
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="items")
    name = models.CharField(max_length=255)
    image = models.FileField(upload_to=item_image_path, max_length=255)
    # An upright copy that browsers can show, made only where the original is rotated or in another format.
    display = models.FileField(upload_to=item_display_path, max_length=255, blank=True)
    thumbnail = models.FileField(upload_to=item_thumbnail_path, max_length=255, blank=True)
    width = models.PositiveIntegerField(validators=[MinValueValidator(1)])
    height = models.PositiveIntegerField(validators=[MinValueValidator(1)])
    state = models.CharField(max_length=10, choices=State, default=State.UNLABELED)
    finished_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    finished_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = ItemQuerySet.as_manager()

    class Meta:
        ordering = ["id"]
        indexes = [
            models.Index(fields=["project", "state", "id"], name="item_by_project_state"),
            # The order in which a job plans: a key that stays comparable when the item it names is deleted.
            models.Index(fields=["project", "uid"], name="item_by_project_uid"),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(width__gte=1, height__gte=1), name="item_has_pixels"),
            models.CheckConstraint(
                condition=Q(state__in=["unlabeled", "drafted", "done", "flagged"]), name="item_state_known"
            ),
            models.CheckConstraint(
                condition=Q(state="done", finished_at__isnull=False) | (~Q(state="done") & Q(finished_at=None)),
                name="item_done_has_a_time",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Annotation(models.Model):
    """A labeled box or polygon on an item; a draft until a person decides on it.

    A box is `x_min, y_min, x_max, y_max`. A polygon has these as its bounds, and `polygons`: a list of parts,
    each a list of rings (the first the exterior, the others holes), each a list of at least three [x, y].
    """

    class Kind(models.TextChoices):
        BOX = "box"
        POLYGON = "polygon"

    class Status(models.TextChoices):
        DRAFT = "draft"
        ACCEPTED = "accepted"
        DISCARDED = "discarded"

    class Source(models.TextChoices):
        MANUAL = "manual"
        AUTO = "auto"

    uid = uid_field()
    item = models.ForeignKey(Item, on_delete=models.CASCADE, related_name="annotations")
    # RESTRICT: a label in use cannot go alone, but may go together with its whole project.
    label = models.ForeignKey(Label, on_delete=models.RESTRICT, related_name="annotations")
    kind = models.CharField(max_length=10, choices=Kind)
    x_min = models.FloatField()
    y_min = models.FloatField()
    x_max = models.FloatField()
    y_max = models.FloatField()
    polygons = models.JSONField(null=True, blank=True)
    status = models.CharField(max_length=10, choices=Status)
    edited = models.BooleanField(default=False)
    source = models.CharField(max_length=10, choices=Source)
    score = models.FloatField(null=True, blank=True)
    model_name = models.CharField(max_length=100, blank=True)
    model_version = models.CharField(max_length=100, blank=True)
    job_uid = models.CharField(max_length=36, blank=True)
    prediction_uid = models.CharField(max_length=36, blank=True)
    reviewed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    reviewed_at = models.DateTimeField(null=True, blank=True)
    # Counts every change; a client that edits an older version is told so instead of overwriting.
    version = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = AnnotationQuerySet.as_manager()

    class Meta:
        ordering = ["id"]
        indexes = [
            models.Index(fields=["item", "status"], name="annotation_by_item_status"),
            models.Index(fields=["job_uid", "status"], name="annotation_by_job_status"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["item", "prediction_uid"],
                condition=~Q(prediction_uid=""),
                name="annotation_once_per_prediction",
            ),
            models.CheckConstraint(
                condition=Q(x_min__gte=0, y_min__gte=0, x_max__gt=F("x_min"), y_max__gt=F("y_min")),
                name="annotation_has_an_area",
            ),
            models.CheckConstraint(
                condition=Q(kind="box", polygons__isnull=True) | Q(kind="polygon", polygons__isnull=False),
                name="annotation_kind_fits_geometry",
            ),
            models.CheckConstraint(
                condition=Q(source="manual", score=None, job_uid="", prediction_uid="")
                | (
                    Q(source="auto", score__isnull=False, score__gte=0, score__lte=1)
                    & ~Q(job_uid="")
                    & ~Q(prediction_uid="")
                ),
                name="annotation_source_fits_origin",
            ),
            models.CheckConstraint(
                condition=Q(status="draft", source="auto", edited=False, reviewed_at=None)
                | Q(status__in=["accepted", "discarded"], reviewed_at__isnull=False),
                name="annotation_draft_is_untouched",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.status} {self.kind} {self.uid}"

    @property
    def bbox_xyxy(self) -> tuple[float, float, float, float]:
        return self.x_min, self.y_min, self.x_max, self.y_max


class ApiKey(models.Model):
    """A program's credential. Only its hash is stored; the key itself is shown once, when it is made."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="api_keys")
    name = models.CharField(max_length=100, help_text="What the key is for, so that you know it later.")
    prefix = models.CharField(max_length=12, editable=False)
    key_hash = models.CharField(max_length=64, unique=True, editable=False)
    is_active = models.BooleanField(default=True, help_text="Clear to revoke the key.")
    created_at = models.DateTimeField(auto_now_add=True)
    last_used_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        ordering = ["-id"]
        verbose_name = "API key"

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"
