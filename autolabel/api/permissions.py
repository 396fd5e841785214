"""Who asks, for the host's `can`, and what becomes of a refusal."""

from __future__ import annotations

from django.http import Http404
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request

from autolabel.hosts.base import Action, Actor, Project
from autolabel.hosts.loader import get_host

__all__ = ["actor_of", "visible_project", "well_formed"]

_UID_LENGTH = 64


def actor_of(request: Request) -> Actor:
    """The user of the request and the credential it came with (None for a session)."""
    return Actor(request.user, request.auth)


def well_formed(uid: str) -> str:
    """The uid from an address; 404 for what no host would use and some databases choke on, such as NUL."""
    if len(uid) > _UID_LENGTH or not uid.isprintable():
        raise Http404
    return uid


def visible_project(request: Request, project_uid: str, action: Action) -> Project:
    """The project; 404 where the user may not see it, 403 where the actor may see it but not do `action`."""
    host = get_host()
    try:
        project = host.get_project(well_formed(project_uid), request.user)
    except LookupError:
        raise Http404 from None
    if not host.can(actor_of(request), action, project):
        raise PermissionDenied("You may see this project, but not do this.")
    return project
