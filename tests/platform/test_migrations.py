"""What migrations do to rows that are there already."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from autolabel.models import ItemResult, Job
from tests.factories import make_draft, make_item, make_manual, make_project

APP = "annotation_platform"


def migrate(name: str) -> None:
    executor = MigrationExecutor(connection)
    executor.migrate([(APP, name)])


@pytest.fixture
def back_at_the_newest(transactional_db: Any) -> Iterator[None]:
    [newest] = [leaf for leaf in MigrationExecutor(connection).loader.graph.leaf_nodes() if leaf[0] == APP]
    yield
    migrate(newest[1])


def test_drafts_from_before_the_review_queue_are_counted(back_at_the_newest: None) -> None:
    project = make_project()
    drafted, decided, _ = (make_item(project) for _ in range(3))
    make_draft(drafted, score=0.75)
    make_draft(drafted, score=0.25)
    make_manual(drafted)
    make_manual(decided)

    migrate("0001_projects_items_and_annotations")
    migrate("0002_review_queue_and_bulk_reviews")

    found = [(item.draft_count, item.lowest_score, item.queue) for item in project.items.all()]
    assert found == [(2, 0.25, 1), (0, None, 1), (0, None, 2)]


def test_items_on_which_a_model_had_found_nothing_before_are_in_the_queue(back_at_the_newest: None) -> None:
    project = make_project()
    empty, unseen, tried = (make_item(project) for _ in range(3))
    for item, dry_run in [(empty, False), (tried, True)]:
        job = Job.objects.create(
            project_uid=project.uid, status="completed", dry_run=dry_run, completed_at=timezone.now()
        )
        ItemResult.objects.create(job=job, item_uid=item.uid, outcome="skipped", reason="nothing_found")

    migrate("0001_projects_items_and_annotations")
    migrate("0002_review_queue_and_bulk_reviews")

    queues = {item.pk: item.queue for item in project.items.all()}
    assert queues == {empty.pk: 1, unseen.pk: 2, tried.pk: 2}


def test_an_item_with_drafts_and_a_result_is_counted_and_dated(back_at_the_newest: None) -> None:
    """Both in one migration: PostgreSQL refuses to alter a table with rows that were updated twice."""
    item = make_item()
    make_draft(item)
    job = Job.objects.create(project_uid=item.project.uid, status="completed", completed_at=timezone.now())
    ItemResult.objects.create(job=job, item_uid=item.uid, outcome="successful", drafts=1)

    migrate("0001_projects_items_and_annotations")
    migrate("0002_review_queue_and_bulk_reviews")

    item.refresh_from_db()
    assert (item.draft_count, item.auto_labeled_at) == (1, job.created_at)
