"""Routes of the jobs API; include them below `api/v1/`."""

from __future__ import annotations

from django.urls import include, path
from rest_framework.routers import SimpleRouter

from . import views, views_jobs, views_webhooks

app_name = "autolabel"

router = SimpleRouter()
router.register("auto-label-jobs", views_jobs.JobViewSet, basename="job")
router.register("webhooks", views_webhooks.WebhookViewSet, basename="webhook")
router.register("webhook-deliveries", views_webhooks.DeliveryViewSet, basename="webhook-delivery")

urlpatterns = [
    path("projects/<str:project_uid>/auto-label/", views.AutoLabelView.as_view(), name="auto-label"),
    path("auto-label-models/", views.ModelsView.as_view(), name="models"),
    path("auto-label-jobs/<str:uid>/items/", views.JobItemsView.as_view(), name="job-items"),
    path("", include(router.urls)),
]
