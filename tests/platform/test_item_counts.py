"""An item knows how many drafts wait on it and how doubtful the worst of them is, whatever changes them."""

from __future__ import annotations

from typing import Any

import pytest
from django.db.models import Count, Min, Q

from annotation_platform import review
from annotation_platform.autolabel_host import PlatformHost
from annotation_platform.models import Item
from autolabel.hosts.base import Draft, ItemDrafts, JobRef
from autolabel.shapes import Shape
from tests.factories import make_draft, make_item, make_manual, make_member, make_project, make_rows_of_items

pytestmark = pytest.mark.django_db


def counted(item: Item) -> tuple[str, int, float | None]:
    item.refresh_from_db()
    return item.state, item.draft_count, item.lowest_score


def drafts_for(item: Item, *scores: float) -> ItemDrafts:
    drafts = (Draft(f"p-{score}", Shape("bolt", score, (1.0, 2.0, 3.0, 4.0))) for score in scores)
    return ItemDrafts(item.uid, 64, 48, tuple(drafts))


def job_on(item: Item, uid: str = "j-1") -> JobRef:
    return JobRef(uid, item.project.uid, "running", "yolo26n", "abc")


def test_the_counts_follow_every_decision() -> None:
    item = make_item()
    user = make_member(item.project)
    low, high = make_draft(item, score=0.2), make_draft(item, score=0.9)
    make_manual(item)
    assert counted(item) == ("drafted", 2, 0.2)

    [accepted] = review.apply(item, user, [review.Change(low.uid, 1, status="accepted")])
    assert counted(item) == ("drafted", 1, 0.9)
    review.apply(item, user, [review.Change(high.uid, 1, status="discarded")])
    assert counted(item) == ("drafted", 0, None)
    review.apply(item, user, [review.Change(low.uid, accepted.version, status="draft")])
    assert counted(item) == ("drafted", 1, 0.2)


def test_drawing_and_deleting_leave_them_true() -> None:
    item = make_item()
    drawn = review.add(item, make_member(item.project), "bolt", box=(1, 1, 9, 9))
    assert counted(item) == ("drafted", 0, None)

    review.delete(drawn, drawn.version)
    assert counted(item) == ("unlabeled", 0, None)


@pytest.mark.parametrize("state", ["done", "flagged"])
def test_a_persons_word_stays_but_the_counts_are_kept_true(state: str) -> None:
    item = make_item(state=state)
    make_draft(item, score=0.3)

    review.refresh_states(Item.objects.all())

    assert counted(item) == (state, 1, 0.3)


def test_a_models_drafts_are_counted_when_they_come_are_replaced_and_go() -> None:
    item, host = make_item(), PlatformHost()

    host.write_drafts(job_on(item), [drafts_for(item, 0.5, 0.7)])
    assert counted(item) == ("drafted", 2, 0.5)
    host.write_drafts(job_on(item, "j-2"), [drafts_for(item, 0.6)])
    assert counted(item) == ("drafted", 1, 0.6)
    assert len(host.delete_drafts(job_on(item, "j-2"), 10)[item.uid]) == 1
    assert counted(item) == ("unlabeled", 0, None)


def test_one_statement_counts_any_number_of_items(django_assert_num_queries: Any) -> None:
    items = make_rows_of_items(make_project(), 20)
    for number, item in enumerate(items):
        for score in range(number % 3):
            make_draft(item, score=score / 10)
    Item.objects.update(state="unlabeled", draft_count=0, lowest_score=None)

    with django_assert_num_queries(1):
        review.refresh_states(Item.objects.all())

    drafts = Q(annotations__status="draft")
    truth = Item.objects.annotate(n=Count("annotations", filter=drafts), low=Min("annotations__score", filter=drafts))
    assert {item.draft_count for item in truth} == {0, 1, 2}
    assert all((item.draft_count, item.lowest_score) == (item.n, item.low) for item in truth)


def test_a_model_that_finds_nothing_leaves_its_time_on_the_item() -> None:
    project = make_project()
    found, empty, unseen, taken = (make_item(project) for _ in range(4))
    review.flag(taken, make_member(project))

    PlatformHost().write_drafts(job_on(found), [drafts_for(found, 0.5), drafts_for(empty), drafts_for(taken, 0.5)])

    waiting = Item.objects.filter(auto_labeled_at__isnull=False)
    assert set(waiting) == {found, empty}
    assert [item.queue for item in Item.objects.all()] == [1, 1, 2, None]
    assert counted(unseen) == ("unlabeled", 0, None)


def test_where_a_jobs_drafts_are_deleted_no_model_has_found_nothing() -> None:
    item, host = make_item(), PlatformHost()
    host.write_drafts(job_on(item), [drafts_for(item, 0.5)])

    host.delete_drafts(job_on(item), 10)

    item.refresh_from_db()
    assert (item.auto_labeled_at, item.queue) == (None, Item.Queue.UNSEEN)


def test_an_item_that_people_have_worked_on_remembers_the_model_when_its_drafts_are_deleted() -> None:
    item = make_item()
    PlatformHost().write_drafts(job_on(item), [drafts_for(item, 0.5, 0.6)])
    decided = item.annotations.first()
    review.apply(item, make_member(item.project), [review.Change(decided.uid, 1, status="accepted")])

    PlatformHost().delete_drafts(job_on(item), 10)

    item.refresh_from_db()
    assert item.annotations.count() == 1
    assert item.auto_labeled_at is not None
