"""Accept, discard, edit, relabel, draw, delete."""

from __future__ import annotations

from typing import Any

import pytest

from annotation_platform.models import Annotation, Item
from tests.factories import SQUARE, make_draft, make_item, make_manual, make_member, make_project

pytestmark = pytest.mark.django_db


@pytest.fixture
def item() -> Item:
    return make_item(make_project(labels=["bolt", "nut"]))


@pytest.fixture
def reviewer(item: Item) -> Any:
    return make_member(item.project, "annotator")


@pytest.fixture
def change(as_user: Any, reviewer: Any) -> Any:
    client = as_user(reviewer)

    def send(annotation: Annotation, **body: Any) -> Any:
        body = {"version": annotation.version, **body}
        return client.patch(f"/api/v1/annotations/{annotation.uid}/", body, format="json")

    return send


@pytest.fixture
def draw(as_user: Any, reviewer: Any, item: Item) -> Any:
    client = as_user(reviewer)

    def send(**body: Any) -> Any:
        return client.post(f"/api/v1/items/{item.uid}/annotations/", body, format="json")

    return send


def test_accepting_a_draft_says_who_and_when(change: Any, item: Item, reviewer: Any) -> None:
    draft = make_draft(item)

    answer = change(draft, status="accepted").json()

    assert (answer["status"], answer["edited"], answer["version"]) == ("accepted", False, 2)
    assert answer["reviewed_by"] == reviewer.username
    assert answer["reviewed_at"]
    assert (answer["score"], answer["job"], answer["prediction_uid"]) == (0.75, draft.job_uid, draft.prediction_uid)


def test_discarding_keeps_the_annotation_as_a_verdict(change: Any, item: Item) -> None:
    answer = change(make_draft(item), status="discarded").json()

    assert (answer["status"], answer["edited"]) == ("discarded", False)
    assert Annotation.objects.count() == 1


def test_moving_a_draft_accepts_it_and_marks_it_edited(change: Any, item: Item) -> None:
    answer = change(make_draft(item), bbox_xyxy=[1, 2, 30, 40]).json()

    assert (answer["status"], answer["edited"]) == ("accepted", True)
    assert answer["bbox_xyxy"] == [1.0, 2.0, 30.0, 40.0]


def test_relabeling_a_draft_accepts_it_and_marks_it_edited(change: Any, item: Item) -> None:
    answer = change(make_draft(item), label="NUT").json()

    assert (answer["status"], answer["edited"], answer["label"]) == ("accepted", True, "nut")


def test_sending_what_is_there_already_accepts_but_edits_nothing(change: Any, item: Item) -> None:
    answer = change(make_draft(item), label="bolt", bbox_xyxy=[10, 10, 30, 30]).json()

    assert (answer["status"], answer["edited"]) == ("accepted", False)


def test_editing_a_polygon_moves_its_bounds_along(change: Any, item: Item) -> None:
    draft = make_draft(item, polygons=SQUARE)

    answer = change(draft, polygons=[[[[5, 5], [20, 5], [20, 25]]]]).json()

    assert answer["bbox_xyxy"] == [5.0, 5.0, 20.0, 25.0]
    assert answer["polygons"] == [[[[5.0, 5.0], [20.0, 5.0], [20.0, 25.0]]]]
    assert (answer["kind"], answer["edited"]) == ("polygon", True)


def test_an_accepted_draft_can_still_be_discarded_and_the_other_way_round(change: Any, item: Item) -> None:
    draft = make_draft(item)

    for status in ("accepted", "discarded", "accepted"):
        assert change(draft, status=status).json()["status"] == status
        draft.refresh_from_db()


def test_editing_a_persons_own_work_does_not_mark_it(change: Any, item: Item) -> None:
    answer = change(make_manual(item), label="nut", bbox_xyxy=[0, 0, 5, 5]).json()

    assert (answer["status"], answer["edited"], answer["source"]) == ("accepted", False, "manual")


def test_a_drawn_box_is_manual_and_accepted(draw: Any, item: Item, reviewer: Any) -> None:
    answer = draw(label="bolt", kind="box", bbox_xyxy=[1, 2, 3.5, 4])

    assert answer.status_code == 201
    assert answer.json() | {"uid": "", "created_at": "", "updated_at": "", "reviewed_at": ""} == {
        "uid": "",
        "item": item.uid,
        "label": "bolt",
        "kind": "box",
        "bbox_xyxy": [1.0, 2.0, 3.5, 4.0],
        "polygons": None,
        "status": "accepted",
        "edited": False,
        "source": "manual",
        "score": None,
        "model_name": "",
        "model_version": "",
        "job": None,
        "prediction_uid": None,
        "replaces": None,
        "reviewed_by": reviewer.username,
        "reviewed_at": "",
        "version": 1,
        "created_at": "",
        "updated_at": "",
    }


