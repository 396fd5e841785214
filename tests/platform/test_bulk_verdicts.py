"""One verdict on many drafts of a project at once."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from annotation_platform import review
from annotation_platform.models import Annotation, BulkReview, Item, Project
from tests.factories import make_draft, make_manual, make_member, make_project, make_rows_of_items, make_user

pytestmark = pytest.mark.django_db
NOWHERE = "00000000-0000-4000-8000-000000000000"


@pytest.fixture
def project() -> Project:
    return make_project(labels=["bolt", "nut", "Washer"])


@pytest.fixture
def bulk(as_user: Any, project: Project) -> Callable[..., Any]:
    client = as_user(make_member(project, "annotator", make_user("bob")))

    def post(verdict: str = "accepted", **body: Any) -> Any:
        return client.post(f"/api/v1/projects/{project.uid}/bulk-reviews/", {"verdict": verdict, **body}, format="json")

    return post


@pytest.fixture
def items(project: Project) -> list[Item]:
    """Three items: a bolt of 0.2 and a nut of 0.5; a nut of 0.8; nothing."""
    first, second, third = make_rows_of_items(project, 3)
    make_draft(first, label="bolt", score=0.2)
    make_draft(first, label="nut", score=0.5)
    make_draft(second, label="nut", score=0.8)
    return [first, second, third]


def decided(status: str = "accepted") -> list[float | None]:
    return sorted(Annotation.objects.filter(status=status).values_list("score", flat=True))


def states(items: list[Item]) -> list[str]:
    return [Item.objects.get(pk=item.pk).state for item in items]


def counted(answer: Any) -> tuple[int, int, int]:
    body = answer.json()
    return body["drafts"], body["items"], body["finished"]


@pytest.mark.parametrize("verdict", ["accepted", "discarded"])
def test_all_drafts_of_a_project_are_decided_at_once(
    bulk: Any, project: Project, items: list[Item], verdict: str
) -> None:
    elsewhere = make_draft()

    answer = bulk(verdict)

    assert answer.status_code == 201
    made = BulkReview.objects.get()
    body = answer.json()
    assert body == {
        "uid": made.uid,
        "verdict": verdict,
        "labels": [],
        "min_score": 0.0,
        "max_score": 1.0,
        "drafts": 3,
        "items": 2,
        "finished": 0,
        "user": "bob",
        "created_at": body["created_at"],
        "undone_at": None,
    }
    for annotation in Annotation.objects.exclude(pk=elsewhere.pk):
        assert (annotation.status, annotation.version, annotation.edited) == (verdict, 2, False)
        assert (annotation.reviewed_by.username, annotation.bulk_review) == ("bob", made)
        assert annotation.reviewed_at
    elsewhere.refresh_from_db()
    assert elsewhere.status == "draft"
    assert states(items) == ["drafted", "drafted", "unlabeled"]
    assert set(project.items.values_list("draft_count", "lowest_score")) == {(0, None)}


def test_only_the_labels_that_are_named_in_any_case(bulk: Any, items: list[Item]) -> None:
    answer = bulk(labels=["NUT", "washer", "nut"])

    assert decided() == [0.5, 0.8]
    assert answer.json()["labels"] == ["nut", "Washer"]
    items[0].refresh_from_db()
    assert (items[0].draft_count, items[0].lowest_score) == (1, 0.2)


@pytest.mark.parametrize(
    ("limits", "scores"),
    [
        ({"min_score": 0.5}, [0.5, 0.8]),
        ({"max_score": 0.5}, [0.2, 0.5]),
        ({"min_score": 0.5, "max_score": 0.5}, [0.5]),
        ({"min_score": 0.81}, []),
        ({"min_score": 0, "max_score": 1}, [0.2, 0.5, 0.8]),
    ],
)
def test_only_scores_between_both_limits_inclusive(
    bulk: Any, items: list[Item], limits: Any, scores: list[float]
) -> None:
    answer = bulk(**limits)

    assert answer.status_code == 201
    assert decided() == scores


def test_only_the_items_that_are_named(bulk: Any, items: list[Item]) -> None:
    elsewhere = make_draft()

    answer = bulk(items=[items[1].uid, items[1].uid, elsewhere.item.uid, NOWHERE])

    assert counted(answer) == (1, 1, 0)
    assert decided() == [0.8]


def test_an_empty_list_of_items_is_no_items(bulk: Any, items: list[Item]) -> None:
    assert counted(bulk(items=[], finish=True)) == (0, 0, 0)
    assert decided() == []


@pytest.mark.parametrize("state", ["done", "flagged"])
def test_drafts_on_items_that_a_person_has_spoken_about_are_left_alone(
    bulk: Any, items: list[Item], state: str
) -> None:
    Item.objects.filter(pk=items[0].pk).update(
        state=state, finished_at="2026-01-01T00:00Z" if state == "done" else None
    )

    assert counted(bulk(items=[item.uid for item in items], finish=True)) == (1, 1, 2)
    assert decided() == [0.8]


def test_what_people_have_decided_is_left_as_it_is(bulk: Any, project: Project, items: list[Item]) -> None:
    by_hand = make_manual(items[0])
    draft = items[1].annotations.get()
    review.apply(items[1], make_member(project), [review.Change(draft.uid, 1, status="discarded")])

    assert counted(bulk()) == (2, 1, 0)

    by_hand.refresh_from_db()
    draft.refresh_from_db()
    assert (by_hand.version, by_hand.bulk_review) == (1, None)
    assert (draft.status, draft.version, draft.bulk_review) == ("discarded", 2, None)


# Finishing


def test_items_that_end_without_a_draft_are_finished(bulk: Any, items: list[Item]) -> None:
    answer = bulk(labels=["nut"], finish=True)

    assert counted(answer) == (2, 2, 1)
    assert states(items) == ["drafted", "done", "unlabeled"]
    items[1].refresh_from_db()
    assert (items[1].finished_by.username, items[1].finished_in) == ("bob", BulkReview.objects.get())
    assert items[1].finished_at


def test_named_items_are_finished_even_where_nothing_had_to_be_decided(bulk: Any, items: list[Item]) -> None:
    assert counted(bulk(items=[item.uid for item in items], finish=True)) == (3, 2, 3)
    assert states(items) == ["done", "done", "done"]


def test_a_finished_item_is_no_longer_assigned(bulk: Any, as_user: Any, project: Project, items: list[Item]) -> None:
    someone = as_user(make_member(project, "annotator"))
    someone.post(f"/api/v1/projects/{project.uid}/review-queue/", {"count": 2}, format="json")
    assert project.items.filter(assigned_to__isnull=False).count() == 2

    bulk(finish=True)

    assert not project.items.filter(assigned_to__isnull=False).exists()


def test_without_the_wish_nothing_is_finished(bulk: Any, items: list[Item]) -> None:
    assert counted(bulk(items=[item.uid for item in items])) == (3, 2, 0)
    assert "done" not in states(items)


# Looking first


@pytest.mark.parametrize("named", [True, False])
@pytest.mark.parametrize(
    "limits", [{}, {"labels": ["nut"]}, {"max_score": 0.5}, {"labels": ["bolt"], "min_score": 0.5}]
)
@pytest.mark.parametrize("finish", [True, False])
def test_a_dry_run_counts_what_then_happens_and_changes_nothing(
    bulk: Any, items: list[Item], named: bool, limits: Any, finish: bool
) -> None:
    body = {**limits, "finish": finish, **({"items": [item.uid for item in items]} if named else {})}
    drafts = Counter(Annotation.objects.filter(status="draft").values_list("label__name", flat=True))

    forecast = bulk(**body, dry_run=True)

    assert forecast.status_code == 200
    assert decided() == []
    assert not BulkReview.objects.exists()
    assert counted(bulk(**body)) == counted(forecast)
    drafts -= Counter(Annotation.objects.filter(status="draft").values_list("label__name", flat=True))
    assert forecast.json()["by_label"] == drafts


# Requests


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("verdict", "maybe"),
        ("verdict", "draft"),
        ("verdict", None),
        ("items", "x"),
        ("items", None),
        ("items", ["x"]),
        ("items", [NOWHERE] * 10_001),
        ("labels", "bolt"),
        ("labels", ["screw"]),
        ("labels", [7]),
        ("labels", None),
        ("min_score", "0.5"),
        ("min_score", True),
        ("min_score", -0.1),
        ("min_score", float("nan")),
        ("max_score", 1.1),
        ("max_score", float("inf")),
        ("max_score", None),
        ("finish", "yes"),
        ("finish", 1),
        ("dry_run", 0),
        ("lables", ["bolt"]),
    ],
)
def test_what_makes_no_sense_is_refused_by_name_and_decides_nothing(
    as_user: Any, project: Project, items: list[Item], field: str, value: Any
) -> None:
    client, url = as_user(make_member(project)), f"/api/v1/projects/{project.uid}/bulk-reviews/"

    answer = client.post(url, json.dumps({"verdict": "accepted", field: value}), content_type="application/json")

    assert (answer.status_code, list(answer.json())) == (400, [field])
    assert decided() == []
    assert not BulkReview.objects.exists()


def test_limits_in_the_wrong_order_are_refused(bulk: Any, items: list[Item]) -> None:
    answer = bulk(min_score=0.6, max_score=0.5)

    assert (answer.status_code, list(answer.json())) == (400, ["min_score"])


def test_a_verdict_has_to_be_given(as_user: Any, project: Project) -> None:
    answer = as_user(make_member(project)).post(f"/api/v1/projects/{project.uid}/bulk-reviews/", {}, format="json")

    assert (answer.status_code, list(answer.json())) == (400, ["verdict"])


def test_an_unknown_label_is_refused_before_a_dry_run_counts(bulk: Any) -> None:
    answer = bulk(labels=["screw"], dry_run=True)

    assert answer.json() == {"labels": ["The project has no label 'screw'."]}


# Many


def test_the_number_of_statements_does_not_grow_with_the_drafts(
    bulk: Any, project: Project, django_assert_max_num_queries: Any
) -> None:
    for item in make_rows_of_items(project, 10):
        for _ in range(20):
            make_draft(item)

    with django_assert_max_num_queries(20):
        assert counted(bulk(finish=True)) == (200, 10, 10)


def test_more_items_than_one_statement_takes_are_all_decided(bulk: Any, project: Project) -> None:
    items = make_rows_of_items(project, 1100)
    for item in items[::300]:
        make_draft(item)

    assert counted(bulk(items=[item.uid for item in items], finish=True)) == (4, 4, 1100)
    assert not project.items.exclude(state="done").exists()


def test_bulk_reviews_are_listed_newest_first_in_pages(bulk: Any, as_user: Any, project: Project) -> None:
    made = [bulk().json() for _ in range(3)]
    make_manual()
    client = as_user(make_member(project, "viewer"))

    first = client.get(f"/api/v1/projects/{project.uid}/bulk-reviews/?limit=2").json()
    second = client.get(first["next"]).json()

    assert first["results"] + second["results"] == made[::-1]
    assert second["next"] is None
