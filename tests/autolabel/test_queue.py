"""The doorbell may be broken or stuck: callers hear of it soon, and by one exception."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from autolabel import queue

CALLS: list[Callable[[], Any]] = [
    lambda: queue.ring("uid", "autolabel"),
    lambda: queue.queued_lanes("uid", "autolabel"),
    lambda: queue.stop_lanes("uid", "autolabel"),
]


@pytest.fixture
def frozen_queue(settings: Any, tmp_path: Path) -> Iterator[None]:
    """A server that takes connections and never answers."""
    path = tmp_path / "frozen.sock"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen(8)
        settings.RQ_QUEUES = {"autolabel": {"URL": f"unix://{path}?db=0"}}
        yield


@pytest.mark.parametrize("call", CALLS, ids=["ring", "queued", "stop"])
def test_a_queue_that_is_not_there_is_down(queue_down: None, call: Callable[[], Any]) -> None:
    with pytest.raises(queue.QueueDown):
        call()


@pytest.mark.parametrize("call", CALLS, ids=["ring", "queued", "stop"])
def test_a_queue_that_does_not_answer_is_down_within_a_second(frozen_queue: None, call: Callable[[], Any]) -> None:
    begun = time.monotonic()
    with pytest.raises(queue.QueueDown):
        call()
    assert time.monotonic() - begun < 1.5


@pytest.mark.django_db(transaction=True)
def test_ringing_at_commit_never_raises(queue_down: None) -> None:
    queue.ring_on_commit("uid", "autolabel")
