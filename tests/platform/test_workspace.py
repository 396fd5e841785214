from __future__ import annotations

from typing import Any

import pytest

from tests.factories import make_draft, make_item, make_manual, make_member, make_project, make_rows_of_items, make_user

pytestmark = pytest.mark.django_db


def test_a_workspace_is_the_item_its_place_and_all_that_lies_on_it(as_user: Any) -> None:
    item = make_item()
    annotations = [make_draft(item), make_manual(item, reviewed_by=make_user("ann"))]
    client = as_user(make_member(item.project, "viewer"))

    workspace = client.get(f"/api/v1/items/{item.uid}/workspace/").json()

    assert workspace["item"] == client.get(f"/api/v1/items/{item.uid}/").json()
    assert workspace["annotations"] == client.get(f"/api/v1/items/{item.uid}/annotations/").json()["results"]
    assert [annotation["uid"] for annotation in workspace["annotations"]] == [one.uid for one in annotations]
    assert workspace["position"] == {"number": 1, "total": 1, "previous": None, "next": None}


def test_neighbours_are_those_of_the_order_of_upload_in_the_same_project(as_user: Any) -> None:
    project = make_project()
    first = make_rows_of_items(project, 2)
    make_rows_of_items(make_project(), 3)
    items = [*first, *make_rows_of_items(project, 2, state="done")]
    client = as_user(make_member(project, "viewer"))

    positions = [client.get(f"/api/v1/items/{item.uid}/workspace/").json()["position"] for item in items]

    uids = [None, *[item.uid for item in items], None]
    assert positions == [
        {"number": number, "total": 4, "previous": uids[number - 1], "next": uids[number + 1]} for number in range(1, 5)
    ]
