"""Whether somebody may do something, as the host decides it."""

from __future__ import annotations

from typing import Any

from autolabel import audit
from autolabel.exceptions import NotAllowed
from autolabel.hosts.base import Action, Actor, Project
from autolabel.hosts.loader import get_host
from autolabel.models import Job

__all__ = ["allow", "note", "permitted"]


def permitted(actor: Actor | None, action: Action, project_uid: str, refusal: str) -> Project:
    """The project, where `actor` may do `action` on it; None stands for who may do everything.

    Raises LookupError (no such project, or not for this user), and NotAllowed with the words of `refusal`.
    """
    host = get_host()
    if actor is None:
        return host.get_project_trusted(project_uid)
    project = host.get_project(project_uid, actor.user)
    if not host.can(actor, action, project):
        raise NotAllowed(refusal)
    return project


def allow(actor: Actor | None, action: Action, project_uid: str, refusal: str) -> None:
    """As `permitted`, for what can be done to a job whose project is gone, too."""
    if actor is not None:
        permitted(actor, action, project_uid, refusal)


def note(actor: Actor | None, by: Any, action: str, job: Job, **detail: Any) -> None:
    """Record in the audit log what was done to the job: by `actor`, or where that is None by the user `by`."""
    user, credential = (actor.user, actor.credential) if actor is not None else (by, None)
    audit.record(user, action, credential=credential, project_uid=job.project_uid, target=job.uid, **detail)
