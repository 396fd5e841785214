"""What every view of the platform's API shares: who sees what, who may do what, and how a refusal looks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ObjectDoesNotExist, RequestDataTooBig, SuspiciousOperation
from django.db.models import QuerySet
from django.http import Http404
from rest_framework import status
from rest_framework.exceptions import ParseError, ValidationError
from rest_framework.generics import GenericAPIView
from rest_framework.permissions import IsAuthenticated
from rest_framework.response import Response

from autolabel.api.parsers import BodyTooLarge, BoundedJSONParser

from .. import bulk, review
from ..access import Action
from ..models import Item, Project
from .fields import is_uid
from .permissions import RolePermission, ScopePermission
from .serializers import AnnotationSerializer

__all__ = ["ItemView", "PlatformView", "ProjectView"]


class PlatformView(GenericAPIView):
    """Finds by uid among what the caller may see, then asks for the role in `needs` (default: to view)."""

    permission_classes = [IsAuthenticated, ScopePermission, RolePermission]
    parser_classes = [BoundedJSONParser]
    filter_backends: list[Any] = []
    lookup_field = "uid"
    needs: Mapping[str, Action] = {}

    @property
    def user(self) -> Any:
        """Who asks; somebody, since IsAuthenticated comes first."""
        return self.request.user

    def get_object(self) -> Any:
        if not is_uid(self.kwargs["uid"]):
            raise Http404
        return super().get_object()

    def validated(self, serializer_class: type[Any], **kwargs: Any) -> Any:
        """The request's body as that serializer understands it. Raises ValidationError."""
        serializer = serializer_class(data=self.request.data, **kwargs)
        serializer.is_valid(raise_exception=True)
        return serializer.validated_data

    def handle_exception(self, exc: Exception) -> Response:
        match exc:
            case review.VersionConflict():
                return self._conflict(exc)
            case review.ItemFinished() | review.DraftsLeft() | bulk.AlreadyUndone():
                return Response({"detail": str(exc)}, status=status.HTTP_409_CONFLICT)
            case review.Refused():
                return super().handle_exception(ValidationError(self.refusal(exc)))
            case RequestDataTooBig():
                return super().handle_exception(BodyTooLarge())
            case SuspiciousOperation():  # such as a form of ten thousand fields; Django would answer in HTML
                return super().handle_exception(ParseError())
            case ObjectDoesNotExist():  # deleted by somebody between our look and our lock
                return super().handle_exception(Http404())
        return super().handle_exception(exc)

    def refusal(self, refused: review.Refused) -> dict[str, Any]:
        message = str(refused)
        return {refused.field: message if refused.field == "detail" else [message]}

    def current(self, annotations: list[Any]) -> Any:
        """What a client with an old version is shown."""
        if not annotations:
            raise Http404
        return AnnotationSerializer(annotations[0]).data

    def _conflict(self, conflict: review.VersionConflict) -> Response:
        try:
            body = {"detail": str(conflict), "current": self.current(conflict.current)}
        except Http404 as gone:
            return super().handle_exception(gone)
        return Response(body, status=status.HTTP_409_CONFLICT)


class ProjectView(PlatformView):
    """A view below one project."""

    def get_queryset(self) -> QuerySet[Project]:
        user = self.request.user
        return Project.objects.visible_to(user).with_role(user)


class ItemView(PlatformView):
    """A view below one item."""

    def get_queryset(self) -> QuerySet[Item]:
        return Item.objects.visible_to(self.request.user).for_workspace()
