"""Processes that die, as tests make them: wherever they are told to, leaving their leases behind."""

from __future__ import annotations

import itertools
from datetime import timedelta
from typing import Any

import pytest
from django.db.models.functions import Now

from autolabel.jobs import leases
from autolabel.models import Chunk, Job

__all__ = ["Crash", "Raises", "crash_at", "leave_as_killed", "let_leases_run_out"]


class Crash(BaseException):
    """The process is gone: nothing that handles an Exception may take it for one."""


class Raises:
    """A function that only raises."""

    def __init__(self, error: type[BaseException]) -> None:
        self._error = error

    def __call__(self, *args: Any) -> Any:
        raise self._error


def crash_at(monkeypatch: pytest.MonkeyPatch, owner: Any, name: str, call: int, *, after: bool = False) -> None:
    """The call number `call` of `owner.name` is the process's last: before it does anything, or after it has."""
    real, calls = getattr(owner, name), itertools.count(1)

    def crashing(*args: Any, **kwargs: Any) -> Any:
        number = next(calls)
        if number == call and not after:
            raise Crash
        answer = real(*args, **kwargs)
        if number == call:
            raise Crash
        return answer

    monkeypatch.setattr(owner, name, crashing)


def leave_as_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A killed process gives nothing back: its lease stays until it runs out."""
    monkeypatch.setattr(leases, "release", lambda chunk, *, refund: None)


def let_leases_run_out() -> None:
    past = Now() - timedelta(seconds=1)
    Chunk.objects.filter(state="leased").update(lease_until=past)
    Job.objects.exclude(plan_lease_until=None).update(plan_lease_until=past)
