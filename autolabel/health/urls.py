"""Routes for monitors; include them at the root of the site."""

from __future__ import annotations

from django.urls import path

from . import views

app_name = "autolabel-health"

urlpatterns = [
    path("healthz", views.healthz, name="healthz"),
    path("readyz", views.readyz, name="readyz"),
    path("metrics", views.metrics, name="metrics"),
]
