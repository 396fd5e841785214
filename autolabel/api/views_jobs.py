"""Jobs: reading them, and what can be done with one."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django.db.models import QuerySet
from django_filters.rest_framework import DjangoFilterBackend
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import status
from rest_framework.decorators import action
from rest_framework.mixins import ListModelMixin
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from autolabel.jobs import drafts, reaper
from autolabel.jobs.services import cancel_job, pause_job, resume_job, retry_job
from autolabel.models import Job

from .base import IDEMPOTENCY_KEY, ExplicitView, accepted, idempotency_key, visible_jobs
from .errors import translated
from .filters import JobFilter
from .pagination import NewestFirst
from .permissions import actor_of, well_formed
from .serializers import (
    ConflictSerializer,
    DiscardedSerializer,
    DiscardRequestSerializer,
    JobSerializer,
    RestoredSerializer,
    RestoreRequestSerializer,
)

__all__ = ["JobViewSet"]

_ENDED = OpenApiResponse(description="The job has already ended.")
_ACTIVE = OpenApiResponse(description="The job is still active.")


class JobViewSet(ListModelMixin, ExplicitView, GenericViewSet):
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

    def retrieve(self, request: Request, uid: str) -> Response:
        """One job. Ask again every few seconds to follow an active one."""
        job: Job = self.get_object()
        if job.is_active:
            # Where no reaper runs, whoever watches the job keeps it going.
            reaper.glance(job)
        return Response(JobSerializer(job).data)

    @extend_schema(operation_id="auto_label_job_cancel", responses={204: None, 409: _ENDED})
    def destroy(self, request: Request, uid: str) -> Response:
        """Cancel an active job. Drafts that it has made stay."""
        with translated():
            cancel_job(actor_of(request), self.get_object())
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(operation_id="auto_label_job_pause", request=None, responses={200: JobSerializer, 409: _ENDED})
    @action(detail=True, methods=["post"])
    def pause(self, request: Request, uid: str) -> Response:
        """Pause an active job: nobody works on it until it is resumed. One that is paused stays so."""
        with translated():
            return Response(JobSerializer(pause_job(actor_of(request), self.get_object())).data)

    @extend_schema(operation_id="auto_label_job_resume", request=None, responses={200: JobSerializer, 409: _ENDED})
    @action(detail=True, methods=["post"])
    def resume(self, request: Request, uid: str) -> Response:
        """Let work on a paused job go on. One that is not paused goes on as it does."""
        with translated():
            return Response(JobSerializer(resume_job(actor_of(request), self.get_object())).data)

    @extend_schema(
        operation_id="auto_label_job_retry",
        request=None,
        parameters=[IDEMPOTENCY_KEY],
        responses={
            202: JobSerializer,
            400: OpenApiResponse(description="The job has no failed items, or they cannot be run as they were."),
            409: ConflictSerializer,
            422: OpenApiResponse(description="The Idempotency-Key was used for another request."),
            429: OpenApiResponse(description="You have as many active jobs as one user may have."),
        },
    )
    @action(detail=True, methods=["post"])
    def retry(self, request: Request, uid: str) -> Response:
        """Start a new job over the failed items of one that has ended, with its options and today's default version of
        its model."""
        key = idempotency_key(request)
        with translated():
            return accepted(retry_job(actor_of(request), self.get_object(), key), request)

    @extend_schema(
        operation_id="auto_label_job_discard_drafts",
        request=DiscardRequestSerializer,
        responses={200: DiscardedSerializer, 409: _ACTIVE},
    )
    @action(detail=True, methods=["post"], url_path="discard-drafts")
    def discard_drafts(self, request: Request, uid: str) -> Response:
        """Take back the drafts of an ended job that nobody has touched. Works for about ten seconds: while `remaining`
        is more than 0, send it again."""
        job: Job = self.get_object()
        body = DiscardRequestSerializer(data=request.data)
        actor = actor_of(request)
        with translated():
            drafts.check_may_change(actor, job)
            body.is_valid(raise_exception=True)
            done = drafts.count(job) if body.validated_data["dry_run"] else drafts.discard_drafts(job, actor=actor)
        return Response(asdict(done))

    @extend_schema(
        operation_id="auto_label_job_restore_drafts",
        request=RestoreRequestSerializer,
        responses={
            200: RestoredSerializer,
            400: OpenApiResponse(description="The predictions have been pruned, so that no draft can come back."),
            409: _ACTIVE,
        },
    )
    @action(detail=True, methods=["post"], url_path="restore-drafts")
    def restore_drafts(self, request: Request, uid: str) -> Response:
        """Bring back the drafts that were taken back. Works for about ten seconds: while `remaining` is more than 0,
        send it again with the `after` of the answer."""
        job: Job = self.get_object()
        body = RestoreRequestSerializer(data=request.data)
        actor = actor_of(request)
        with translated():
            drafts.check_may_change(actor, job)
            body.is_valid(raise_exception=True)
            done = drafts.restore_drafts(job, after=body.validated_data["after"], actor=actor)
        return Response(asdict(done))
