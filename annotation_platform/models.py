"""Projects, labels, items, annotations, bulk reviews, reopenings and API keys.

Geometry is in absolute pixels of the EXIF-upright image: origin at the top left, x to the right, y down.
"""

from __future__ import annotations

import uuid

from django.conf import settings
from django.core.validators import MinValueValidator, RegexValidator
from django.db import models
from django.db.models import Case, F, Q, Value, When

from .querysets import AnnotationQuerySet, ApiKeyQuerySet, BulkReviewQuerySet, ItemQuerySet, ProjectQuerySet

_QUEUED = Q(queue__isnull=False)


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


def item_preview_path(item: Item, filename: str) -> str:
    return f"items/{item.project.uid}/{item.uid}.preview.jpg"


def item_thumbnail_path(item: Item, filename: str) -> str:
    return f"items/{item.project.uid}/{item.uid}.thumb.jpg"


class Project(models.Model):
    """A set of images, the labels they take and the people who work on them."""

    class Status(models.TextChoices):
        ACTIVE = "active"
        ARCHIVED = "archived"

    class Shapes(models.TextChoices):
        """What people and models may draw."""

        ANY = "any", "Boxes and polygons"
        BOXES = "boxes", "Boxes only"
        POLYGONS = "polygons", "Polygons only"

        def takes(self, kind: str) -> bool:
            """Whether annotations of that kind ("box", "polygon") can be drawn."""
            return kind != {self.BOXES: "polygon", self.POLYGONS: "box"}.get(self)

    uid = uid_field()
    name = models.CharField(max_length=200)
    status = models.CharField(max_length=10, choices=Status, default=Status.ACTIVE)
    shapes = models.CharField(max_length=10, choices=Shapes, default=Shapes.ANY)
    members = models.ManyToManyField(settings.AUTH_USER_MODEL, through="Membership", related_name="projects")
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = ProjectQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(condition=~Q(name=""), name="project_has_a_name"),
            models.CheckConstraint(condition=Q(status__in=["active", "archived"]), name="project_status_known"),
            models.CheckConstraint(condition=Q(shapes__in=["any", "boxes", "polygons"]), name="project_shapes_known"),
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


class BulkReview(models.Model):
    """One verdict on many drafts at once, kept so that it can be taken back as a whole.

    `labels` are the names it was limited to (none: all), the scores are both inclusive. The counts are those of
    the moment in which it was done; what is still as it left it names it in `bulk_review` and `finished_in`.
    """

    class Verdict(models.TextChoices):
        ACCEPTED = "accepted"
        DISCARDED = "discarded"

    uid = uid_field()
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="bulk_reviews")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    verdict = models.CharField(max_length=10, choices=Verdict)
    labels = models.JSONField(default=list, blank=True)
    min_score = models.FloatField(default=0)
    max_score = models.FloatField(default=1)
    drafts = models.PositiveIntegerField(default=0, help_text="How many drafts it decided.")
    items = models.PositiveIntegerField(default=0, help_text="On how many items these lay.")
    finished = models.PositiveIntegerField(default=0, help_text="How many items it finished.")
    created_at = models.DateTimeField(auto_now_add=True)
    undone_at = models.DateTimeField(null=True, blank=True)

    objects = BulkReviewQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(verdict__in=["accepted", "discarded"]), name="bulk_review_verdict_known"
            ),
            models.CheckConstraint(
                condition=Q(min_score__gte=0, max_score__lte=1, min_score__lte=F("max_score")),
                name="bulk_review_scores_in_order",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.verdict} {self.drafts} drafts"


