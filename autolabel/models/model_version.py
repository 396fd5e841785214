"""Weights registered without a redeploy, and which of them is the default."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q

__all__ = ["ModelDefault", "ModelVersion"]


class ModelVersion(models.Model):
    """One set of weights of a model. Immutable: what a job has recorded must stay what it was.

    `base` names the entry of AUTOLABEL["MODELS"] whose predictor and options run these weights, so that no row can
    name code. `weights` is an absolute path on the workers, or `storage:KEY` for a file of the default storage.
    """

    model_type = models.CharField(max_length=64)
    version = models.CharField(max_length=64)
    base = models.CharField(max_length=64)
    title = models.CharField(max_length=100, blank=True)
    weights = models.CharField(max_length=1024)
    sha256 = models.CharField(max_length=64)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["model_type", "version"], name="autolabel_model_version_once"),
            models.CheckConstraint(
                condition=~Q(version="") & Q(sha256__regex=r"^[0-9a-f]{64}$"), name="autolabel_model_version_complete"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.model_type} {self.version}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise TypeError("A registered version cannot be changed; add another one.")
        super().save(*args, **kwargs)


class ModelDefault(models.Model):
    """Which registered version new jobs of a model use. Without a row, or without a version: the settings' weights."""

    model_type = models.CharField(max_length=64, unique=True)
    version = models.ForeignKey(ModelVersion, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    changed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    changed_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return f"default of {self.model_type}"
