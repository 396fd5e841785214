"""The status page: staff see what runs, and of what does not run why."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from autolabel import queue
from autolabel.models import Job
from tests.autolabel.builders import make_job, make_worker
from tests.factories import make_project, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def queue_is_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue, "depth", lambda name: 0)


@pytest.fixture
def staff(client: Client) -> Client:
    client.force_login(make_user("boss", is_staff=True))
    return client


def page(client: Client, **headers: str) -> str:
    answer = client.get("/status/", headers=headers)
    assert answer.status_code == 200
    return answer.content.decode()


def test_it_is_for_staff(client: Client) -> None:
    assert client.get("/status/").status_code == 302
    client.force_login(make_user("somebody"))
    assert client.get("/status/").status_code == 404


def test_all_is_well_where_a_worker_is_alive(staff: Client) -> None:
    make_worker()
    text = page(staff)
    assert "All is well" in text
    assert "No job is pending or running." in text


def test_what_is_wrong_is_said_with_the_way_out(staff: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(name: str) -> Any:
        raise queue.QueueDown("refused")

    monkeypatch.setattr(queue, "depth", away)
    job = make_job(make_project(name="Bolts & nuts"), status="running")
    Job.objects.filter(pk=job.pk).update(created_at=timezone.now() - timedelta(minutes=9))
    text = page(staff)

    assert "Something needs you" in text
    assert "does not answer. Jobs wait until it is back." in text
    assert "No worker is alive. Start one: manage.py autolabel_worker" in text
    assert "Bolts &amp; nuts" in text
    assert "No live worker can run" in text


def test_a_worker_shows_its_models_and_its_job(staff: Client) -> None:
    job = make_job(make_project(name="Bolts"), status="running")
    worker = make_worker(yolo={"engine": "openvino"}, sam={"ready": False, "reason": "No weights."})
    worker.job_uid, worker.memory_bytes = job.uid, 512 * 2**20
    worker.save()
    text = page(staff)

    assert "openvino" in text
    assert "No weights." in text
    assert "512.0\xa0MB" in text
    assert text.count("Bolts") == 2


def test_a_deleted_project_does_not_break_it(staff: Client) -> None:
    make_job("11111111-1111-4111-8111-111111111111", status="running")
    assert "a deleted project" in page(staff)


def test_htmx_gets_the_live_part_alone(staff: Client) -> None:
    assert "<html" in page(staff)
    assert "<html" not in page(staff, **{"HX-Request": "true"})
