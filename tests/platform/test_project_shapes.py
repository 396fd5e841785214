"""What may be drawn in a project: boxes, polygons or both."""

from __future__ import annotations

from typing import Any

import pytest

from annotation_platform.models import Annotation, Project
from tests.factories import SQUARE, make_draft, make_item, make_manual, make_member, make_project, make_user

pytestmark = pytest.mark.django_db
PROJECTS = "/api/v1/users/me/projects/"
BOX = {"label": "bolt", "kind": "box", "bbox_xyxy": [1, 2, 9, 9]}
POLYGON = {"label": "bolt", "kind": "polygon", "polygons": SQUARE}


def project_of(shapes: str) -> Project:
    project = make_project()
    Project.objects.filter(pk=project.pk).update(shapes=shapes)
    return project


def test_a_project_is_made_for_boxes_and_polygons_unless_told_otherwise(as_user: Any) -> None:
    client = as_user(make_user())

    assert client.post(PROJECTS, {"name": "A"}, format="json").json()["shapes"] == "any"
    for shapes in ("any", "boxes", "polygons"):
        answer = client.post(PROJECTS, {"name": "B", "shapes": shapes}, format="json")
        assert (answer.status_code, answer.json()["shapes"]) == (201, shapes)


@pytest.mark.parametrize("shapes", ["masks", "", None, 1, True, ["boxes"]])
def test_other_shapes_are_refused_by_name(as_user: Any, shapes: Any) -> None:
    me = make_user()
    project = make_project(members={me: "manager"})
    client = as_user(me)

    for answer in (
        client.post(PROJECTS, {"name": "A", "shapes": shapes}, format="json"),
        client.patch(f"{PROJECTS}{project.uid}/", {"shapes": shapes}, format="json"),
    ):
        assert (answer.status_code, list(answer.json())) == (400, ["shapes"])
    assert list(Project.objects.values_list("shapes", flat=True)) == ["any"]


def test_a_project_that_cannot_be_made_leaves_nothing_behind(as_user: Any) -> None:
    body = {"name": "A", "labels": ["bolt", "Bolt"], "shapes": "boxes"}

    assert as_user(make_user()).post(PROJECTS, body, format="json").status_code == 400
    assert not Project.objects.exists()


@pytest.mark.parametrize(("role", "status"), [("viewer", 403), ("annotator", 403), ("manager", 200)])
def test_managers_change_it_later(as_user: Any, role: str, status: int) -> None:
    project = make_project()
    answer = as_user(make_member(project, role)).patch(
        f"{PROJECTS}{project.uid}/", {"shapes": "polygons"}, format="json"
    )

    assert answer.status_code == status
    project.refresh_from_db()
    assert project.shapes == ("polygons" if status == 200 else "any")


@pytest.mark.parametrize(
    ("shapes", "body", "message"),
    [
        ("any", BOX, ""),
        ("any", POLYGON, ""),
        ("boxes", BOX, ""),
        ("boxes", POLYGON, "This project takes boxes only."),
        ("polygons", BOX, "This project takes polygons only."),
        ("polygons", POLYGON, ""),
    ],
)
def test_only_what_the_project_takes_is_drawn(as_user: Any, shapes: str, body: Any, message: str) -> None:
    item = make_item(project_of(shapes))
    answer = as_user(make_member(item.project)).post(f"/api/v1/items/{item.uid}/annotations/", body, format="json")

    if message:
        assert (answer.status_code, answer.json()) == (400, {"kind": [message]})
    else:
        assert answer.status_code == 201
    assert Annotation.objects.count() == (0 if message else 1)


def test_what_was_there_before_stays_and_can_be_changed(as_user: Any) -> None:
    item = make_item(project_of("polygons"))
    box, draft = make_manual(item), make_draft(item)
    client = as_user(make_member(item.project))

    moved = client.patch(f"/api/v1/annotations/{box.uid}/", {"version": 1, "bbox_xyxy": [1, 1, 9, 9]}, format="json")
    accepted = client.patch(f"/api/v1/annotations/{draft.uid}/", {"version": 1, "status": "accepted"}, format="json")

    assert (moved.status_code, accepted.status_code) == (200, 200)
