"""Scripts in every text field that the product has: on no page does one run, and no page asks for what is forbidden."""

from __future__ import annotations

import json
from typing import Any

import pytest
from playwright.sync_api import Page

from tests.browser.desk import sign_in
from tests.site import Site

pytestmark = pytest.mark.browser

# Each tries several ways out: of text, of attributes, of scripts, of titles, of addresses, of templates.
PAYLOADS = (
    '<script>window.ran=1</script>"><img src=x onerror=window.ran=1>',
    "'-(window.ran=1)-'</script><script>window.ran=1</script><svg onload=window.ran=1>",
    "javascript:window.ran=1//{{constructor.constructor('window.ran=1')()}}<details open ontoggle=window.ran=1>",
)
# Runs before anything of the page: what the policy forbids, and what a payload would do.
WATCH = """
window.violations = [];
document.addEventListener("securitypolicyviolation", (event) =>
  window.violations.push(`${event.effectiveDirective} ${event.blockedURI} ${event.sample}`));
"""
FILL = "from tests.browser.script_rows import fill\nanswer = fill({payloads})"


def test_nothing_runs_and_the_policy_reports_nothing(shared_site: Site, shared_address: str, page: Page) -> None:
    paths: list[str] = shared_site.ask(FILL.format(payloads=json.dumps(PAYLOADS)))
    page.add_init_script(WATCH)
    dialogs: list[str] = []
    page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    sign_in(page, shared_address, "mallory")
    found: dict[str, Any] = {}
    for path in paths:
        page.goto(shared_address + path)
        page.wait_for_load_state("networkidle")
        said = _open_everything(page)
        if said["ran"] or said["violations"]:
            found[path] = said
    assert found == {}
    assert dialogs == []
    print(f"looked at {len(paths)} pages with {len(PAYLOADS)} payloads")  # noqa: T201  (make security counts)


def test_the_watch_sees_what_runs_and_what_is_forbidden(
    shared_address: str, page: Page, expected_errors: list[str]
) -> None:
    expected_errors += ["Content Security Policy", "status of 404"]
    page.add_init_script(WATCH)
    page.goto(f"{shared_address}/sign-in/")
    page.evaluate("document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=window.ran=1>')")
    page.wait_for_function("window.violations.length > 0")
    assert page.evaluate("window.ran") is None
    page.evaluate("window.ran = 1")
    assert _open_everything(page)["ran"]


def _open_everything(page: Page) -> dict[str, Any]:
    """Menus, titles and details included; then what the page has seen."""
    page.evaluate("for (const one of document.querySelectorAll('details')) one.open = true")
    page.wait_for_timeout(100)
    return dict(page.evaluate("({ran: window.ran ?? null, violations: window.violations})"))
