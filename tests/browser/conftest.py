"""A real Chromium and a real site for it to look at."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.site import Site

_QUIET = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    executable = shutil.which("chromium")
    if executable is None and not os.environ.get("CI"):
        pytest.skip("needs Chromium: apt-get install chromium")
    assert executable, "CI must have Chromium"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=executable, args=[*_QUIET, "--disable-component-update", "--disable-sync"]
        )
        yield browser
        browser.close()


@pytest.fixture
def site(make_site: Callable[..., Site]) -> Site:
    """A site with the product's own settings and the demo's real model."""
    return make_site(DJANGO_SETTINGS_MODULE="annotation_platform.settings")


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    """A fresh visitor; whatever the page says on the console as an error fails the test."""
    context = chromium.new_context(viewport={"width": 1440, "height": 900})
    page = context.new_page()
    page.set_default_timeout(20_000)
    errors: list[str] = []
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    yield page
    context.close()
    assert not errors, errors
