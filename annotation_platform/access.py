"""Who may do what. The API, the pages and the auto-label host all ask here, so that they cannot disagree."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

from .models import Membership

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser, AnonymousUser

__all__ = ["Action", "may", "role_may", "role_of"]

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


def role_of(user: AbstractBaseUser | AnonymousUser, project_uid: str) -> str | None:
    """The role of `user` in the project; None for all but active members, superusers included."""
    if not user.is_active:
        return None
    memberships = Membership.objects.filter(project__uid=project_uid, user_id=user.pk)
    return memberships.values_list("role", flat=True).first()


def may(user: AbstractBaseUser | AnonymousUser, action: Action, project_uid: str) -> bool:
    return role_may(role_of(user, project_uid), action)


def role_may(role: str | None, action: Action) -> bool:
    """Whether a role suffices, for callers that have read it already."""
    return role is not None and _RANK[role] >= _RANK[_NEEDS[action]]
