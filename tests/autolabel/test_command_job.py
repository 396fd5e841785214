"""`manage.py autolabel_job UID ACTION`: what the API can do with a job, from a shell."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from annotation_platform.models import Project
from autolabel.jobs import drafts
from autolabel.models import ItemResult, Job, Prediction
from tests.factories import make_project, make_rows_of_items

from .builders import drafts_of, make_job
from .past_jobs import decide, ended_job

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("fake_model", "rings")]


@pytest.fixture
def project() -> Project:
    project = make_project()
    make_rows_of_items(project, 2)
    return project


@pytest.fixture
def run(capsys: Any) -> Callable[..., str]:
    def call(job: Job | str, *arguments: str) -> str:
        call_command("autolabel_job", job if isinstance(job, str) else job.uid, *arguments)
        return str(capsys.readouterr().out)

    return call


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """`answers("y")` is what the person at the terminal says to the next question."""
    return lambda text: monkeypatch.setattr("builtins.input", lambda question: text)


# How it stands


def test_the_status_of_an_active_job_says_how_far_it_is(run: Any, project: Project) -> None:
    job = make_job(project, status="running", total_items=8, successful_items=1, failed_items=1)
    assert run(job, "status").startswith("Running: 2 of 8 items, not planned yet, 1 failed.")

    Job.objects.update(planned_at="2026-01-01T00:00Z", stalled_reason="storage: it is away")
    said = run(job.uid.upper(), "status")
    assert "25 %" in said
    assert "storage: it is away" in said

    Job.objects.update(paused_at="2026-01-01T00:00Z")
    assert run(job, "status").startswith("Paused: 2 of 8 items")


def test_the_status_of_an_ended_job_says_what_came_out(run: Any, project: Project) -> None:
    said = run(make_job(project, status="failed", error_message="It needs a GPU."), "status")

    assert said.startswith("Failed: 0 of 0 items")
    assert "It needs a GPU." in said


# What can be done


def test_a_job_is_cancelled_once(run: Any, project: Project) -> None:
    job = make_job(project)

    assert "Cancelled" in run(job, "cancel")
    with pytest.raises(CommandError, match="already ended"):
        run(job, "cancel")


def test_a_job_is_paused_and_goes_on(run: Any, project: Project) -> None:
    job = make_job(project)

    assert f"autolabel_job {job.uid} resume" in run(job, "pause")
    job.refresh_from_db()
    assert job.paused_at
    assert run(job, "resume") == "It goes on.\n"
    job.refresh_from_db()
    assert job.paused_at is None


def test_failed_items_are_tried_again(run: Any, project: Project) -> None:
    job = make_job(project, status="completed", total_items=1, failed_items=1)
    ItemResult.objects.create(job=job, item_uid="x", outcome="failed", reason="unreadable")

    said = run(job, "retry")
    new = Job.objects.get(retry_of=job)
    assert said == f"Started job {new.uid} over 1 failed items.\n"
    with pytest.raises(CommandError, match=new.uid):
        run(job, "retry")


def test_without_failed_items_there_is_nothing_to_retry(run: Any, project: Project) -> None:
    with pytest.raises(CommandError, match="no failed items"):
        run(make_job(project, status="completed"), "retry")


# Drafts


def test_it_asks_before_drafts_go_and_says_how_they_come_back(run: Any, project: Project, answers: Any) -> None:
    job = ended_job(project)
    decide(drafts_of(job)[0])
    answers("y")

    said = run(job, "discard-drafts")
    assert "3 drafts that nobody has touched go; 1 that people have touched stay." in said
    assert f"Took back 3. Undo with: manage.py autolabel_job {job.uid} restore-drafts" in said
    assert drafts_of(job) == []
    assert "Restored 3 drafts; 0 stay away" in run(job, "restore-drafts")
    assert len(drafts_of(job)) == 3


@pytest.mark.parametrize("answer", ["", "n", "no", "what?"])
def test_anything_but_yes_takes_back_nothing(run: Any, project: Project, answers: Any, answer: str) -> None:
    job = ended_job(project)
    answers(answer)

    with pytest.raises(CommandError, match="Nothing was taken back"):
        run(job, "discard-drafts")
    assert len(drafts_of(job)) == 4


def test_a_script_is_not_asked(run: Any, project: Project) -> None:
    job = ended_job(project)

    assert "Took back 4" in run(job, "discard-drafts", "--yes")
    assert run(job, "discard-drafts") == "0 drafts that nobody has touched go; 0 that people have touched stay.\n"


def test_it_goes_on_until_nothing_remains(run: Any, project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drafts, "_SLICE", 1)
    monkeypatch.setattr(drafts, "monotonic", iter(range(0, 100_000, 100)).__next__)
    job = ended_job(project)

    assert "Took back 4" in run(job, "discard-drafts", "--yes")
    assert "Restored 4" in run(job, "restore-drafts")


def test_pruned_predictions_do_not_come_back(run: Any, project: Project) -> None:
    job = ended_job(project)
    run(job, "discard-drafts", "--yes")
    Prediction.objects.all().delete()

    with pytest.raises(CommandError, match="pruned"):
        run(job, "restore-drafts")


# Mistakes


def test_an_active_job_must_end_before_its_drafts_go(run: Any, project: Project) -> None:
    with pytest.raises(CommandError, match="Cancel it, or wait"):
        run(make_job(project), "discard-drafts", "--yes")


def test_it_needs_a_job_and_an_action_that_exist(run: Any, project: Project) -> None:
    with pytest.raises(CommandError, match="There is no job nowhere"):
        run("nowhere", "status")
    with pytest.raises(CommandError, match="invalid choice"):
        run(make_job(project), "explode")
    with pytest.raises(CommandError, match="action"):
        run(make_job(project, status="completed"))


def test_a_job_whose_project_is_gone_can_still_be_cancelled(run: Any) -> None:
    job = make_job("gone")
    assert "Cancelled" in run(job, "cancel")

    Job.objects.update(failed_items=1, total_items=1)
    with pytest.raises(CommandError, match="project of this job no longer exists"):
        run(job, "retry")
