"""What a model has said, kept as it was said."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from .job import Job

__all__ = ["Prediction"]


class Prediction(models.Model):
    """One shape found on one item, down to the model's floor score; immutable, and kept after review.

    `uid` is derived from job, item and ordinal (jobs.commit), so that working an item twice cannot name it twice; it
    has no index of its own, look it up within its job and item. Geometry: absolute pixels of the upright image.
    """

    class Fate(models.TextChoices):
        """What became of it when the job decided on drafts."""

        DRAFTED = "drafted"
        BELOW_THRESHOLD = "below_threshold"
        FILTERED_LABEL = "filtered_label"
        UNMAPPED_LABEL = "unmapped_label"
        LABELED_MEANWHILE = "labeled_meanwhile"
        EXISTING_DRAFT = "existing_draft"
        # It was a draft until somebody took back what the job had made.
        TAKEN_BACK = "taken_back"

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="predictions")
    item_uid = models.CharField(max_length=64)
    ordinal = models.PositiveSmallIntegerField(help_text="Place among the item's predictions, best score first.")
    uid = models.CharField(max_length=36)
    label = models.CharField(max_length=200, help_text="The class as the model names it.")
    score = models.FloatField()
    x_min = models.FloatField()
    y_min = models.FloatField()
    x_max = models.FloatField()
    y_max = models.FloatField()
    polygons = models.JSONField(null=True)
    source = models.CharField(max_length=64, blank=True, help_text="The box that it is the mask of; see Shape.source.")
    fate = models.CharField(max_length=20, choices=Fate)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                fields=["job", "item_uid", "ordinal"], name="autolabel_prediction_once_per_ordinal"
            ),
            models.CheckConstraint(condition=Q(score__gte=0, score__lte=1), name="autolabel_score_0_to_1"),
        ]

    def __str__(self) -> str:
        return f"{self.label} {self.score:.2f} on {self.item_uid}"
