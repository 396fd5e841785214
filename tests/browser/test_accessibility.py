"""Every page, in every state, both themes, wide and narrow: axe finds nothing that it calls serious or critical."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from tests.browser.showcase import Showcase, show_theme
from tests.browser.views import VIEWS, View

pytestmark = pytest.mark.browser

GRAVE = ("serious", "critical")
WIDE, NARROW = {"width": 1440, "height": 900}, {"width": 375, "height": 812}
# A rule of WCAG 2.2, which axe leaves off where nobody asks for it.
WITH_TARGET_SIZE = {"rules": {"target-size": {"enabled": True}}}
# The other rules look at elements and their names, which are the same in each theme and width.
RULES_OF_COLOUR = ["color-contrast", "link-in-text-block"]
RULES_OF_ROOM = ["scrollable-region-focusable"]
# What lies beneath a dialog or an open menu is out of reach as long as that is open; other views show it without.
IN_FRONT = "dialog:modal, .menu[open] > .sheet"


@pytest.fixture(scope="module")
def showcase(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Showcase]:
    showcase = Showcase(tmp_path_factory.mktemp("showcase") / "site")
    yield showcase
    showcase.stop()


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.name)
def test_a_page_can_be_used_by_everybody(view: View, showcase: Showcase, chromium: Browser) -> None:
    with showcase.open(chromium, view, viewport=WIDE) as page:
        found = violations(page)

    assert not found, "\n".join(["", *found])


@pytest.mark.parametrize(
    ("style", "body", "expected"),
    [
        ("", "<button></button>", ["light: button-name"]),
        ("button { width: 9px; height: 9px }", "<button>a</button><button>b</button>", ["light: target-size"]),
        ("p { color: #ddd }", "<p>Pale</p>", ["light: color-contrast"]),
        ("p { color: light-dark(#111, #333) }", "<p>Pale at night</p>", ["dark: color-contrast"]),
        ("p { transition: color 9s; color: light-dark(#111, #eee) }", "<p>Slow to change</p>", []),
        ("div { overflow: auto }", f"<div><pre>{'code ' * 30}</pre></div>", ["narrow: scrollable-region-focusable"]),
        ("", "<button>Go on</button><p>Fine</p>", []),
    ],
)
def test_what_is_wrong_is_found_where_it_is(style: str, body: str, expected: list[str], page: Page) -> None:
    themes = ":root { color-scheme: light dark; background: light-dark(white, black); color: light-dark(black, white) }"
    head = f"<title>A page</title><style>{themes} {style}</style>"
    page.set_content(f'<!doctype html><html lang="en">{head}<main><h1>Heading</h1>{body}</main></html>')

    assert [text.partition(" (")[0] for text in violations(page)] == expected


def violations(page: Page) -> list[str]:
    """One text for each rule that is broken gravely, with the elements that break it. Leaves the page narrow."""
    show_theme(page, "light")
    found = _broken(page, "light")
    show_theme(page, "dark")
    found += _broken(page, "dark", RULES_OF_COLOUR)
    page.set_viewport_size(NARROW)
    return found + _broken(page, "narrow", RULES_OF_ROOM)


def _broken(page: Page, where: str, rules: list[str] | None = None) -> list[str]:
    chosen = {"runOnly": {"type": "rule", "values": rules}} if rules else WITH_TARGET_SIZE
    inside = IN_FRONT if page.locator(IN_FRONT).count() else None
    found = Axe().run(page, context=inside, options={"resultTypes": ["violations"], **chosen}).response["violations"]
    return [_text(where, one) for one in found if one["impact"] in GRAVE]


def _text(where: str, violation: dict[str, Any]) -> str:
    places = [f"  {node['target']} {node['html'][:160]}\n    {node['failureSummary']}" for node in violation["nodes"]]
    return "\n".join([f"{where}: {violation['id']} ({violation['impact']}): {violation['help']}", *places])
