"""The panels of the review page: filters, decisions on many shapes, labels, keys, touch."""

from __future__ import annotations

import itertools

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.desk import Desk, sign_in
from tests.site import Site

pytestmark = pytest.mark.browser

_numbers = itertools.count(1)
# Twelve labels, so that some have no digit. Three nuts, two bolts, one gear; scores from 0.3 to 0.8.
LABELS = ["nut", "bolt", "gear", "washer", "screw", "pin", "clip", "spring", "rivet", "Ölring", "bushing", "bearing"]
DRAFTS = [("nut", 0.3), ("nut", 0.5), ("nut", 0.7), ("bolt", 0.4), ("bolt", 0.6), ("gear", 0.8)]
_MAKE = f"""
from PIL import Image
from autolabel.shapes import Shape
from tests.review_rows import make_review_project
grey = Image.new("RGB", (640, 480), (90, 100, 110))
drafts = [
    Shape(label, score, (20 + at * 100, 50, 100 + at * 100, 150)) for at, (label, score) in enumerate({DRAFTS})
]
answer = make_review_project("{{name}}", [("a.jpg", grey, drafts), ("b.jpg", grey, [])], {LABELS})
"""


@pytest.fixture
def desk(page: Page, shared_site: Site, shared_address: str) -> Desk:
    name = f"decider{next(_numbers)}"
    made = shared_site.ask(_MAKE.replace("{name}", name))
    sign_in(page, shared_address, name)
    desk = Desk(page, shared_address)
    desk.open(made["items"]["a.jpg"])
    return desk


def statuses(desk: Desk) -> list[str]:
    desk.wait_until_saved()
    return [row["status"] for row in desk.annotations()]


def labels(desk: Desk) -> list[str]:
    desk.wait_until_saved()
    return [row["label"] for row in desk.annotations()]


def button(desk: Desk, action: str) -> Locator:
    return desk.page.locator(f"button[data-action={action}]").first


def set_min_score(desk: Desk, value: float) -> None:
    desk.page.locator("#min-score").fill(str(value))


def test_drafts_are_decided_lowest_score_first_with_one_key_each(desk: Desk) -> None:
    desk.press("a")
    desk.press("x")
    desk.press("a")
    assert statuses(desk) == ["accepted", "accepted", "draft", "discarded", "draft", "draft"]


def test_j_and_k_move_between_drafts_without_deciding(desk: Desk) -> None:
    title = desk.page.locator("#selection-title")
    expect(title).to_have_text("nut")
    desk.press("j")
    expect(title).to_have_text("bolt")
    desk.press("k")
    desk.press("k")
    expect(title).to_have_text("gear")
    assert statuses(desk) == ["draft"] * 6


def test_the_buttons_say_how_many_shapes_the_filter_shows_and_decide_on_these_alone(desk: Desk) -> None:
    set_min_score(desk, 0.55)
    expect(button(desk, "accept-shown")).to_contain_text("Accept 3")
    desk.press("Shift+A")
    assert statuses(desk) == ["draft", "draft", "accepted", "draft", "accepted", "accepted"]
    set_min_score(desk, 0)
    expect(button(desk, "discard-shown")).to_contain_text("Discard 3")
    button(desk, "discard-shown").click()
    assert statuses(desk) == ["discarded", "discarded", "accepted", "discarded", "accepted", "accepted"]
    desk.press("Control+z")
    desk.press("Control+z")
    assert statuses(desk) == ["draft"] * 6


def test_all_drafts_of_a_label_are_decided_at_once(desk: Desk) -> None:
    row = desk.page.locator("#label-filter [data-label=nut]")
    row.get_by_role("button", name="Accept 3 nut drafts").click()
    assert statuses(desk) == ["accepted"] * 3 + ["draft"] * 3
    desk.page.locator("#label-filter [data-label=bolt]").get_by_role("button", name="Discard 2 bolt drafts").click()
    assert statuses(desk) == ["accepted"] * 3 + ["discarded"] * 2 + ["draft"]


def test_a_label_can_be_hidden_or_shown_alone(desk: Desk) -> None:
    rows = desk.page.locator("#shape-list .shape-row")
    desk.page.locator("#label-filter [data-label=nut] [data-do=toggle]").click()
    expect(rows).to_have_count(3)
    desk.page.locator("#label-filter [data-label=nut]").hover()
    desk.page.locator("#label-filter [data-label=nut] [data-do=only]").click()
    expect(rows).to_have_count(3)
    expect(rows.first).to_contain_text("nut")
    desk.page.get_by_role("button", name="Reset filter").first.click()
    expect(rows).to_have_count(6)


def test_discarded_shapes_are_hidden_until_asked_for_and_can_be_drafts_again(desk: Desk) -> None:
    desk.press("x")
    rows = desk.page.locator("#shape-list .shape-row")
    expect(rows).to_have_count(5)
    desk.page.locator("[data-status=discarded]").click()
    expect(rows).to_have_count(6)
    rows.first.locator("[data-part=pick]").click()
    desk.press("r")
    assert statuses(desk) == ["draft"] * 6


def test_the_palette_finds_any_label_by_a_few_letters(desk: Desk) -> None:
    desk.press("l")
    desk.page.keyboard.type("olr")
    desk.press("Enter")
    expect(desk.page.locator("#shape-list")).to_contain_text("Ölring")
    assert labels(desk)[0] == "Ölring"
    assert desk.annotations()[0]["edited"] is True


def test_everything_in_sight_is_relabeled_in_one_step(desk: Desk) -> None:
    set_min_score(desk, 0.55)
    desk.press("Shift+L")
    desk.page.keyboard.type("bear")
    desk.press("Enter")
    expect(desk.page.locator("#shape-list")).to_contain_text("bearing")
    assert labels(desk) == ["nut", "nut", "bearing", "bolt", "bearing", "bearing"]
    desk.press("Control+z")
    assert labels(desk) == [label for label, _ in DRAFTS]


