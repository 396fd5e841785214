"""Roles at the API's door."""

from __future__ import annotations

from typing import Any

from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from .. import access
from ..models import Annotation, BulkReview, Item, Project

__all__ = ["RolePermission", "ScopePermission"]


class ScopePermission(BasePermission):
    """Asks for the scope of the request's API key; sessions have none and need none. Before anything is looked up."""

    message = "The scope of this API key does not allow this."

    def has_permission(self, request: Request, view: Any) -> bool:
        # What a view forgets to name is for managers.
        default: access.Action = "view" if request.method in SAFE_METHODS else "manage"
        return access.key_may(request.auth, view.needs.get(request.method, default))


class RolePermission(BasePermission):
    """Asks for the role that the view's `needs` names; what may not be seen was 404 before."""

    message = "Your role in this project does not allow this."

    def has_object_permission(self, request: Request, view: Any, obj: Any) -> bool:
        return access.may(request.user, view.needs.get(request.method, "view"), _project_of(obj).uid)


def _project_of(obj: Project | Item | BulkReview | Annotation) -> Project:
    if isinstance(obj, Project):
        return obj
    return obj.item.project if isinstance(obj, Annotation) else obj.project
