"""What a list of jobs offers to do with each of them."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from autolabel.jobs import drafts
from autolabel.jobs.choices import Choices, choices_of
from autolabel.models import Job

from .builders import make_job, parts_project
from .fakes import picture
from .past_jobs import ended_job

pytestmark = pytest.mark.django_db

DONE = {"status": "completed", "total_items": 9}


def choices(**fields: Any) -> Choices:
    return choices_of([make_job("a", **fields)])[0]


def test_a_job_with_failed_items_can_be_retried_however_it_ended() -> None:
    for status in ("completed", "failed", "cancelled"):
        assert choices(status=status, total_items=9, failed_items=2) == Choices(retry=True)
    assert choices(**DONE) == Choices()


def test_nothing_is_offered_for_an_active_job() -> None:
    assert choices(status="running", total_items=9, failed_items=2, successful_items=3) == Choices()


def test_nothing_can_be_retried_beside_an_active_job_of_the_same_project() -> None:
    failed = {**DONE, "failed_items": 2}
    jobs = [make_job("a", status="running"), make_job("a", **failed), make_job("b", **failed)]

    assert [can.retry for can in choices_of(jobs)] == [False, False, True]


def test_drafts_can_be_discarded_where_there_may_be_some() -> None:
    assert choices(**DONE, successful_items=3) == Choices(discard=True)
    assert choices(**DONE, successful_items=3, dry_run=True) == Choices()


def test_drafts_can_come_back_as_long_as_their_predictions_exist(django_assert_num_queries: Any) -> None:
    project = parts_project(picture(1), picture(1))
    jobs = [ended_job(project, successful_items=2, total_items=2), make_job("b", **DONE)]
    drafts.discard_drafts(jobs[0])
    jobs[0].refresh_from_db()

    with django_assert_num_queries(1):
        assert choices_of(jobs) == [Choices(restore=True), Choices()]
    jobs[0].predictions.all().delete()
    assert choices_of(jobs) == [Choices(), Choices()]


def test_a_list_costs_no_query_where_no_drafts_were_discarded(django_assert_num_queries: Any) -> None:
    jobs = [make_job("a", **DONE, successful_items=3) for _ in range(5)]

    with django_assert_num_queries(0):
        choices_of(jobs)


def test_a_list_of_many_costs_one_query(django_assert_num_queries: Any) -> None:
    for _ in range(5):
        make_job("a", **DONE, successful_items=3, drafts_discarded_at=timezone.now())

    jobs = list(Job.objects.all())
    with django_assert_num_queries(1):
        choices_of(jobs)
