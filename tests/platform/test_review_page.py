"""The review page's start: what it brings along, and which item "review next" opens."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from django.urls import reverse

from annotation_platform.models import Item
from tests.factories import make_draft, make_item, make_manual, make_member, make_project, make_rows_of_items
from tests.platform.browsing import assert_fit_for_a_strict_policy, signed_in, visit

pytestmark = pytest.mark.django_db


def config_of(response: Any) -> dict[str, Any]:
    found = re.search(r'<script id="review-config" type="application/json">(.*?)</script>', response.content.decode())
    assert found
    return dict(json.loads(found[1]))


def next_for(user: Any, project: Any, query: str = "") -> str:
    """Where "review next" leads."""
    return str(signed_in(user).get(reverse("review-next", args=[project.uid]) + query).url)


def at(item: Item, order: str = "score") -> str:
    return f"{reverse('item', args=[item.uid])}?order={order}"


def test_the_page_brings_what_the_editor_needs_for_its_first_item() -> None:
    project = make_project(labels=["bolt", "</script>"])
    items = [make_item(project, name=f"{number}.jpg") for number in range(3)]
    drafts = [make_draft(items[1]) for _ in range(2)]

    response = visit(signed_in(make_member(project)), "item", items[1].uid)
    config = config_of(response)

    workspace = config["workspace"]
    assert (workspace["item"]["uid"], workspace["item"]["name"]) == (items[1].uid, "1.jpg")
    assert [one["uid"] for one in workspace["annotations"]] == [draft.uid for draft in drafts]
    assert workspace["position"] == {"number": 2, "total": 3, "previous": items[0].uid, "next": items[2].uid}
    assert [label["name"] for label in config["labels"]] == ["bolt", "</script>"]
    assert config["api"]["annotation"] == "/api/v1/annotations/{uid}/"
    assert config["api"]["queue"] == f"/api/v1/projects/{project.uid}/review-queue/"
    assert_fit_for_a_strict_policy(response.content.decode())


@pytest.mark.parametrize(
    ("query", "order"), [("", "upload"), ("?order=score", "score"), ("?order=random", "random"), ("?order=x", "upload")]
)
def test_the_order_of_the_queue_comes_from_the_address(query: str, order: str) -> None:
    item = make_item()
    response = visit(signed_in(make_member(item.project)), "item", item.uid, query=query)
    assert config_of(response)["order"] == order


def test_the_page_takes_as_many_queries_for_many_annotations(django_assert_num_queries: Any) -> None:
    project = make_project(labels=[f"label {number}" for number in range(20)])
    items = make_rows_of_items(project, 20)
    for _ in range(10):
        make_draft(items[5])
    client = signed_in(make_member(project))

    # Session, user, item, project, labels, annotations; number, total, previous and next of the position in two.
    with django_assert_num_queries(8):
        visit(client, "item", items[5].uid)


def test_review_next_opens_the_most_doubtful_item_unless_another_order_is_asked_for() -> None:
    project = make_project()
    first, second = make_rows_of_items(project, 2)
    make_draft(first, score=0.9)
    make_draft(second, score=0.4)
    user = make_member(project)

    assert next_for(user, project) == at(second)
    assert next_for(user, project, "?order=upload") == at(first, "upload")
    assert next_for(user, project, "?order=nonsense") == at(second)


def test_review_next_remembers_the_order_that_the_reviewer_chose() -> None:
    project = make_project()
    first, second = make_rows_of_items(project, 2)
    make_draft(first, score=0.9)
    make_draft(second, score=0.4)
    client = signed_in(make_member(project))
    client.cookies["review_order"] = "upload"

    assert client.get(reverse("review-next", args=[project.uid])).url == at(first, "upload")


def test_two_reviewers_are_led_to_different_items() -> None:
    project = make_project()
    for item in make_rows_of_items(project, 2):
        make_draft(item)

    assert next_for(make_member(project), project) != next_for(make_member(project), project)


def test_an_item_on_which_a_model_found_nothing_is_led_to_as_well() -> None:
    project = make_project()
    item = make_rows_of_items(project, 1)[0]
    Item.objects.filter(pk=item.pk).update(auto_labeled_at=item.created_at)

    assert next_for(make_member(project), project) == at(item)


def test_without_drafts_whoever_labels_by_hand_is_led_to_the_next_bare_item() -> None:
    project = make_project()
    done = make_rows_of_items(project, 1, state="done")[0]
    make_manual(done)
    bare = make_rows_of_items(project, 1)[0]

    assert next_for(make_member(project), project) == at(bare)


def test_when_nothing_is_left_the_project_says_so() -> None:
    project = make_project()
    make_rows_of_items(project, 2, state="done")
    client = signed_in(make_member(project))

    response = client.get(reverse("review-next", args=[project.uid]), follow=True)

    assert response.redirect_chain[-1][0] == reverse("project", args=[project.uid])
    assert b"No image is left to review." in response.content


def test_a_viewer_is_led_to_what_waits_and_takes_it_from_nobody() -> None:
    project = make_project()
    item = make_rows_of_items(project, 1)[0]
    make_draft(item)
    viewer = make_member(project, "viewer")

    assert next_for(viewer, project) == at(item)
    assert Item.objects.get(pk=item.pk).assigned_to is None
