"""Reading jobs, their items and the models: what is listed, in which order, to whom."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from annotation_platform.models import Project
from autolabel.jobs import reaper
from autolabel.models import ItemResult, Job
from tests.factories import make_member, make_project, make_user

from .builders import make_job, make_worker, parts_project, run_to_end
from .fakes import FAKE, FAKE_LABELS, picture

pytestmark = pytest.mark.django_db
JOBS = "/api/v1/auto-label-jobs/"


@pytest.fixture
def project() -> Project:
    return make_project()


@pytest.fixture
def client(as_user: Any, project: Project) -> Any:
    return as_user(make_member(project, "viewer"))


def ended(project: Project, number: int) -> list[Job]:
    return [make_job(project, status="completed") for _ in range(number)]


def uids(answer: Any) -> list[str]:
    assert answer.status_code == 200
    return [row["uid"] for row in answer.json()["results"]]


def walk(client: Any, url: str, link: str = "next") -> list[list[dict[str, Any]]]:
    """All pages, following the links."""
    pages = []
    while url:
        answer = client.get(url)
        assert answer.status_code == 200
        assert set(answer.json()) == {"next", "previous", "results"}
        pages.append(answer.json()["results"])
        url = answer.json()[link]
    return pages


# One job, and the list


def test_jobs_are_listed_newest_first(client: Any, project: Project) -> None:
    jobs = ended(project, 3)

    assert uids(client.get(JOBS)) == [job.uid for job in reversed(jobs)]


def test_a_job_is_shown_as_in_the_list(client: Any, project: Project) -> None:
    job = make_job(project)

    assert client.get(f"{JOBS}{job.uid}/").json() == client.get(JOBS).json()["results"][0]


def test_an_active_job_that_is_looked_at_is_kept_going_and_no_other(
    client: Any, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    glanced: list[str] = []
    monkeypatch.setattr(reaper, "glance", lambda job: glanced.append(job.uid), raising=False)
    [done], active = ended(project, 1), make_job(project)

    client.get(f"{JOBS}{done.uid}/"), client.get(JOBS)
    assert glanced == []
    client.get(f"{JOBS}{active.uid}/")
    assert glanced == [active.uid]


def test_why_an_active_job_stands_still_is_shown_and_not_of_a_paused_or_ended_one(
    client: Any, project: Project
) -> None:
    job = make_job(project, status="running", stalled_reason="storage: it is away")

    def shown() -> set[str]:
        return {client.get(f"{JOBS}{job.uid}/").json()["stalled"], client.get(JOBS).json()["results"][0]["stalled"]}

    [reason] = shown()
    assert "storage" in reason
    Job.objects.update(paused_at="2026-01-01T00:00Z")
    assert shown() == {""}
    Job.objects.update(status="cancelled", paused_at=None, completed_at="2026-01-01T00:00Z")
    assert shown() == {""}


def test_progress_is_null_until_planned_and_rounded_down(client: Any, project: Project) -> None:
    job = make_job(project, status="running", total_items=3, successful_items=1, skipped_items=1)
    assert client.get(f"{JOBS}{job.uid}/").json()["progress_pct"] is None

    Job.objects.update(planned_at="2026-01-01T00:00Z")
    shown = client.get(f"{JOBS}{job.uid}/").json()
    assert (shown["progress_pct"], shown["processed_items"]) == (66, 2)


def test_pages_over_many_jobs_lose_and_double_none(client: Any, project: Project) -> None:
    jobs = Job.objects.bulk_create(
        Job(project_uid=project.uid, model_type="yolo", status="completed", completed_at="2026-01-01T00:00Z")
        for _ in range(250)
    )
    # Equal times are what breaks pages that are ordered by time.
    Job.objects.update(created_at="2026-01-01T00:00Z")

    pages = walk(client, f"{JOBS}?limit=40")
    assert [len(page) for page in pages] == [40] * 6 + [10]
    assert [row["uid"] for page in pages for row in page] == [job.uid for job in reversed(jobs)]


def test_pages_can_be_walked_backwards(client: Any, project: Project) -> None:
    jobs = ended(project, 7)
    last = client.get(client.get(f"{JOBS}?limit=3").json()["next"]).json()

    pages = walk(client, last["previous"], "previous")
    assert [row["uid"] for page in pages for row in page] == [job.uid for job in reversed(jobs[4:])]


def test_a_job_started_meanwhile_shifts_no_page(client: Any, project: Project) -> None:
    jobs = ended(project, 4)
    first = client.get(f"{JOBS}?limit=2").json()
    ended(project, 2)

    assert [row["uid"] for row in client.get(first["next"]).json()["results"]] == [jobs[1].uid, jobs[0].uid]


@pytest.mark.parametrize(("limit", "length"), [("", 50), ("?limit=1000", 60), ("?limit=0", 50), ("?limit=x", 50)])
def test_a_page_has_50_rows_unless_told_otherwise(client: Any, project: Project, limit: str, length: int) -> None:
    ended(project, 60)

    assert len(uids(client.get(f"{JOBS}{limit}"))) == length


@pytest.mark.parametrize("cursor", ["x", "cD0x", "cD1hYmM=", "cD05OTk5OTk5OTk5OTk5OTk5OTk5OTk5", "%00"])
def test_a_cursor_that_somebody_made_up_breaks_nothing(client: Any, project: Project, cursor: str) -> None:
    ended(project, 2)

    assert client.get(f"{JOBS}?cursor={cursor}").status_code in (200, 404)


def test_filters_narrow_the_list_and_can_be_combined(as_user: Any) -> None:
    user = make_user()
    first, second = (make_project(members={user: "viewer"}) for _ in range(2))
    running, failed = make_job(first, status="running"), make_job(first, status="failed")
    other = make_job(second, status="running")
    client = as_user(user)

    assert uids(client.get(f"{JOBS}?project={first.uid}")) == [failed.uid, running.uid]
    assert uids(client.get(f"{JOBS}?status=running")) == [other.uid, running.uid]
    assert uids(client.get(f"{JOBS}?status=running&project={first.uid}")) == [running.uid]
    assert uids(client.get(f"{JOBS}?project=unknown")) == []


def test_a_filter_stays_on_through_all_pages(client: Any, project: Project) -> None:
    ended(project, 5)
    failed = [make_job(project, status="failed") for _ in range(5)]

    pages = walk(client, f"{JOBS}?status=failed&limit=2")
    assert [row["uid"] for page in pages for row in page] == [job.uid for job in reversed(failed)]


def test_an_unknown_status_is_refused_by_name(client: Any) -> None:
    answer = client.get(f"{JOBS}?status=paused")

    assert answer.status_code == 400
    assert set(answer.json()) == {"status"}


def test_the_list_takes_a_constant_number_of_queries(
    client: Any, project: Project, django_assert_max_num_queries: Any
) -> None:
    ended(project, 20)

    with django_assert_max_num_queries(4):
        assert len(uids(client.get(JOBS))) == 20


# Who sees what


def test_another_teams_jobs_are_neither_listed_nor_found(client: Any) -> None:
    foreign = make_job(make_project("Secret"))

    assert uids(client.get(JOBS)) == []
    assert uids(client.get(f"{JOBS}?project={foreign.project_uid}")) == []
    for path in ("", "items/"):
        assert client.get(f"{JOBS}{foreign.uid}/{path}").status_code == 404


@pytest.mark.parametrize("uid", ["x", "00000000-0000-4000-8000-000000000000", "é", "%00", "1" * 500])
@pytest.mark.parametrize("path", ["", "items/"])
def test_a_malformed_or_unknown_uid_is_404(client: Any, uid: str, path: str) -> None:
    assert client.get(f"{JOBS}{uid}/{path}").status_code == 404


@pytest.mark.parametrize(
    "path", ["auto-label-jobs/", "auto-label-jobs/x/", "auto-label-jobs/x/items/", "auto-label-models/"]
)
def test_nobody_is_401(as_user: Any, path: str) -> None:
    assert as_user().get(f"/api/v1/{path}").status_code == 401


@pytest.mark.parametrize("role", ["viewer", "annotator", "manager"])
def test_every_member_may_read(as_user: Any, project: Project, role: str) -> None:
    job = make_job(project)
    client = as_user(make_member(project, role))

    assert uids(client.get(JOBS)) == [job.uid]
    assert client.get(f"{JOBS}{job.uid}/items/").status_code == 200


# Its items


@pytest.mark.django_db(transaction=True)
def test_each_item_says_what_became_of_it(as_user: Any, fake_model: Any, rings: Any) -> None:
    project = parts_project(picture(2), picture(0), b"no image")
    job = run_to_end(make_job(project))
    client = as_user(make_member(project, "viewer"))

    rows = client.get(f"{JOBS}{job.uid}/items/").json()["results"]
    assert {row["item"] for row in rows} == set(project.items.values_list("uid", flat=True))
    assert set(rows[0]) == {"item", "outcome", "reason", "message", "predictions", "drafts", "created_at"}
    found = sorted((row["outcome"], row["reason"], row["predictions"], row["drafts"]) for row in rows)
    assert found == [("failed", "unreadable", 0, 0), ("skipped", "nothing_found", 0, 0), ("successful", "", 2, 2)]


@pytest.mark.parametrize("outcome", ["successful", "skipped", "failed"])
def test_items_can_be_filtered_by_outcome_over_all_pages(client: Any, project: Project, outcome: str) -> None:
    job = make_job(project)
    reasons = {"successful": "", "skipped": "nothing_found", "failed": "unreadable"}
    ItemResult.objects.bulk_create(
        ItemResult(job=job, item_uid=f"{one}-{number}", outcome=one, reason=reasons[one], drafts=one == "successful")
        for number in range(25)
        for one in reasons
    )

    pages = walk(client, f"{JOBS}{job.uid}/items/?outcome={outcome}&limit=10")
    assert [row["item"] for page in pages for row in page] == [f"{outcome}-{number}" for number in range(24, -1, -1)]


def test_an_unknown_outcome_is_refused_by_name(client: Any, project: Project) -> None:
    answer = client.get(f"{JOBS}{make_job(project).uid}/items/?outcome=lost")

    assert answer.status_code == 400
    assert set(answer.json()) == {"outcome"}


# The models


def models(client: Any) -> list[dict[str, Any]]:
    answer = client.get("/api/v1/auto-label-models/")
    assert answer.status_code == 200
    return list(answer.json())


def test_a_model_that_no_worker_serves_says_how_to_get_one(client: Any, fake_model: Callable[..., None]) -> None:
    fake_model(TITLE="YOLO nano")
    (model,) = models(client)

    assert (model["model_type"], model["title"], model["ready"]) == ("yolo", "YOLO nano", False)
    assert "manage.py autolabel_worker" in model["reason"]
    assert (model["workers"], model["labels"], model["output_kinds"]) == (0, None, [])


def test_a_model_that_a_live_worker_can_run_is_ready_with_its_labels(client: Any, fake_model: Any) -> None:
    make_worker()
    (model,) = models(client)

    assert model == {
        "model_type": "yolo",
        "title": "yolo",
        "default_version": "",
        "ready": True,
        "allowed": True,
        "startable": True,
        "reason": "",
        "name": "fake",
        "version": "1",
        "labels": list(FAKE_LABELS),
        "output_kinds": ["box"],
        "takes_boxes": False,
        "device": "cpu",
        "engine": "",
        "notes": [],
        "workers": 1,
    }


def test_one_worker_that_can_run_it_is_enough(client: Any, fake_model: Any) -> None:
    make_worker("broken", yolo={"ready": False, "reason": "no weights"})
    assert models(client)[0]["reason"] == "no weights"

    make_worker("sound")
    assert (models(client)[0]["ready"], models(client)[0]["workers"]) == (True, 2)


def test_a_worker_that_fell_silent_does_not_count(client: Any, fake_model: Any) -> None:
    make_worker(silent=timedelta(minutes=1))

    assert models(client)[0]["ready"] is False


def test_models_are_listed_in_the_order_of_the_registry(client: Any, configure: Callable[..., None]) -> None:
    configure(MODELS={name: {"PREDICTOR": FAKE} for name in ("sam3", "yolo", "alpha")})
    make_worker(another={})

    assert [model["model_type"] for model in models(client)] == ["sam3", "yolo", "alpha"]
