"""A project that takes one kind of shapes only: made on its page, and drawn in with the tool that is left."""

from __future__ import annotations

import itertools

import pytest
from playwright.sync_api import Page, expect

from tests.browser.desk import Desk, sign_in
from tests.site import Site

pytestmark = pytest.mark.browser

_numbers = itertools.count(1)
_ADD_IMAGE = """
import io
from PIL import Image
from annotation_platform.models import Project
from annotation_platform.uploads import create_item
file = io.BytesIO()
Image.new("RGB", (640, 480), (90, 100, 110)).save(file, "JPEG")
answer = create_item(Project.objects.get(uid="{uid}"), file, name="a.jpg").uid
"""


def made_on_its_page(page: Page, site: Site, address: str, shapes: str) -> Desk:
    """A new project of that kind, by the form, with one image, which is open."""
    name = f"maker{next(_numbers)}"
    site.ask(f"from tests.review_rows import make_person\nmake_person({name!r})\nanswer = 0")
    sign_in(page, address, name)
    page.goto(f"{address}/projects/new/")
    page.get_by_label("Name", exact=True).fill(shapes)
    page.get_by_role("radio", name=shapes).check()
    page.get_by_label("Label name").first.fill("nut")
    page.get_by_role("button", name="Create project").click()
    expect(page.locator(".page-head .takes")).to_have_text(shapes)
    item = site.ask(_ADD_IMAGE.format(uid=page.url.rstrip("/").rpartition("/")[2]))
    desk = Desk(page, address)
    desk.open(item)
    return desk


def test_in_a_project_of_polygons_no_box_is_drawn(page: Page, shared_site: Site, shared_address: str) -> None:
    desk = made_on_its_page(page, shared_site, shared_address, "Polygons only")
    expect(page.locator("[data-tool=box]")).to_have_count(0)
    desk.press("b")
    expect(page.locator("#toasts")).to_contain_text("This project takes polygons only")
    desk.drag((100, 100), (200, 200))
    expect(page.locator(".shape")).to_have_count(0)

    desk.press("p")
    for corner in [(100, 300), (200, 300), (200, 400)]:
        desk.click(corner)
    desk.press("Enter")
    desk.wait_until_saved()
    assert [row["kind"] for row in desk.annotations()] == ["polygon"]


def test_in_a_project_of_boxes_no_polygon_is_drawn(page: Page, shared_site: Site, shared_address: str) -> None:
    desk = made_on_its_page(page, shared_site, shared_address, "Boxes only")
    expect(page.locator("[data-tool=polygon]")).to_have_count(0)
    desk.press("p")
    expect(page.locator("#toasts")).to_contain_text("This project takes boxes only")

    desk.press("b")
    desk.drag((100, 100), (200, 200))
    desk.wait_until_saved()
    assert [row["kind"] for row in desk.annotations()] == ["box"]
