"""The newcomer's way through the product, with real mouse and keyboard events, a real worker and a real model."""

from __future__ import annotations

import json
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.site import Site

pytestmark = pytest.mark.browser


def annotations_of(site: Site, project_uid: str) -> list[dict[str, Any]]:
    return list(
        site.ask(
            "from annotation_platform.models import Annotation\n"
            f"rows = Annotation.objects.filter(item__project__uid={project_uid!r}).order_by('id')\n"
            "answer = list(rows.values('uid', 'item__uid', 'status', 'edited', 'x_min', 'x_max', 'source'))"
        )
    )


def reviewed(
    site: Site, project_uid: str, before: list[dict[str, Any]]
) -> list[tuple[dict[str, Any], dict[str, Any]]] | None:
    """The annotations that are drafts no more, before and after; None until there are three."""
    after = {row["uid"]: row for row in annotations_of(site, project_uid)}
    changed = [(row, after[row["uid"]]) for row in before if after[row["uid"]]["status"] != "draft"]
    return changed if len(changed) == 3 else None


def busiest_item(rows: list[dict[str, Any]]) -> str:
    items = [row["item__uid"] for row in rows]
    return max(items, key=items.count)


def sign_in(page: Page, address: str) -> None:
    page.goto(address)
    page.get_by_label("Username").fill("ada")
    page.get_by_label("Password").fill("ada")
    page.get_by_role("button", name="Sign in").click()


def auto_label_by_keyboard(page: Page) -> None:
    button = page.get_by_role("button", name="Auto-label project")
    expect(button).to_be_enabled()
    button.focus()
    page.keyboard.press("Enter")
    model = page.locator('[data-model="yolo"]')
    expect(model.locator("[data-model-state]")).to_contain_text("Ready", timeout=60_000)
    model.get_by_role("radio").focus()
    page.keyboard.press("Space")
    page.get_by_role("button", name="Auto-label 6 images").focus()
    page.keyboard.press("Enter")
    expect(page.locator("[data-card][data-status=completed]")).to_be_visible(timeout=60_000)


def drag_selected_right_edge(page: Page, pixels: int) -> None:
    """Take the selected box by the handle in the middle of its right edge."""
    handles = [box for one in page.locator("#stage .handles .handle").all() if (box := one.bounding_box())]
    assert len(handles) == 8
    right = max(box["x"] for box in handles)
    middle = sorted((box for box in handles if right - box["x"] < 2), key=lambda box: box["y"])[1]
    x, y = middle["x"] + middle["width"] / 2, middle["y"] + middle["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + pixels / 2, y, steps=4)
    page.mouse.move(x + pixels, y, steps=4)
    page.mouse.up()


def test_from_sign_in_over_the_button_to_an_accepted_an_edited_and_a_discarded_draft(site: Site, page: Page) -> None:
    project = site.ask("from tests.site_rows import make_scene_project\nanswer = make_scene_project('ada', 6)")
    site.start("autolabel_worker")
    address = site.serve()

    sign_in(page, address)
    page.get_by_role("link", name="Workbench").first.click()
    auto_label_by_keyboard(page)
    before = annotations_of(site, project)
    assert {row["status"] for row in before} == {"draft"}
    assert len({row["item__uid"] for row in before}) == 6

    page.locator("[data-card]").get_by_role("link", name="Review drafts").click()
    expect(page.locator("#stage .shape").first).to_be_visible()
    item = busiest_item(before)
    page.goto(f"{address}/items/{item}/")
    expect(page.locator("#stage .shape").first).to_be_visible()

    page.keyboard.press("j")
    drag_selected_right_edge(page, -8)
    page.keyboard.press("j")
    page.keyboard.press("a")
    page.keyboard.press("x")

    changed = site.wait_for(lambda: reviewed(site, project, before), "three verdicts are saved")
    edited = [(old, new) for old, new in changed if new["edited"]]
    assert sorted((new["status"], new["edited"]) for _, new in changed) == [
        ("accepted", False),
        ("accepted", True),
        ("discarded", False),
    ]
    old, new = edited[0]
    assert new["x_max"] < old["x_max"]
    assert new["x_min"] == pytest.approx(old["x_min"], abs=0.01)

    # The rest at once, finished, and out into a COCO file.
    page.keyboard.press("Shift+A")
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: item not in url)
    expect(page.locator("#save-state")).to_have_attribute("data-state", "saved")
    coco = page.request.get(f"{address}/api/v1/projects/{project}/export/?format=coco").text()
    exported = json.loads(coco)
    assert [image["uid"] for image in exported["images"]] == [item]
    assert len(exported["annotations"]) == [row["item__uid"] for row in before].count(item) - 1
