"""Log records say which job, item and worker they are about, and can be JSON."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from contextvars import copy_context
from threading import Thread

import pytest

from autolabel.logs import ContextFilter, bound


@pytest.fixture
def record() -> Callable[[], logging.LogRecord]:
    def write() -> logging.LogRecord:
        one = logging.LogRecord("autolabel", logging.INFO, __file__, 1, "a message", None, None)
        assert ContextFilter().filter(one)
        return one

    return write


def test_what_is_bound_is_in_the_record_and_inner_adds_to_outer(record: Callable[[], logging.LogRecord]) -> None:
    with bound(job="j", worker="w"):
        with bound(item="i"):
            inner = record()
        outer = record()
    after = record()

    assert (inner.job, inner.item, inner.worker) == ("j", "i", "w")
    assert (outer.job, outer.item, outer.worker) == ("j", "", "w")
    assert (after.job, after.item, after.worker) == ("", "", "")


def test_a_thread_that_is_started_with_our_context_is_about_our_job(record: Callable[[], logging.LogRecord]) -> None:
    seen: list[str] = []
    with bound(job="j"):
        threads = [
            Thread(target=copy_context().run, args=(lambda: seen.append(record().job),)),
            Thread(target=lambda: seen.append(record().job)),
        ]
    for thread in threads:
        thread.start()
        thread.join()
    assert seen == ["j", ""]


def test_the_json_form_has_the_fields(record: Callable[[], logging.LogRecord]) -> None:
    from pythonjsonlogger.json import JsonFormatter

    with bound(job="j", item="i"):
        one = record()
    text = JsonFormatter("%(levelname)s %(message)s %(job)s %(item)s %(worker)s").format(one)
    assert json.loads(text) == {"levelname": "INFO", "message": "a message", "job": "j", "item": "i", "worker": ""}
