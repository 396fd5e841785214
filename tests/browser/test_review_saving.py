"""Whatever happens between the browser and the server, no decision of a reviewer is lost or made twice."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.desk import Desk, sign_in
from tests.site import Site

pytestmark = pytest.mark.browser

_names = (f"saver{number}" for number in itertools.count(1))
# Three drafts on the first image, one on the second, none on the third; nobody has decided on anything.
_MAKE = """
from PIL import Image
from autolabel.shapes import Shape
from tests.review_rows import make_review_project
grey = Image.new("RGB", (640, 480), (90, 100, 110))
boxes = [(50, 50, 150, 150), (250, 50, 350, 150), (450, 50, 550, 150)]
named = zip(["nut", "bolt", "gear"], [0.5, 0.6, 0.7], boxes)
drafts = [Shape(*one) for one in named]
answer = make_review_project({name!r}, [("a.jpg", grey, drafts), ("b.jpg", grey, drafts[:1]), ("c.jpg", grey, [])])
"""


@pytest.fixture
def project(shared_site: Site) -> dict[str, Any]:
    """A project of its own; its manager's name is the password, too."""
    name = next(_names)
    return {**shared_site.ask(_MAKE.format(name=name)), "user": name}


@pytest.fixture
def desk(page: Page, shared_address: str, project: dict[str, Any]) -> Desk:
    """At the first image."""
    sign_in(page, shared_address, project["user"])
    desk = Desk(page, shared_address)
    desk.open(project["items"]["a.jpg"])
    return desk


def statuses(rows: list[dict[str, Any]]) -> list[str]:
    return [row["status"] for row in rows]


def change_elsewhere(desk: Desk, row: dict[str, Any], **change: Any) -> None:
    """What another person does to the annotation meanwhile, through the API."""
    token = next(one["value"] for one in desk.page.context.cookies() if one["name"] == "csrftoken")
    answer = desk.page.request.patch(
        f"{desk.address}/api/v1/annotations/{row['uid']}/",
        data={"version": row["version"], **change},
        headers={"X-CSRFToken": token},
    )
    assert answer.ok, answer.text()


def test_decisions_made_without_a_network_are_saved_when_it_is_back(desk: Desk, expected_errors: list[str]) -> None:
    expected_errors.append("ERR_INTERNET_DISCONNECTED")
    desk.page.context.set_offline(True)
    desk.press("a")
    expect(desk.page.locator("#save-state")).to_have_attribute("data-state", "retrying")
    desk.press("x")
    desk.press("b")
    desk.drag((60, 250), (160, 350))
    assert statuses(desk.annotations()) == ["draft"] * 3

    desk.page.context.set_offline(False)
    desk.wait_until_saved()
    rows = desk.annotations()
    assert statuses(rows) == ["accepted", "discarded", "draft", "accepted"]
    assert rows[3]["source"] == "manual"
    assert rows[3]["bbox_xyxy"] == pytest.approx([60, 250, 160, 350], abs=1)


def test_leaving_with_unsaved_changes_asks_first(desk: Desk, expected_errors: list[str]) -> None:
    expected_errors.append("ERR_INTERNET_DISCONNECTED")
    asked: list[str] = []

    def stay(dialog: Any) -> None:
        asked.append(dialog.type)
        dialog.dismiss()

    desk.page.context.set_offline(True)
    desk.press("a")
    expect(desk.page.locator("#save-state")).to_have_attribute("data-state", "retrying")
    desk.page.once("dialog", stay)
    desk.page.close(run_before_unload=True)
    desk.page.wait_for_timeout(300)
    assert asked == ["beforeunload"]

    desk.page.context.set_offline(False)
    desk.wait_until_saved()
    assert statuses(desk.annotations())[0] == "accepted"


