"""Every page of the product in each of its states: for all that looks at each of them.

A new page is one more line in VIEWS; test_accessibility.py and screenshots.py take it from there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from playwright.sync_api import Page, Route, expect

__all__ = ["PASSWORDS", "VIEWS", "View"]

MANAGER, VIEWER, NEWCOMER = "demo", "vera", "nora"
PASSWORDS = {MANAGER: "demo-demo", VIEWER: "vera", NEWCOMER: "nora"}

Show = Callable[[Page], None]


def whole(page: Page) -> None:
    expect(page.locator("main")).to_be_visible()


def dialog(page: Page) -> None:
    expect(page.locator("dialog[open]")).to_be_visible()


def click(selector: str, *, then: str) -> Show:
    """What is there after a click, known by an element that is then visible."""

    def show(page: Page) -> None:
        page.locator(selector).first.click()
        expect(page.locator(then).first).to_be_visible()

    return show


def sign_in_refused(page: Page) -> None:
    page.get_by_label("Username").fill("nobody")
    page.get_by_label("Password").fill("wrong")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_be_visible()


def make_key(page: Page) -> None:
    page.get_by_label("Name").fill("CI of the training")
    page.get_by_role("button", name="Make key").click()
    expect(page.locator("[data-secret]")).to_be_visible()


def refused_endpoint(page: Page) -> None:
    page.get_by_label("URL").fill("http://169.254.169.254/")
    page.get_by_role("button", name="Add endpoint").click()
    expect(page.locator(".error").first).to_be_visible()


def auto_label(page: Page) -> None:
    page.get_by_role("button", name="Auto-label project").click()
    dialog(page)


_MODEL = {
    "ready": True,
    "allowed": True,
    "startable": True,
    "reason": "",
    "name": "hardware",
    "version": "1",
    "default_version": "",
    "labels": ["washer", "nut", "bolt", "gear wheel", "spring"],
    "output_kinds": ["box"],
    "takes_boxes": False,
    "device": "cpu",
    "engine": "openvino",
    "notes": [],
    "workers": 1,
}
_GATED = (
    "The model 'sam3' has no weights. They are licensed and gated: ask for them at huggingface.co/facebook/sam3, put "
    "sam3.pt on every worker, and name it and its sha256 in SAM3_WEIGHTS and SAM3_SHA256."
)


def models(page: Page) -> None:
    """The dialog with workers that run some of the models: the first of them boxes, the last makes masks of boxes."""
    page.get_by_role("button", name="Auto-label project").wait_for()
    types = [one.get_attribute("data-model") or "" for one in page.locator("[data-model]").all()]
    facts = [{**_MODEL, "model_type": one} for one in types]
    facts[-1] |= {
        "output_kinds": ["polygon"],
        "takes_boxes": True,
        "notes": ["ONNX Runtime was refused: boxes differ."],
    }
    if len(types) > 2:
        facts[1] |= {"ready": False, "startable": False, "labels": None, "reason": _GATED}
    page.route("**/auto-label-models/", lambda route: route.fulfill(json=facts))
    auto_label(page)
    expect(page.locator("[data-model-state][data-ready=true]").first).to_be_visible()


def advanced(page: Page) -> None:
    """With the advanced part open and filled in, for the model that makes masks of boxes."""
    models(page)
    page.locator("[data-model] input").last.check()
    page.locator("[data-advanced] > summary").click()
    page.locator("[data-threshold]").first.fill("0.7")
    for word in ("gear wheel", "spring"):
        page.locator("[data-add-row]").click()
        page.locator("[data-class]").last.fill(word)
    page.locator("[data-add-row]").scroll_into_view_if_needed()


def limits(page: Page) -> None:
    """The end of the advanced part, filled in."""
    models(page)
    page.locator("[data-advanced] > summary").click()
    page.get_by_label("Keep them").check()
    page.get_by_label("Images at most").fill("12")
    page.get_by_label("Stop when more than so many %").fill("10")
    page.locator("[data-limit=max_failed_pct]").scroll_into_view_if_needed()


def masks_of_boxes(page: Page) -> None:
    advanced(page)
    page.locator("[name=boxes_to_masks]").check()
    page.locator("[data-advanced] > summary").scroll_into_view_if_needed()


def refused(page: Page) -> None:
    """With errors at the fields that they are about."""
    advanced(page)
    page.locator("[data-threshold]").first.fill("7")
    page.locator("[data-class]").last.fill("gear wheel")
    page.locator("[data-start]").click()
    expect(page.locator("[data-error=thresholds]")).to_be_visible()


def job_ended(page: Page) -> None:
    """The card of a job that was followed to its end, with all that can then be done."""
    summary = {"drafts": {"nut": 5, "washer": 4}, "skipped": {"nothing_found": 1}, "failed": {"unreadable": 2}}
    ended = {"status": "completed", "progress_pct": 100, "total_items": 9, "processed_items": 9, "successful_items": 6}
    ended |= {"skipped_items": 1, "failed_items": 2, "summary": summary, "stalled": ""}

    def answer(route: Route) -> None:
        route.fulfill(json={**route.fetch().json(), **ended})

    page.route("**/auto-label-jobs/*/", answer)
    expect(page.locator("[data-card][data-status=completed]")).to_be_visible()


def discard(page: Page) -> None:
    page.locator("[data-autolabel-do=drafts]").last.click()
    expect(page.locator("[data-drafts-discard]")).to_be_visible()


def discard_broken_off(page: Page) -> None:
    """Some drafts are discarded when the server goes away."""
    answers = iter([{"drafts": 500, "kept": 12, "remaining": 700}])

    def answer(route: Route) -> None:
        if "dry_run" in (route.request.post_data or ""):
            route.continue_()
        elif body := next(answers, None):
            route.fulfill(json=body)
        else:
            route.fulfill(status=503, json={"detail": "The database does not answer."})

    page.route("**/discard-drafts/", answer)
    discard(page)
    page.locator("[data-drafts-discard]").click()
    expect(page.locator("[data-drafts-again]")).to_be_visible()


def stale(page: Page) -> None:
    """The status page, when the server has stopped to answer it."""
    page.route("**/status/", lambda route: route.fulfill(status=503))
    expect(page.locator("[data-stale]")).to_be_visible()


def image(page: Page) -> None:
    """The review page of an image that may have no shapes."""
    expect(page.locator("#loading")).to_be_hidden()
    expect(page.locator("#load-failed")).to_be_hidden()


def shapes(page: Page) -> None:
    image(page)
    expect(page.locator("#stage .shape").first).to_be_visible()


def banner(selector: str) -> Show:
    """The review page, when it tells something about the image."""

    def show(page: Page) -> None:
        image(page)
        expect(page.locator(selector)).to_be_visible()

    return show


def keys(*keys: str) -> Show:
    """The review page, after these keys."""

    def show(page: Page) -> None:
        shapes(page)
        for key in keys:
            page.keyboard.press(key)

    return show


def dialog_by_keys(*before: str) -> Show:
    def show(page: Page) -> None:
        keys(*before)(page)
        dialog(page)

    return show


def key_settings(page: Page) -> None:
    dialog_by_keys("?")(page)
    page.locator('#help [data-action="key-settings"]').click()
    expect(page.locator("#key-settings")).to_be_visible()


def everything_shown(page: Page) -> None:
    shapes(page)
    toggle = page.locator("#filter-toggle")
    if toggle.get_attribute("aria-expanded") == "false":  # on a narrow screen
        toggle.click()
    page.locator('#filter-panel [data-status="discarded"]').click()
    page.keyboard.press("Control+A")


def conflict(page: Page) -> None:
    """Somebody else discards the first draft, which the page has selected, and which is accepted here."""
    shapes(page)
    drafts = page.request.get(f"/api/v1{page_path(page)}annotations/?status=draft").json()["results"]
    lowest = min(drafts, key=lambda draft: draft["score"])
    token = next(cookie["value"] for cookie in page.context.cookies() if cookie["name"] == "csrftoken")
    verdict = {"version": lowest["version"], "status": "discarded"}
    answer = page.request.patch(f"/api/v1/annotations/{lowest['uid']}/", data=verdict, headers={"X-CSRFToken": token})
    assert answer.ok, answer.text()
    page.keyboard.press("a")
    expect(page.locator("#conflict")).to_be_visible()


def page_path(page: Page) -> str:
    return str(page.evaluate("location.pathname"))


def grid_selection(page: Page) -> None:
    for box in page.locator(".grid-card input[type=checkbox]").all()[:3]:
        box.check()
    expect(page.locator("[data-discard]")).to_be_enabled()


def grid_dialog(page: Page) -> None:
    grid_selection(page)
    page.locator("[data-discard]").click()
    expect(page.locator("#bulk-dialog [data-confirm]")).to_be_enabled()


@dataclass(frozen=True, slots=True)
class View:
    """A page in one of its states: `path` has the showcase's names in braces, `show` brings the state up.

    `refusals` are the statuses of errors that belong to the state; any other error is a failure.
    """

    name: str
    path: str
    show: Show = whole
    user: str | None = MANAGER
    refusals: tuple[int, ...] = ()


VIEWS = [
    View("sign-in", "/sign-in/", user=None),
    View("sign-in-refused", "/sign-in/", sign_in_refused, user=None),
    View("projects", "/"),
    View("projects-none", "/", user=NEWCOMER),
    View("account-menu", "/", click('summary[aria-label^="Account"]', then=".sheet")),
    View("project-new", "/projects/new/"),
    View("project-new-refused", "/projects/new/", click("button[type=submit].primary", then=".error"), refusals=(422,)),
    View("project", "/projects/{project}/"),
    View("project-unlabeled", "/projects/{project}/?state=unlabeled"),
    View("project-drafted", "/projects/{project}/?state=drafted"),
    View("project-done", "/projects/{project}/?state=done"),
    View("project-flagged", "/projects/{project}/?state=flagged"),
    View("project-empty", "/projects/{empty}/"),
    View("project-viewer", "/projects/{project}/", user=VIEWER),
    View("project-export-menu", "/projects/{project}/", click(".page-head summary", then=".page-head .sheet")),
    View("project-auto-label", "/projects/{project}/", auto_label),
    View("project-auto-label-models", "/projects/{project}/", models),
    View("project-auto-label-advanced", "/projects/{project}/", advanced),
    View("project-auto-label-masks", "/projects/{project}/", masks_of_boxes),
    View("project-auto-label-refused", "/projects/{project}/", refused),
    View("project-auto-label-limits", "/projects/{project}/", limits),
    View("project-job-waiting", "/projects/{waiting}/"),
    View("project-job-paused", "/projects/{paused}/"),
    View("project-job-stalled", "/projects/{stalled}/"),
    View("project-job-ended", "/projects/{stalled}/", job_ended),
    View("project-discard", "/projects/{project}/", discard),
    View("project-discard-broken-off", "/projects/{project}/", discard_broken_off, refusals=(503,)),
    View("project-polygons", "/projects/{polygons}/"),
    View("grid", "/projects/{project}/review/"),
    View("grid-selection", "/projects/{project}/review/", grid_selection),
    View("grid-dialog", "/projects/{project}/review/", grid_dialog),
    View("grid-filtered", "/projects/{project}/review/?label=nut&min=0.8"),
    View("grid-nothing-fits", "/projects/{project}/review/?max=0.05"),
    View("grid-empty", "/projects/{empty}/review/"),
    View("grid-viewer", "/projects/{project}/review/", user=VIEWER),
    View("flagged", "/projects/{project}/flagged/"),
    View("flagged-none", "/projects/{empty}/flagged/"),
    View("flagged-viewer", "/projects/{project}/flagged/", user=VIEWER),
    View("statistics", "/projects/{project}/statistics/"),
    View("statistics-none", "/projects/{empty}/statistics/"),
    View("review", "/items/{drafts}/", shapes),
    View("review-selected", "/items/{drafts}/", keys("j")),
    View("review-masks", "/items/{masks}/", shapes),
    View("review-polygons-only", "/items/{outlines}/", keys("j", "b")),
    View("review-begun", "/items/{begun}/", shapes),
    View("review-everything", "/items/{edited}/", everything_shown),
    View("review-done", "/items/{done}/", banner("#banner")),
    View("review-flagged", "/items/{flagged}/", banner("#flagged")),
    View("review-nothing-found", "/items/{nothing_found}/", banner("#nothing-found")),
    View("review-taken", "/items/{taken}/", banner("#taken")),
    View("review-viewer", "/items/{drafts}/", shapes, user=VIEWER),
    View("review-help", "/items/{drafts}/", dialog_by_keys("?")),
    View("review-key-settings", "/items/{drafts}/", key_settings),
    View("review-palette", "/items/{drafts}/", dialog_by_keys("j", "l")),
    View("review-flag", "/items/{drafts}/", dialog_by_keys("f")),
    View("review-flag-change", "/items/{flagged}/", dialog_by_keys("f")),
    View("review-undecided", "/items/{drafts}/", dialog_by_keys("Enter")),
    View("review-conflict", "/items/{contested}/", conflict, refusals=(409,)),
    View("review-none-left", "/items/{last}/", dialog_by_keys("Enter")),
    View("status", "/status/"),
    View("status-stale", "/status/", stale, refusals=(503,)),
    View("project-add-urls", "/projects/{project}/", click("[data-add-urls]", then="dialog[open]")),
    View("api-keys", "/settings/api-keys/"),
    View("api-keys-none", "/settings/api-keys/", user=NEWCOMER),
    View("api-keys-refused", "/settings/api-keys/", click("form.settings-form button", then=".error"), refusals=(422,)),
    View("api-keys-made", "/settings/api-keys/", make_key),
    View("api-keys-revoke", "/settings/api-keys/", click("form[data-confirm] button", then="dialog[open]")),
    View("webhooks", "/settings/webhooks/"),
    View("webhooks-none", "/settings/webhooks/", user=NEWCOMER),
    View("webhooks-refused", "/settings/webhooks/", refused_endpoint, refusals=(422,)),
    View("webhook", "/settings/webhooks/{endpoint}/"),
    View("webhook-stopped", "/settings/webhooks/{stopped_endpoint}/"),
    View("webhook-orphaned", "/settings/webhooks/{orphaned_endpoint}/"),
    View("webhook-delivery", "/settings/deliveries/{delivery}/"),
    View("not-found", "/items/{nowhere}/", refusals=(404,)),
]
