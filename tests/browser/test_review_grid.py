"""Deciding in bulk on the review grid, with real mouse and keyboard events; nothing is done that was not shown."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.desk import sign_in
from tests.site import Site

pytestmark = pytest.mark.browser

_names = (f"griddler{number}" for number in itertools.count(1))
# Images of two drafts each: bolts at 0.40, 0.45, … 0.75 and again from the start, and every nut at 0.90.
_MAKE = """
from PIL import Image
from autolabel.shapes import Shape
from tests.review_rows import make_review_project
grey = Image.new("RGB", (320, 240), (90, 100, 110))
drafts = lambda score: [Shape("bolt", score, (20, 20, 120, 120)), Shape("nut", 0.9, (180, 60, 280, 200))]
items = [(f"{{number}}.jpg", grey, drafts((40 + 5 * (number % 8)) / 100)) for number in range({images})]
answer = make_review_project({name!r}, items, ["bolt", "nut"])
"""
_STATES = """
from annotation_platform.models import Annotation, Item
rows = Annotation.objects.filter(item__project__uid={project!r})
answer = {{
    "annotations": list(rows.values_list("item__name", "label__name", "score", "status")),
    "done": sorted(Item.objects.filter(project__uid={project!r}, state="done").values_list("name", flat=True)),
}}
"""


class Grid:
    """The grid as a reviewer handles it, and what the database then has."""

    def __init__(self, page: Page, site: Site, address: str, project: str) -> None:
        self.page = page
        self._site = site
        self._project = project
        self.url = f"{address}/projects/{project}/review/"

    def open(self, query: str = "?threshold=0.50") -> None:
        self.page.goto(self.url + query)
        expect(self.cards).not_to_have_count(0)

    @property
    def cards(self) -> Any:
        return self.page.locator("[data-card]")

    @property
    def selected(self) -> Any:
        return self.page.locator("[data-selected]")

    @property
    def accept(self) -> Any:
        return self.page.locator("[data-accept]")

    @property
    def dialog(self) -> Any:
        return self.page.get_by_role("dialog")

    @property
    def undo_bar(self) -> Any:
        return self.page.locator(".undo-bar")

    def card(self, name: str) -> Any:
        return self.cards.filter(has_text=name)

    def set_threshold(self, score: float) -> None:
        """By keyboard: the slider moves a hundredth with every arrow."""
        slider = self.page.locator("#threshold")
        slider.focus()
        steps = round((score - float(slider.input_value())) * 100)
        for _ in range(abs(steps)):
            self.page.keyboard.press("ArrowRight" if steps > 0 else "ArrowLeft")
        expect(slider).to_have_value(re.compile(rf"^{score:.2f}$|^{score:g}$"))

    def confirm(self, name: str) -> None:
        self.dialog.get_by_role("button", name=name).click()
        expect(self.dialog).to_be_hidden()

    def stored(self) -> dict[str, Any]:
        return dict(self._site.ask(_STATES.format(project=self._project)))

    def statuses(self) -> Counter[str]:
        return Counter(status for *_, status in self.stored()["annotations"])


@pytest.fixture
def grid(page: Page, shared_site: Site, shared_address: str, request: pytest.FixtureRequest) -> Grid:
    """Of a new project with eight images, or as many as the test asks for."""
    name = next(_names)
    made = shared_site.ask(_MAKE.format(name=name, images=getattr(request, "param", 8)))
    sign_in(page, shared_address, name)
    grid = Grid(page, shared_site, shared_address, made["project"])
    grid.open()
    return grid


def test_picked_images_are_accepted_from_a_threshold_on_and_put_back_in_one_step(grid: Grid) -> None:
    page = grid.page
    grid.card("2.jpg").click()
    grid.card("5.jpg").click(modifiers=["Shift"])
    grid.card("7.jpg").get_by_role("checkbox").click()
    expect(grid.selected).to_have_text("5 images selected")
    expect(grid.accept).to_have_text("Accept 10 drafts on 5 images")

    # Bolts at 0.50, 0.55 and 0.60 are left out, those at 0.65 and 0.75 are not.
    grid.set_threshold(0.65)
    expect(grid.card("4.jpg").locator("path.below")).to_have_count(1)
    expect(grid.card("5.jpg").locator("path.below")).to_have_count(0)
    expect(grid.accept).to_have_text("Accept 7 drafts on 5 images")
    grid.accept.click()
    expect(grid.dialog).to_contain_text("Accept 7 drafts on 5 images?")
    expect(grid.dialog.locator("dl")).to_have_text(re.compile(r"nut\s*5\s*bolt\s*2"))
    assert grid.statuses() == {"draft": 16}

    grid.confirm("Accept 7 drafts")
    expect(grid.undo_bar).to_contain_text("7 drafts accepted on 5 images")
    stored = grid.stored()
    accepted = sorted((name, label) for name, label, _, status in stored["annotations"] if status == "accepted")
    assert accepted == sorted(
        [(f"{number}.jpg", "nut") for number in (2, 3, 4, 5, 7)] + [("5.jpg", "bolt"), ("7.jpg", "bolt")]
    )
    assert stored["done"] == []
    expect(grid.cards).to_have_count(6)

    page.reload()
    expect(page.locator("#threshold")).to_have_value("0.65")
    expect(grid.undo_bar).to_contain_text("7 drafts accepted on 5 images")
    page.keyboard.press("Control+z")
    expect(page.get_by_text("7 drafts put back.")).to_be_visible()
    expect(grid.cards).to_have_count(8)
    expect(grid.undo_bar).to_have_count(0)
    assert grid.statuses() == {"draft": 16}


def test_a_label_is_accepted_in_the_whole_project_from_the_threshold_on(grid: Grid) -> None:
    grid.set_threshold(0.6)
    button = grid.page.get_by_role("button", name="Accept 4 of bolt")
    expect(grid.page.get_by_role("button", name="Accept 8 of nut")).to_be_enabled()
    button.click()
    expect(grid.dialog).to_contain_text("Accept 4 drafts on 4 images?")

    grid.confirm("Accept 4 drafts")

    expect(grid.undo_bar).to_contain_text("4 drafts accepted on 4 images")
    expect(grid.page.get_by_role("button", name="Accept 0 of bolt")).to_be_disabled()
    accepted = [(label, score) for _, label, score, status in grid.stored()["annotations"] if status == "accepted"]
    assert sorted(accepted) == [("bolt", 0.6), ("bolt", 0.65), ("bolt", 0.7), ("bolt", 0.75)]


def test_images_that_have_no_draft_left_are_finished_on_demand_and_reopened_by_undo(grid: Grid) -> None:
    grid.set_threshold(0.7)
    grid.page.get_by_role("button", name="Select all").click()
    grid.accept.click()
    grid.dialog.get_by_label("Also finish the 2 images that have no draft left then").check()

    grid.confirm("Accept 10 drafts")

    expect(grid.undo_bar).to_contain_text("10 drafts accepted on 8 images, 2 images finished")
    expect(grid.undo_bar.get_by_role("button", name="Undo")).to_be_focused()
    assert grid.stored()["done"] == ["6.jpg", "7.jpg"]

    grid.page.keyboard.press("Enter")
    expect(grid.page.get_by_text("10 drafts put back, 2 images reopened.")).to_be_visible()
    expect(grid.card("0.jpg").get_by_role("checkbox")).to_be_focused()
    assert grid.stored()["done"] == []


def test_discarding_offers_what_lies_below_the_threshold_and_all(grid: Grid) -> None:
    grid.set_threshold(0.5)
    grid.card("0.jpg").click()
    grid.card("3.jpg").click()
    grid.page.get_by_role("button", name="Discard…").click()
    expect(grid.dialog).to_contain_text("Discard 1 draft on 1 image?")
    grid.dialog.get_by_label("All: 4").check()
    expect(grid.dialog).to_contain_text("Discard 4 drafts on 2 images?")
    grid.dialog.get_by_label("Below 0.50: 1").check()
    expect(grid.dialog).to_contain_text("Discard 1 draft on 1 image?")

    grid.confirm("Discard 1 draft")

    expect(grid.undo_bar).to_contain_text("1 draft discarded on 1 image")
    gone = [row[:3] for row in grid.stored()["annotations"] if row[3] == "discarded"]
    assert gone == [["0.jpg", "bolt", 0.4]]


def test_only_what_fits_the_filter_is_decided(grid: Grid) -> None:
    page = grid.page
    page.get_by_label("Score from").fill("0.5")
    page.get_by_label("Score from").press("Tab")
    page.locator("select[name=label]").select_option("bolt")
    expect(grid.cards).to_have_count(6)
    expect(page).to_have_url(re.compile(r"label=bolt&min=0.5"))
    page.get_by_role("button", name="Select all").click()
    expect(grid.accept).to_have_text("Accept 6 drafts on 6 images")

    grid.accept.click()
    grid.confirm("Accept 6 drafts")

    expect(page.get_by_role("heading", name="No draft fits")).to_be_visible()
    accepted = [(label, score) for _, label, score, status in grid.stored()["annotations"] if status == "accepted"]
    assert {label for label, _ in accepted} == {"bolt"}
    assert min(score for _, score in accepted) == 0.5


@pytest.mark.parametrize("grid", [62], indirect=True)
def test_the_images_of_all_pages_are_decided_at_once(grid: Grid) -> None:
    page = grid.page
    expect(grid.cards).to_have_count(60)
    grid.set_threshold(0.6)
    page.get_by_role("button", name="Select all 62").click()
    expect(grid.selected).to_have_text("All 62 images selected")
    # 30 bolts are at 0.60 or more; on how many images only the server knows.
    expect(grid.accept).to_have_text("Accept 92 drafts")
    grid.accept.click()
    expect(grid.dialog).to_contain_text("Accept 92 drafts on 62 images?")

    grid.confirm("Accept 92 drafts")

    expect(grid.undo_bar).to_contain_text("92 drafts accepted on 62 images")
    assert grid.statuses() == {"accepted": 92, "draft": 32}


@pytest.mark.parametrize("grid", [62], indirect=True)
def test_the_threshold_holds_on_the_next_page(grid: Grid) -> None:
    grid.set_threshold(0.6)
    grid.page.get_by_role("link", name="Next page").click()
    expect(grid.cards).to_have_count(2)

    expect(grid.page.locator("#threshold")).to_have_value(re.compile("0.60?"))
    expect(grid.selected).to_have_text("No image selected")


def test_everything_can_be_done_by_keyboard(grid: Grid) -> None:
    page = grid.page
    grid.card("0.jpg").get_by_role("checkbox").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Space")
    expect(grid.card("1.jpg").get_by_role("checkbox")).to_be_checked()
    page.keyboard.press("End")
    page.keyboard.press("Shift+Space")
    expect(grid.selected).to_have_text("7 images selected")
    page.keyboard.press("Home")
    expect(grid.card("0.jpg").get_by_role("checkbox")).to_be_focused()
    page.keyboard.press("Control+a")
    expect(grid.selected).to_have_text("8 images selected")
    page.keyboard.press("Escape")
    expect(grid.selected).to_have_text("No image selected")

    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/items/"))


def test_up_and_down_walk_by_rows(grid: Grid) -> None:
    tops = [card.bounding_box()["y"] for card in grid.cards.all()]
    columns = tops.count(tops[0])
    assert 1 < columns < 8
    grid.card("0.jpg").get_by_role("checkbox").focus()

    grid.page.keyboard.press("ArrowDown")
    expect(grid.card(f"{columns}.jpg").get_by_role("checkbox")).to_be_focused()
    grid.page.keyboard.press("ArrowUp")
    expect(grid.card("0.jpg").get_by_role("checkbox")).to_be_focused()


def test_the_place_on_the_page_is_kept(grid: Grid) -> None:
    page = grid.page
    page.set_viewport_size({"width": 375, "height": 600})
    grid.card("6.jpg").scroll_into_view_if_needed()
    grid.card("6.jpg").click()
    before = page.evaluate("scrollY")
    assert before > 200

    grid.accept.click()
    grid.confirm("Accept 2 drafts")

    expect(grid.undo_bar).to_be_in_viewport()
    # The bar has come above the images; the browser may make up for its height or not.
    assert abs(page.evaluate("scrollY") - before) < 150


def test_a_lost_network_is_told_and_nothing_is_lost(grid: Grid, expected_errors: list[str]) -> None:
    expected_errors.append("ERR_INTERNET_DISCONNECTED")
    page = grid.page
    grid.card("7.jpg").click()
    grid.accept.click()
    expect(grid.dialog).to_contain_text("Accept 2 drafts on 1 image?")

    page.context.set_offline(True)
    grid.dialog.get_by_role("button", name="Accept 2 drafts").click()
    expect(grid.dialog.get_by_role("alert")).to_contain_text("The server cannot be reached")

    page.context.set_offline(False)
    grid.confirm("Accept 2 drafts")
    expect(grid.undo_bar).to_contain_text("2 drafts accepted on 1 image")
    assert grid.statuses() == {"accepted": 2, "draft": 14}


def test_what_has_been_undone_elsewhere_is_told(grid: Grid, expected_errors: list[str]) -> None:
    expected_errors.append("status of 409")
    page = grid.page
    grid.card("7.jpg").click()
    grid.accept.click()
    grid.confirm("Accept 2 drafts")
    expect(grid.undo_bar).to_be_visible()
    other = page.context.new_page()
    other.goto(grid.url)
    other.locator("[data-undo]").click()
    expect(other.get_by_text("2 drafts put back.")).to_be_visible()

    page.locator("[data-undo]").click()

    expect(page.get_by_text("already been undone")).to_be_visible()
    expect(grid.undo_bar).to_have_count(0)


def test_a_person_whose_session_has_ended_is_asked_to_sign_in(grid: Grid) -> None:
    page = grid.page
    page.context.clear_cookies()

    page.get_by_label("Sort").select_option("name")

    expect(page.get_by_role("button", name="Sign in")).to_be_visible()
    expect(grid.cards).to_have_count(0)


def test_a_slow_count_does_not_overtake_a_newer_one(grid: Grid) -> None:
    page = grid.page
    grid.set_threshold(0.5)
    grid.card("0.jpg").click()
    held: list[Route] = []
    page.route("**/bulk-reviews/", lambda route: held.append(route) if not held else route.continue_())
    page.get_by_role("button", name="Discard…").click()
    grid.dialog.get_by_label("All: 2").check()
    expect(grid.dialog).to_contain_text("Discard 2 drafts on 1 image?")

    held[0].abort()

    expect(grid.dialog).to_contain_text("Discard 2 drafts on 1 image?")
    expect(grid.dialog.get_by_role("alert")).to_be_hidden()


def test_a_flag_is_taken_off_and_put_on_again_with_its_comment(grid: Grid, shared_address: str) -> None:
    page = grid.page
    uid = grid.cards.first.get_attribute("data-card")
    token = next(one["value"] for one in page.context.cookies() if one["name"] == "csrftoken")
    flag = {"data": {"comment": "Nut or washer?"}, "headers": {"X-CSRFToken": token}}
    assert page.request.post(f"{shared_address}/api/v1/items/{uid}/flag/", **flag).ok

    def item() -> dict[str, Any]:
        return dict(page.request.get(f"{shared_address}/api/v1/items/{uid}/").json())

    page.goto(grid.url.replace("/review/", "/flagged/"))
    tab = page.locator("[data-flagged-count]")
    expect(tab).to_have_text("1")
    page.get_by_role("button", name="Take the flag off").click()
    expect(tab).to_have_text("0")
    assert item()["state"] == "drafted"

    page.get_by_role("button", name="Undo: flag again").click()
    expect(tab).to_have_text("1")
    assert (item()["state"], item()["flag_comment"]) == ("flagged", "Nut or washer?")
