"""The jobs API. What DRF lets a host set by default, and what would change our answers, is set here; authentication is
the host's."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.http import Http404
from django_filters.rest_framework import DjangoFilterBackend
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema, extend_schema_view
from rest_framework import status
from rest_framework.exceptions import PermissionDenied, ValidationError
from rest_framework.generics import GenericAPIView, ListAPIView
from rest_framework.mixins import ListModelMixin, RetrieveModelMixin
from rest_framework.permissions import IsAuthenticated
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse
from rest_framework.views import APIView
from rest_framework.viewsets import GenericViewSet

from autolabel.exceptions import JobConflict, JobInvalid, JobNotActive, KeyReused, NotAllowed
from autolabel.hosts.loader import get_host
from autolabel.jobs.services import cancel_job, published_models, start_job
from autolabel.models import ItemResult, Job

from .filters import ItemResultFilter, JobFilter
from .pagination import NewestFirst
from .parsers import BoundedJSONParser
from .permissions import actor_of, visible_project, well_formed
from .serializers import (
    ConflictSerializer,
    ItemResultSerializer,
    JobRequestSerializer,
    JobSerializer,
    ModelSerializer,
)

__all__ = ["AutoLabelView", "JobItemsView", "JobViewSet", "ModelsView"]

_KEY_LENGTH = 255


class _Explicit(APIView):
    permission_classes = (IsAuthenticated,)
    parser_classes = (BoundedJSONParser,)
    renderer_classes = (JSONRenderer,)
    throttle_classes = ()


def visible_jobs(request: Request) -> QuerySet[Job]:
    return Job.objects.filter(project_uid__in=get_host().visible_project_uids(request.user))


class AutoLabelView(_Explicit, GenericAPIView):
    """Start an auto-label job on a project."""

    serializer_class = JobRequestSerializer
    pagination_class = None
    filter_backends = ()

    @extend_schema(
        operation_id="auto_label_project",
        request=JobRequestSerializer,
        parameters=[
            OpenApiParameter(
                "Idempotency-Key",
                str,
                OpenApiParameter.HEADER,
                description="Repeating a request with the same key answers with the job that the first one made.",
            )
        ],
        responses={
            202: JobSerializer,
            400: OpenApiResponse(description="A field is wrong; the answer names it and what is allowed."),
            403: OpenApiResponse(description="You may see the project, but not run jobs on it, or not use this model."),
            404: OpenApiResponse(description="There is no such project, or you may not see it."),
            409: ConflictSerializer,
            422: OpenApiResponse(description="The Idempotency-Key was used for another request."),
        },
    )
    def post(self, request: Request, project_uid: str) -> Response:
        visible_project(request, project_uid, "run")
        key = request.headers.get("Idempotency-Key")
        if key is not None and not 1 <= len(key) <= _KEY_LENGTH:
            raise ValidationError({"Idempotency-Key": [f"Must have 1 to {_KEY_LENGTH} characters."]})
        body = JobRequestSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        try:
            job = start_job(actor_of(request), project_uid, body.request(), key)
        except LookupError:
            raise Http404 from None
        except NotAllowed as error:
            raise PermissionDenied(str(error)) from None
        except JobInvalid as error:
            raise ValidationError({error.field: [str(error)]}) from None
        except KeyReused as error:
            return Response({"detail": str(error)}, status.HTTP_422_UNPROCESSABLE_ENTITY)
        except JobConflict as error:
            return Response({"detail": str(error), "job": error.active_uid}, status.HTTP_409_CONFLICT)
        location = reverse("autolabel:job-detail", args=[job.uid], request=request)
        return Response(JobSerializer(job).data, status.HTTP_202_ACCEPTED, headers={"Location": location})


class JobViewSet(ListModelMixin, RetrieveModelMixin, _Explicit, GenericViewSet):
    """Auto-label jobs of the projects that you may see, newest first."""

    queryset = Job.objects.none()
    serializer_class = JobSerializer
    pagination_class = NewestFirst
    filter_backends = (DjangoFilterBackend,)
    filterset_class = JobFilter
    lookup_field = "uid"
    lookup_value_regex = "[^/]+"

    def get_queryset(self) -> QuerySet[Job]:
        return visible_jobs(self.request)

    def get_object(self) -> Any:
        well_formed(self.kwargs["uid"])
        return super().get_object()

    @extend_schema(
        operation_id="auto_label_job_cancel",
        responses={204: None, 409: OpenApiResponse(description="The job has already ended.")},
    )
    def destroy(self, request: Request, uid: str) -> Response:
        """Cancel an active job. Drafts that it has made stay."""
        try:
            cancel_job(actor_of(request), self.get_object())
        except LookupError:
            raise Http404 from None
        except NotAllowed as error:
            raise PermissionDenied(str(error)) from None
        except JobNotActive as error:
            return Response({"detail": str(error)}, status.HTTP_409_CONFLICT)
        return Response(status=status.HTTP_204_NO_CONTENT)


@extend_schema_view(get=extend_schema(operation_id="auto_label_job_items"))
class JobItemsView(_Explicit, ListAPIView):
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


class ModelsView(_Explicit, GenericAPIView):
    serializer_class = ModelSerializer
    pagination_class = None
    filter_backends = ()

    @extend_schema(operation_id="auto_label_models", responses=ModelSerializer(many=True))
    def get(self, request: Request) -> Response:
        """The models of the registry, and whether a live worker can run them."""
        return Response([ModelSerializer(model).data for model in published_models(request.user)])
