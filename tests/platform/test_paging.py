from __future__ import annotations

from base64 import b64encode
from typing import Any

import pytest

from tests.factories import make_member, make_project, make_rows_of_items

pytestmark = pytest.mark.django_db


def test_pages_lead_through_all_items_once_in_order(as_user: Any) -> None:
    project = make_project()
    made = [item.uid for item in make_rows_of_items(project, 7)]
    client, url, seen = as_user(make_member(project, "viewer")), f"/api/v1/projects/{project.uid}/items/?limit=3", []

    while url:
        page = client.get(url).json()
        seen += [row["uid"] for row in page["results"]]
        url = page["next"]

    assert seen == made


def test_a_page_holds_50_and_at_most_200(as_user: Any) -> None:
    project = make_project()
    make_rows_of_items(project, 210)
    client, url = as_user(make_member(project, "viewer")), f"/api/v1/projects/{project.uid}/items/"

    assert len(client.get(url).json()["results"]) == 50
    assert len(client.get(f"{url}?limit=100000").json()["results"]) == 200


@pytest.mark.parametrize("inner", ["p=abc", "p=-1", "p=", "p=" + "9" * 40, "p=1%00", "o=x", "r=1&p=%C2%B2"])
def test_a_forged_cursor_is_404_or_a_page_but_never_an_error(as_user: Any, inner: str) -> None:
    project = make_project()
    client = as_user(make_member(project, "viewer"))
    cursor = b64encode(inner.encode()).decode()

    answer = client.get(f"/api/v1/projects/{project.uid}/items/", {"cursor": cursor})

    assert answer.status_code in (200, 404)
    assert client.get("/api/v1/users/me/projects/", {"cursor": cursor}).status_code in (200, 404)


def test_items_are_listed_by_state(as_user: Any) -> None:
    project = make_project()
    make_rows_of_items(project, 2)
    done = make_rows_of_items(project, 1, state="done")
    client, url = as_user(make_member(project, "viewer")), f"/api/v1/projects/{project.uid}/items/"

    assert [row["uid"] for row in client.get(url, {"state": "done"}).json()["results"]] == [done[0].uid]
    refused = client.get(url, {"state": "odd"})
    assert (refused.status_code, list(refused.json())) == (400, ["state"])
