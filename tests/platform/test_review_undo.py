"""Putting an annotation back to draft: taking back a verdict or an edit."""

from __future__ import annotations

from typing import Any

import pytest

from annotation_platform.models import Annotation, Item
from autolabel.models import Job, Prediction
from tests.factories import SQUARE, make_draft, make_item, make_manual, make_member, make_project

pytestmark = pytest.mark.django_db


@pytest.fixture
def item() -> Item:
    return make_item(make_project(labels=["bolt", "nut"]))


@pytest.fixture
def change(as_user: Any, item: Item) -> Any:
    client = as_user(make_member(item.project, "annotator"))

    def send(annotation: Annotation, **body: Any) -> Any:
        annotation.refresh_from_db()
        body = {"version": annotation.version, **body}
        return client.patch(f"/api/v1/annotations/{annotation.uid}/", body, format="json")

    return send


def predicted(item: Item, job: Job | None = None, *, ordinal: int = 0, **fields: Any) -> Annotation:
    """A draft together with the prediction it was copied from."""
    job = job or Job.objects.create(project_uid=item.project.uid, model_type="yolo")
    draft = make_draft(item, job_uid=job.uid, prediction_uid=f"{job.uid[:30]}-{ordinal}", **fields)
    bounds = {name: getattr(draft, name) for name in ("x_min", "y_min", "x_max", "y_max")}
    Prediction.objects.create(
        job=job,
        item_uid=item.uid,
        ordinal=ordinal,
        uid=draft.prediction_uid,
        label="BOLT",
        score=draft.score,
        polygons=draft.polygons,
        fate=Prediction.Fate.DRAFTED,
        **bounds,
    )
    return draft


@pytest.mark.parametrize("verdict", ["accepted", "discarded"])
def test_a_verdict_can_be_taken_back(change: Any, item: Item, verdict: str) -> None:
    draft = make_draft(item)
    change(draft, status=verdict)

    answer = change(draft, status="draft").json()

    assert (answer["status"], answer["reviewed_by"], answer["reviewed_at"]) == ("draft", None, None)
    assert answer["version"] == 3
    assert Item.objects.awaiting_labels().exists()


@pytest.mark.parametrize("shape", [{}, {"polygons": SQUARE}], ids=["box", "polygon"])
def test_an_edit_can_be_taken_back_to_what_the_model_said(change: Any, item: Item, shape: Any) -> None:
    draft = predicted(item, **shape)
    edit = {"polygons": [[[[1, 1], [9, 1], [9, 9]]]]} if shape else {"bbox_xyxy": [1, 1, 5, 5]}
    assert change(draft, label="nut", **edit).json()["edited"]

    answer = change(draft, status="draft").json()

    assert (answer["status"], answer["edited"], answer["label"]) == ("draft", False, "bolt")
    assert answer["bbox_xyxy"] == [10.0, 10.0, 30.0, 30.0]
    assert answer["polygons"] == shape.get("polygons")


def test_an_edit_whose_prediction_was_pruned_stays(change: Any, item: Item) -> None:
    draft = predicted(item)
    change(draft, label="nut")
    Prediction.objects.all().delete()

    answer = change(draft, status="draft")

    assert answer.status_code == 400
    assert "no longer exists" in answer.json()["status"][0]
    draft.refresh_from_db()
    assert (draft.status, draft.label.name) == ("accepted", "nut")


def test_the_prediction_of_another_item_or_job_is_not_taken_for_the_original(change: Any, item: Item) -> None:
    draft = predicted(item)
    change(draft, label="nut")
    other = make_item(item.project)
    Prediction.objects.update(item_uid=other.uid)

    assert change(draft, status="draft").status_code == 400


def test_an_edit_whose_label_is_gone_stays(change: Any, item: Item) -> None:
    draft = predicted(item)
    change(draft, label="nut")
    item.project.labels.filter(name="bolt").delete()

    answer = change(draft, status="draft")

    assert (answer.status_code, list(answer.json())) == (400, ["status"])


def test_a_persons_own_work_cannot_become_a_draft(change: Any, item: Item) -> None:
    answer = change(make_manual(item), status="draft")

    assert (answer.status_code, list(answer.json())) == (400, ["status"])


def test_a_draft_cannot_be_edited_and_left_a_draft(change: Any, item: Item) -> None:
    answer = change(make_draft(item), status="draft", label="nut")

    assert (answer.status_code, list(answer.json())) == (400, ["status"])


def test_many_edits_are_taken_back_with_one_look_at_the_predictions(
    as_user: Any, item: Item, django_assert_max_num_queries: Any
) -> None:
    job = Job.objects.create(project_uid=item.project.uid, model_type="yolo")
    drafts = [predicted(item, job, ordinal=number) for number in range(20)]
    client, url = as_user(make_member(item.project)), f"/api/v1/items/{item.uid}/annotations/"
    relabel = [{"uid": draft.uid, "version": 1, "label": "nut"} for draft in drafts]
    assert client.patch(url, {"changes": relabel}, format="json").status_code == 200
    undo = [{"uid": draft.uid, "version": 2, "status": "draft"} for draft in drafts]

    with django_assert_max_num_queries(15):
        answer = client.patch(url, {"changes": undo}, format="json")

    assert {(row["status"], row["label"]) for row in answer.json()["results"]} == {("draft", "bolt")}
