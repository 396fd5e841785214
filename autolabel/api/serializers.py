"""The JSON of the API. Requests are strict: a value of the wrong type is refused by name, never converted."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from autolabel.conf import conf
from autolabel.jobs.services import JobRequest
from autolabel.jobs.stalls import stalled_jobs
from autolabel.models import ItemResult, Job
from autolabel.webhooks.events import job_body

from .fields import (
    LabelMapField,
    ScoreField,
    StrictBooleanField,
    StrictCharField,
    StrictChoiceField,
    StrictIntegerField,
    StrictSerializer,
)

__all__ = [
    "ConflictSerializer",
    "DiscardRequestSerializer",
    "DiscardedSerializer",
    "ItemResultSerializer",
    "JobRequestSerializer",
    "JobSerializer",
    "ModelSerializer",
    "RestoreRequestSerializer",
    "RestoredSerializer",
]

_LARGEST = 2**31 - 1


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
    sample = StrictIntegerField(required=False, min_value=1, max_value=_LARGEST, help_text="Only a random sample.")
    seed = StrictIntegerField(
        required=False, min_value=-(2**63), max_value=2**63 - 1, help_text="Repeats a sample. Default 0."
    )
    existing_drafts = StrictChoiceField(
        choices=Job.ExistingDrafts.values,
        default=Job.ExistingDrafts.REPLACE.value,
        help_text="What becomes of untouched drafts of earlier jobs: replace them; keep them, and add only what none "
        "of them overlaps; or skip their items. What a person has reviewed is never touched.",
    )
    max_items = StrictIntegerField(
        required=False, min_value=1, max_value=_LARGEST, help_text="Take so many items at most. Default: all."
    )
    max_seconds = StrictIntegerField(
        required=False,
        min_value=1,
        max_value=_LARGEST,
        help_text="Fail when the job has not ended so long after its start, pauses not counted. Default: no limit.",
    )
    max_failed_pct = StrictIntegerField(
        required=False,
        min_value=1,
        max_value=100,
        help_text="Fail when a larger share of the processed items has failed. Default: go on.",
    )
    max_failed_min = StrictIntegerField(
        required=False,
        min_value=1,
        max_value=_LARGEST,
        help_text="Judge max_failed_pct only once so many items are processed. Default 20.",
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
        if "max_failed_min" in attrs and "max_failed_pct" not in attrs:
            raise serializers.ValidationError({"max_failed_min": ["It is of use with max_failed_pct only."]})
        return attrs

    def request(self) -> JobRequest:
        given: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in self.validated_data.items()
        }
        return JobRequest(**given)


class JobListSerializer(serializers.ListSerializer):
    def to_representation(self, data: Any) -> list[dict[str, Any]]:
        """Looks once, for all of them, why those that stand still do."""
        jobs: list[Job] = list(data)
        reasons = stalled_jobs(jobs)
        return [job_body(job, reasons.get(job.pk, "")) for job in jobs]


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
    retry_of = serializers.CharField(
        source="retry_of.uid",
        read_only=True,
        allow_null=True,
        help_text="The job whose failed items this one is about.",
    )
    processed_items = serializers.IntegerField(read_only=True)
    progress_pct = serializers.IntegerField(
        read_only=True, allow_null=True, min_value=0, max_value=100, help_text="null until the job is planned"
    )
    stalled = serializers.CharField(
        read_only=True, help_text="Why an active job makes no progress; empty while it does, and when it is paused."
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
            "existing_drafts",
            "max_items",
            "max_seconds",
            "max_failed_pct",
            "max_failed_min",
            "retry_of",
            "total_items",
            "processed_items",
            "successful_items",
            "failed_items",
            "skipped_items",
            "progress_pct",
            "stalled",
            "error_message",
            "summary",
            "drafts_discarded_at",
            "paused_at",
            "started_at",
            "completed_at",
            "created_at",
        )
        read_only_fields = fields
        list_serializer_class = JobListSerializer

    def to_representation(self, instance: Job) -> dict[str, Any]:
        return job_body(instance, stalled_jobs([instance]).get(instance.pk, ""))


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


class DiscardRequestSerializer(StrictSerializer):
    dry_run = StrictBooleanField(default=False, help_text="Count what would be taken back, and take back nothing.")


class DiscardedSerializer(serializers.Serializer[dict[str, Any]]):
    drafts = serializers.IntegerField(help_text="Drafts that were, or with dry_run would be, taken back.")
    kept = serializers.IntegerField(help_text="What the job has made and people have touched: that stays.")
    remaining = serializers.IntegerField(help_text="Drafts still to be taken back: send the request again.")


class RestoreRequestSerializer(StrictSerializer):
    after = StrictCharField(
        default="", allow_blank=True, max_length=64, help_text="Where the request before has stopped; see the answer."
    )


class RestoredSerializer(serializers.Serializer[dict[str, Any]]):
    restored = serializers.IntegerField(help_text="Drafts that are back.")
    left_out = serializers.IntegerField(
        help_text="Drafts that stay away: their item is finished, flagged, gone or has drafts of another job, or their "
        "label is gone."
    )
    remaining = serializers.IntegerField(help_text="Drafts still to be brought back: send the request again.")
    after = serializers.CharField(help_text="For the next request; empty when nothing remains.")
