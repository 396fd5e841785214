"""A job's status: who may write it, from what to what, and what happens at the end."""

from __future__ import annotations

import ast
import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import autolabel
from annotation_platform.autolabel_host import PlatformHost
from autolabel.jobs import lifecycle
from autolabel.jobs.reaper import reap_once
from autolabel.models import Chunk, ItemResult, Job, WebhookEvent
from autolabel.webhooks.events import job_body
from tests.factories import make_member, make_project

from .builders import in_threads, make_job

Status = Job.Status
ALLOWED = {
    ("pending", "running"),
    ("pending", "cancelled"),
    ("pending", "failed"),
    ("running", "completed"),
    ("running", "failed"),
    ("running", "cancelled"),
}
WRITERS: dict[str, Callable[[int], bool]] = {
    "running": lifecycle.start,
    "completed": lifecycle.finish_if_done,
    "failed": lambda pk: lifecycle.fail(pk, "Nothing could run."),
    "cancelled": lifecycle.cancel,
}


def planned(**fields: Any) -> Job:
    return make_job(make_project(), planned_at="2026-01-01T00:00Z", **fields)


@pytest.mark.django_db
class TestChanges:
    @pytest.mark.parametrize(("source", "to"), list(itertools.product(Status.values, WRITERS)))
    def test_a_status_changes_where_allowed_and_nowhere_else(self, source: str, to: str) -> None:
        job = planned(status=source)
        before = Job.objects.filter(pk=job.pk).values().get()

        changed = WRITERS[to](job.pk)

        after = Job.objects.filter(pk=job.pk).values().get()
        assert changed == ((source, to) in ALLOWED)
        if changed:
            assert after["status"] == to
        else:
            assert after == before
            assert not WebhookEvent.objects.exists()

    def test_nothing_becomes_pending_again(self) -> None:
        assert lifecycle.SOURCES[Status.PENDING] == frozenset()
        assert {(source, to) for to, sources in lifecycle.SOURCES.items() for source in sources} == ALLOWED

    def test_a_second_call_changes_nothing(self) -> None:
        job = planned(status="running")

        assert lifecycle.cancel(job.pk)
        assert not lifecycle.cancel(job.pk)
        assert not lifecycle.fail(job.pk, "too late")
        assert WebhookEvent.objects.filter(job=job).count() == 1

    def test_only_lifecycle_writes_the_status_of_a_job(self) -> None:
        root = Path(autolabel.__file__).parent
        writers = {
            str(path.relative_to(root))
            for path in root.rglob("*.py")
            for node in ast.walk(ast.parse(path.read_text()))
            if _writes_status(node)
        }

        # Deliveries of webhooks have a status, too, which is written where nobody knows of jobs' rows.
        assert writers == {"jobs/lifecycle.py", "webhooks/delivery.py"}
        assert "Job" not in (root / "webhooks/delivery.py").read_text()


