"""What reviewing costs a person: a script finishes 20 demo items in a real browser, and its actions are counted.

    make effort

The drafts are 95 % right; ten items miss one object, two have nothing to label. Each item is looked at on the
screen. It passes only if the server then has exactly the ground truth (same labels, IoU of at least 0.9) on 20
finished items, with at most 1.2 actions (keys, clicks and drags) an item and 3 for each wrong or missing object.
Accepting the drafts of the whole project in the grid is counted apart.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, expect, sync_playwright

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from annotation_platform.demo.score import Found, box_iou
from tests.browser.chromium import errors_of, launch
from tests.browser.desk import Desk, sign_in
from tests.site import Site

MIN_IOU = 0.9
ACTIONS_AN_ITEM, ACTIONS_A_FAULT = 1.2, 3
LABELS = 9
GRID_THRESHOLD = 0.6


def main() -> int:
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        site = Site(Path(folder) / "site")
        try:
            plan = site.ask("from tests.review_rows import make_effort_project\nanswer = make_effort_project('ada')")
            page = launch(playwright).new_page(viewport={"width": 1440, "height": 900})
            address = site.serve()
            figures = run(page, address, plan)
            bulk = site.ask("from tests.review_rows import make_effort_project\nanswer = make_effort_project('bob')")
            page.context.clear_cookies()
            figures |= accept_in_bulk(page, address, bulk)
            figures["ok"] = figures["ok"] and figures["bulk_is_right"]
        finally:
            site.stop()
    ok = figures.pop("ok")
    for name, value in figures.items():
        print(f"{name:>24}  {value}")
    print(json.dumps({**figures, "ok": ok}))
    return 0 if ok else 1


def run(page: Page, address: str, plan: dict[str, Any]) -> dict[str, Any]:
    errors = errors_of(page)
    sign_in(page, address, "ada")
    desk = Desk(page, address)
    truths = {name: [Found(label, tuple(box)) for label, box in truth] for name, truth in plan["truth"].items()}
    labels = label_keys(page, address, plan["project"])

    page.goto(f"{address}/projects/{plan['project']}/review/next/?order=score")
    desk.wait_for_item()
    started = time.perf_counter()
    seen = []
    for number in range(len(truths)):
        seen.append(desk.name)
        finish_item(desk, truths[desk.name], labels)
        if number < len(truths) - 1:
            page.wait_for_function("name => document.getElementById('item-name').textContent !== name", arg=seen[-1])
            desk.wait_for_item()
    expect(page.locator("#all-decided")).to_be_visible()
    seconds = time.perf_counter() - started
    desk.wait_until_saved()

    wrong_items = [name for name, uid in plan["items"].items() if not is_true(desk, uid, truths[name])]
    faults = plan["wrong"] + plan["missed"]
    allowed = ACTIONS_AN_ITEM * len(truths) + ACTIONS_A_FAULT * faults
    ok = not wrong_items and not errors and sorted(seen) == sorted(truths) and desk.actions <= allowed
    return {
        "items": len(truths),
        "drafts": plan["drafts"],
        "wrong_drafts": plan["wrong"],
        "missed_objects": plan["missed"],
        "actions": desk.actions,
        "actions_allowed": round(allowed, 1),
        "actions_an_item": round(desk.actions / len(truths), 2),
        "pointer_travel_px": round(desk.travel),
        "seconds": round(seconds, 1),
        "items_not_as_the_truth": wrong_items,
        "console_errors": errors,
        "ok": ok,
    }


def accept_in_bulk(page: Page, address: str, plan: dict[str, Any]) -> dict[str, Any]:
    """All drafts of another such project from a threshold on, accepted in the grid at once."""
    sign_in(page, address, "bob")
    desk = Desk(page, address)
    page.goto(f"{address}/projects/{plan['project']}/review/?threshold={GRID_THRESHOLD}")
    started = time.perf_counter()
    for button in ("[data-select-page]", "[data-accept]", "#bulk-dialog [data-confirm]:enabled"):
        page.locator(button).click()
        desk.actions += 1
    expect(page.locator(".undo-bar")).to_be_visible()
    seconds = time.perf_counter() - started
    rows = [row for uid in plan["items"].values() for row in desk.annotations(uid)]
    accepted = [row for row in rows if row["status"] == "accepted"]
    return {
        "bulk_actions": desk.actions,
        "bulk_drafts": len(accepted),
        "bulk_seconds": round(seconds, 1),
        "bulk_is_right": accepted == [row for row in rows if row["score"] >= GRID_THRESHOLD],
    }


def label_keys(page: Page, address: str, project: str) -> dict[str, str]:
    """The digit that gives each label."""
    body = page.request.get(f"{address}/api/v1/users/me/projects/{project}/").json()
    return {label["name"]: f"Digit{number}" for number, label in enumerate(body["labels"][:LABELS], start=1)}


def finish_item(desk: Desk, truth: list[Found], keys: dict[str, str]) -> None:
    """What a person would do who sees the truth: mend what is wrong, add what is missing, accept the rest at once."""
    drafts = [row for row in desk.annotations() if row["status"] == "draft"]
    missing = list(truth)
    strays = []
    for row in drafts:
        match = next((thing for thing in missing if fits(row, thing)), None)
        if match:
            missing.remove(match)
        else:
            strays.append(row)
    for row in strays:
        thing = max(missing, key=lambda one: box_iou(tuple(row["bbox_xyxy"]), one.bbox_xyxy), default=None)
        overlap = box_iou(tuple(row["bbox_xyxy"]), thing.bbox_xyxy) if thing else 0
        if thing and overlap >= MIN_IOU:
            desk.click(inside(row["bbox_xyxy"], drafts))
            desk.press(keys[thing.label])
            missing.remove(thing)
        else:
            desk.click(inside(row["bbox_xyxy"], drafts))
            desk.press("x")
    for thing in missing:
        desk.press("b")
        desk.drag(thing.bbox_xyxy[:2], thing.bbox_xyxy[2:])
        if current_label(desk) != thing.label:
            desk.press(keys[thing.label])
    desk.press("Shift+Enter" if drafts and len(strays) < len(drafts) else "Enter")


def fits(row: dict[str, Any], thing: Found) -> bool:
    return row["label"] == thing.label and box_iou(tuple(row["bbox_xyxy"]), thing.bbox_xyxy) >= MIN_IOU


def current_label(desk: Desk) -> str:
    """What the list beside the canvas calls the selected shape."""
    return str(desk.page.locator("#shape-list .selected .name").inner_text())


def inside(box: list[float], others: list[dict[str, Any]]) -> tuple[float, float]:
    """A point of the box at which it is the smallest shape, where a click picks it."""
    x0, y0, x1, y1 = box
    area = (x1 - x0) * (y1 - y0)

    def is_ours(x: float, y: float) -> bool:
        boxes = [row["bbox_xyxy"] for row in others if row["bbox_xyxy"] != box]
        smaller = [b for b in boxes if (b[2] - b[0]) * (b[3] - b[1]) <= area]
        return not any(b[0] - 2 <= x <= b[2] + 2 and b[1] - 2 <= y <= b[3] + 2 for b in smaller)

    grid = [(x0 + (x1 - x0) * i / 10, y0 + (y1 - y0) * j / 10) for i in range(1, 10) for j in range(1, 10)]
    grid.sort(key=lambda p: abs(p[0] - (x0 + x1) / 2) + abs(p[1] - (y0 + y1) / 2))
    return next((point for point in grid if is_ours(*point)), grid[0])


def is_true(desk: Desk, uid: str, truth: list[Found]) -> bool:
    """Whether the item is done with the truth on it, one to one."""
    missing = list(truth)
    for row in desk.annotations(uid):
        if row["status"] == "discarded":
            continue
        match = next((thing for thing in missing if fits(row, thing)), None)
        if row["status"] != "accepted" or match is None:
            return False
        missing.remove(match)
    return not missing and desk.item(uid)["state"] == "done"


if __name__ == "__main__":
    sys.exit(main())
