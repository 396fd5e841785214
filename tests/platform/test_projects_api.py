from __future__ import annotations

import json
from typing import Any

import pytest

from annotation_platform.models import Annotation, Item, Label, Membership, Project
from annotation_platform.projects import MAX_LABELS, PALETTE, LabelTaken, add_label
from tests.factories import (
    make_draft,
    make_item,
    make_manual,
    make_member,
    make_project,
    make_rows_of_items,
    make_user,
)

pytestmark = pytest.mark.django_db
PROJECTS = "/api/v1/users/me/projects/"


def test_the_list_shows_only_my_projects_newest_first_with_my_role(as_user: Any) -> None:
    me, other = make_user(), make_user()
    make_project("First", members={other: "manager", me: "viewer"})
    make_project("Not mine", members={other: "manager"})
    make_project("Second", members={me: "manager", other: "viewer"})

    results = as_user(me).get(PROJECTS).json()["results"]

    assert [(row["name"], row["role"]) for row in results] == [("Second", "manager"), ("First", "viewer")]
    assert set(results[0]) == {"uid", "name", "status", "shapes", "role", "created_at", "updated_at"}


def test_a_project_shows_its_labels_and_counts_its_items_by_state(as_user: Any) -> None:
    project = make_project(labels=["bolt", "nut"])
    make_rows_of_items(project, 2)
    make_rows_of_items(project, 1, state="done")

    answer = as_user(make_member(project, "viewer")).get(f"{PROJECTS}{project.uid}/").json()

    assert answer["labels"] == [
        {"name": "bolt", "color": PALETTE[0], "order": 0},
        {"name": "nut", "color": PALETTE[1], "order": 1},
    ]
    assert answer["items"] == {"unlabeled": 2, "drafted": 0, "done": 1, "flagged": 0, "total": 3}


def test_who_makes_a_project_manages_it(as_user: Any) -> None:
    me = make_user()
    body = {"name": " Screws ", "labels": ["bolt", {"name": "nut", "color": "#00ff00"}]}

    answer = as_user(me).post(PROJECTS, body, format="json")

    assert answer.status_code == 201
    assert answer.json()["name"] == "Screws"
    assert answer.json()["role"] == "manager"
    assert [(label["name"], label["color"]) for label in answer.json()["labels"]] == [
        ("bolt", PALETTE[0]),
        ("nut", "#00ff00"),
    ]
    assert Membership.objects.get().user == me


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "name"),
        ({"name": " "}, "name"),
        ({"name": 7}, "name"),
        ({"name": None}, "name"),
        ({"name": "x" * 201}, "name"),
        ({"name": "a\u0000b"}, "name"),
        ({"name": "a\ud800b"}, "name"),
        ({"name": "P", "labels": "bolt"}, "labels"),
        ({"name": "P", "labels": {"bolt": 1}}, "labels"),
        ({"name": "P", "labels": ["bolt", "Bolt"]}, "labels"),
        ({"name": "P", "labels": ["É", "é"]}, "labels"),
        ({"name": "P", "labels": [7]}, "labels"),
        ({"name": "P", "labels": [""]}, "labels"),
        ({"name": "P", "labels": [{"name": "bolt", "color": "red"}]}, "labels"),
        ({"name": "P", "labels": [f"l{n}" for n in range(MAX_LABELS + 1)]}, "labels"),
    ],
)
def test_a_wrong_new_project_is_400_that_names_the_field(as_user: Any, body: Any, field: str) -> None:
    answer = as_user(make_user()).post(PROJECTS, json.dumps(body), content_type="application/json")

    assert answer.status_code == 400
    assert list(answer.json()) == [field]
    assert not Project.objects.exists()


def test_default_colours_go_round_the_palette(as_user: Any) -> None:
    body = {"name": "Many", "labels": [f"label {number}" for number in range(13)]}

    labels = as_user(make_user()).post(PROJECTS, body, format="json").json()["labels"]

    assert len({label["color"] for label in labels[:12]}) == 12
    assert labels[12]["color"] == labels[0]["color"]


