"""The admin watches and cancels; it edits nothing, and its lists stay cheap."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse

from autolabel.jobs.catalog import catalog
from autolabel.models import Chunk, ItemResult, Job, ModelDefault, ModelVersion, Prediction, WebhookEvent, Worker
from tests.factories import make_project, make_user

from .builders import drafts_of, make_job, make_worker, parts_project, run_to_end
from .fakes import picture

pytestmark = pytest.mark.django_db
MODELS = (Job, Chunk, ItemResult, Prediction, WebhookEvent, Worker)
NAMES = [model._meta.model_name for model in (*MODELS, ModelVersion, ModelDefault)]


@pytest.fixture
def boss() -> Client:
    client = Client()
    client.force_login(make_user(is_staff=True, is_superuser=True))
    return client


@pytest.fixture
def job(fake_model: Any, rings: Any) -> Job:
    """An ended job with rows of every kind."""
    make_worker()
    return run_to_end(make_job(parts_project(picture(2), picture(1, 0.3), b"no image")))


def page(name: str, *args: Any) -> str:
    return reverse(f"admin:autolabel_{name}_{'change' if args else 'changelist'}", args=args)


def staff(*permissions: str) -> Client:
    user = make_user(is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client = Client()
    client.force_login(user)
    return client


def cancel(client: Client, *jobs: Job) -> Any:
    data = {"action": "cancel", "_selected_action": [job.pk for job in jobs]}
    return client.post(page("job"), data, follow=True)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("model", MODELS)
def test_every_list_and_every_row_has_a_page(boss: Client, job: Job, model: Any) -> None:
    name = model._meta.model_name
    rows = model.objects.all()

    assert rows
    assert boss.get(page(name)).status_code == 200
    for row in rows:
        assert boss.get(page(name, row.pk)).status_code == 200


@pytest.mark.django_db(transaction=True)
def test_a_jobs_page_shows_how_it_went_and_leads_to_its_rows(boss: Client, job: Job) -> None:
    html = boss.get(page("job", job.pk)).content.decode()

    assert "1 / 1 / 1 of 3" in html
    assert 'value="100"' in html
    for link in (
        f"/admin/autolabel/itemresult/?job__id__exact={job.pk}",
        f"/admin/autolabel/itemresult/?job__id__exact={job.pk}&amp;outcome__exact=failed",
        f"/admin/autolabel/prediction/?job__id__exact={job.pk}",
        f"/admin/autolabel/webhookevent/?job__id__exact={job.pk}",
    ):
        assert link in html
        answer = boss.get(link.replace("&amp;", "&"))
        assert answer.status_code == 200
        assert answer.context["cl"].result_count >= 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("model", MODELS)
def test_nothing_can_be_added_changed_or_deleted(boss: Client, job: Job, model: Any) -> None:
    name, row = model._meta.model_name, model.objects.first()
    before = list(model.objects.values())

    assert boss.get(reverse(f"admin:autolabel_{name}_add")).status_code == 403
    assert boss.post(page(name, row.pk), {"status": "pending"}).status_code == 403
    assert boss.post(reverse(f"admin:autolabel_{name}_delete", args=[row.pk]), {"post": "yes"}).status_code == 403
    assert list(model.objects.values()) == before


@pytest.mark.parametrize("name", NAMES)
def test_who_may_not_view_sees_nothing(name: str) -> None:
    assert staff().get(page(name)).status_code == 403
    assert staff(f"view_{name}").get(page(name)).status_code == 200
    assert Client().get(page(name)).status_code == 302


def test_selected_jobs_are_cancelled_and_ended_ones_named(boss: Client) -> None:
    pending, running, done = (make_job(make_project(), status=status) for status in ("pending", "running", "completed"))
    answer = cancel(boss, pending, running, done)

    messages = [str(message) for message in answer.context["messages"]]
    assert messages == ["2 cancelled; drafts already made stay.", "1 had already ended."]
    assert dict(Job.objects.values_list("pk", "status")) == {
        pending.pk: "cancelled",
        running.pk: "cancelled",
        done.pk: "completed",
    }
    assert WebhookEvent.objects.count() == 2


def test_who_may_only_view_cannot_cancel() -> None:
    job = make_job(make_project())
    cancel(staff("view_job"), job)
    job.refresh_from_db()
    assert job.is_active

    cancel(staff("view_job", "change_job"), job)
    job.refresh_from_db()
    assert job.status == "cancelled"


@pytest.mark.parametrize(
    ("query", "found"), [("{uid}", 1), ("{project_uid}", 1), ("nothing", 0), ("?status__exact=pending", 1)]
)
def test_jobs_are_searched_by_uid_or_project_and_filtered(boss: Client, query: str, found: int) -> None:
    job = make_job(make_project())
    make_job(make_project(), status="failed")
    query = query.format(uid=job.uid, project_uid=job.project_uid)
    answer = boss.get(page("job") + query) if query.startswith("?") else boss.get(page("job"), {"q": query})

    assert answer.context["cl"].result_count == found


@pytest.mark.parametrize("name", ["itemresult", "prediction", "chunk", "webhookevent"])
def test_rows_are_searched_by_the_uid_of_their_job(boss: Client, name: str) -> None:
    assert boss.get(page(name), {"q": "00000000-0000-4000-8000-000000000000"}).status_code == 200


@pytest.mark.parametrize("name", NAMES)
def test_a_list_takes_the_same_queries_however_long_it_is(
    boss: Client, name: str, django_assert_num_queries: Any, django_assert_max_num_queries: Any
) -> None:
    fill(1)
    with django_assert_max_num_queries(15) as few:
        boss.get(page(name))
    fill(20)
    with django_assert_num_queries(len(few)):
        boss.get(page(name))


def fill(number: int) -> None:
    for _ in range(number):
        job = make_job(make_project(), created_by=make_user(), status="completed")
        Chunk.objects.create(job=job, item_uids=["a"])
        ItemResult.objects.create(job=job, item_uid="a", outcome="successful", drafts=1)
        box = {"x_min": 1, "y_min": 1, "x_max": 2, "y_max": 2}
        Prediction.objects.create(
            job=job, item_uid="a", ordinal=0, uid="u", label="bolt", score=0.5, fate="drafted", **box
        )
        WebhookEvent.objects.create(job=job, event_type="auto_label.completed", payload={})
        make_worker(f"worker-{job.uid}")
        version = register(f"model-{job.pk}", created_by=make_user())
        ModelDefault.objects.create(model_type=version.model_type, version=version, changed_by=make_user())


def register(model_type: str = "yolo", version: str = "2", **fields: Any) -> ModelVersion:
    given = {"base": "yolo", "weights": "/srv/2.pt", "sha256": "a" * 64, **fields}
    return ModelVersion.objects.create(model_type=model_type, version=version, **given)


def test_what_people_wrote_is_escaped(boss: Client) -> None:
    evil = "<script>alert(1)</script>"
    job = make_job(make_project(), status="failed", error_message=evil, labels=[evil], summary={"drafts": {evil: 1}})
    make_worker(evil, yolo={"ready": False, "reason": evil})

    for url in (page("job", job.pk), page("job"), page("worker"), page("worker", Worker.objects.get().pk)):
        assert evil.encode() not in boss.get(url).content
    assert b"&lt;script&gt;" in boss.get(page("worker")).content


def test_an_active_job_marks_its_page_for_refreshing(boss: Client) -> None:
    active, ended = make_job(make_project()), make_job(make_project(), status="cancelled")

    assert b'data-autolabel-active="1"' in boss.get(page("job", active.pk)).content
    assert b'data-autolabel-active="0"' in boss.get(page("job", ended.pk)).content


# Versions of models


def add_version(client: Client, **fields: str) -> Any:
    given = {"model_type": "yolo", "version": "2", "weights": "/srv/2.pt", "sha256": "A" * 64, **fields}
    return client.post(reverse("admin:autolabel_modelversion_add"), given, follow=True)


def choose(client: Client, action: str, *rows: ModelVersion, **more: str) -> Any:
    data = {"action": action, "_selected_action": [row.pk for row in rows], **more}
    return client.post(page("modelversion"), data, follow=True)


def told(answer: Any) -> list[str]:
    return [str(message) for message in answer.context["messages"]]


def test_a_version_is_registered_by_whoever_has_the_permission(fake_model: Any) -> None:
    add_version(staff("view_modelversion", "change_modeldefault"))
    assert not ModelVersion.objects.exists()

    answer = add_version(staff("add_modelversion", "view_modelversion"), default="on")
    row = ModelVersion.objects.get()
    assert (row.base, row.sha256, row.created_by.is_staff) == ("yolo", "a" * 64, True)
    assert any("workers verify their sha256" in message for message in told(answer))
    # That permission does not say what new jobs use.
    assert catalog()["yolo"].version == ""
    add_version(staff("add_modelversion", "change_modeldefault"), version="3", default="on")
    assert catalog()["yolo"].version == "3"


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("sha256", "abc", "64 hexadecimal digits"),
        ("weights", "2.pt", "Give the absolute path"),
        ("weights", "storage:../db.sqlite3", "without &#x27;..&#x27;"),
        ("version", "settings", "choose another"),
        ("model_type", "screws", "is a new model"),
        ("like", "tests.Evil", "not one of the available choices"),
    ],
)
def test_a_version_that_cannot_be_is_refused_beside_its_field(
    boss: Client, fake_model: Any, field: str, value: str, says: str
) -> None:
    answer = add_version(boss, **{field: value})

    assert says in answer.content.decode()
    assert not ModelVersion.objects.exists()


def test_a_version_is_registered_once(boss: Client, fake_model: Any) -> None:
    register()
    answer = add_version(boss)

    assert "already" in answer.content.decode()
    assert ModelVersion.objects.count() == 1


def test_a_registered_version_is_never_changed_or_deleted(boss: Client, fake_model: Any) -> None:
    row = register()

    assert boss.get(page("modelversion", row.pk)).status_code == 200
    assert boss.post(page("modelversion", row.pk), {"weights": "/srv/3.pt"}).status_code == 403
    delete = reverse("admin:autolabel_modelversion_delete", args=[row.pk])
    assert boss.post(delete, {"post": "yes"}).status_code == 403
    choose(boss, "delete_selected", row, post="yes")
    assert ModelVersion.objects.get().weights == "/srv/2.pt"


def test_the_default_is_changed_after_a_question_and_the_row_says_by_whom(boss: Client, fake_model: Any) -> None:
    row = register()
    asked = choose(boss, "make_default", row).content.decode()
    assert "Jobs that exist, running ones too, keep the version" in asked
    assert not ModelDefault.objects.exists()

    answer = choose(boss, "make_default", row, confirmed="Yes, change it")
    assert told(answer) == ["New jobs of yolo use version 2; jobs that exist keep theirs."]
    assert catalog()["yolo"].version == "2"
    assert ModelDefault.objects.get().changed_by.is_superuser
    answer = choose(boss, "use_settings", row, confirmed="Yes, change it")
    assert told(answer) == ["New jobs of yolo use the settings' weights; jobs that exist keep theirs."]
    assert catalog()["yolo"].version == ""


def test_one_version_of_a_model_is_chosen_and_a_new_name_has_no_settings_to_go_back_to(
    boss: Client, fake_model: Any
) -> None:
    rows = register(), register(version="3")
    assert told(choose(boss, "make_default", *rows, confirmed="1")) == ["Select one version of a model."]

    answer = choose(boss, "use_settings", register("screws"), confirmed="1")
    assert told(answer) == ["The registry has no model 'screws'."]
    assert not ModelDefault.objects.exists()


def test_who_may_only_add_does_not_choose_the_default(fake_model: Any) -> None:
    choose(staff("view_modelversion", "add_modelversion"), "make_default", register(), confirmed="1")

    assert not ModelDefault.objects.exists()


def test_the_list_tells_the_default_and_how_many_jobs_ran_a_version(boss: Client, fake_model: Any) -> None:
    version = register()
    ModelDefault.objects.create(model_type="yolo", version=version)
    for model_version in ("2", "2", "3"):
        make_job(make_project(), model_version=model_version)

    row = boss.get(page("modelversion")).context["cl"].queryset.get()
    assert (row.default, row.job_count) == (True, 2)


# What becomes of a job, and of its drafts


def act(client: Client, action: str, *jobs: Job, **data: str) -> str:
    rows = {"action": action, "_selected_action": [job.pk for job in jobs], **data}
    answer = client.post(page("job"), rows, follow=True)
    assert answer.status_code == 200
    return str(answer.content.decode())


@pytest.mark.django_db(transaction=True)
def test_drafts_are_discarded_after_a_look_at_the_count_and_brought_back(boss: Client, job: Job) -> None:
    before = drafts_of(job)
    asked = act(boss, "discard_drafts", job)
    assert f"<strong>{len(before)}</strong> draft" in asked
    assert drafts_of(job) == before

    assert f"discarded ({len(before)} drafts)" in act(boss, "discard_drafts", job, confirmed="yes")
    assert drafts_of(job) == []
    assert f"brought back ({len(before)} drafts)" in act(boss, "restore_drafts", job)
    assert len(drafts_of(job)) == len(before)


@pytest.mark.django_db(transaction=True)
def test_failed_items_are_retried_once(boss: Client, job: Job) -> None:
    assert "retried by a new job" in act(boss, "retry", job)
    assert Job.objects.active().get().retry_of == job
    assert "An auto-label job is already active on this project." in act(boss, "retry", job)


def test_jobs_are_paused_and_resumed(boss: Client, rings: Any, fake_model: Any) -> None:
    running, ended = make_job(make_project(), status="running"), make_job(make_project(), status="completed")
    text = act(boss, "pause", running, ended)
    assert "paused." in text
    assert "The job has already ended." in text
    running.refresh_from_db()
    assert running.paused_at

    act(boss, "resume", running)
    running.refresh_from_db()
    assert running.paused_at is None


@pytest.mark.parametrize("action", ["pause", "resume", "retry", "discard_drafts", "restore_drafts"])
def test_who_may_only_look_changes_no_job(action: str, rings: Any) -> None:
    job = make_job(make_project(), status="running")
    act(staff("view_job"), action, job, confirmed="yes")
    job.refresh_from_db()
    assert (job.status, job.paused_at) == ("running", None)


def test_workers_show_whether_they_live_what_they_do_and_their_memory(boss: Client) -> None:
    worker, silent = make_worker("one"), make_worker("two", silent=timedelta(minutes=5))
    Worker.objects.filter(pk=worker.pk).update(job_uid="a-job", memory_bytes=2**30)
    text = boss.get(page("worker")).content.decode()
    assert "a-job" in text
    assert "1.0\xa0GB" in text
    assert text.count('alt="True"') == text.count('alt="False"') == 1
    assert silent.name in text
