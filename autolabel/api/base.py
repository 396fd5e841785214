"""What all views of the jobs API share. What DRF lets a host set by default, and what would change our answers, is set
here; authentication is the host's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter
from rest_framework import status
from rest_framework.exceptions import ValidationError
from rest_framework.permissions import SAFE_METHODS, BasePermission, IsAuthenticated
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse
from rest_framework.views import APIView, exception_handler

from autolabel.hosts.base import Action
from autolabel.hosts.loader import get_host
from autolabel.models import Job

from .parsers import BoundedJSONParser
from .permissions import actor_of
from .serializers import JobSerializer

__all__ = ["IDEMPOTENCY_KEY", "ExplicitView", "accepted", "idempotency_key", "visible_jobs"]

IDEMPOTENCY_KEY = OpenApiParameter(
    "Idempotency-Key",
    str,
    OpenApiParameter.HEADER,
    description="Repeating a request with the same key answers with the job that the first one made.",
)
_KEY_LENGTH = 255
# Columns of the first job that a retry's body does not show, and that may be large.
_UNSHOWN = ("item_uids", "summary", "labels", "label_map", "thresholds", "model_info", "error_message")


class CredentialPermission(BasePermission):
    """Asks the host whether the request's credential is for this at all. Before anything is looked up."""

    message = "The credential of this request does not allow this."

    def has_permission(self, request: Request, view: Any) -> bool:
        action: Action = "view" if request.method in SAFE_METHODS else view.changing
        return get_host().credential_allows(actor_of(request), action)


class ExplicitView(APIView):
    """`changing` is what a credential must be for where a request changes something."""

    changing: Action = "run"
    permission_classes = (IsAuthenticated, CredentialPermission)
    parser_classes = (BoundedJSONParser,)
    renderer_classes = (JSONRenderer,)
    throttle_classes = ()

    def get_exception_handler(self) -> Callable[[Exception, dict[str, Any]], Response | None]:
        return exception_handler


def visible_jobs(request: Request) -> QuerySet[Job]:
    """The jobs that the user may see, each with the job that it retries."""
    visible = Job.objects.filter(project_uid__in=get_host().visible_project_uids(request.user))
    return visible.select_related("retry_of").defer(*(f"retry_of__{name}" for name in _UNSHOWN))


def idempotency_key(request: Request) -> str | None:
    """The key of the request, if it came with one. Raises ValidationError."""
    key = request.headers.get("Idempotency-Key")
    if key is not None and not 1 <= len(key) <= _KEY_LENGTH:
        raise ValidationError({"Idempotency-Key": [f"Must have 1 to {_KEY_LENGTH} characters."]})
    return key


def accepted(job: Job, request: Request) -> Response:
    """202 with a job that was created just now, or before with the same key."""
    location = reverse("autolabel:job-detail", args=[job.uid], request=request)
    return Response(JobSerializer(job).data, status.HTTP_202_ACCEPTED, headers={"Location": location})
