"""A bulk review is taken back as far as nobody has dealt with the annotations and items since."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from annotation_platform import bulk, review
from annotation_platform.models import Annotation, BulkReview, Item, Project
from tests.autolabel.builders import in_threads
from tests.factories import make_draft, make_member, make_project, make_rows_of_items, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def project() -> Project:
    return make_project()


@pytest.fixture
def bob(project: Project) -> Any:
    return make_member(project, "annotator", make_user("bob"))


@pytest.fixture
def items(project: Project) -> list[Item]:
    """Two items with two drafts each, and one without."""
    items = make_rows_of_items(project, 3)
    for item in items[:2]:
        make_draft(item, score=0.25)
        make_draft(item, score=0.75)
    return items


@pytest.fixture
def made(project: Project, bob: Any, items: list[Item]) -> BulkReview:
    """All drafts accepted, and all three items finished."""
    named = bulk.Selection(items=[item.uid for item in items], finish=True)
    return bulk.apply(project, bob, "accepted", named)


@pytest.fixture
def undo(as_user: Any, made: BulkReview) -> Callable[[Any], Any]:
    return lambda user: as_user(user).post(f"/api/v1/bulk-reviews/{made.uid}/undo/")


def fresh(row: Any) -> Any:
    return type(row).objects.get(pk=row.pk)


def states(items: list[Item]) -> list[str]:
    return [fresh(item).state for item in items]


def test_everything_is_as_before(undo: Any, bob: Any, made: BulkReview, items: list[Item]) -> None:
    assert states(items) == ["done"] * 3

    answer = undo(bob)

    assert (answer.status_code, answer.json()) == (200, {"restored": 4, "reopened": 3, "kept": 0})
    for annotation in Annotation.objects.all():
        assert (annotation.status, annotation.version, annotation.bulk_review) == ("draft", 3, None)
        assert (annotation.reviewed_by, annotation.reviewed_at) == (None, None)
    assert states(items) == ["drafted", "drafted", "unlabeled"]
    assert [(fresh(item).draft_count, fresh(item).lowest_score) for item in items] == [(2, 0.25), (2, 0.25), (0, None)]
    assert {fresh(item).finished_by for item in items} == {None}
    assert fresh(made).undone_at


def test_a_second_time_is_refused(undo: Any, bob: Any) -> None:
    undo(bob)

    again = undo(bob)

    assert (again.status_code, list(again.json())) == (409, ["detail"])
    assert not Annotation.objects.exclude(version=3).exists()


def test_annotations_that_somebody_changed_since_are_kept(
    undo: Any, bob: Any, project: Project, items: list[Item]
) -> None:
    ann = make_member(project)
    review.reopen(items[0])
    changed, other = items[0].annotations.all()
    review.apply(items[0], ann, [review.Change(changed.uid, 2, status="discarded")])

    assert undo(bob).json() == {"restored": 3, "reopened": 2, "kept": 1}
    assert (fresh(changed).status, fresh(changed).reviewed_by) == ("discarded", ann)
    assert fresh(other).status == "draft"


def test_accepting_once_more_by_hand_is_a_persons_own_verdict(
    undo: Any, bob: Any, project: Project, items: list[Item]
) -> None:
    review.reopen(items[0])
    confirmed = items[0].annotations.first()
    review.apply(items[0], make_member(project), [review.Change(confirmed.uid, 2, status="accepted")])

    assert undo(bob).json()["kept"] == 1
    assert fresh(confirmed).status == "accepted"


def test_what_lies_on_an_item_that_a_person_finished_since_is_kept(
    undo: Any, bob: Any, project: Project, items: list[Item]
) -> None:
    ann = make_member(project)
    review.reopen(items[0])
    review.finish(items[0], ann)

    assert undo(bob).json() == {"restored": 2, "reopened": 2, "kept": 2}
    assert states(items) == ["done", "drafted", "unlabeled"]
    assert fresh(items[0]).finished_by == ann


def test_finishing_once_more_by_hand_makes_it_a_persons_own_word(
    undo: Any, bob: Any, project: Project, items: list[Item]
) -> None:
    review.finish(items[0], make_member(project))

    assert undo(bob).json() == {"restored": 2, "reopened": 2, "kept": 2}
    assert (fresh(items[0]).state, fresh(items[0]).finished_by) == ("done", bob)


def test_an_item_that_was_reopened_since_gets_its_drafts_back(undo: Any, bob: Any, items: list[Item]) -> None:
    review.reopen(items[0])

    assert undo(bob).json() == {"restored": 4, "reopened": 2, "kept": 0}


def test_a_flagged_item_gets_its_drafts_back_and_stays_flagged(undo: Any, bob: Any, items: list[Item]) -> None:
    review.flag(items[0], bob, "Look again")

    assert undo(bob).json() == {"restored": 4, "reopened": 2, "kept": 0}
    item = fresh(items[0])
    assert (item.state, item.flag_comment, item.draft_count) == ("flagged", "Look again", 2)


def test_what_is_gone_counts_as_kept(undo: Any, bob: Any, items: list[Item]) -> None:
    items[0].delete()

    assert undo(bob).json() == {"restored": 2, "reopened": 2, "kept": 2}


def test_an_earlier_and_a_later_bulk_review_are_not_mixed_up(project: Project, bob: Any, items: list[Item]) -> None:
    low = bulk.apply(project, bob, "discarded", bulk.Selection(max_score=0.5))
    high = bulk.apply(project, bob, "accepted", bulk.Selection(finish=True))
    assert (low.drafts, high.drafts, high.finished) == (2, 2, 2)

    # Its items are done since, by the later one.
    assert bulk.undo(low) == bulk.Undone(restored=0, reopened=0, kept=2)
    assert bulk.undo(high) == bulk.Undone(restored=2, reopened=2, kept=0)


@pytest.mark.parametrize("state", ["done", "flagged", "drafted"])
def test_an_item_says_who_finished_it_only_as_long_as_it_is_finished(made: BulkReview, state: str) -> None:
    item = made.finished_items.first()
    acts = {
        "done": lambda: None,
        "flagged": lambda: review.flag(item, made.user),
        "drafted": lambda: review.reopen(item),
    }
    acts[state]()

    assert fresh(item).state == state
    assert fresh(item).finished_in == (made if state == "done" else None)


def test_whoever_did_it_and_managers_may_undo_it_others_may_not(
    undo: Any, bob: Any, project: Project, made: BulkReview
) -> None:
    for role in ("viewer", "annotator"):
        refused = undo(make_member(project, role))
        assert (refused.status_code, list(refused.json())) == (403, ["detail"])
    assert undo(make_member(make_project(), "manager")).status_code == 404
    assert fresh(made).undone_at is None

    assert undo(make_member(project, "manager")).status_code == 200


def test_whoever_did_it_but_only_looks_on_now_may_not(undo: Any, bob: Any, project: Project) -> None:
    bob.memberships.update(role="viewer")

    assert undo(bob).status_code == 403


def test_it_takes_as_many_statements_for_many_drafts(
    project: Project, bob: Any, django_assert_max_num_queries: Any
) -> None:
    for item in make_rows_of_items(project, 10):
        for _ in range(20):
            make_draft(item)
    made = bulk.apply(project, bob, "discarded", bulk.Selection(finish=True))

    with django_assert_max_num_queries(14):
        assert bulk.undo(made) == bulk.Undone(restored=200, reopened=10, kept=0)


def test_a_project_and_a_person_with_bulk_reviews_can_be_deleted(project: Project, bob: Any, made: BulkReview) -> None:
    bob.delete()
    assert fresh(made).user is None
    project.delete()
    assert not BulkReview.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_of_many_who_undo_at_once_one_does_it(project: Project, bob: Any, made: BulkReview) -> None:
    answers = in_threads(*[lambda: bulk.undo(made)] * 5)

    undone = [answer for answer in answers if isinstance(answer, bulk.Undone)]
    assert undone == [bulk.Undone(restored=4, reopened=3, kept=0)]
    assert sum(isinstance(answer, bulk.AlreadyUndone) for answer in answers) == 4


@pytest.mark.django_db(transaction=True)
def test_a_bulk_review_and_a_persons_verdict_at_once_are_both_kept(
    project: Project, bob: Any, items: list[Item]
) -> None:
    ann = make_member(project)
    draft = items[0].annotations.first()

    made, changed = in_threads(
        lambda: bulk.apply(project, bob, "accepted", bulk.Selection()),
        lambda: review.apply(items[0], ann, [review.Change(draft.uid, 1, status="discarded")]),
    )

    draft = fresh(draft)
    if isinstance(changed, review.VersionConflict):
        assert (made.drafts, draft.status, draft.bulk_review) == (4, "accepted", made)
    else:
        assert (made.drafts, draft.status, draft.bulk_review) == (3, "discarded", None)
    assert fresh(items[0]).draft_count == 0
