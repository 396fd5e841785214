"""Each tool of the editor on each kind of shape, by real mouse and keyboard events; the geometry is the server's."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.desk import Desk, sign_in
from tests.site import Site

pytestmark = pytest.mark.browser

_numbers = itertools.count(1)
BOX = (60.0, 60.0, 160.0, 140.0)
# A square with a square hole; a triangle beside a square, which are one shape.
RING = [(240.0, 60.0), (340.0, 60.0), (340.0, 160.0), (240.0, 160.0)]
HOLE = [(270.0, 90.0), (310.0, 90.0), (310.0, 130.0), (270.0, 130.0)]
TRIANGLE = [(420.0, 60.0), (480.0, 60.0), (450.0, 120.0)]
SQUARE = [(520.0, 60.0), (600.0, 60.0), (600.0, 140.0), (520.0, 140.0)]
BOX_AT, HOLED_AT, PARTS_AT = 0, 1, 2
_MAKE = f"""
from PIL import Image
from autolabel.shapes import Shape
from tests.review_rows import make_review_project
grey = Image.new("RGB", (640, 480), (90, 100, 110))
ring, hole, triangle, square = (tuple(one) for one in ({RING}, {HOLE}, {TRIANGLE}, {SQUARE}))
drafts = [
    Shape("nut", 0.9, {BOX}),
    Shape("washer", 0.8, (240, 60, 340, 160), ((ring, hole),)),
    Shape("bolt", 0.7, (420, 60, 600, 140), ((triangle,), (square,))),
]
answer = make_review_project("{{name}}", [("a.jpg", grey, drafts), ("b.jpg", grey, [])])
"""


@pytest.fixture
def desk(page: Page, shared_site: Site, shared_address: str) -> Desk:
    """At an image with a box, a polygon with a hole, and one of two parts; all drafts."""
    name = f"drawer{next(_numbers)}"
    made = shared_site.ask(_MAKE.replace("{name}", name))
    sign_in(page, shared_address, name)
    desk = Desk(page, shared_address)
    desk.open(made["items"]["a.jpg"])
    return desk


def saved(desk: Desk, at: int) -> dict[str, Any]:
    """The annotation at that place in the order of creation, once everything is saved."""
    desk.wait_until_saved()
    return desk.annotations()[at]


def rings(row: dict[str, Any]) -> list[list[list[tuple[float, float]]]]:
    return [[[(x, y) for x, y in ring] for ring in part] for part in row["polygons"]]


def near(points: Any) -> Any:
    """A screen pixel is less than an image pixel here, and the pointer stands on whole ones."""
    return pytest.approx(points, abs=1.0)


def assert_rings(row: dict[str, Any], *parts: list[list[tuple[float, float]]]) -> None:
    found = rings(row)
    assert [[len(ring) for ring in part] for part in found] == [[len(ring) for ring in part] for part in parts]
    flat = [value for part in found for ring in part for point in ring for value in point]
    assert flat == near([value for part in parts for ring in part for point in ring for value in point])


def moved(ring: list[tuple[float, float]], dx: float, dy: float) -> list[tuple[float, float]]:
    return [(x + dx, y + dy) for x, y in ring]


# Boxes


@pytest.mark.parametrize(
    ("handle", "to", "expected"),
    [
        ((60, 60), (40, 50), (40, 50, 160, 140)),
        ((110, 60), (110, 40), (60, 40, 160, 140)),
        ((160, 60), (180, 50), (60, 50, 180, 140)),
        ((160, 100), (190, 100), (60, 60, 190, 140)),
        ((160, 140), (180, 170), (60, 60, 180, 170)),
        ((110, 140), (110, 120), (60, 60, 160, 120)),
        ((60, 140), (80, 150), (80, 60, 160, 150)),
        ((60, 100), (30, 100), (30, 60, 160, 140)),
    ],
    ids=["nw", "n", "ne", "e", "se", "s", "sw", "w"],
)
def test_a_box_is_resized_by_each_of_its_handles(
    desk: Desk, handle: tuple[int, int], to: tuple[int, int], expected: tuple[int, ...]
) -> None:
    desk.click((100, 100))
    desk.drag(handle, to)
    row = saved(desk, BOX_AT)
    assert row["bbox_xyxy"] == near(expected)
    assert (row["status"], row["edited"]) == ("accepted", True)


def test_a_box_is_moved_and_stops_at_the_edge(desk: Desk) -> None:
    desk.drag((100, 100), (130, 150))
    assert saved(desk, BOX_AT)["bbox_xyxy"] == near([90, 110, 190, 190])
    desk.drag((130, 150), (-300, 150))
    assert saved(desk, BOX_AT)["bbox_xyxy"] == near([0, 110, 100, 190])


def test_a_box_is_drawn_and_gets_a_label_by_its_digit(desk: Desk) -> None:
    desk.press("b")
    desk.drag((300, 300), (420, 400))
    desk.press("2")
    row = saved(desk, 3)
    assert row["bbox_xyxy"] == near([300, 300, 420, 400])
    assert (row["kind"], row["source"], row["status"], row["label"]) == ("box", "manual", "accepted", "nut")


def test_several_boxes_are_drawn_in_a_row_with_shift(desk: Desk) -> None:
    desk.press("b")
    desk.drag((50, 300), (100, 350), keys=["Shift"])
    desk.drag((150, 300), (200, 350), keys=["Shift"])
    desk.wait_until_saved()
    assert len(desk.annotations()) == 5


# Polygons


@pytest.mark.parametrize("close", ["first point", "Enter", "double click"])
def test_a_polygon_is_drawn_point_by_point_and_closed(desk: Desk, close: str) -> None:
    corners = [(100.0, 300.0), (200.0, 300.0), (200.0, 380.0), (120.0, 400.0)]
    desk.press("p")
    for corner in corners[:-1]:
        desk.click(corner)
    desk.click(corners[-1], count=2 if close == "double click" else 1)
    if close == "first point":
        desk.click(corners[0])
    elif close == "Enter":
        desk.press("Enter")
    row = saved(desk, 3)
    assert_rings(row, [corners])
    assert (row["kind"], row["source"]) == ("polygon", "manual")


def test_the_last_point_of_a_polygon_is_taken_back_and_escape_gives_it_up(desk: Desk) -> None:
    desk.press("p")
    for corner in [(100, 300), (200, 300), (600, 450)]:
        desk.click(corner)
    desk.press("Backspace")
    desk.click((200, 400))
    desk.press("Enter")
    assert_rings(saved(desk, 3), [[(100, 300), (200, 300), (200, 400)]])

    desk.press("p")
    desk.click((400, 300))
    desk.press("Escape")
    desk.press("Escape")
    desk.wait_until_saved()
    assert len(desk.annotations()) == 4


@pytest.mark.parametrize(
    ("at", "start", "to", "expected"),
    [
        (HOLED_AT, RING[1], (360, 50), [[[RING[0], (360, 50), *RING[2:]], HOLE]]),
        (HOLED_AT, HOLE[0], (260, 80), [[RING, [(260, 80), *HOLE[1:]]]]),
        (PARTS_AT, TRIANGLE[2], (450, 150), [[[*TRIANGLE[:2], (450, 150)]], [SQUARE]]),
        (PARTS_AT, SQUARE[3], (510, 170), [[TRIANGLE], [[*SQUARE[:3], (510, 170)]]]),
    ],
    ids=["exterior", "hole", "first part", "second part"],
)
def test_a_vertex_is_dragged(desk: Desk, at: int, start: Any, to: Any, expected: Any) -> None:
    desk.click((250, 70) if at == HOLED_AT else (450, 80))
    desk.drag(start, to)
    row = saved(desk, at)
    assert_rings(row, *expected)
    assert (row["status"], row["edited"]) == ("accepted", True)


@pytest.mark.parametrize(
    ("at", "edge", "to", "expected"),
    [
        (HOLED_AT, (290, 60), (290, 30), [[[RING[0], (290, 30), *RING[1:]], HOLE]]),
        (HOLED_AT, (290, 130), (290, 145), [[RING, [*HOLE[:3], (290, 145), HOLE[3]]]]),
        (PARTS_AT, (600, 100), (620, 100), [[TRIANGLE], [[*SQUARE[:2], (620, 100), *SQUARE[2:]]]]),
    ],
    ids=["exterior", "hole", "second part"],
)
def test_a_vertex_is_inserted_on_an_edge(desk: Desk, at: int, edge: Any, to: Any, expected: Any) -> None:
    desk.click((250, 70) if at == HOLED_AT else (450, 80))
    desk.drag(edge, to)
    assert_rings(saved(desk, at), *expected)


@pytest.mark.parametrize(
    ("at", "clicked", "expected"),
    [
        (HOLED_AT, [RING[2]], [[[RING[0], RING[1], RING[3]], HOLE]]),
        (HOLED_AT, [HOLE[2]], [[RING, [HOLE[0], HOLE[1], HOLE[3]]]]),
        (HOLED_AT, [HOLE[2], HOLE[1]], [[RING]]),
        (PARTS_AT, [TRIANGLE[0]], [[SQUARE]]),
    ],
    ids=["exterior", "hole", "a hole of three points goes", "a part of three points goes"],
)
def test_a_vertex_is_deleted_by_alt_click(desk: Desk, at: int, clicked: Any, expected: Any) -> None:
    desk.click((250, 70) if at == HOLED_AT else (450, 80))
    for vertex in clicked:
        desk.click(vertex, keys=["Alt"])
    assert_rings(saved(desk, at), *expected)


def test_the_last_three_points_of_a_shape_stay(desk: Desk) -> None:
    desk.click((450, 80))
    for vertex in (TRIANGLE[0], SQUARE[0], SQUARE[1]):
        desk.click(vertex, keys=["Alt"])
    assert [len(ring) for part in rings(saved(desk, PARTS_AT)) for ring in part] == [3]


def test_polygons_move_with_their_holes_and_parts(desk: Desk) -> None:
    desk.drag((250, 70), (270, 100))
    assert_rings(saved(desk, HOLED_AT), [moved(RING, 20, 30), moved(HOLE, 20, 30)])
    desk.drag((560, 100), (540, 140))
    assert_rings(saved(desk, PARTS_AT), [moved(TRIANGLE, -20, 40)], [moved(SQUARE, -20, 40)])


def test_a_press_in_a_hole_is_not_on_the_shape(desk: Desk) -> None:
    desk.press("Escape")
    desk.click((290, 110))
    expect(desk.page.locator("#shape-list .selected")).to_have_count(0)


def test_alt_at_the_closing_point_cuts_a_hole_or_adds_a_part(desk: Desk) -> None:
    desk.click((560, 100))
    desk.press("p")
    hole = [(540.0, 80.0), (580.0, 80.0), (580.0, 120.0), (540.0, 120.0)]
    for corner in hole:
        desk.click(corner)
    desk.click(hole[0], keys=["Alt"])
    assert_rings(saved(desk, PARTS_AT), [TRIANGLE], [SQUARE, hole])

    desk.press("p")
    part = [(500.0, 300.0), (600.0, 300.0), (600.0, 400.0)]
    for corner in part:
        desk.click(corner)
    desk.click(part[0], keys=["Alt"])
    assert_rings(saved(desk, PARTS_AT), [TRIANGLE], [SQUARE, hole], [part])


# Selections


@pytest.mark.parametrize(("keys", "dx", "dy"), [("ArrowRight", 1, 0), ("Shift+ArrowUp", 0, -10)])
def test_arrows_nudge_whatever_is_selected(desk: Desk, keys: str, dx: int, dy: int) -> None:
    desk.press("Control+a")
    desk.press(keys)
    desk.wait_until_saved()
    box, holed, parts = desk.annotations()
    x0, y0, x1, y1 = BOX
    assert box["bbox_xyxy"] == pytest.approx([x0 + dx, y0 + dy, x1 + dx, y1 + dy])
    assert_rings(holed, [moved(RING, dx, dy), moved(HOLE, dx, dy)])
    assert_rings(parts, [moved(TRIANGLE, dx, dy)], [moved(SQUARE, dx, dy)])


def test_shift_click_selects_more_and_they_move_together(desk: Desk) -> None:
    desk.click((100, 100))
    desk.click((250, 70), keys=["Shift"])
    expect(desk.page.locator("#shape-list .selected")).to_have_count(2)
    desk.drag((100, 100), (110, 130))
    desk.wait_until_saved()
    box, holed, parts = desk.annotations()
    assert box["bbox_xyxy"] == near([70, 90, 170, 170])
    assert_rings(holed, [moved(RING, 10, 30), moved(HOLE, 10, 30)])
    assert parts["status"] == "draft"


def test_a_rubber_band_selects_what_it_touches_and_one_key_decides_on_all(desk: Desk) -> None:
    desk.press("Escape")
    desk.drag((30, 250), (300, 100), keys=["Shift"])
    expect(desk.page.locator("#shape-list .selected")).to_have_count(2)
    desk.press("x")
    desk.wait_until_saved()
    assert [row["status"] for row in desk.annotations()] == ["discarded", "discarded", "draft"]


def test_escape_gives_a_drag_up(desk: Desk) -> None:
    x, y = desk.on_screen((100, 100))
    desk.page.mouse.move(x, y)
    desk.page.mouse.down()
    desk.page.mouse.move(x + 80, y + 80, steps=4)
    desk.press("Escape")
    desk.page.mouse.up()
    desk.press("a")  # something to save
    desk.wait_until_saved()
    assert tuple(desk.annotations()[BOX_AT]["bbox_xyxy"]) == BOX


def test_zooming_by_the_wheel_keeps_the_place_under_the_pointer(desk: Desk) -> None:
    x, y = desk.on_screen((520, 60))
    desk.page.mouse.move(x, y)
    desk.page.mouse.wheel(0, -600)
    desk.page.wait_for_timeout(200)
    assert desk.on_screen((520, 60)) == pytest.approx((x, y), abs=1)
    left, right = desk.on_screen((520, 60))[0], desk.on_screen((530, 60))[0]
    assert right - left > 20
    desk.drag(SQUARE[0], (515, 55))
    desk.press("0")
    assert desk.page.locator("#zoom").inner_text() != ""


# Undo


def test_fifty_mixed_steps_are_undone_one_by_one_and_done_again(desk: Desk) -> None:
    before = what_is_there(desk)
    centres = [(65.0, 65.0), (245.0, 65.0), (525.0, 65.0)]
    # Some change nothing, such as a label that the shape has already: no steps.
    for step in range(64):
        centre = centres[step % 3]
        match step % 10:
            case 0 | 5:
                desk.page.keyboard.press("Control+a")
                desk.press("ArrowDown" if step % 2 else "ArrowRight")
            case 1 | 6:
                desk.press("b")
                desk.drag((30 + step * 9, 300), (55 + step * 9, 340))
            case 2 | 7:
                select_row(desk, step % 3)
                desk.press(f"{1 + (step // 7) % 4}")
            case 3:
                desk.drag((centre[0] + 6, centre[1] + 6), (centre[0] + 16, centre[1] + 12))
            case 4 | 9:
                select_row(desk, step % 3)
                desk.press("r" if step % 2 else "Shift+ArrowDown")
            case 8:
                desk.press("Shift+A")
    desk.wait_until_saved()
    after = what_is_there(desk)
    assert after != before

    undone = 0
    while desk.page.locator("[data-action=undo]").is_enabled():
        desk.press("Control+z")
        undone += 1
    desk.wait_until_saved()
    assert undone >= 50
    assert what_is_there(desk) == before

    for _ in range(undone):
        desk.press("Control+y")
    desk.wait_until_saved()
    assert what_is_there(desk) == after


def select_row(desk: Desk, at: int) -> None:
    desk.page.locator("#shape-list [data-part=pick]").nth(at).click()


def what_is_there(desk: Desk) -> list[Any]:
    """All that the server has, but for keys and versions."""
    fields = ("label", "kind", "bbox_xyxy", "polygons", "status", "edited", "source")
    return sorted(([row[field] for field in fields] for row in desk.annotations()), key=str)
