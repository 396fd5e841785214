"""A real Chromium and a real site for it to look at."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser.chromium import EXECUTABLE, errors_of, launch
from tests.site import Site


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    if EXECUTABLE is None and not os.environ.get("CI"):
        pytest.skip("needs Chromium: apt-get install chromium")
    assert EXECUTABLE, "CI must have Chromium"
    with sync_playwright() as playwright:
        browser = launch(playwright)
        # Its event loop stands beside the tests that this process runs afterwards, and Django would refuse them.
        os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
        yield browser
        browser.close()


@pytest.fixture
def site(make_site: Callable[..., Site]) -> Site:
    """A site with the product's own settings and the demo's real model."""
    return make_site(DJANGO_SETTINGS_MODULE="annotation_platform.settings")


@pytest.fixture(scope="session")
def shared_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """One site for all tests that only read, or that make users and projects of their own; a fake model, no worker."""
    site = Site(tmp_path_factory.mktemp("shared") / "site")
    yield site
    site.stop()


@pytest.fixture(scope="session")
def shared_address(shared_site: Site) -> str:
    return shared_site.serve()


@pytest.fixture
def expected_errors() -> list[str]:
    """Parts of the console's errors that a test provokes, such as the browser's own words for a lost network."""
    return []


@pytest.fixture
def page(chromium: Browser, expected_errors: list[str]) -> Iterator[Page]:
    """A fresh visitor; whatever else the page says on the console as an error fails the test."""
    context = chromium.new_context(viewport={"width": 1440, "height": 900})
    page = context.new_page()
    page.set_default_timeout(20_000)
    errors = errors_of(page)
    yield page
    context.close()
    unexpected = [error for error in errors if not any(part in error for part in expected_errors)]
    assert not unexpected, unexpected
