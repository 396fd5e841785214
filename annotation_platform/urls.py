"""Every address of the platform."""

from django.contrib import admin
from django.urls import include, path
from django_rq.models import Dashboard
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

# The queue's own pages are open to all staff, whatever their permissions, and can empty it; /status/ shows the queues.
admin.site.unregister(Dashboard)

urlpatterns = [
    path("admin/", admin.site.urls),
    path("api/v1/", include("annotation_platform.api.urls")),
    path("api/v1/", include("autolabel.api.urls")),
    path("api/v1/schema/", SpectacularAPIView.as_view(), name="schema"),
    path(
        "api/v1/docs/", SpectacularSwaggerSplitView.as_view(url_name="schema", template_name="docs.html"), name="docs"
    ),
    path("", include("autolabel.health.urls")),
    path("", include("annotation_platform.pages.urls")),
]
