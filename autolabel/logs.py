"""Log records that say what they are about: `job`, `item` and `worker`, wherever in the code they are written.

For the JSON form name this in settings.LOGGING (the formatter is python-json-logger's):

    "filters": {"context": {"()": "autolabel.logs.ContextFilter"}},
    "formatters": {"json": {"()": "pythonjsonlogger.json.JsonFormatter",
                            "fmt": "%(asctime)s %(levelname)s %(name)s %(message)s %(job)s %(item)s %(worker)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "json", "filters": ["context"]}},
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar

__all__ = ["ContextFilter", "bound"]

_FIELDS = ("job", "item", "worker")
_context: ContextVar[Mapping[str, str]] = ContextVar("autolabel_log_context", default={})  # noqa: B039  (never changed)


@contextmanager
def bound(**fields: str) -> Iterator[None]:
    """Within it, every record of this thread is about these: job, item or worker, each by its uid or name."""
    token = _context.set({**_context.get(), **fields})
    try:
        yield
    finally:
        _context.reset(token)


class ContextFilter(logging.Filter):
    """Gives each record the fields; empty where nothing is bound."""

    def filter(self, record: logging.LogRecord) -> bool:
        context = _context.get()
        for field in _FIELDS:
            if not hasattr(record, field):
                setattr(record, field, context.get(field, ""))
        return True
