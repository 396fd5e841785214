"""The jobs API around the jobs themselves: starting one, its items, the models."""

from __future__ import annotations

from django.db.models import QuerySet
from django.http import Http404
from django_filters.rest_framework import DjangoFilterBackend
from drf_spectacular.utils import OpenApiResponse, extend_schema, extend_schema_view
from rest_framework.generics import GenericAPIView, ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from autolabel.jobs.services import published_models, start_job
from autolabel.models import ItemResult

from .base import IDEMPOTENCY_KEY, ExplicitView, accepted, idempotency_key, visible_jobs
from .errors import translated
from .filters import ItemResultFilter
from .pagination import NewestFirst
from .permissions import actor_of, visible_project, well_formed
from .serializers import (
    ConflictSerializer,
    ItemResultSerializer,
    JobRequestSerializer,
    JobSerializer,
    ModelSerializer,
)

__all__ = ["AutoLabelView", "JobItemsView", "ModelsView"]


class AutoLabelView(ExplicitView, GenericAPIView):
    """Start an auto-label job on a project."""

    serializer_class = JobRequestSerializer
    pagination_class = None
    filter_backends = ()

    @extend_schema(
        operation_id="auto_label_project",
        request=JobRequestSerializer,
        parameters=[IDEMPOTENCY_KEY],
        responses={
            202: JobSerializer,
            400: OpenApiResponse(description="A field is wrong; the answer names it and what is allowed."),
            403: OpenApiResponse(description="You may see the project, but not run jobs on it, or not use this model."),
            404: OpenApiResponse(description="There is no such project, or you may not see it."),
            409: ConflictSerializer,
            422: OpenApiResponse(description="The Idempotency-Key was used for another request."),
            429: OpenApiResponse(description="You have as many active jobs as one user may have."),
        },
    )
    def post(self, request: Request, project_uid: str) -> Response:
        visible_project(request, project_uid, "run")
        key = idempotency_key(request)
        body = JobRequestSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        with translated():
            job = start_job(actor_of(request), project_uid, body.request(), key)
        return accepted(job, request)


@extend_schema_view(get=extend_schema(operation_id="auto_label_job_items"))
class JobItemsView(ExplicitView, ListAPIView):
    """One row for each item that the job has processed, newest first."""

    queryset = ItemResult.objects.none()
    serializer_class = ItemResultSerializer
    pagination_class = NewestFirst
    filter_backends = (DjangoFilterBackend,)
    filterset_class = ItemResultFilter

    def get_queryset(self) -> QuerySet[ItemResult]:
        job = visible_jobs(self.request).filter(uid=well_formed(self.kwargs["uid"])).first()
        if job is None:
            raise Http404
        return job.item_results.all()


class ModelsView(ExplicitView, GenericAPIView):
    serializer_class = ModelSerializer
    pagination_class = None
    filter_backends = ()

    @extend_schema(operation_id="auto_label_models", responses=ModelSerializer(many=True))
    def get(self, request: Request) -> Response:
        """The models of the registry, and whether a live worker can run them."""
        return Response([ModelSerializer(model).data for model in published_models(request.user)])
