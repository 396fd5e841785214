"""Lists take as many queries for many rows as for few."""

from __future__ import annotations

from typing import Any

import pytest

from annotation_platform import review
from annotation_platform.models import BulkReview, Item
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


def test_a_list_of_items_that_many_people_have_finished_or_flagged(
    as_user: Any, django_assert_max_num_queries: Any
) -> None:
    project = make_project()
    for item in make_rows_of_items(project, 5, state="done"):
        Item.objects.filter(pk=item.pk).update(finished_by=make_user())
    for item in make_rows_of_items(project, 5):
        review.flag(item, make_user())
    client = as_user(make_member(project, "viewer"))

    with django_assert_max_num_queries(5):
        rows = client.get(f"/api/v1/projects/{project.uid}/items/").json()["results"]

    assert len({row["finished_by"] or row["flagged_by"] for row in rows}) == 10


def test_the_workspace_of_an_item(as_user: Any, django_assert_max_num_queries: Any) -> None:
    project = make_project()
    item = make_rows_of_items(project, 20)[10]
    for _ in range(20):
        make_manual(item, reviewed_by=make_user())
    client = as_user(make_member(project, "viewer"))

    with django_assert_max_num_queries(7):
        assert len(client.get(f"/api/v1/items/{item.uid}/workspace/").json()["annotations"]) == 20


def test_a_list_of_bulk_reviews(as_user: Any, django_assert_max_num_queries: Any) -> None:
    project = make_project()
    for _ in range(20):
        BulkReview.objects.create(project=project, user=make_user(), verdict="accepted")
    client = as_user(make_member(project, "viewer"))

    with django_assert_max_num_queries(5):
        assert len(client.get(f"/api/v1/projects/{project.uid}/bulk-reviews/").json()["results"]) == 20


def test_the_annotations_of_an_item(as_user: Any, django_assert_max_num_queries: Any) -> None:
    item = make_item()
    for _ in range(20):
        make_manual(item, reviewed_by=make_user())
    client = as_user(make_member(item.project, "viewer"))

    with django_assert_max_num_queries(5):
        assert len(client.get(f"/api/v1/items/{item.uid}/annotations/").json()["results"]) == 20