def test_a_manager_renames_and_archives(as_user: Any) -> None:
    project = make_project()
    client = as_user(make_member(project, "manager"))

    answer = client.patch(f"{PROJECTS}{project.uid}/", {"name": "New", "status": "archived"}, format="json")

    assert answer.status_code == 200
    assert (answer.json()["name"], answer.json()["status"]) == ("New", "archived")
    assert answer.json()["role"] == "manager"
    assert answer.json()["updated_at"] > answer.json()["created_at"]


@pytest.mark.parametrize("body", [{"status": "gone"}, {"status": None}, {"name": ""}, {"name": True}])
def test_a_wrong_change_of_a_project_is_400(as_user: Any, body: Any) -> None:
    project = make_project("Same")
    client = as_user(make_member(project, "manager"))

    answer = client.patch(f"{PROJECTS}{project.uid}/", body, format="json")

    assert answer.status_code == 400
    assert list(answer.json()) == list(body)
    assert Project.objects.get().name == "Same"


def test_a_label_is_appended_with_the_next_colour(as_user: Any) -> None:
    project = make_project(labels=["bolt"])
    client = as_user(make_member(project, "manager"))

    answer = client.post(f"{PROJECTS}{project.uid}/labels/", {"name": "nut"}, format="json")

    assert answer.status_code == 201
    assert answer.json() == {"name": "nut", "color": PALETTE[1], "order": 1}


@pytest.mark.parametrize(("taken", "name"), [("bolt", "BOLT"), ("Écrou", "écrou")])
def test_a_label_that_differs_only_in_case_is_refused(as_user: Any, taken: str, name: str) -> None:
    project = make_project(labels=[taken])
    client = as_user(make_member(project, "manager"))

    answer = client.post(f"{PROJECTS}{project.uid}/labels/", {"name": name}, format="json")

    assert answer.status_code == 400
    assert list(answer.json()) == ["name"]
    assert Label.objects.count() == 1


def test_a_project_has_at_most_a_thousand_labels(as_user: Any) -> None:
    project = make_project(labels=[f"label {number}" for number in range(MAX_LABELS)])
    client = as_user(make_member(project, "manager"))

    answer = client.post(f"{PROJECTS}{project.uid}/labels/", {"name": "one more"}, format="json")

    assert (answer.status_code, list(answer.json())) == (400, ["name"])


def test_a_label_that_somebody_else_adds_at_the_same_moment_is_refused_by_the_database(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    project = make_project(labels=[])
    monkeypatch.setattr(
        "annotation_platform.projects.default_color",
        lambda order: Label.objects.create(project=project, name="bolt", color="#000000").color,
    )

    with pytest.raises(LabelTaken):
        add_label(project, "Bolt")


def test_deleting_a_project_takes_everything_in_it_along(
    as_user: Any, media: Any, django_capture_on_commit_callbacks: Any
) -> None:
    project = make_project()
    item = make_item(project)
    make_draft(item)
    make_manual(item)

    with django_capture_on_commit_callbacks(execute=True):
        answer = as_user(make_member(project, "manager")).delete(f"{PROJECTS}{project.uid}/")

    assert answer.status_code == 204
    for model in (Project, Label, Membership, Item, Annotation):
        assert not model.objects.exists()
    assert not [path for path in media.rglob("*") if path.is_file()]


def test_body_that_is_no_object_is_400(as_user: Any) -> None:
    client = as_user(make_user())

    for body in ("[]", "7", '"x"', "null", "{", "[" * 100_000):
        answer = client.post(PROJECTS, body, content_type="application/json")
        assert answer.status_code == 400, body[:10]


def test_a_body_above_the_limit_is_413(as_user: Any, settings: Any) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000

    answer = as_user(make_user()).post(PROJECTS, {"name": "x" * 1000}, format="json")

    assert answer.status_code == 413
