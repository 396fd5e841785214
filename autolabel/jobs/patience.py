"""Databases that are away for a moment: a restart, a lock that somebody else holds."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import TypeVar

from django.db import InterfaceError, OperationalError, connections, router

from autolabel.models import Job

__all__ = ["AWAY", "patiently"]

logger = logging.getLogger(__name__)

AWAY = (OperationalError, InterfaceError)
# Together longer than a server takes to restart.
_PAUSES_SECONDS = (0.1, 0.3, 1.0, 2.0, 4.0, 8.0, 8.0)

_T = TypeVar("_T")


def patiently(action: Callable[[], _T], what: str) -> _T:
    """The result of `action`, which is tried again, on a fresh connection if need be, while the database is away.

    Only for what may be done twice, as everything behind a fence may. `what` is for the log. Raises what the last try
    raised. Inside a transaction nothing is tried again: it is lost with its connection.
    """
    connection = connections[router.db_for_write(Job)]
    for pause in _PAUSES_SECONDS:
        try:
            return action()
        except AWAY as error:
            if connection.in_atomic_block:
                raise
            logger.warning("The database is away while %s: %s. Trying again.", what, error)
            connection.close_if_unusable_or_obsolete()
            time.sleep(pause)
    return action()
