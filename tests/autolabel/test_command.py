"""`manage.py autolabel`: a job from a shell, with an exit code that scripts can trust."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connections

from annotation_platform.models import Project
from autolabel import queue
from autolabel.jobs import lifecycle
from autolabel.jobs.lane import run_lane
from autolabel.models import Job

from .builders import balanced, make_job, make_worker, parts_project
from .fakes import picture

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("fake_model", "rings")]


@pytest.fixture
def project() -> Project:
    return parts_project(picture(2), picture(0), b"no image", labels=("washer", "nut", "Pizza"))


@pytest.fixture
def worker(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[threading.Thread]]:
    """A live worker that answers each ring by a lane in a thread."""
    make_worker()
    threads: list[threading.Thread] = []

    def lane(job_uid: str) -> None:
        try:
            run_lane(job_uid)
        finally:
            connections.close_all()

    def ring(job_uid: str, name: str, lanes: int = 1) -> None:
        threads.append(threading.Thread(target=lane, args=(job_uid,)))
        threads[-1].start()

    monkeypatch.setattr(queue, "ring", ring)
    yield threads
    for thread in threads:
        thread.join(timeout=30)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--threshold", "2"], "must be a number from 0.0 to 1.0"),
        (["--threshold", "-0.1"], "must be a number from 0.0 to 1.0"),
        (["--threshold", "x"], "must be a number from 0.0 to 1.0"),
        (["--threshold", "nan"], "must be a number from 0.0 to 1.0"),
        (["--model", "gpt"], '--model: "gpt" is not a registered model. Allowed: yolo.'),
        (["--threshold-for", "nut"], "--threshold-for: must be two names with = between them"),
        (["--threshold-for", "nut=2"], "--threshold-for: must be a number from 0.0 to 1.0"),
        (["--threshold-for", "cog=0.2"], '--threshold-for: "cog": not a label of this project'),
        (["--label-map", "=nut"], "--label-map: must be two names with = between them"),
        (["--label-map", "gear=cog"], '--label-map: "cog": not a label of this project'),
        (["--label", "unicorn"], '--label: "unicorn": not a label of this project. Allowed: washer, nut, Pizza.'),
        (["--existing-drafts", "burn"], "--existing-drafts: invalid choice"),
        (["--max-items", "0"], "--max-items: must be a whole number from 1 on"),
        (["--max-items", "2147483648"], "--max-items: must be a whole number from 1 on"),
        (["--max-seconds", "1.5"], "--max-seconds: must be a whole number from 1 on"),
        (["--max-failed-pct", "101"], "--max-failed-pct: must be a whole number from 1 to 100"),
        (["--frobnicate"], "unrecognized arguments"),
    ],
)
def test_a_bad_argument_is_refused_by_name(project: Project, arguments: list[str], says: str) -> None:
    with pytest.raises(CommandError) as refused:
        call_command("autolabel", project.uid, *arguments)

    assert says in str(refused.value)
    assert not Job.objects.exists()


def test_it_needs_a_project_that_exists(project: Project) -> None:
    with pytest.raises(CommandError, match="There is no project nowhere"):
        call_command("autolabel", "nowhere")
    with pytest.raises(CommandError, match="project_uid"):
        call_command("autolabel")


def test_it_names_the_job_that_is_active_already(project: Project) -> None:
    active = make_job(project)

    with pytest.raises(CommandError, match=active.uid):
        call_command("autolabel", project.uid)


def test_it_waits_for_the_job_and_tells_what_came_out(
    project: Project, worker: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("autolabel", project.uid)

    out = capsys.readouterr().out
    job = balanced(Job.objects.get())
    assert job.status == "completed"
    assert "Completed: 3 of 3 items, 1 with drafts, 1 without, 1 failed." in out
    assert "Drafts made: 1 nut, 1 washer." in out
    assert "Items without drafts: 1 nothing found." in out
    assert "Failed items: 1 unreadable." in out
    assert job.created_by is None


def test_labels_may_have_thresholds_of_their_own_and_classes_other_names(project: Project, worker: Any) -> None:
    arguments = ["--threshold-for", "nut = 0.9", "--label-map", "washer=Pizza"]
    call_command("autolabel", project.uid, *arguments)

    job = Job.objects.get()
    assert (job.thresholds, job.label_map) == ({"nut": 0.9}, {"washer": "Pizza"})
    assert job.summary["drafts"] == {"Pizza": 1}


def test_limits_and_the_policy_for_existing_drafts_are_handed_on(project: Project, worker: Any) -> None:
    limits = ["--max-items", "5", "--max-seconds", "600", "--max-failed-pct", "90"]
    call_command("autolabel", project.uid, "--existing-drafts", "keep", *limits)

    job = Job.objects.get()
    assert (job.existing_drafts, job.max_items, job.max_seconds, job.max_failed_pct) == ("keep", 5, 600, 90)


def test_a_model_that_takes_no_boxes_makes_no_masks_of_them(project: Project, worker: Any) -> None:
    with pytest.raises(CommandError, match="makes no masks"):
        call_command("autolabel", project.uid, "--boxes-to-masks")


def test_a_dry_run_says_would(project: Project, worker: Any, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("autolabel", project.uid, "--dry-run", "--label", "WASHER", "--threshold", "0.7")

    assert "Drafts would be made: 1 washer." in capsys.readouterr().out
    job = Job.objects.get()
    assert (job.dry_run, job.labels, job.confidence_threshold) == (True, ["washer"], 0.7)


def test_a_job_that_fails_fails_the_command_with_its_reason(
    project: Project, worker: Any, fake_model: Callable[..., None]
) -> None:
    fake_model(PREDICTOR="tests.autolabel.fakes.UnavailablePredictor")

    with pytest.raises(CommandError, match="It needs a GPU"):
        call_command("autolabel", project.uid)


def test_a_job_cancelled_by_somebody_fails_the_command(
    project: Project, worker: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue, "ring", lambda uid, name, lanes=1: lifecycle.cancel(Job.objects.get(uid=uid).pk))

    with pytest.raises(CommandError, match="The job was cancelled"):
        call_command("autolabel", project.uid)


def test_ctrl_c_cancels_the_job(project: Project, worker: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from autolabel.management.commands import autolabel as command

    monkeypatch.setattr(queue, "ring", lambda *args: None)

    def interrupt(bar: Any, job: Job) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(command, "show", interrupt)
    with pytest.raises(CommandError, match="The job was cancelled"):
        call_command("autolabel", project.uid)
    assert Job.objects.get().status == "cancelled"
