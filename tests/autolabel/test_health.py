"""What monitors are told: the process, its readiness, and the figures."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError, connections
from django.db.models.functions import Now
from django.test import Client
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families

from autolabel.jobs import status
from autolabel.models import Chunk, Job, WebhookEvent
from tests.factories import make_project, make_user

from .builders import make_job, make_worker

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("rings", "fake_model")]


@pytest.fixture
def with_token(configure: Callable[..., None]) -> None:
    configure(METRICS_TOKEN="a-long-token")


def figures(client: Client) -> dict[tuple[str, ...], float]:
    """Every sample by its name and the values of its labels."""
    answer = client.get("/metrics", headers={"Authorization": "Bearer a-long-token"})
    assert answer.status_code == 200
    families = text_string_to_metric_families(answer.content.decode())
    return {(one.name, *one.labels.values()): one.value for family in families for one in family.samples}


# Health and readiness


def test_health_asks_no_database(client: Client, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(0):
        answer = client.get("/healthz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})
    assert "no-store" in answer["Cache-Control"]


def test_a_site_with_its_database_is_ready_even_without_queue_and_workers(client: Client, queue_down: None) -> None:
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


def test_a_site_without_its_database_is_not_ready_and_tells_nothing_of_the_inside(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*args: Any) -> Any:
        raise OperationalError("connection to server at 10.0.0.7 failed: password authentication failed")

    monkeypatch.setattr(type(connections["default"]), "cursor", refuse)
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()) == (503, {"status": "unavailable", "reason": "database"})


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
def test_monitors_only_read(path: str, client: Client) -> None:
    assert client.post(path).status_code == 405


# Who may read the figures


def test_without_a_token_in_the_settings_there_is_no_such_page(client: Client) -> None:
    assert client.get("/metrics").status_code == 404


@pytest.mark.usefixtures("with_token")
@pytest.mark.parametrize("header", ["", "Bearer ", "Bearer wrong", "Basic a-long-token", "a-long-token"])
def test_another_token_is_401(header: str, client: Client) -> None:
    answer = client.get("/metrics", headers={"Authorization": header})
    assert (answer.status_code, answer["WWW-Authenticate"]) == (401, "Bearer")


@pytest.mark.parametrize(("is_staff", "status"), [(True, 200), (False, 404)])
def test_staff_read_them_in_their_session(is_staff: bool, status: int, client: Client) -> None:
    client.force_login(make_user("somebody", is_staff=is_staff))
    assert client.get("/metrics").status_code == status


# The figures


@pytest.mark.usefixtures("with_token")
def test_jobs_and_items_are_counted(client: Client) -> None:
    make_job(make_project(), status="completed", successful_items=5, failed_items=1, total_items=6, work_seconds=3.0)
    make_job(make_project(), status="completed", skipped_items=4, total_items=4, work_seconds=1.0)
    make_job(make_project(), paused_at=timezone.now())
    found = figures(client)

    assert (found["autolabel_jobs", "completed"], found["autolabel_jobs", "pending"]) == (2, 1)
    assert found["autolabel_jobs", "failed"] == 0
    assert found["autolabel_items", "yolo", "successful"] == 5
    assert found["autolabel_items", "yolo", "skipped"] == 4
    assert found["autolabel_items", "yolo", "failed"] == 1
    assert (found["autolabel_item_seconds_sum", "yolo"], found["autolabel_item_seconds_count", "yolo"]) == (4.0, 10)
    assert found["autolabel_jobs_paused",] == 1


@pytest.mark.usefixtures("with_token")
def test_what_waits_is_told_by_queue(client: Client, rings: Any, fake_model: Callable[..., None]) -> None:
    fake_model(QUEUE="gpu")
    job = make_job(make_project(), status="running", planned_at=timezone.now())
    Job.objects.filter(pk=job.pk).update(created_at=timezone.now() - timedelta(minutes=2))
    Chunk.objects.bulk_create(Chunk(job=job, item_uids=["x"]) for _ in range(3))
    paused = make_job(make_project(), status="running", paused_at=timezone.now())
    Chunk.objects.create(job=paused, item_uids=["x"])
    rings.depth = 2
    found = figures(client)

    assert (found["autolabel_queue_up", "gpu"], found["autolabel_queue_lanes", "gpu"]) == (1, 2)
    assert found["autolabel_chunks_waiting", "gpu"] == 3
    assert found["autolabel_queue_age_seconds", "gpu"] == pytest.approx(120, abs=30)
    assert found["autolabel_jobs_stalled",] == 1

    Chunk.objects.filter(job=job).update(state="leased", lease_until=Now() + timedelta(minutes=1))
    found = figures(client)
    assert (found["autolabel_chunks_waiting", "gpu"], found["autolabel_queue_age_seconds", "gpu"]) == (0, 0)


@pytest.mark.usefixtures("with_token")
def test_live_workers_are_counted_by_what_they_run(client: Client) -> None:
    make_worker("one")
    make_worker("two", yolo={"ready": False, "reason": "No weights."})
    make_worker("silent", silent=timedelta(minutes=5))
    found = figures(client)

    assert (found["autolabel_workers_alive",], found["autolabel_workers_ready", "yolo"]) == (2, 1)


@pytest.mark.usefixtures("with_token", "queue_down")
def test_a_queue_server_that_is_away_is_a_figure_and_no_error(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    from autolabel import queue

    def away(name: str) -> int:
        raise queue.QueueDown("connection refused")

    monkeypatch.setattr(queue, "depth", away)
    found = figures(client)
    assert found["autolabel_queue_up", "autolabel"] == 0
    assert ("autolabel_queue_lanes", "autolabel") not in found


@pytest.mark.usefixtures("with_token")
def test_events_that_wait_are_counted(client: Client) -> None:
    job = make_job(make_project(), status="completed")
    WebhookEvent.objects.create(job=job, event_type="auto_label.completed", payload={})
    assert figures(client)["autolabel_webhook_backlog",] == 1


def test_the_number_of_queries_does_not_grow_with_the_jobs(django_assert_max_num_queries: Any) -> None:
    for _ in range(12):
        job = make_job(make_project(), status="running")
        Chunk.objects.create(job=job, item_uids=["x"])
    make_worker()
    with django_assert_max_num_queries(12):
        found = status.status()
    assert len(found.jobs) == 12


def test_settings_name_a_log_format_that_there_is(tmp_path: Any) -> None:
    import os
    import subprocess
    import sys

    script = "import django; django.setup(); import logging; logging.getLogger('autolabel').error('a message')"
    env = {**os.environ, "DATA_DIR": str(tmp_path), "LOG_FORMAT": "json"}
    done = subprocess.run([sys.executable, "-c", script], env=env, capture_output=True, text=True, check=True)
    assert json.loads(done.stderr)["message"] == "a message"

    env["LOG_FORMAT"] = "xml"
    done = subprocess.run([sys.executable, "-c", script], env=env, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "LOG_FORMAT" in done.stderr
