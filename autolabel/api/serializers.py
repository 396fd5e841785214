"""The JSON of the API. Requests are strict: a value of the wrong type is refused by name, never converted."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from autolabel.conf import conf
from autolabel.jobs.services import JobRequest
from autolabel.models import ItemResult, Job
from autolabel.webhooks.events import job_body

from .fields import (
    LabelMapField,
    ScoreField,
    StrictBooleanField,
    StrictCharField,
    StrictIntegerField,
    StrictSerializer,
)

__all__ = [
    "ConflictSerializer",
    "ItemResultSerializer",
    "JobRequestSerializer",
    "JobSerializer",
    "ModelSerializer",
]


class JobRequestSerializer(StrictSerializer):
    """What to run, on what. Every field may be left out."""

    model_type = StrictCharField(default="yolo", max_length=64, help_text="A model of the registry.")
    confidence_threshold = ScoreField(default=0.5, help_text="Predictions at or above this score become drafts.")
    labels = serializers.ListField(
        child=StrictCharField(max_length=200),
        default=list,
        max_length=1000,
        help_text="Labels of the project to draft; an empty list means all.",
    )
    dry_run = StrictBooleanField(default=False, help_text="Count what would become drafts, and write none.")
    thresholds = LabelMapField(
        child=ScoreField(),
        default=dict,
        help_text="Labels of the project with a threshold of their own, in the place of confidence_threshold.",
    )
    label_map = LabelMapField(
        child=StrictCharField(max_length=200),
        default=dict,
        help_text="Classes of the model, or words for it to look for, to labels of the project.",
    )
    boxes_to_masks = StrictBooleanField(
        default=False,
        help_text="Instead of finding objects, make masks of accepted boxes, on finished items too.",
    )
    item_uids = serializers.ListField(
        child=StrictCharField(max_length=64),
        required=False,
        help_text="Only these items, as far as they wait for such a job.",
    )
    sample = StrictIntegerField(required=False, min_value=1, max_value=2**31 - 1, help_text="Only a random sample.")
    seed = StrictIntegerField(
        required=False, min_value=-(2**63), max_value=2**63 - 1, help_text="Repeats a sample. Default 0."
    )

    def validate_item_uids(self, item_uids: list[str]) -> list[str]:
        if len(item_uids) > conf().max_item_uids:
            raise serializers.ValidationError(f"At most {conf().max_item_uids:,} items; leave it out to take all.")
        if not item_uids:
            raise serializers.ValidationError("Name at least one item, or leave it out to take all.")
        return item_uids

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if "item_uids" in attrs and "sample" in attrs:
            raise serializers.ValidationError({"sample": ["Give either item_uids or sample, not both."]})
        if "seed" in attrs and "sample" not in attrs:
            raise serializers.ValidationError({"seed": ["A seed is of use with sample only."]})
        return attrs

    def request(self) -> JobRequest:
        given: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in self.validated_data.items()
        }
        return JobRequest(**given)


class JobSerializer(serializers.ModelSerializer[Job]):
    """A job. The fields here describe `webhooks.events.job_body`, which is what is sent."""

    project = serializers.CharField(source="project_uid", read_only=True)
    labels = serializers.ListField(child=serializers.CharField(), read_only=True)
    thresholds = serializers.DictField(
        child=serializers.FloatField(), read_only=True, help_text="Labels with a threshold of their own."
    )
    label_map = serializers.DictField(
        child=serializers.CharField(), read_only=True, help_text="Classes of the model to labels of the project."
    )
    boxes_to_masks = serializers.BooleanField(
        read_only=True, help_text="Whether it makes masks of accepted boxes, instead of finding objects."
    )
    model_version = serializers.CharField(
        read_only=True, help_text="The registered version; empty for the weights that the settings name."
    )
    processed_items = serializers.IntegerField(read_only=True)
    progress_pct = serializers.IntegerField(
        read_only=True, allow_null=True, min_value=0, max_value=100, help_text="null until the job is planned"
    )
    summary = serializers.DictField(
        read_only=True, allow_null=True, help_text="Counts, model and speed, once the job has ended."
    )

    class Meta:
        model = Job
        fields = (
            "uid",
            "project",
            "status",
            "model_type",
            "model_version",
            "confidence_threshold",
            "thresholds",
            "labels",
            "label_map",
            "boxes_to_masks",
            "dry_run",
            "total_items",
            "processed_items",
            "successful_items",
            "failed_items",
            "skipped_items",
            "progress_pct",
            "error_message",
            "summary",
            "started_at",
            "completed_at",
            "created_at",
        )
        read_only_fields = fields

    def to_representation(self, instance: Job) -> dict[str, Any]:
        return job_body(instance)


class ItemResultSerializer(serializers.ModelSerializer[ItemResult]):
    item = serializers.CharField(source="item_uid", read_only=True)
    # Blank where the item was successful, which a read-only field made from the model would not tell the schema.
    reason = serializers.ChoiceField(choices=ItemResult.Reason.choices, allow_blank=True, read_only=True)

    class Meta:
        model = ItemResult
        fields = ("item", "outcome", "reason", "message", "predictions", "drafts", "created_at")
        read_only_fields = fields


class ModelSerializer(serializers.Serializer[dict[str, Any]]):
    """A model of the registry, with what live workers have published about it."""

    model_type = serializers.CharField()
    title = serializers.CharField()
    default_version = serializers.CharField(
        help_text="The registered version that new jobs use; empty for the weights that the settings name."
    )
    ready = serializers.BooleanField(help_text="Whether a live worker can run it now.")
    allowed = serializers.BooleanField(help_text="Whether you may use it.")
    startable = serializers.BooleanField(
        help_text="Whether a job would be taken: you may use it, and it runs or waits for a worker."
    )
    reason = serializers.CharField(help_text="Why it is not ready, or not for you; empty when it is.")
    name = serializers.CharField()
    version = serializers.CharField(help_text="The version of the weights that a worker has loaded.")
    labels = serializers.ListField(
        child=serializers.CharField(),
        allow_null=True,
        help_text="Its classes; null when unknown or any word will do.",
    )
    output_kinds = serializers.ListField(child=serializers.ChoiceField(choices=["box", "polygon"]))
    takes_boxes = serializers.BooleanField(help_text="Whether it can make masks of boxes: see boxes_to_masks.")
    device = serializers.CharField()
    engine = serializers.CharField(help_text="What computes: pytorch, openvino, onnxruntime or the model's own.")
    notes = serializers.ListField(
        child=serializers.CharField(),
        help_text="What to know of how it was loaded: an engine that was refused, and why.",
    )
    workers = serializers.IntegerField(help_text="How many live workers serve it.")


class ConflictSerializer(serializers.Serializer[dict[str, Any]]):
    detail = serializers.CharField()
    job = serializers.CharField(help_text="The uid of the active job.")
