"""The admin: jobs are watched and cancelled here, never edited; versions of models are added and made the default."""

from __future__ import annotations

from . import events, jobs, machines

__all__ = ["events", "jobs", "machines"]