def test_an_answer_that_is_lost_does_not_draw_a_shape_twice(desk: Desk, expected_errors: list[str]) -> None:
    expected_errors.append("ERR_FAILED")
    lost = []

    def lose_the_answer(route: Any) -> None:
        if route.request.method == "POST" and not lost:
            lost.append(route.fetch().status)
            route.abort()
        else:
            route.continue_()

    desk.page.route("**/annotations/", lose_the_answer)
    desk.press("b")
    desk.drag((60, 250), (160, 350))
    expect(desk.page.locator("#save-state")).to_have_attribute("data-state", "retrying")
    desk.wait_until_saved()
    assert lost == [201]
    assert statuses(desk.annotations()) == ["draft", "draft", "draft", "accepted"]


@pytest.mark.parametrize(
    ("button", "label", "status"), [("Keep mine", "nut", "accepted"), ("Take theirs", "washer", "accepted")]
)
def test_a_shape_that_two_people_changed_is_shown_in_both_versions(
    desk: Desk, button: str, label: str, status: str, expected_errors: list[str]
) -> None:
    expected_errors.append("409 (Conflict)")
    first = desk.annotations()[0]
    change_elsewhere(desk, first, label="washer")
    desk.click((100, 100))
    desk.press("a")

    dialog = desk.page.locator("#conflict")
    expect(dialog).to_be_visible()
    expect(dialog.get_by_role("region", name="Yours")).to_contain_text("nut")
    expect(dialog.get_by_role("region", name="Theirs")).to_contain_text("washer")
    dialog.get_by_role("button", name=button).click()
    expect(dialog).to_be_hidden()
    desk.wait_until_saved()
    row = desk.annotations()[0]
    assert (row["label"], row["status"]) == (label, status)


def test_a_conflict_can_wait_and_holds_nothing_else_up(desk: Desk, expected_errors: list[str]) -> None:
    expected_errors.append("409 (Conflict)")
    first = desk.annotations()[0]
    change_elsewhere(desk, first, status="discarded")
    desk.press("Shift+A")
    desk.page.get_by_role("button", name="Decide later").click()
    expect(desk.page.locator("#save-state")).to_have_attribute("data-state", "held")
    assert statuses(desk.annotations()) == ["discarded", "accepted", "accepted"]

    desk.page.locator("#resolve-conflict").click()
    desk.page.get_by_role("button", name="Keep mine").click()
    desk.wait_until_saved()
    assert statuses(desk.annotations()) == ["accepted"] * 3


def test_an_image_finished_by_somebody_else_can_be_reopened_with_our_changes(
    desk: Desk, project: dict[str, Any], expected_errors: list[str]
) -> None:
    expected_errors.append("409 (Conflict)")
    desk.press("Shift+A")
    desk.wait_until_saved()
    token = next(one["value"] for one in desk.page.context.cookies() if one["name"] == "csrftoken")
    finished = desk.page.request.post(f"{desk.address}/api/v1/items/{desk.uid}/finish/", headers={"X-CSRFToken": token})
    assert finished.ok
    desk.click((100, 100))
    desk.press("x")
    desk.page.get_by_role("button", name="Reopen and keep mine").click()
    desk.wait_until_saved()
    assert statuses(desk.annotations())[0] == "discarded"
    assert desk.item()["state"] == "drafted"


def test_a_server_that_restarts_loses_nothing(page: Page, make_site: Any, expected_errors: list[str]) -> None:
    expected_errors += ["ERR_CONNECTION_REFUSED", "ERR_CONNECTION_RESET", "ERR_EMPTY_RESPONSE"]
    site: Site = make_site()
    made = site.ask(_MAKE.format(name="restarter"))
    address = site.serve()
    sign_in(page, address, "restarter")
    desk = Desk(page, address)
    desk.open(made["items"]["a.jpg"])
    site.stop()
    desk.press("a")
    desk.press("a")
    expect(page.locator("#save-state")).to_have_attribute("data-state", "retrying")
    site.serve(port=int(address.rsplit(":", 1)[1]))
    desk.wait_until_saved()
    assert statuses(desk.annotations()) == ["accepted", "accepted", "draft"]
