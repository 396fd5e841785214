"""Words in, outlines out: `model_type: "sam3"` from the button and from the API, by a real worker and a real model."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.desk import Desk, sign_in
from tests.site import Site

pytestmark = pytest.mark.browser

_IMAGES = 3
# A small model of words is loaded within seconds and looks at an image for about one, on a machine with nothing to do.
_SECONDS = 240
_PROJECT = "from tests.site_rows import make_scene_project\nanswer = make_scene_project({name!r}, {images})"
_KEY = """
from django.contrib.auth import get_user_model
from annotation_platform.keys import issue_key
answer = issue_key(get_user_model().objects.get(username={name!r}), "sam3")[1]
"""


@pytest.fixture
def sam3_site(make_site: Callable[..., Site]) -> Site:
    """The product's own settings and models, with a worker."""
    site = make_site(DJANGO_SETTINGS_MODULE="annotation_platform.settings")
    site.start("autolabel_worker")
    return site


def drafts_by_item(desk: Desk, project: str) -> dict[str, list[dict[str, Any]]]:
    """The drafts of every item of the project, all of which are outlines by this model."""
    items = desk.page.request.get(f"{desk.address}/api/v1/projects/{project}/items/").json()["results"]
    found = {item["uid"]: desk.annotations(item["uid"]) for item in items}
    drafts = [row for rows in found.values() for row in rows]
    assert drafts
    assert {(row["kind"], row["status"], row["source"]) for row in drafts} == {("polygon", "draft", "auto")}
    assert all(len(ring) >= 3 for row in drafts for part in row["polygons"] for ring in part)
    return found


def edit_an_outline(desk: Desk, found: dict[str, list[dict[str, Any]]]) -> None:
    """Open the image with the largest outline, drag one of its points, and take that back."""
    item, row = max(((item, row) for item, rows in found.items() for row in rows), key=lambda pair: _area(pair[1]))
    desk.open(item)
    desk.click(_inside(row))
    x, y = row["polygons"][0][0][0]
    middle_x, middle_y = _middle(row)
    desk.drag((x, y), (x + (middle_x - x) / 4, y + (middle_y - y) / 4))
    desk.wait_until_saved()
    edited = _of(desk, row["uid"])
    assert (edited["status"], edited["edited"]) == ("accepted", True)
    assert edited["polygons"] != row["polygons"]

    desk.press("Control+z")
    desk.wait_until_saved()
    again = _of(desk, row["uid"])
    assert (again["status"], again["polygons"]) == ("draft", row["polygons"])


def test_from_the_button_to_outlines_that_the_review_page_edits(sam3_site: Site, page: Page) -> None:
    project = sam3_site.ask(_PROJECT.format(name="ada", images=_IMAGES))
    address = sam3_site.serve()
    sign_in(page, address, "ada")
    page.goto(f"{address}/projects/{project}/")
    page.get_by_role("button", name="Auto-label project").click()
    model = page.locator('[data-model="sam3"]')
    expect(model.locator("[data-model-state]")).to_contain_text("Ready", timeout=_SECONDS * 1000)
    expect(model.locator("[data-gives]")).to_contain_text("Polygons · any words")
    model.get_by_role("radio").check()
    page.get_by_role("button", name=f"Auto-label {_IMAGES} images").click()

    expect(page.locator("[data-card][data-status=completed]")).to_be_visible(timeout=_SECONDS * 1000)
    expect(page.locator("[data-remarks]")).to_contain_text("Model: ")
    desk = Desk(page, address)
    edit_an_outline(desk, drafts_by_item(desk, project))


def test_from_the_api_to_outlines_that_the_review_page_edits(sam3_site: Site, page: Page) -> None:
    project = sam3_site.ask(_PROJECT.format(name="ada", images=_IMAGES))
    address = sam3_site.serve()
    headers = {"Authorization": f"Bearer {sam3_site.ask(_KEY.format(name='ada'))}"}
    body = {"model_type": "sam3", "confidence_threshold": 0.4, "labels": ["washer", "nut", "bolt"]}
    started = page.request.post(f"{address}/api/v1/projects/{project}/auto-label/", data=body, headers=headers)
    assert started.status == 202, started.text()

    outcome = sam3_site.outcome(started.json()["uid"], _SECONDS)
    assert outcome["status"] == "completed", outcome["error"]
    sign_in(page, address, "ada")
    desk = Desk(page, address)
    found = drafts_by_item(desk, project)
    assert {row["label"] for rows in found.values() for row in rows} <= {"washer", "nut", "bolt"}
    edit_an_outline(desk, found)


def _of(desk: Desk, uid: str) -> dict[str, Any]:
    return next(row for row in desk.annotations() if row["uid"] == uid)


def _area(row: dict[str, Any]) -> float:
    x_min, y_min, x_max, y_max = row["bbox_xyxy"]
    return float((x_max - x_min) * (y_max - y_min))


def _middle(row: dict[str, Any]) -> tuple[float, float]:
    x_min, y_min, x_max, y_max = row["bbox_xyxy"]
    return (x_min + x_max) / 2, (y_min + y_max) / 2


def _inside(row: dict[str, Any]) -> tuple[float, float]:
    """A point on the shape and in none of its holes, away from its vertices."""
    from shapely.geometry import Polygon

    exterior, *holes = row["polygons"][0]
    point = Polygon(exterior, holes).buffer(-2).representative_point()
    return point.x, point.y