def test_a_drawn_shape_is_clipped_to_the_image(draw: Any) -> None:
    box = draw(label="bolt", kind="box", bbox_xyxy=[-5, -5, 1000, 10]).json()
    polygon = draw(label="bolt", kind="polygon", polygons=[[[[50, 10], [90, 10], [90, 20], [50, 20]]]]).json()

    assert box["bbox_xyxy"] == [0.0, 0.0, 64.0, 10.0]
    assert polygon["bbox_xyxy"] == [50.0, 10.0, 64.0, 20.0]


def test_the_item_is_drafted_as_soon_as_something_lies_on_it(draw: Any, item: Item) -> None:
    draw(label="bolt", kind="box", bbox_xyxy=[1, 2, 3, 4])

    item.refresh_from_db()
    assert item.state == "drafted"
    assert not Item.objects.awaiting_labels().exists()


def test_deleting_the_last_annotation_leaves_the_item_unlabeled(as_user: Any, item: Item, reviewer: Any) -> None:
    manual = make_manual(item)

    answer = as_user(reviewer).delete(f"/api/v1/annotations/{manual.uid}/?version=1")

    assert answer.status_code == 204
    item.refresh_from_db()
    assert item.state == "unlabeled"


def test_a_models_work_is_discarded_not_deleted(as_user: Any, item: Item, reviewer: Any) -> None:
    draft = make_draft(item)

    answer = as_user(reviewer).delete(f"/api/v1/annotations/{draft.uid}/?version=1")

    assert answer.status_code == 400
    assert "discard" in answer.json()["detail"]
    assert Annotation.objects.exists()


@pytest.mark.parametrize("query", ["", "?version=x", "?version=0", "?version="])
def test_deleting_needs_the_version(as_user: Any, item: Item, reviewer: Any, query: str) -> None:
    manual = make_manual(item)

    answer = as_user(reviewer).delete(f"/api/v1/annotations/{manual.uid}/{query}")

    assert (answer.status_code, list(answer.json())) == (400, ["version"])


@pytest.mark.parametrize(
    ("shape", "body", "field"),
    [
        ({"polygons": SQUARE}, {"bbox_xyxy": [1, 1, 5, 5]}, "bbox_xyxy"),
        ({}, {"polygons": SQUARE}, "polygons"),
        ({}, {"label": "washer"}, "label"),
        ({}, {"bbox_xyxy": [100, 100, 200, 200]}, "bbox_xyxy"),
        ({"polygons": SQUARE}, {"polygons": [[[[0, 0], [5, 5], [9, 9]]]]}, "polygons"),
    ],
)
def test_a_change_that_makes_no_sense_is_400_and_changes_nothing(
    change: Any, item: Item, shape: Any, body: Any, field: str
) -> None:
    draft = make_draft(item, **shape)

    answer = change(draft, **body)

    assert (answer.status_code, list(answer.json())) == (400, [field])
    draft.refresh_from_db()
    assert (draft.status, draft.version) == ("draft", 1)


def test_another_projects_label_is_unknown_here(draw: Any) -> None:
    make_project("Other", labels=["gear"])

    answer = draw(label="gear", kind="box", bbox_xyxy=[1, 2, 3, 4])

    assert (answer.status_code, list(answer.json())) == (400, ["label"])


def test_the_annotations_of_an_item_come_in_one_answer_and_by_status(as_user: Any, item: Item, reviewer: Any) -> None:
    draft, manual = make_draft(item), make_manual(item)
    client, url = as_user(reviewer), f"/api/v1/items/{item.uid}/annotations/"

    assert [row["uid"] for row in client.get(url).json()["results"]] == [draft.uid, manual.uid]
    assert [row["uid"] for row in client.get(url, {"status": "draft"}).json()["results"]] == [draft.uid]
    assert client.get(url, {"status": "odd"}).status_code == 400


@pytest.mark.parametrize("method", ["add", "change", "delete", "bulk"])
def test_a_finished_item_takes_no_changes(as_user: Any, item: Item, reviewer: Any, method: str) -> None:
    manual = make_manual(item)
    client = as_user(reviewer)
    assert client.post(f"/api/v1/items/{item.uid}/finish/").status_code == 200
    annotations, annotation = f"/api/v1/items/{item.uid}/annotations/", f"/api/v1/annotations/{manual.uid}/"
    change = {"version": 1, "label": "nut"}
    requests = {
        "add": lambda: client.post(
            annotations, {"label": "nut", "kind": "box", "bbox_xyxy": [1, 1, 2, 2]}, format="json"
        ),
        "change": lambda: client.patch(annotation, change, format="json"),
        "delete": lambda: client.delete(f"{annotation}?version=1"),
        "bulk": lambda: client.patch(annotations, {"changes": [{"uid": manual.uid, **change}]}, format="json"),
    }

    answer = requests[method]()

    assert answer.status_code == 409
    assert answer.json() == {"detail": "The item is finished; reopen it first."}
    assert Annotation.objects.get().version == 1
