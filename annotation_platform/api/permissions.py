"""Roles at the API's door."""

from __future__ import annotations

from typing import Any

from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from .. import access
from ..models import Annotation, BulkReview, Item, Project

__all__ = ["RolePermission"]


class RolePermission(BasePermission):
    """Asks for the role that the view's `needs` names; what may not be seen was 404 before."""

    message = "Your role in this project does not allow this."

    def has_object_permission(self, request: Request, view: Any, obj: Any) -> bool:
        return access.may(request.user, view.needs.get(request.method, "view"), _project_of(obj).uid)


def _project_of(obj: Project | Item | BulkReview | Annotation) -> Project:
    if isinstance(obj, Project):
        return obj
    return obj.item.project if isinstance(obj, Annotation) else obj.project
