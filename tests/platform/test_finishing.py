from __future__ import annotations

from typing import Any

import pytest

from annotation_platform.models import Item
from tests.factories import make_draft, make_item, make_manual, make_member, make_project

pytestmark = pytest.mark.django_db


@pytest.fixture
def item() -> Item:
    return make_item(make_project())


@pytest.fixture
def decide(as_user: Any, item: Item) -> Any:
    client = as_user(make_member(item.project, "annotator"))
    return lambda what: client.post(f"/api/v1/items/{item.uid}/{what}/")


def test_an_item_with_verdicts_on_everything_is_finished(decide: Any, item: Item) -> None:
    make_manual(item)

    answer = decide("finish")

    assert (answer.status_code, answer.json()["state"], answer.json()["accepted"]) == (200, "done", 1)
    item.refresh_from_db()
    assert item.finished_at
    assert item.finished_by


def test_finishing_an_empty_item_says_that_nothing_is_there(decide: Any, item: Item) -> None:
    assert decide("finish").json()["state"] == "done"
    assert not Item.objects.awaiting_labels().exists()


def test_an_item_with_drafts_left_is_not_finished(decide: Any, item: Item) -> None:
    make_draft(item)
    make_draft(item)

    answer = decide("finish")

    assert answer.status_code == 409
    assert answer.json()["detail"].startswith("2 drafts wait")
    item.refresh_from_db()
    assert item.state == "drafted"


def test_finishing_twice_keeps_who_finished_first(decide: Any, item: Item, as_user: Any) -> None:
    decide("finish")
    item.refresh_from_db()
    first = item.finished_by

    other = as_user(make_member(item.project, "annotator")).post(f"/api/v1/items/{item.uid}/finish/")

    assert other.status_code == 200
    item.refresh_from_db()
    assert item.finished_by == first


@pytest.mark.parametrize("before", ["finish", "flag"])
def test_reopening_an_item_without_annotations_makes_it_unlabeled(decide: Any, item: Item, before: str) -> None:
    decide(before)

    assert decide("reopen").json()["state"] == "unlabeled"
    item.refresh_from_db()
    assert (item.finished_at, item.finished_by) == (None, None)


@pytest.mark.parametrize("before", ["finish", "flag"])
def test_reopening_an_item_with_annotations_makes_it_drafted(decide: Any, item: Item, before: str) -> None:
    make_manual(item)
    decide(before)

    assert decide("reopen").json()["state"] == "drafted"


@pytest.mark.parametrize("state", ["unlabeled", "drafted"])
def test_reopening_an_open_item_changes_nothing(decide: Any, item: Item, state: str) -> None:
    if state == "drafted":
        make_draft(item)

    assert decide("reopen").json()["state"] == state


def test_a_flagged_item_is_no_longer_done_and_models_leave_it_alone(decide: Any, item: Item) -> None:
    decide("finish")

    assert decide("flag").json()["state"] == "flagged"
    item.refresh_from_db()
    assert item.finished_at is None
    assert not Item.objects.awaiting_labels().exists()


def test_a_flagged_item_can_be_worked_on_and_stays_flagged(as_user: Any, decide: Any, item: Item) -> None:
    draft = make_draft(item)
    decide("flag")
    client = as_user(make_member(item.project, "annotator"))

    answer = client.patch(f"/api/v1/annotations/{draft.uid}/", {"version": 1, "status": "accepted"}, format="json")

    assert answer.status_code == 200
    item.refresh_from_db()
    assert item.state == "flagged"
    assert decide("finish").json()["state"] == "done"
