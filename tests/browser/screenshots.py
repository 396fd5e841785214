"""`make screenshots`: every page, light and dark, on a phone and on a desktop, into the ignored folder screenshots/.

Fails where a page answers an error, reports one, or is wider than the screen.
"""

# ruff: noqa: T201  (a command, which prints)

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from itertools import product
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser, Error, sync_playwright

from tests.browser.chromium import EXECUTABLE, launch
from tests.browser.showcase import Showcase, show_theme
from tests.browser.views import VIEWS, View
from tests.site import REPOSITORY

FOLDER = REPOSITORY / "screenshots"
THEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
SIZES = ((375, 812), (1440, 900))
# The whole page, from its top, with the images that nobody has scrolled to.
WHOLE = """async () => {
  scrollTo(0, 0);
  for (const image of document.images) image.loading = "eager";
  await Promise.allSettled([...document.images].map((image) => image.decode()));
}"""


def main() -> int:
    if EXECUTABLE is None:
        print("make screenshots needs Chromium: apt-get install chromium", file=sys.stderr)
        return 1
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir()
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        showcase = Showcase(Path(folder) / "site")
        try:
            failed = take_all(launch(playwright), showcase)
        finally:
            showcase.stop()
    print(json.dumps({"screenshots": len(list(FOLDER.glob("*.png"))), "failed": failed, "ok": not failed}))
    return 1 if failed else 0


def take_all(browser: Browser, showcase: Showcase) -> int:
    """How many views could not be taken, of each width."""
    failed = 0
    for view, (width, height) in product(VIEWS, SIZES):
        try:
            take(browser, showcase, view, width, height)
        except (AssertionError, Error) as error:
            failed += 1
            print(f"{view.name}, {width} wide: {error}", *getattr(error, "__notes__", []), sep="\n", file=sys.stderr)
    return failed


def take(browser: Browser, showcase: Showcase, view: View, width: int, height: int) -> None:
    """Both themes of one view; it is opened anew for each width, since a page may look at it only when it opens."""
    screen = {"width": width, "height": height}
    with showcase.open(browser, view, viewport=screen, has_touch=width < 500) as page:
        page.evaluate(WHOLE)
        needed = page.evaluate("document.documentElement.scrollWidth")
        assert needed <= width, f"It needs {needed} pixels."
        for theme in THEMES:
            show_theme(page, theme)
            page.screenshot(path=FOLDER / f"{view.name}.{theme}.{width}.png", full_page=True)


if __name__ == "__main__":
    sys.exit(main())
