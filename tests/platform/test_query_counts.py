"""Lists take as many queries for many rows as for few."""

from __future__ import annotations

from typing import Any

import pytest

from tests.factories import make_draft, make_item, make_manual, make_member, make_project, make_rows_of_items, make_user

pytestmark = pytest.mark.django_db


def test_a_list_of_projects(as_user: Any, django_assert_max_num_queries: Any) -> None:
    me = make_user()
    for _ in range(20):
        make_project(members={me: "viewer", make_user(): "manager"})
    client = as_user(me)

    with django_assert_max_num_queries(3):
        assert len(client.get("/api/v1/users/me/projects/").json()["results"]) == 20


def test_one_project(as_user: Any, django_assert_max_num_queries: Any) -> None:
    project = make_project(labels=[f"label {number}" for number in range(20)])
    make_rows_of_items(project, 20)
    client = as_user(make_member(project, "viewer"))

    with django_assert_max_num_queries(6):
        client.get(f"/api/v1/users/me/projects/{project.uid}/")


def test_a_list_of_items(as_user: Any, django_assert_max_num_queries: Any) -> None:
    project = make_project()
    for item in make_rows_of_items(project, 20):
        make_draft(item)
        make_manual(item)
        make_manual(item)
    client = as_user(make_member(project, "viewer"))

    with django_assert_max_num_queries(5):
        rows = client.get(f"/api/v1/projects/{project.uid}/items/").json()["results"]

    assert {(row["drafts"], row["accepted"]) for row in rows} == {(1, 2)}
    assert len(rows) == 20


def test_the_annotations_of_an_item(as_user: Any, django_assert_max_num_queries: Any) -> None:
    item = make_item()
    for _ in range(20):
        make_manual(item, reviewed_by=make_user())
    client = as_user(make_member(item.project, "viewer"))

    with django_assert_max_num_queries(5):
        assert len(client.get(f"/api/v1/items/{item.uid}/annotations/").json()["results"]) == 20
