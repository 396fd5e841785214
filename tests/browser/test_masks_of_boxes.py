"""A model's mask of an accepted box, on the review page: accepting it takes the box's place, and undo gives it back."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.desk import Desk, sign_in
from tests.site import Site

pytestmark = pytest.mark.browser

_numbers = itertools.count(1)
RING = [(80.0, 80.0), (200.0, 80.0), (200.0, 180.0), (80.0, 180.0)]
HOLE = [(120.0, 110.0), (160.0, 110.0), (160.0, 150.0), (120.0, 150.0)]
# One box, with its mask that has a hole, written as a job of boxes to masks writes it; a draft apart from them.
_MAKE = f"""
from PIL import Image
from autolabel.shapes import Shape
from annotation_platform.models import Item, Project
from annotation_platform.review import add
from django.contrib.auth import get_user_model
from tests.review_rows import draft, make_review_project
grey = Image.new("RGB", (640, 480), (90, 100, 110))
made = make_review_project("{{name}}", [("a.jpg", grey, [Shape("bolt", 0.9, (400, 300, 500, 400))])])
item = Item.objects.get(uid=made["items"]["a.jpg"])
user = get_user_model().objects.get(username="{{name}}")
box = add(item, user, "nut", box=(78, 78, 202, 182))
outline = ((tuple({RING}), tuple({HOLE})),)
mask = Shape("nut", 0.6, (80, 80, 200, 180), outline, source=box.uid)
draft(Project.objects.get(uid=made["project"]), {{item.uid: [mask]}}, boxes_to_masks=True)
answer = made
"""
DRAFT, BOX, MASK = 0, 1, 2


@pytest.fixture
def desk(page: Page, shared_site: Site, shared_address: str) -> Desk:
    name = f"masker{next(_numbers)}"
    made = shared_site.ask(_MAKE.replace("{name}", name))
    sign_in(page, shared_address, name)
    desk = Desk(page, shared_address)
    desk.open(made["items"]["a.jpg"])
    return desk


def verdicts(desk: Desk) -> list[str]:
    """Of draft, box and mask, once everything is saved."""
    desk.wait_until_saved()
    return [row["status"] for row in desk.annotations()]


def requests_of(desk: Desk) -> list[str]:
    """The methods of all requests from now on that change an annotation."""
    sent: list[str] = []
    desk.page.on(
        "request",
        lambda request: sent.append(request.method) if "annotations/" in request.url and request.post_data else None,
    )
    return sent


def test_the_box_steps_back_and_the_list_says_so(desk: Desk) -> None:
    expect(desk.page.locator(".shape.replaced")).to_have_count(1)
    expect(desk.page.locator(".shape-row").filter(has_text="mask waits")).to_have_count(1)
    expect(desk.page.locator(".shape-row").filter(has_text="from a box")).to_have_count(1)
    desk.click((100, 100))
    expect(desk.page.locator("#selection-facts")).to_contain_text("replaces its box")


def test_accepting_the_mask_discards_its_box_in_one_request_and_one_undo_brings_both_back(desk: Desk) -> None:
    sent = requests_of(desk)
    desk.click((100, 100))
    desk.press("a")
    assert verdicts(desk) == ["draft", "discarded", "accepted"]
    assert sent == ["PATCH"]
    expect(desk.page.locator(".shape")).to_have_count(3)
    expect(desk.page.locator(".shape.replaced")).to_have_count(0)

    desk.press("Control+z")
    assert verdicts(desk) == ["draft", "accepted", "draft"]
    assert sent == ["PATCH", "PATCH"]
    expect(desk.page.locator("#selection-facts")).to_contain_text("polygon")
    desk.press("Control+y")
    assert verdicts(desk) == ["draft", "discarded", "accepted"]


def test_so_it_is_when_all_that_is_shown_is_accepted(desk: Desk) -> None:
    sent = requests_of(desk)
    desk.press("Shift+A")
    assert verdicts(desk) == ["accepted", "discarded", "accepted"]
    assert sent == ["PATCH"]
    desk.press("Control+z")
    assert verdicts(desk) == ["draft", "accepted", "draft"]


def test_moving_a_point_of_the_masks_hole_accepts_it_and_undo_gives_the_hole_and_the_box_back(desk: Desk) -> None:
    desk.click((100, 100))
    desk.drag((120, 110), (110, 100))
    assert verdicts(desk) == ["draft", "discarded", "accepted"]
    row: dict[str, Any] = desk.annotations()[MASK]
    assert row["edited"]
    assert row["polygons"][0][1][0] == pytest.approx([110, 100], abs=1)
    assert len(row["polygons"][0]) == 2

    desk.press("Control+z")
    assert verdicts(desk) == ["draft", "accepted", "draft"]


def test_discarding_the_mask_keeps_the_box(desk: Desk) -> None:
    desk.click((100, 100))
    desk.press("x")
    assert verdicts(desk) == ["draft", "accepted", "discarded"]
    expect(desk.page.locator(".shape.replaced")).to_have_count(0)


def test_accept_and_finish_takes_the_mask_and_not_the_box(desk: Desk) -> None:
    uid = desk.uid
    desk.press("Shift+Enter")
    desk.wait_until_saved()
    assert [row["status"] for row in desk.annotations(uid)] == ["accepted", "discarded", "accepted"]
    assert desk.item(uid)["state"] == "done"


def test_the_review_grid_accepts_the_mask_and_discards_the_box(desk: Desk) -> None:
    page = desk.page
    uid, project = desk.uid, desk.item()["project"]
    page.goto(f"{desk.address}/projects/{project}/review/")
    page.locator(".grid-card input[type=checkbox]").check()
    page.locator("[data-accept]").click()
    page.locator("#bulk-dialog [data-confirm]").click()
    expect(page.locator("#bulk-dialog")).to_be_hidden()
    expect(page.locator(".grid-card")).to_have_count(0)
    assert [row["status"] for row in desk.annotations(uid)] == ["accepted", "discarded", "accepted"]
