"""POST auto-label-jobs/{uid}/retry/: a new job over the failed items of one that has ended."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.files.base import ContentFile

from annotation_platform.models import Project
from autolabel.hosts.loader import get_host
from autolabel.jobs import services
from autolabel.models import ItemResult, Job
from tests.factories import make_member, make_project

from .builders import balanced, make_job, parts_project, results_of, run_to_end
from .fakes import FAKE_LABELS, picture

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("fake_model", "rings")]
JOBS = "/api/v1/auto-label-jobs/"
OPTIONS = {
    "confidence_threshold": 0.3,
    "labels": ["nut"],
    "dry_run": True,
    "thresholds": {"nut": 0.4},
    "label_map": {"washer": "nut"},
    "existing_drafts": "skip",
    "max_items": 7,
    "max_seconds": 60,
    "max_failed_pct": 50,
    "max_failed_min": 3,
}


@pytest.fixture
def project() -> Project:
    return make_project(labels=FAKE_LABELS)


@pytest.fixture
def manager(project: Project, as_user: Any) -> Any:
    return as_user(make_member(project, "manager"))


def failed_job(project: Project, *, failed: int = 2, status: str = "completed", **fields: Any) -> Job:
    job = make_job(project, status=status, total_items=failed, failed_items=failed, **fields)
    ItemResult.objects.bulk_create(
        ItemResult(job=job, item_uid=f"item-{n}", outcome="failed", reason="unreadable") for n in range(failed)
    )
    return job


def retry(client: Any, job: Job, **headers: str) -> Any:
    return client.post(f"{JOBS}{job.uid}/retry/", headers=headers)


@pytest.mark.django_db(transaction=True)
def test_it_answers_202_with_a_new_job_that_names_the_first(manager: Any, project: Project, rings: Any) -> None:
    first = failed_job(project)

    answer = retry(manager, first)
    assert answer.status_code == 202
    shown = answer.json()
    assert (shown["retry_of"], shown["project"], shown["status"]) == (first.uid, project.uid, "pending")
    assert answer["Location"].endswith(f"{JOBS}{shown['uid']}/")
    assert manager.get(answer["Location"]).json() == shown
    assert rings == [(shown["uid"], "autolabel", 1)]
    assert Job.objects.get(uid=shown["uid"]).created_by is not None


def test_it_has_the_options_of_the_first_but_for_its_scope(manager: Any, project: Project) -> None:
    first = failed_job(project, **OPTIONS, sample=5, seed=9)

    shown = retry(manager, first).json()
    assert {name: shown[name] for name in OPTIONS} == OPTIONS
    job = Job.objects.get(uid=shown["uid"])
    assert (job.item_uids, job.sample, job.seed) == (None, None, 0)


def test_a_retry_can_be_retried(manager: Any, project: Project) -> None:
    second = failed_job(project, retry_of=failed_job(project))

    assert retry(manager, second).json()["retry_of"] == second.uid


@pytest.mark.parametrize("status", ["failed", "cancelled"])
def test_any_job_that_has_ended_can_be_retried(manager: Any, project: Project, status: str) -> None:
    assert retry(manager, failed_job(project, status=status)).status_code == 202


def test_without_failed_items_there_is_nothing_to_retry(manager: Any, project: Project) -> None:
    answer = retry(manager, make_job(project, status="completed"))

    assert (answer.status_code, answer.json()) == (400, {"detail": "The job has no failed items."})
    assert Job.objects.count() == 1


def test_items_that_were_pruned_even_in_part_cannot_be_retried(manager: Any, project: Project) -> None:
    job = failed_job(project, failed=3)
    job.item_results.first().delete()

    answer = retry(manager, job)
    assert answer.status_code == 400
    assert "pruned" in answer.json()["detail"]
    assert Job.objects.count() == 1


@pytest.mark.parametrize("status", ["pending", "running"])
def test_an_active_job_is_409_and_names_itself(manager: Any, project: Project, status: str) -> None:
    job = failed_job(project, status=status)

    answer = retry(manager, job)
    assert (answer.status_code, answer.json()["job"]) == (409, job.uid)


def test_another_active_job_on_the_project_is_409_and_named(manager: Any, project: Project) -> None:
    job, active = failed_job(project), make_job(project)

    answer = retry(manager, job)
    assert (answer.status_code, answer.json()["job"]) == (409, active.uid)


def test_a_label_that_has_left_the_project_is_named(manager: Any, project: Project) -> None:
    job = failed_job(project, labels=["nut"])
    project.labels.filter(name="nut").delete()

    answer = retry(manager, job)
    assert answer.status_code == 400
    assert '"nut"' in answer.json()["labels"][0]


def test_the_same_key_answers_with_the_same_job(manager: Any, project: Project) -> None:
    job, other = failed_job(project), failed_job(project)
    headers = {"Idempotency-Key": "again"}
    first = retry(manager, job, **headers)

    assert retry(manager, job, **headers).json() == first.json()
    assert Job.objects.count() == 3
    assert retry(manager, other, **headers).status_code == 422
    start = manager.post(f"/api/v1/projects/{project.uid}/auto-label/", {}, format="json", headers=headers)
    assert start.status_code == 422


@pytest.mark.parametrize("key", ["", "x" * 256])
def test_a_key_of_a_wrong_length_is_refused(manager: Any, project: Project, key: str) -> None:
    assert retry(manager, failed_job(project), **{"Idempotency-Key": key}).status_code == 400


@pytest.mark.parametrize("role", ["viewer", "annotator"])
def test_who_may_not_run_jobs_is_403(as_user: Any, project: Project, role: str) -> None:
    assert retry(as_user(make_member(project, role)), failed_job(project)).status_code == 403
    assert Job.objects.count() == 1


def test_another_teams_job_is_404_and_nobody_is_401(as_user: Any, project: Project) -> None:
    job = failed_job(project)

    assert retry(as_user(make_member(make_project(), "manager")), job).status_code == 404
    assert retry(as_user(), job).status_code == 401


def test_a_model_that_is_for_others_is_403(manager: Any, project: Project, fake_model: Any) -> None:
    fake_model(GROUP="experts")

    assert retry(manager, failed_job(project)).status_code == 403
    assert services.retry_job(None, Job.objects.get()).is_active


@pytest.mark.django_db(transaction=True)
def test_it_works_on_the_failed_items_that_still_wait_and_on_no_others() -> None:
    project = parts_project(b"no image", b"no image", picture(1), picture(0))
    healed, labeled, *_ = project.items.order_by("pk")
    job = run_to_end(services.create_job(get_host().get_project_trusted(project.uid), services.JobRequest()))
    assert job.failed_items == 2
    healed.image.save("healed.png", ContentFile(picture(2)))
    project.items.filter(pk=labeled.pk).update(state="flagged")

    second = balanced(run_to_end(services.retry_job(None, job)), [healed])
    assert {uid: row.outcome for uid, row in results_of(second).items()} == {healed.uid: "successful"}
