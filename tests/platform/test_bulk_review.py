from __future__ import annotations

from typing import Any

import pytest

from annotation_platform.models import Annotation, Item
from tests.factories import make_draft, make_item, make_manual, make_member, make_project

pytestmark = pytest.mark.django_db


@pytest.fixture
def item() -> Item:
    return make_item(make_project(labels=["bolt", "nut"]))


@pytest.fixture
def send(as_user: Any, item: Item) -> Any:
    client = as_user(make_member(item.project, "annotator"))

    def patch(*changes: Any) -> Any:
        return client.patch(f"/api/v1/items/{item.uid}/annotations/", {"changes": changes}, format="json")

    return patch


def test_many_changes_of_every_kind_go_in_one_request_and_come_back_in_order(send: Any, item: Item) -> None:
    first, second, third, manual = make_draft(item), make_draft(item), make_draft(item), make_manual(item)

    answer = send(
        {"uid": third.uid, "version": 1, "status": "discarded"},
        {"uid": first.uid, "version": 1, "status": "accepted"},
        {"uid": second.uid, "version": 1, "label": "nut", "bbox_xyxy": [1, 1, 5, 5]},
        {"uid": manual.uid, "version": 1, "label": "nut"},
    )

    assert answer.status_code == 200
    rows = answer.json()["results"]
    assert [row["uid"] for row in rows] == [third.uid, first.uid, second.uid, manual.uid]
    assert [row["status"] for row in rows] == ["discarded", "accepted", "accepted", "accepted"]
    assert [row["edited"] for row in rows] == [False, False, True, False]
    assert {row["version"] for row in rows} == {2}


def test_one_old_version_changes_nothing_and_shows_those_that_differ(send: Any, item: Item) -> None:
    fresh, stale = make_draft(item), make_draft(item, version=4)

    answer = send(
        {"uid": fresh.uid, "version": 1, "status": "accepted"},
        {"uid": stale.uid, "version": 3, "status": "accepted"},
    )

    assert answer.status_code == 409
    assert [row["uid"] for row in answer.json()["current"]] == [stale.uid]
    assert not Annotation.objects.exclude(status="draft").exists()


def test_one_senseless_change_changes_nothing_and_is_named_by_its_place(send: Any, item: Item) -> None:
    good, bad = make_draft(item), make_draft(item)

    answer = send(
        {"uid": good.uid, "version": 1, "status": "accepted"},
        {"uid": bad.uid, "version": 1, "label": "washer"},
    )

    assert answer.status_code == 400
    assert answer.json() == {"changes": [{}, {"label": ["The project has no label 'washer'."]}]}
    assert not Annotation.objects.exclude(status="draft").exists()


def test_an_annotation_of_another_item_is_unknown_here(send: Any, item: Item) -> None:
    elsewhere = make_draft(make_item(item.project))

    answer = send({"uid": elsewhere.uid, "version": 1, "status": "accepted"})

    assert answer.status_code == 400
    assert list(answer.json()["changes"][0]) == ["uid"]


def test_the_same_annotation_twice_is_refused(send: Any, item: Item) -> None:
    change = {"uid": make_draft(item).uid, "version": 1, "status": "accepted"}

    assert send(change, change).status_code == 400


def test_no_change_and_more_than_a_thousand_are_refused(send: Any, item: Item) -> None:
    change = {"uid": make_draft(item).uid, "version": 1, "status": "accepted"}

    for changes in ([], [change] * 1001):
        answer = send(*changes)
        assert (answer.status_code, list(answer.json())) == (400, ["changes"])


@pytest.mark.parametrize("changes", [None, "x", {"uid": 1}, [1], [[]], [None], [{"uid": 7, "version": 1}]])
def test_changes_of_a_wrong_shape_are_400(as_user: Any, item: Item, changes: Any) -> None:
    client = as_user(make_member(item.project))

    answer = client.patch(f"/api/v1/items/{item.uid}/annotations/", {"changes": changes}, format="json")

    assert (answer.status_code, list(answer.json())) == (400, ["changes"])


def test_accepting_a_thousand_drafts_takes_few_queries(
    send: Any, item: Item, django_assert_max_num_queries: Any
) -> None:
    draft = make_draft(item)
    fields = {field.attname: getattr(draft, field.attname) for field in Annotation._meta.concrete_fields}
    del fields["id"], fields["uid"], fields["prediction_uid"]
    Annotation.objects.bulk_create(Annotation(**fields, prediction_uid=f"p{number}") for number in range(999))
    changes = [{"uid": row.uid, "version": 1, "status": "accepted"} for row in item.annotations.all()]

    with django_assert_max_num_queries(15):
        answer = send(*changes)

    assert len(answer.json()["results"]) == 1000
    assert item.annotations.filter(status="accepted", version=2).count() == 1000
