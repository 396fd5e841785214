"""Who may do what. The API, the pages and the auto-label host all ask here, so that they cannot disagree."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

from .models import ApiKey, Membership, Project

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
    from django.db.models import QuerySet

__all__ = ["Action", "key_may", "managed_by", "may", "role_may", "role_of"]

Action = Literal["view", "review", "run", "cancel", "manage"]

# Each role includes the ones before it.
_RANK: Mapping[str, int] = {
    Membership.Role.VIEWER: 1,
    Membership.Role.ANNOTATOR: 2,
    Membership.Role.MANAGER: 3,
}
_NEEDS: Mapping[Action, Membership.Role] = {
    "view": Membership.Role.VIEWER,
    "review": Membership.Role.ANNOTATOR,  # annotations, finish, reopen, flag
    "run": Membership.Role.MANAGER,  # start auto-label jobs, retry what failed
    "cancel": Membership.Role.MANAGER,  # also pause, resume, take back and bring back their drafts
    "manage": Membership.Role.MANAGER,  # upload, labels, delete, rename, archive
}
# What an API key needs beside the role of its user.
_SCOPE_RANK: Mapping[str, int] = {ApiKey.Scope.READ: 1, ApiKey.Scope.RUN: 2, ApiKey.Scope.MANAGE: 3}
_NEEDS_SCOPE: Mapping[Action, ApiKey.Scope] = {
    "view": ApiKey.Scope.READ,
    "review": ApiKey.Scope.RUN,
    "run": ApiKey.Scope.RUN,
    "cancel": ApiKey.Scope.RUN,
    "manage": ApiKey.Scope.MANAGE,
}


def role_of(user: AbstractBaseUser | AnonymousUser, project_uid: str) -> str | None:
    """The role of `user` in the project; None for all but active members, superusers included."""
    if not user.is_active:
        return None
    memberships = Membership.objects.filter(project__uid=project_uid, user_id=user.pk)
    return memberships.values_list("role", flat=True).first()


def may(user: AbstractBaseUser | AnonymousUser, action: Action, project_uid: str, credential: object = None) -> bool:
    """Whether the user's role, and the credential of the request (None for a session), allow `action`."""
    return key_may(credential, action) and role_may(role_of(user, project_uid), action)


def key_may(credential: object, action: Action) -> bool:
    """Whether a credential allows `action` on any project; a session does, what nobody knows does not."""
    if credential is None:
        return True
    return isinstance(credential, ApiKey) and _SCOPE_RANK[credential.scope] >= _SCOPE_RANK[_NEEDS_SCOPE[action]]


def role_may(role: str | None, action: Action) -> bool:
    """Whether a role suffices, for callers that have read it already."""
    return role is not None and _RANK[role] >= _RANK[_NEEDS[action]]


def managed_by(user: AbstractBaseUser | AnonymousUser) -> QuerySet[Project]:
    """The projects that the user manages."""
    roles = [role for role in _RANK if role_may(role, "manage")]
    return Project.objects.visible_to(user).filter(memberships__user_id=user.pk, memberships__role__in=roles)
