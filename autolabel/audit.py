"""The audit log: one row for each act, in the transaction of the act. Hosts may record theirs, too."""

from __future__ import annotations

from typing import Any

from autolabel.models import AuditEntry

__all__ = ["record"]

_LONGEST = 150


def record(
    user: Any, action: str, *, credential: Any = None, project_uid: str = "", target: str = "", **detail: Any
) -> None:
    """Note that `user` (None: the command line, or the system) did `action`, such as "job.cancel", to `target`.

    `detail` says in JSON what cannot be seen from the target any more. No secrets.
    """
    AuditEntry.objects.create(
        user=user,
        user_name="" if user is None else str(user)[:_LONGEST],
        credential="" if credential is None else str(credential)[:_LONGEST],
        action=action,
        project_uid=project_uid,
        target=target,
        detail=detail,
    )
