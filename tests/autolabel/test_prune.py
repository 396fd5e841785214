"""`manage.py autolabel_prune`: what goes of old jobs, and what must stay."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction
from django.utils import timezone

from annotation_platform.autolabel_host import PlatformHost
from annotation_platform.models import Annotation, Project
from autolabel.exceptions import NothingToRetry
from autolabel.hosts.base import Actor
from autolabel.jobs import drafts, prune, services
from autolabel.jobs.prune import Pruned
from autolabel.models import Chunk, ItemResult, Job, Prediction, WebhookDelivery, WebhookEndpoint, WebhookEvent
from autolabel.webhooks import endpoints
from tests.factories import make_member, make_project, make_rows_of_items

from .builders import drafts_of, in_threads, make_delivery, make_job
from .past_jobs import decide, fates, past_job

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("fake_model", "rings")]
NOTHING = Pruned()


@pytest.fixture
def project() -> Project:
    project = make_project()
    make_rows_of_items(project, 3)
    return project


def run(days: float = 90, **options: Any) -> Pruned:
    return prune.prune(timezone.now() - timedelta(days=days), **options)


def rows() -> tuple[int, ...]:
    return tuple(model.objects.count() for model in (Prediction, ItemResult, Chunk, WebhookEvent, Job))


# What goes


def test_of_a_job_whose_drafts_are_gone_nothing_is_left(project: Project) -> None:
    drafts.discard_drafts(past_job(project, failed=2))

    assert run() == Pruned(predictions=6, kept=0, results=2, chunks=1, events=1, jobs=1)
    assert rows() == (0, 0, 0, 0, 0)


def test_predictions_that_annotations_stand_for_stay_with_their_job(project: Project) -> None:
    job = past_job(project, failed=1)
    draft, accepted, discarded, *others = drafts_of(job)
    decide(accepted), decide(discarded, "discarded")
    Annotation.objects.filter(pk__in=[one.pk for one in others]).delete()

    assert run() == Pruned(predictions=3, kept=3, results=1, chunks=1, events=1, jobs=0)
    kept = set(job.predictions.values_list("uid", flat=True))
    assert kept == {one.prediction_uid for one in (draft, accepted, discarded)}
    assert rows() == (3, 0, 0, 0, 1)


def test_a_second_time_there_is_nothing_to_do(project: Project) -> None:
    past_job(project)
    run()

    assert run() == Pruned(kept=6)


def test_a_job_goes_once_its_last_annotation_has(project: Project) -> None:
    past_job(project)
    run()
    Annotation.objects.all().delete()

    assert run() == Pruned(predictions=6, jobs=1)


def test_small_batches_come_to_the_same(project: Project) -> None:
    job = past_job(project, failed=5)
    kept = decide(drafts_of(job)[2])
    Annotation.objects.exclude(pk=kept.pk).delete()

    assert run(batch=1) == Pruned(predictions=5, kept=1, results=5, chunks=1, events=1, jobs=0)
    assert list(job.predictions.values_list("uid", flat=True)) == [kept.prediction_uid]


def test_retries_go_in_the_same_round_as_the_jobs_that_they_link_to(project: Project) -> None:
    first = past_job(project, failed=1)
    past_job(project, retry_of=first)
    Annotation.objects.all().delete()

    assert run().jobs == 2
    assert not Job.objects.exists()


# What stays


def test_a_job_that_ended_later_or_is_active_stays_whole(project: Project) -> None:
    past_job(project, days=89)
    Annotation.objects.all().delete()
    running = make_job(project, status="running", created_at="2020-01-01T00:00Z")
    Chunk.objects.create(job=running, item_uids=["x"])
    before = rows()

    assert run() == NOTHING
    assert rows() == before
    assert run(days=88).jobs == 1


@pytest.mark.parametrize(("state", "stays"), [("active", True), ("paused", True), ("failing", True), ("gone", False)])
def test_an_event_that_somebody_waits_for_stays_with_its_job(project: Project, state: str, stays: bool) -> None:
    drafts.discard_drafts(past_job(project))
    endpoint, _ = endpoints.create(
        Actor(make_member(project)), target_url="https://hooks.example.com/", events=["auto_label.completed"]
    )
    WebhookEndpoint.objects.update(state=state)
    WebhookEvent.objects.update(spread_at=timezone.now())
    WebhookDelivery.objects.create(event=WebhookEvent.objects.get(), endpoint=endpoint, next_retry_at=timezone.now())

    counted = run(dry_run=True)
    assert (run().jobs, counted.jobs) == ((0, 0) if stays else (1, 1))
    assert WebhookEvent.objects.exists() is stays

    WebhookDelivery.objects.update(status="delivered")
    run()
    assert not WebhookEvent.objects.exists()


def test_an_event_that_no_sender_has_seen_stays_while_somebody_listens(project: Project) -> None:
    drafts.discard_drafts(past_job(project))
    WebhookEvent.objects.update(spread_at=None)
    endpoint, _ = endpoints.create(
        Actor(make_member(project)), target_url="https://hooks.example.com/", events=["auto_label.failed"]
    )
    assert run().events == 0

    endpoint.delete()

    assert run().events == 1


def test_old_tests_of_endpoints_go(project: Project) -> None:
    endpoint, _ = endpoints.create(Actor(make_member(project)), target_url="https://hooks.example.com/", events=[])
    old, _ = (make_delivery(endpoint) for _ in range(2))
    WebhookEvent.objects.filter(pk=old.event_id).update(created_at=timezone.now() - timedelta(days=100))

    assert run(dry_run=True).events == run().events == 1
    assert WebhookEvent.objects.count() == 1


def test_a_job_that_a_newer_one_links_to_keeps_its_row(project: Project) -> None:
    first = past_job(project, failed=1)
    make_job(project, status="completed", retry_of=first)
    Annotation.objects.all().delete()

    assert run() == Pruned(predictions=6, results=1, chunks=1, events=1, jobs=0)
    assert Job.objects.count() == 2


def test_what_an_active_job_tries_again_stays_until_that_has_ended(project: Project) -> None:
    first = past_job(project, failed=2)
    retry = services.retry_job(None, first)
    before = rows()

    assert run() == NOTHING
    assert rows() == before
    services.cancel_job(None, retry)
    assert run().results == 2


def test_failed_items_that_are_gone_cannot_be_tried_again(project: Project) -> None:
    job = past_job(project, failed=2)
    run()

    with pytest.raises(NothingToRetry, match="pruned"):
        services.retry_job(None, job)


def test_reviewers_can_still_see_what_the_model_had_said(project: Project) -> None:
    """The platform reads it from the prediction when an edit is taken back."""
    job = past_job(project)
    edited = drafts_of(job)[0]
    decide(edited)
    Annotation.objects.filter(pk=edited.pk).update(edited=True)
    run()

    assert job.predictions.filter(uid=edited.prediction_uid).exists()


def test_an_error_of_the_host_leaves_that_job_to_the_next_round(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken, fine = past_job(project), past_job(project)
    real = PlatformHost.used_predictions

    def fail_for_one(host: Any, job: Any, items: Any) -> Any:
        if job.uid == broken.uid:
            raise RuntimeError("the host is away")
        return real(host, job, items)

    monkeypatch.setattr(PlatformHost, "used_predictions", fail_for_one)
    Annotation.objects.all().delete()

    with pytest.raises(CommandError, match="1 jobs could not be pruned"):
        call_command("autolabel_prune")
    assert list(Job.objects.all()) == [broken]
    assert fates(broken) == {"drafted": 6}
    assert not Job.objects.filter(pk=fine.pk).exists()


# The command


def test_a_dry_run_counts_the_same_and_deletes_nothing(project: Project, capsys: Any) -> None:
    job = past_job(project, failed=2)
    Annotation.objects.exclude(pk=drafts_of(job)[0].pk).delete()
    gone = past_job(make_project(), failed=1)
    before = rows()

    counted = run(dry_run=True)
    assert rows() == before
    call_command("autolabel_prune", "--dry-run")
    said = "5 predictions, 3 item results, 2 chunks, 2 webhook events, 1 jobs"
    assert f"Would delete {said}." in capsys.readouterr().out
    call_command("autolabel_prune", "--batch", "2")
    assert f"Deleted {said}.\nKept 1 predictions that annotations stand for." in capsys.readouterr().out
    assert counted == Pruned(predictions=5, kept=1, results=3, chunks=2, events=2, jobs=1)
    assert not Job.objects.filter(pk=gone.pk).exists()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--days", "-1"], "--days must be"),
        (["--days", "nan"], "--days must be"),
        (["--days", "inf"], "--days must be"),
        (["--days", "x"], "--days"),
        (["--batch", "0"], "--batch must be 1 or more"),
    ],
)
def test_a_bad_argument_is_refused_by_name(project: Project, arguments: list[str], says: str) -> None:
    past_job(project)

    with pytest.raises(CommandError, match=says):
        call_command("autolabel_prune", *arguments)
    assert Job.objects.exists()


# Beside others


@pytest.mark.django_db(transaction=True)
def test_several_at_once_count_each_row_once() -> None:
    for _ in range(3):
        project = make_project()
        make_rows_of_items(project, 10)
        past_job(project, failed=7)
    Annotation.objects.all().delete()

    results = in_threads(*[lambda: run(batch=3)] * 4)
    assert sum(one.predictions for one in results) == 60
    assert sum(one.results for one in results) == 21
    assert sum(one.jobs for one in results) == 3
    assert sum(one.failed for one in results) == 0
    assert rows() == (0, 0, 0, 0, 0)


@pytest.mark.django_db(transaction=True)
def test_a_retry_at_the_same_moment_has_all_failed_items_or_is_refused() -> None:
    for _ in range(5):
        project = make_project()
        job = past_job(project, failed=40)

        retried, _ = in_threads(_retry(job), lambda: run(batch=1))
        known = job.item_results.count()
        if isinstance(retried, Job):
            assert known == 40
            services.cancel_job(None, retried)
        else:
            assert isinstance(retried, NothingToRetry)
            assert known < 40


def _retry(job: Job) -> Callable[[], Job]:
    return lambda: services.retry_job(None, job)


@pytest.mark.django_db(transaction=True)
def test_drafts_that_come_back_at_the_same_moment_keep_their_predictions() -> None:
    for _ in range(5):
        project = make_project()
        make_rows_of_items(project, 10)
        job = past_job(project)
        drafts.discard_drafts(job)

        in_threads(lambda job=job: drafts.restore_drafts(job), lambda: run(batch=1))
        there = set(Annotation.objects.filter(job_uid=job.uid).values_list("prediction_uid", flat=True))
        assert there == set(Prediction.objects.filter(job=job).values_list("uid", flat=True))
        with transaction.atomic():
            Annotation.objects.all().delete()