class Item(models.Model):
    """One image to annotate. Width and height are those of the upright image."""

    class State(models.TextChoices):
        UNLABELED = "unlabeled"  # nothing on it
        DRAFTED = "drafted"  # drafts or unfinished work on it
        DONE = "done"  # a person finished it, with annotations or with none
        FLAGGED = "flagged"  # a person is unsure about it

    class Queue(models.IntegerChoices):
        """When the review queue gives an item out; one that is done or flagged is not in it."""

        WAITING = 1  # with drafts or unfinished work, or a model went over it and found nothing
        UNSEEN = 2  # no model went over it: only where nothing waits

    uid = uid_field()
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="items")
    name = models.CharField(max_length=255)
    image = models.FileField(upload_to=item_image_path, max_length=255)
    # An upright copy that browsers can show, made only where the original is rotated or in another format.
    display = models.FileField(upload_to=item_display_path, max_length=255, blank=True)
    # A smaller copy to look at while the large image loads, made only where that one is large.
    preview = models.FileField(upload_to=item_preview_path, max_length=255, blank=True)
    thumbnail = models.FileField(upload_to=item_thumbnail_path, max_length=255, blank=True)
    width = models.PositiveIntegerField(validators=[MinValueValidator(1)])
    height = models.PositiveIntegerField(validators=[MinValueValidator(1)])
    state = models.CharField(max_length=10, choices=State, default=State.UNLABELED)
    # Both follow from the annotations, kept here so that a queue can be ordered; review.refresh_states writes them.
    draft_count = models.PositiveIntegerField(default=0, editable=False)
    lowest_score = models.FloatField(null=True, editable=False)
    # When a model last went over it, whether or not it found anything.
    auto_labeled_at = models.DateTimeField(null=True, editable=False)
    # Computed by the database, so that an index can hold the queue.
    queue = models.GeneratedField(
        expression=Case(
            When(state="drafted", then=Value(Queue.WAITING)),
            When(state="unlabeled", auto_labeled_at__isnull=False, then=Value(Queue.WAITING)),
            When(state="unlabeled", then=Value(Queue.UNSEEN)),
        ),
        output_field=models.PositiveSmallIntegerField(null=True, choices=Queue),
        db_persist=True,
    )
    finished_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    finished_at = models.DateTimeField(null=True, blank=True)
    # The bulk review that finished it, as long as it is finished by that.
    finished_in = models.ForeignKey(
        BulkReview,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="finished_items",
        db_index=False,
    )
    flag_comment = models.CharField(max_length=500, blank=True)
    flagged_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    flagged_at = models.DateTimeField(null=True, blank=True)
    # Who works on it at the moment, as told by the review queue; it ends by itself.
    assigned_to = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+", db_index=False
    )
    assigned_until = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = ItemQuerySet.as_manager()

    class Meta:
        ordering = ["id"]
        indexes = [
            models.Index(fields=["project", "state", "id"], name="item_by_project_state"),
            # The order in which a job plans: a key that stays comparable when the item it names is deleted.
            models.Index(fields=["project", "uid"], name="item_by_project_uid"),
            # The review queue in its three orders.
            models.Index(
                fields=["project", "queue", "lowest_score", "id"], name="item_queue_by_score", condition=_QUEUED
            ),
            models.Index(fields=["project", "queue", "uid"], name="item_queue_at_random", condition=_QUEUED),
            models.Index(fields=["project", "queue", "id"], name="item_queue_by_upload", condition=_QUEUED),
            models.Index(
                fields=["assigned_to", "project"], name="item_by_assignment", condition=Q(assigned_to__isnull=False)
            ),
            models.Index(fields=["finished_in"], name="item_by_bulk_review", condition=Q(finished_in__isnull=False)),
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
            models.CheckConstraint(
                condition=Q(draft_count=0, lowest_score=None) | Q(draft_count__gt=0, lowest_score__isnull=False),
                name="item_drafts_have_a_score",
            ),
            models.CheckConstraint(
                condition=Q(state="flagged") | Q(flag_comment="", flagged_by=None, flagged_at=None),
                name="item_comment_needs_a_flag",
            ),
            models.CheckConstraint(condition=Q(state="done") | Q(finished_in=None), name="item_finished_in_needs_done"),
            models.CheckConstraint(
                condition=Q(assigned_to=None) | Q(assigned_until__isnull=False), name="item_assignment_ends"
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
    # The uid of the accepted box of which this is the mask: accepting this one discards that one.
    replaces = models.CharField(max_length=36, blank=True)
    reviewed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    reviewed_at = models.DateTimeField(null=True, blank=True)
    # The bulk review that decided it, as long as nobody has changed it since.
    bulk_review = models.ForeignKey(
        BulkReview,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="annotations",
        db_index=False,
    )
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
            models.Index(
                fields=["bulk_review", "item"],
                name="annotation_by_bulk_review",
                condition=Q(bulk_review__isnull=False),
            ),
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
            models.CheckConstraint(
                condition=Q(bulk_review=None) | ~Q(status="draft"), name="annotation_in_bulk_review_is_decided"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.status} {self.kind} {self.uid}"

    @property
    def bbox_xyxy(self) -> tuple[float, float, float, float]:
        return self.x_min, self.y_min, self.x_max, self.y_max


class Reopening(models.Model):
    """Who had finished an item that a job has opened again with masks, for when these are taken back."""

    item = models.OneToOneField(Item, on_delete=models.CASCADE, related_name="reopening")
    job_uid = models.CharField(max_length=36)
    finished_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    finished_at = models.DateTimeField()
    left_at = models.DateTimeField(help_text="The item's updated_at, as long as nobody has touched it since.")

    def __str__(self) -> str:
        return f"{self.item_id} by {self.job_uid}"


class ApiKey(models.Model):
    """A program's credential. Only its hash is stored; the key itself is shown once, when it is made.

    It may do what its user may do, as far as its scope goes; each scope includes the ones before it.
    """

    class Scope(models.TextChoices):
        READ = "read", "Read: look at everything"
        RUN = "run", "Run: also start and stop jobs, and review"
        MANAGE = "manage", "Manage: everything that you may do"

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="api_keys")
    name = models.CharField(max_length=100, help_text="What the key is for, so that you know it later.")
    prefix = models.CharField(max_length=12, editable=False)
    key_hash = models.CharField(max_length=64, unique=True, editable=False)
    scope = models.CharField(max_length=10, choices=Scope, default=Scope.MANAGE)
    is_active = models.BooleanField(default=True, help_text="Clear to revoke the key.")
    expires_at = models.DateTimeField(null=True, blank=True, help_text="Blank: never.")
    created_at = models.DateTimeField(auto_now_add=True)
    last_used_at = models.DateTimeField(null=True, editable=False)

    objects = ApiKeyQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        verbose_name = "API key"
        constraints = [
            models.CheckConstraint(condition=Q(scope__in=["read", "run", "manage"]), name="api_key_scope_known")
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"
