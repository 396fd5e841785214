"""A model's mask of an accepted box: accepting the mask discards the box, one at a time and in bulk."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from annotation_platform import bulk, review
from annotation_platform.models import Annotation, Item, Project
from tests.factories import SQUARE, make_draft, make_item, make_manual, make_member, make_project, make_rows_of_items

pytestmark = pytest.mark.django_db


@pytest.fixture
def project() -> Project:
    return make_project(labels=["bolt", "nut"])


@pytest.fixture
def item(project: Project) -> Item:
    return make_item(project)


@pytest.fixture
def bob(project: Project) -> Any:
    return make_member(project, "annotator")


@pytest.fixture
def box(item: Item) -> Annotation:
    return make_manual(item)


@pytest.fixture
def mask(item: Item, box: Annotation) -> Annotation:
    return make_mask(item, box)


def make_mask(item: Item, box: Annotation, **fields: Any) -> Annotation:
    return make_draft(item, polygons=SQUARE, replaces=box.uid, **fields)


def fresh(row: Any) -> Any:
    return type(row).objects.get(pk=row.pk)


def status(*annotations: Annotation) -> list[str]:
    return [fresh(annotation).status for annotation in annotations]


@pytest.fixture
def send(as_user: Any, item: Item, bob: Any) -> Callable[..., Any]:
    """`send((mask, {"status": "accepted"}), …)`: one request, each annotation in its current version."""
    client = as_user(bob)

    def patch(*changes: tuple[Annotation, dict[str, Any]]) -> Any:
        body = [{"uid": one.uid, "version": fresh(one).version, **change} for one, change in changes]
        return client.patch(f"/api/v1/items/{item.uid}/annotations/", {"changes": body}, format="json")

    return patch


ACCEPT, DISCARD, BACK = {"status": "accepted"}, {"status": "discarded"}, {"status": "draft"}


# One at a time


def test_a_mask_names_its_box(as_user: Any, bob: Any, item: Item, box: Annotation, mask: Annotation) -> None:
    client = as_user(bob)
    for path in (f"items/{item.uid}/annotations/", f"items/{item.uid}/workspace/"):
        body = client.get(f"/api/v1/{path}").json()
        rows = body.get("results") or body["annotations"]
        assert {row["uid"]: row["replaces"] for row in rows} == {box.uid: None, mask.uid: box.uid}


@pytest.mark.parametrize("change", [ACCEPT, {"label": "nut"}, {"polygons": [[[[1, 1], [9, 1], [9, 9]]]]}])
def test_accepting_or_editing_a_mask_discards_its_box(
    send: Any, bob: Any, box: Annotation, mask: Annotation, change: dict[str, Any]
) -> None:
    answer = send((mask, change))

    assert [row["uid"] for row in answer.json()["results"]] == [mask.uid]
    assert status(mask, box) == ["accepted", "discarded"]
    assert (fresh(box).version, fresh(box).reviewed_by) == (2, bob)


def test_one_request_may_change_both_and_gets_both_back(send: Any, box: Annotation, mask: Annotation) -> None:
    answer = send((mask, ACCEPT), (box, DISCARD))

    assert [(row["uid"], row["status"], row["version"]) for row in answer.json()["results"]] == [
        (mask.uid, "accepted", 2),
        (box.uid, "discarded", 2),
    ]


def test_a_box_that_the_same_request_changes_is_changed_as_it_says(
    send: Any, box: Annotation, mask: Annotation
) -> None:
    send((mask, ACCEPT), (box, {"label": "nut"}))

    assert status(mask, box) == ["accepted", "accepted"]
    assert fresh(box).version == 2


@pytest.mark.parametrize("change", [DISCARD, BACK])
def test_what_does_not_accept_the_mask_leaves_the_box(
    send: Any, box: Annotation, mask: Annotation, change: dict[str, Any]
) -> None:
    send((mask, change))

    assert status(box) == ["accepted"]
    assert fresh(box).version == 1


def test_one_request_undoes_both(send: Any, item: Item, box: Annotation, mask: Annotation) -> None:
    send((mask, ACCEPT))
    answer = send((mask, BACK), (box, ACCEPT))

    assert answer.status_code == 200
    assert status(mask, box) == ["draft", "accepted"]
    assert (fresh(item).state, fresh(item).draft_count) == ("drafted", 1)


def test_putting_the_mask_back_brings_its_box_back(send: Any, box: Annotation, mask: Annotation) -> None:
    """Or the next job, which replaces drafts of masks, could leave the object with neither."""
    send((mask, ACCEPT))
    send((mask, BACK))

    assert status(mask, box) == ["draft", "accepted"]


def test_a_box_that_a_person_restored_is_left_alone_while_its_mask_is_edited(
    send: Any, box: Annotation, mask: Annotation
) -> None:
    send((mask, ACCEPT))
    send((box, ACCEPT))
    send((mask, {"label": "nut"}))

    assert status(mask, box) == ["accepted", "accepted"]


def test_a_mask_whose_box_is_gone_is_accepted_all_the_same(
    send: Any, item: Item, box: Annotation, mask: Annotation
) -> None:
    review.delete(box, 1)

    assert send((mask, ACCEPT)).status_code == 200
    assert status(mask) == ["accepted"]


def test_a_stale_version_of_the_mask_leaves_the_box(as_user: Any, bob: Any, box: Annotation, mask: Annotation) -> None:
    answer = as_user(bob).patch(f"/api/v1/annotations/{mask.uid}/", {"version": 7, "status": "accepted"}, format="json")

    assert answer.status_code == 409
    assert status(mask, box) == ["draft", "accepted"]


def test_a_viewer_accepts_no_mask(as_user: Any, project: Project, box: Annotation, mask: Annotation) -> None:
    answer = as_user(make_member(project, "viewer")).patch(
        f"/api/v1/annotations/{mask.uid}/", {"version": 1, "status": "accepted"}, format="json"
    )

    assert answer.status_code == 403
    assert status(mask, box) == ["draft", "accepted"]


# In bulk


def test_accepting_many_discards_their_boxes_and_counts_drafts_only(
    project: Project, bob: Any, item: Item, box: Annotation, mask: Annotation
) -> None:
    other, untouched = make_draft(item, score=0.9), make_manual(item)

    made = bulk.apply(project, bob, "accepted", bulk.Selection(finish=True))

    assert (made.drafts, made.items, made.finished) == (2, 1, 1)
    assert status(mask, other, box, untouched) == ["accepted", "accepted", "discarded", "accepted"]


def test_discarding_many_leaves_the_boxes(project: Project, bob: Any, box: Annotation, mask: Annotation) -> None:
    bulk.apply(project, bob, "discarded", bulk.Selection())

    assert status(mask, box) == ["discarded", "accepted"]


def test_only_the_boxes_of_masks_that_are_meant_are_discarded(
    project: Project, bob: Any, item: Item, box: Annotation, mask: Annotation
) -> None:
    other = make_manual(item)
    doubtful = make_mask(item, other, score=0.25)

    bulk.apply(project, bob, "accepted", bulk.Selection(min_score=0.5))

    assert status(mask, doubtful, box, other) == ["accepted", "draft", "discarded", "accepted"]


def test_undoing_makes_the_boxes_what_they_were(
    project: Project, bob: Any, item: Item, box: Annotation, mask: Annotation
) -> None:
    ann = make_member(project)
    review.apply(item, ann, [review.Change(box.uid, 1, label="nut")])
    before = fresh(box)
    made = bulk.apply(project, bob, "accepted", bulk.Selection(finish=True))

    assert bulk.undo(made) == bulk.Undone(restored=1, reopened=1, kept=0)
    after = fresh(box)
    assert status(mask) == ["draft"]
    assert (after.status, after.reviewed_by, after.reviewed_at, after.bulk_review) == (
        "accepted",
        ann,
        before.reviewed_at,
        None,
    )
    assert after.version == before.version + 2
    assert (fresh(item).state, fresh(item).draft_count) == ("drafted", 1)


def test_undoing_leaves_the_box_of_a_mask_that_somebody_changed_since(
    project: Project, bob: Any, item: Item, box: Annotation, mask: Annotation
) -> None:
    made = bulk.apply(project, bob, "accepted", bulk.Selection())
    review.apply(item, bob, [review.Change(mask.uid, 2, label="nut")])

    assert bulk.undo(made) == bulk.Undone(restored=0, reopened=0, kept=1)
    assert status(mask, box) == ["accepted", "discarded"]


def test_undoing_leaves_a_box_that_somebody_changed_since(
    project: Project, bob: Any, item: Item, box: Annotation, mask: Annotation
) -> None:
    made = bulk.apply(project, bob, "accepted", bulk.Selection())
    review.apply(item, bob, [review.Change(box.uid, 2, label="nut", status="discarded")])

    assert bulk.undo(made) == bulk.Undone(restored=1, reopened=0, kept=0)
    assert status(mask, box) == ["draft", "discarded"]


def test_a_box_discarded_by_a_bulk_review_of_its_own_is_no_matter_of_another(
    project: Project, bob: Any, item: Item, box: Annotation, mask: Annotation
) -> None:
    accepted = bulk.apply(project, bob, "accepted", bulk.Selection())
    make_draft(item)
    discarded = bulk.apply(project, bob, "discarded", bulk.Selection())

    assert bulk.undo(discarded) == bulk.Undone(restored=1, reopened=0, kept=0)
    assert status(mask, box) == ["accepted", "discarded"]
    assert bulk.undo(accepted) == bulk.Undone(restored=1, reopened=0, kept=0)
    assert status(mask, box) == ["draft", "accepted"]


def test_many_masks_take_as_many_statements_as_few(
    project: Project, bob: Any, django_assert_max_num_queries: Any
) -> None:
    for item in make_rows_of_items(project, 10):
        for _ in range(5):
            make_mask(item, make_manual(item))

    with django_assert_max_num_queries(14):
        made = bulk.apply(project, bob, "accepted", bulk.Selection(finish=True))
    with django_assert_max_num_queries(15):
        assert bulk.undo(made) == bulk.Undone(restored=50, reopened=10, kept=0)
    assert Annotation.objects.accepted_boxes().count() == 50