def _writes_status(node: ast.AST) -> bool:
    """`….update(status=…)`, or `job.status = …`; a DRF `Response(status=…)` is neither."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in ("update", "create"):
        return any(keyword.arg == "status" for keyword in node.keywords)
    if isinstance(node, ast.Assign):
        return any(isinstance(target, ast.Attribute) and target.attr == "status" for target in node.targets)
    return False


@pytest.mark.django_db
class TestEnds:
    @pytest.mark.parametrize("to", ["completed", "failed", "cancelled"])
    def test_every_end_leaves_one_event_with_the_body_of_the_api(self, to: str, as_user: Any) -> None:
        project = make_project()
        job = make_job(project, status="running", planned_at="2026-01-01T00:00Z", started_at="2026-01-01T00:00Z")

        assert WRITERS[to](job.pk)

        event = WebhookEvent.objects.get(job=job)
        shown = as_user(make_member(project, "viewer")).get(f"/api/v1/auto-label-jobs/{job.uid}/").json()
        assert event.event_type == f"auto_label.{to}"
        assert event.payload == shown == job_body(Job.objects.get(pk=job.pk))
        assert shown["status"] == to
        assert shown["completed_at"]
        assert isinstance(shown["summary"], dict)

    def test_a_failed_job_says_why(self) -> None:
        job = planned()
        lifecycle.fail(job.pk, "The model cannot be loaded.")

        job.refresh_from_db()
        assert job.error_message == "The model cannot be loaded."

    def test_a_job_without_items_completes(self) -> None:
        job = planned(status="running")

        assert lifecycle.finish_if_done(job.pk)
        job.refresh_from_db()
        assert (job.status, job.progress_pct) == ("completed", 100)

    def test_a_job_that_is_not_planned_yet_goes_on(self) -> None:
        assert not lifecycle.finish_if_done(make_job(make_project(), status="running").pk)

    def test_a_job_with_an_open_chunk_goes_on(self) -> None:
        job = planned(status="running", total_items=1)
        chunk = Chunk.objects.create(job=job, item_uids=["a"], state="leased")
        assert not lifecycle.finish_if_done(job.pk)

        Chunk.objects.filter(pk=chunk.pk).update(state="done")
        assert lifecycle.finish_if_done(job.pk)

    def test_a_job_whose_every_item_failed_has_failed_and_quotes_the_first(self) -> None:
        job = planned(status="running", total_items=2, failed_items=2)
        for uid in ("a", "b"):
            ItemResult.objects.create(
                job=job, item_uid=uid, outcome="failed", reason="unreadable", message=f"{uid} is damaged."
            )

        assert lifecycle.finish_if_done(job.pk)
        job.refresh_from_db()
        assert job.status == "failed"
        assert job.error_message == "Every item failed. The first one: a is damaged."

    def test_a_job_with_one_item_that_did_not_fail_completes(self) -> None:
        job = planned(status="running", total_items=2, failed_items=1, skipped_items=1)

        assert lifecycle.finish_if_done(job.pk)
        job.refresh_from_db()
        assert job.status == "completed"


@pytest.mark.django_db(transaction=True)
class TestHostIsTold:
    def test_the_host_is_told_of_the_end_and_that_is_noted(self, monkeypatch: pytest.MonkeyPatch) -> None:
        told: list[str] = []
        monkeypatch.setattr(PlatformHost, "on_finished", lambda self, job: told.append(f"{job.uid} {job.status}"))
        job = planned(status="running")

        lifecycle.cancel(job.pk)

        job.refresh_from_db()
        assert told == [f"{job.uid} cancelled"]
        assert job.host_told_at is not None

    def test_a_host_that_raises_neither_undoes_the_end_nor_is_forgotten(
        self, monkeypatch: pytest.MonkeyPatch, rings: Any
    ) -> None:
        def refuse(self: Any, job: Any) -> None:
            raise RuntimeError("the platform is restarting")

        monkeypatch.setattr(PlatformHost, "on_finished", refuse)
        job = planned(status="running")
        assert lifecycle.finish_if_done(job.pk)
        job.refresh_from_db()
        assert (job.status, job.host_told_at) == ("completed", None)

        Job.objects.filter(pk=job.pk).update(completed_at="2026-01-01T00:00Z")
        assert reap_once().told == 0
        monkeypatch.undo()
        assert reap_once().told == 1
        assert reap_once().told == 0
        job.refresh_from_db()
        assert job.host_told_at is not None

    def test_the_host_is_told_nothing_of_an_end_that_is_rolled_back(self, monkeypatch: pytest.MonkeyPatch) -> None:
        told: list[Any] = []
        monkeypatch.setattr(PlatformHost, "on_finished", lambda self, job: told.append(job))
        monkeypatch.setattr(lifecycle, "record_end", lambda job: 1 / 0)
        job = planned(status="running")

        with pytest.raises(ZeroDivisionError):
            lifecycle.cancel(job.pk)
        job.refresh_from_db()
        assert job.status == "running"
        assert told == []


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("round_", range(5))
def test_of_cancel_and_finish_at_once_exactly_one_wins(round_: int) -> None:
    job = planned(status="running")

    won = in_threads(
        lambda: lifecycle.cancel(job.pk),
        lambda: lifecycle.finish_if_done(job.pk),
        lambda: lifecycle.fail(job.pk, "too old"),
    )

    job.refresh_from_db()
    assert sorted(won) == [False, False, True]
    assert job.status == ("cancelled", "completed", "failed")[won.index(True)]
    assert WebhookEvent.objects.get(job=job).event_type == f"auto_label.{job.status}"