def test_a_digit_labels_the_selection_of_many(desk: Desk) -> None:
    desk.press("Control+a")
    desk.press("5")
    assert labels(desk) == ["screw"] * 6


def test_rows_of_the_list_are_selected_as_files_are(desk: Desk) -> None:
    picks = desk.page.locator("#shape-list [data-part=pick]")
    picks.nth(1).click()
    picks.nth(3).click(modifiers=["Shift"])
    expect(desk.page.locator("#shape-list .selected")).to_have_count(3)
    picks.nth(2).click(modifiers=["ControlOrMeta"])
    expect(desk.page.locator("#shape-list .selected")).to_have_count(2)
    expect(button(desk, "accept")).to_contain_text("Accept 2")
    desk.press("a")
    assert sorted(statuses(desk)) == ["accepted"] * 2 + ["draft"] * 4


def test_a_key_can_be_changed_is_remembered_and_told_by_the_tooltip(desk: Desk) -> None:
    button(desk, "key-settings").click()
    dialog = desk.page.locator("#key-settings")
    dialog.locator("[data-of=accept][data-do=change]").click()
    desk.press("w")
    dialog.get_by_role("button", name="Close").click()
    desk.page.reload()
    desk.wait_for_item()
    desk.press("a")
    desk.press("w")
    assert statuses(desk) == ["accepted"] + ["draft"] * 5
    assert "(W)" in (button(desk, "accept").get_attribute("title") or "")


def test_keys_go_by_their_place_whatever_the_layout_prints_on_them(desk: Desk) -> None:
    # What a French keyboard sends for the key where others have A.
    desk.page.evaluate(
        "document.body.dispatchEvent(new KeyboardEvent('keydown', {code: 'KeyA', key: 'q', bubbles: true}))"
    )
    assert statuses(desk) == ["accepted"] + ["draft"] * 5


def test_a_key_that_is_held_decides_once(desk: Desk) -> None:
    for _ in range(4):
        desk.page.keyboard.down("a")
    desk.page.keyboard.up("a")
    assert statuses(desk).count("accepted") == 1


def test_an_image_is_reviewed_by_tab_and_space_alone(desk: Desk) -> None:
    tab_to(desk, "accept")
    desk.press("Space")
    tab_to(desk, "finish")
    desk.press("Enter")
    dialog = desk.page.locator("#undecided")
    expect(dialog.get_by_role("button", name="Keep reviewing")).to_be_focused()
    desk.press("Tab")
    desk.press("Tab")
    desk.press("Enter")
    desk.wait_for_item("b.jpg")
    desk.wait_until_saved()


def tab_to(desk: Desk, action: str) -> None:
    """By Tab alone, as often as it takes; every stop has a visible ring."""
    for _ in range(80):
        desk.page.keyboard.press("Tab")
        focused = desk.page.evaluate("""() => {
          const { activeElement: at } = document;
          const { outlineStyle, boxShadow } = getComputedStyle(at);
          return [at.dataset?.action ?? "", at === document.body || outlineStyle !== "none" || boxShadow !== "none"];
        }""")
        assert focused[1], "no ring around the focus"
        if focused[0] == action:
            return
    raise AssertionError(f"{action} cannot be reached by Tab")


def test_one_finger_moves_a_shape_and_two_zoom(desk: Desk) -> None:
    touch = Touch(desk)
    touch.move([(60, 100)], [(60, 200)])
    desk.wait_until_saved()
    assert desk.annotations()[0]["bbox_xyxy"] == pytest.approx([20, 150, 100, 250], abs=1.5)

    before = desk.on_screen((420, 300))[0] - desk.on_screen((320, 300))[0]
    touch.move([(300, 300), (340, 300)], [(220, 300), (420, 300)])
    after = desk.on_screen((420, 300))[0] - desk.on_screen((320, 300))[0]
    assert after / before == pytest.approx(5, rel=0.1)


class Touch:
    """Fingers on the screen, through the browser's own input pipeline; places in pixels of the image."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.session = desk.page.context.new_cdp_session(desk.page)
        self.session.send("Emulation.setTouchEmulationEnabled", {"enabled": True, "maxTouchPoints": 2})

    def move(self, start: list[tuple[float, float]], end: list[tuple[float, float]], steps: int = 10) -> None:
        start, end = ([self.desk.on_screen(point) for point in points] for points in (start, end))
        self._send("touchStart", start)
        for step in range(1, steps + 1):
            share = step / steps
            self._send("touchMove", [between(a, b, share) for a, b in zip(start, end, strict=True)])
        self._send("touchEnd", [])

    def _send(self, kind: str, points: list[tuple[float, float]]) -> None:
        touches = [{"x": x, "y": y, "id": number} for number, (x, y) in enumerate(points)]
        self.session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": touches})


def between(a: tuple[float, float], b: tuple[float, float], share: float) -> tuple[float, float]:
    return a[0] + (b[0] - a[0]) * share, a[1] + (b[1] - a[1]) * share


def test_an_image_that_cannot_be_loaded_says_so_and_can_be_asked_for_again(
    desk: Desk, expected_errors: list[str]
) -> None:
    expected_errors += ["500 (Internal Server Error)"]
    for address in ("**/preview/", "**/image/"):
        desk.page.route(address, lambda route: route.fulfill(status=500))
    desk.page.reload()
    expect(desk.page.locator("#load-failed")).to_be_visible()
    desk.page.unroute_all()
    desk.page.get_by_role("button", name="Try again").click()
    expect(desk.page.locator("#load-failed")).to_be_hidden()
    desk.wait_for_item("a.jpg")
