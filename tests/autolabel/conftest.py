"""What the tests of the app share: a registry with the fake model, and a doorbell that only writes down its rings."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from autolabel import queue
from autolabel.hosts.base import Actor
from autolabel.inference import registry
from autolabel.models import WebhookEndpoint
from autolabel.webhooks import endpoints
from tests.factories import make_user

from .fakes import FAKE
from .receivers import Receiver, receiver
from .sending import ALL


@pytest.fixture
def fake_model(configure: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """The registry holds the fake as "yolo"; `fake_model(FLOOR=0.3)` changes keys of its entry."""
    # A predictor stays warm for as long as its spec is the same; no test shall inherit another's.
    monkeypatch.setattr(registry, "_warm", {})

    def register(**keys: Any) -> None:
        configure(MODELS={"yolo": {"PREDICTOR": FAKE, **keys}})

    register()
    return register


class Rings(list[tuple[str, str, int]]):
    """The rings so far, as (job_uid, queue, lanes).

    `queued` is what the queue says when asked how many lanes of a job wait, `depth` how many of all jobs.
    """

    queued: int = 0
    depth: int = 0


@pytest.fixture
def rings(monkeypatch: pytest.MonkeyPatch) -> Rings:
    """Takes the place of the doorbell where no Redis is there."""
    rung = Rings()
    monkeypatch.setattr(queue, "ring", lambda job_uid, name, lanes=1: rung.append((job_uid, name, lanes)))
    monkeypatch.setattr(queue, "queued_lanes", lambda job_uid, name: rung.queued)
    monkeypatch.setattr(queue, "depth", lambda name: rung.depth)
    monkeypatch.setattr(queue, "stop_lanes", lambda job_uid, name: 0)
    return rung


@pytest.fixture
def queue_down(settings: Any, tmp_path: Any) -> None:
    """A queue server that does not answer, reached for in earnest."""
    settings.RQ_QUEUES = {"autolabel": {"URL": f"unix://{tmp_path}/nobody.sock?db=0"}}


@pytest.fixture
def server(configure: Callable[..., None]) -> Iterator[Receiver]:
    """A receiver of webhooks, which may be reached over http here."""
    configure(WEBHOOK_ALLOW_HTTP=True, WEBHOOK_ALLOW_LOOPBACK=True)
    with receiver() as one:
        yield one


@pytest.fixture
def owner() -> Any:
    return make_user("hooks")


@pytest.fixture
def endpoint(server: Receiver, owner: Any) -> WebhookEndpoint:
    return endpoints.create(Actor(owner), target_url=server.url, events=ALL)[0]
