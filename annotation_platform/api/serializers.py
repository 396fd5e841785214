"""What the API shows and takes; the shapes of it are written down in one place."""

from __future__ import annotations

from typing import Any

from django.urls import reverse
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from autolabel.api.fields import StrictCharField, StrictChoiceField, StrictIntegerField

from ..models import Annotation, Item, Label, Membership, Project
from ..projects import MAX_LABELS
from .fields import BoxField, PolygonsField

__all__ = [
    "AnnotationSerializer",
    "ItemSerializer",
    "LabelSerializer",
    "NewProjectSerializer",
    "ProjectDetailSerializer",
    "ProjectPatchSerializer",
    "ProjectSerializer",
]


class LabelSerializer(serializers.ModelSerializer[Label]):
    """A colour that is not given comes from a fixed palette."""

    name = StrictCharField(max_length=100)
    color = serializers.RegexField(r"^#[0-9a-fA-F]{6}$", required=False, max_length=7)

    class Meta:
        model = Label
        fields = ["name", "color", "order"]
        read_only_fields = ["order"]


@extend_schema_field({"oneOf": [{"type": "string"}, {"$ref": "#/components/schemas/Label"}]})
class LabelOrNameField(serializers.Field):
    """A label, or only its name."""

    def to_internal_value(self, data: Any) -> tuple[str, str | None]:
        label = LabelSerializer(data={"name": data} if isinstance(data, str) else data)
        label.is_valid(raise_exception=True)
        return label.validated_data["name"], label.validated_data.get("color")


class ProjectSerializer(serializers.ModelSerializer[Project]):
    """`role` is what the caller is in the project."""

    role = serializers.ChoiceField(choices=Membership.Role.choices, read_only=True)

    class Meta:
        model = Project
        fields = ["uid", "name", "status", "shapes", "role", "created_at", "updated_at"]
        read_only_fields = fields


class ItemCountsSerializer(serializers.Serializer[Any]):
    unlabeled = serializers.IntegerField()
    drafted = serializers.IntegerField()
    done = serializers.IntegerField()
    flagged = serializers.IntegerField()
    total = serializers.IntegerField()


class ProjectDetailSerializer(ProjectSerializer):
    labels = LabelSerializer(many=True, read_only=True)
    items = serializers.SerializerMethodField()

    class Meta(ProjectSerializer.Meta):
        fields = [*ProjectSerializer.Meta.fields, "labels", "items"]
        read_only_fields = fields

    @extend_schema_field(ItemCountsSerializer)
    def get_items(self, project: Project) -> dict[str, int]:
        return project.items.state_counts()


class NewProjectSerializer(serializers.Serializer[Any]):
    name = StrictCharField(max_length=200)
    labels = serializers.ListField(child=LabelOrNameField(), required=False, default=list, max_length=MAX_LABELS)
    shapes = StrictChoiceField(
        choices=Project.Shapes.choices, default=Project.Shapes.ANY, help_text="What people and models may draw."
    )


class ProjectPatchSerializer(serializers.ModelSerializer[Project]):
    name = StrictCharField(max_length=200, required=False)
    shapes = StrictChoiceField(
        choices=Project.Shapes.choices,
        required=False,
        help_text="What people and models may draw from now on; what is there stays.",
    )

    class Meta:
        model = Project
        fields = ["name", "status", "shapes"]


class ItemSerializer(serializers.ModelSerializer[Item]):
    """`width` and `height` are those of the upright image; the addresses are paths on this server."""

    project = serializers.CharField(source="project.uid", read_only=True)
    image_url = serializers.SerializerMethodField()
    preview_url = serializers.SerializerMethodField(help_text="The same as `image_url` where it needs no preview.")
    has_preview = serializers.SerializerMethodField()
    thumbnail_url = serializers.SerializerMethodField()
    auto_labeled_at = serializers.DateTimeField(
        read_only=True, allow_null=True, help_text="When a model last went over it, whether or not it found anything."
    )
    flagged_by = serializers.SerializerMethodField()
    finished_by = serializers.SerializerMethodField()
    drafts = serializers.IntegerField(source="draft_count", read_only=True)
    accepted = serializers.IntegerField(read_only=True)

    class Meta:
        model = Item
        fields = [
            "uid",
            "project",
            "name",
            "state",
            "width",
            "height",
            "image_url",
            "preview_url",
            "has_preview",
            "thumbnail_url",
            "drafts",
            "accepted",
            "auto_labeled_at",
            "flag_comment",
            "flagged_by",
            "flagged_at",
            "finished_by",
            "finished_at",
            "created_at",
            "updated_at",
        ]
        read_only_fields = fields

    def get_image_url(self, item: Item) -> str:
        return reverse("platform-api:item-image", args=[item.uid])

    def get_preview_url(self, item: Item) -> str:
        return reverse("platform-api:item-preview", args=[item.uid]) if item.preview else self.get_image_url(item)

    def get_has_preview(self, item: Item) -> bool:
        return bool(item.preview)

    def get_flagged_by(self, item: Item) -> str | None:
        return item.flagged_by.get_username() if item.flagged_by else None

    def get_finished_by(self, item: Item) -> str | None:
        return item.finished_by.get_username() if item.finished_by else None

    def get_thumbnail_url(self, item: Item) -> str:
        return reverse("platform-api:item-thumbnail", args=[item.uid])


