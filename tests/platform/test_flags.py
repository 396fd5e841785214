from __future__ import annotations

from typing import Any

import pytest

from annotation_platform.models import Item
from tests.factories import make_item, make_member, make_project, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def item() -> Item:
    return make_item(make_project())


@pytest.fixture
def act(as_user: Any, item: Item) -> Any:
    """`act("flag", comment="…")` as one annotator, `act(…, by="ann")` as somebody else."""
    clients = {name: as_user(make_member(item.project, "annotator", make_user(name))) for name in ("bob", "ann")}

    def post(what: str, by: str = "bob", **body: Any) -> Any:
        return clients[by].post(f"/api/v1/items/{item.uid}/{what}/", body, format="json")

    return post


def said(answer: Any) -> tuple[str, str, str | None]:
    body = answer.json()
    return body["state"], body["flag_comment"], body["flagged_by"]


def test_a_flag_says_who_why_and_when(act: Any) -> None:
    answer = act("flag", comment="Is this a nut?")

    assert said(answer) == ("flagged", "Is this a nut?", "bob")
    assert answer.json()["flagged_at"]


def test_a_flag_needs_no_words(act: Any, as_user: Any, item: Item) -> None:
    assert said(act("flag")) == ("flagged", "", "bob")
    without_body = as_user(make_member(item.project)).post(f"/api/v1/items/{item.uid}/flag/")
    assert without_body.status_code == 200


def test_another_comment_takes_the_place_of_the_first_and_is_its_authors(act: Any) -> None:
    first = act("flag", comment="Is this a nut?")

    again = act("flag", by="ann", comment="Or a washer?")

    assert said(again) == ("flagged", "Or a washer?", "ann")
    assert again.json()["flagged_at"] > first.json()["flagged_at"]


def test_flagging_again_without_a_comment_keeps_the_first(act: Any) -> None:
    act("flag", comment="Is this a nut?")

    assert said(act("flag", by="ann")) == ("flagged", "Is this a nut?", "bob")
    assert said(act("flag", by="ann", comment="Is this a nut?")) == ("flagged", "Is this a nut?", "bob")


def test_a_comment_can_be_taken_away(act: Any) -> None:
    act("flag", comment="Is this a nut?")

    assert said(act("flag", comment="")) == ("flagged", "", "bob")


@pytest.mark.parametrize(("what", "state"), [("reopen", "unlabeled"), ("finish", "done")])
def test_what_was_said_goes_with_the_flag(act: Any, what: str, state: str) -> None:
    act("flag", comment="Is this a nut?")

    answer = act(what)

    assert said(answer) == (state, "", None)
    assert answer.json()["flagged_at"] is None


def test_a_flagged_item_is_no_longer_somebodys_finished_work(act: Any) -> None:
    finished = act("finish").json()
    assert (finished["finished_by"], bool(finished["finished_at"])) == ("bob", True)

    flagged = act("flag", by="ann").json()
    assert (flagged["finished_by"], flagged["finished_at"]) == (None, None)


@pytest.mark.parametrize("what", ["finish", "flag"])
def test_who_decides_about_an_item_is_done_with_it(act: Any, item: Item, what: str, as_user: Any) -> None:
    client = as_user(make_member(item.project, "annotator"))
    claimed = client.post(f"/api/v1/projects/{item.project.uid}/review-queue/", {}, format="json").json()
    assert [offer["uid"] for offer in claimed["items"]] == [item.uid]

    act(what)
    act(what)  # and again where it changes nothing

    item.refresh_from_db()
    assert (item.assigned_to, item.assigned_until) == (None, None)


@pytest.mark.parametrize("comment", [7, None, True, ["x"], "x" * 501, "a\x00b"])
def test_a_comment_that_is_none_is_refused_by_name(act: Any, item: Item, comment: Any) -> None:
    answer = act("flag", comment=comment)

    assert (answer.status_code, list(answer.json())) == (400, ["comment"])
    item.refresh_from_db()
    assert item.state == "unlabeled"


def test_an_unknown_field_is_refused_by_name(act: Any) -> None:
    answer = act("flag", reason="?")

    assert (answer.status_code, list(answer.json())) == (400, ["reason"])
