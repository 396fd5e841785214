"""The button's card while a job runs: it survives a reload, another tab, and cancels."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.site import Site

pytestmark = pytest.mark.browser


@pytest.fixture
def slow_site(make_site: Callable[..., Site]) -> Site:
    """A site whose model takes a second for each of the twelve images."""
    return make_site(FAKE_SECONDS="1")


def open_project(page: Page, address: str) -> None:
    page.goto(address)
    if page.get_by_label("Username").count():
        page.get_by_label("Username").fill("ada")
        page.get_by_label("Password").fill("ada")
        page.get_by_role("button", name="Sign in").click()
    page.get_by_role("link", name="Workbench").first.click()
    expect(page.get_by_role("button", name="Auto-label project")).to_be_enabled()


def start(page: Page) -> None:
    page.get_by_role("button", name="Auto-label project").click()
    page.get_by_role("button", name="Auto-label 12 images").click()


def test_a_running_job_is_shown_after_a_reload_and_in_another_tab_and_can_be_cancelled(
    slow_site: Site, page: Page
) -> None:
    slow_site.ask("from tests.site_rows import make_scene_project\nanswer = make_scene_project('ada', 12)")
    slow_site.start("autolabel_worker")
    address = slow_site.serve()
    open_project(page, address)
    other = page.context.new_page()
    open_project(other, address)

    start(page)
    expect(page.locator("[data-card][data-status=running]")).to_be_visible(timeout=30_000)
    expect(page.get_by_role("button", name="Pause")).to_be_focused()
    page.reload()
    expect(page.locator("[data-card][data-status=running]")).to_be_visible()
    expect(page.get_by_role("button", name="Auto-label project")).to_be_disabled()

    start(other)
    expect(other.locator("[data-card-message]")).to_contain_text("yours was not started")

    page.get_by_role("button", name="Cancel job").click()
    expect(page.locator("[data-card][data-status=cancelled]")).to_be_visible()
    expect(other.locator("[data-card][data-status=cancelled]")).to_be_visible()
    expect(page.get_by_role("button", name="Auto-label project")).to_be_enabled()