class AnnotationSerializer(serializers.ModelSerializer[Annotation]):
    """Geometry is in pixels of the upright image; a polygon has `bbox_xyxy` as its bounds."""

    item = serializers.CharField(source="item.uid", read_only=True)
    label = serializers.CharField(source="label.name", read_only=True)
    bbox_xyxy = BoxField(read_only=True)
    polygons = PolygonsField(read_only=True, allow_null=True)
    job = serializers.SerializerMethodField()
    prediction_uid = serializers.SerializerMethodField()
    replaces = serializers.SerializerMethodField(
        help_text="The uid of the accepted box of which this is the mask: accepting this discards that one."
    )
    reviewed_by = serializers.SerializerMethodField()

    class Meta:
        model = Annotation
        fields = [
            "uid",
            "item",
            "label",
            "kind",
            "bbox_xyxy",
            "polygons",
            "status",
            "edited",
            "source",
            "score",
            "model_name",
            "model_version",
            "job",
            "prediction_uid",
            "replaces",
            "reviewed_by",
            "reviewed_at",
            "version",
            "created_at",
            "updated_at",
        ]
        read_only_fields = fields

    def get_job(self, annotation: Annotation) -> str | None:
        return annotation.job_uid or None

    def get_prediction_uid(self, annotation: Annotation) -> str | None:
        return annotation.prediction_uid or None

    def get_replaces(self, annotation: Annotation) -> str | None:
        return annotation.replaces or None

    def get_reviewed_by(self, annotation: Annotation) -> str | None:
        return annotation.reviewed_by.get_username() if annotation.reviewed_by else None


class NewAnnotationSerializer(serializers.Serializer[Any]):
    """A box takes `bbox_xyxy`, a polygon `polygons`; what lies outside the image is cut off."""

    label = StrictCharField(max_length=100)
    kind = StrictChoiceField(choices=Annotation.Kind.choices)
    bbox_xyxy = BoxField(required=False, allow_null=True)
    polygons = PolygonsField(required=False, allow_null=True)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        wanted, other = ("bbox_xyxy", "polygons") if attrs["kind"] == Annotation.Kind.BOX else ("polygons", "bbox_xyxy")
        if attrs.get(wanted) is None:
            raise serializers.ValidationError({wanted: f"A {attrs['kind']} needs this field."})
        if attrs.get(other) is not None:
            raise serializers.ValidationError({other: f"A {attrs['kind']} does not take this field."})
        return attrs


class AnnotationChangeSerializer(serializers.Serializer[Any]):
    """`version` is the one seen. A new label or geometry accepts; status "draft" takes that back."""

    version = StrictIntegerField(min_value=1, max_value=2**31 - 1)
    label = StrictCharField(max_length=100, required=False)
    bbox_xyxy = BoxField(required=False, allow_null=True)
    polygons = PolygonsField(required=False, allow_null=True)
    status = StrictChoiceField(choices=Annotation.Status.choices, required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if all(attrs.get(name) is None for name in ("label", "bbox_xyxy", "polygons", "status")):
            raise serializers.ValidationError("Send a label, a geometry or a status to change to.")
        return attrs


class AnnotationBulkChangeSerializer(AnnotationChangeSerializer):
    uid = StrictCharField(max_length=36)


class AnnotationBulkSerializer(serializers.Serializer[Any]):
    """All of these changes or none."""

    MAX_CHANGES = 1000

    changes = serializers.ListSerializer(
        child=AnnotationBulkChangeSerializer(), allow_empty=False, max_length=MAX_CHANGES
    )

    def validate_changes(self, changes: list[dict[str, Any]]) -> list[dict[str, Any]]:
        if len({change["uid"] for change in changes}) != len(changes):
            raise serializers.ValidationError("Each annotation can be changed only once in a request.")
        return changes


class VersionSerializer(serializers.Serializer[Any]):
    version = serializers.IntegerField(min_value=1, max_value=2**31 - 1)
