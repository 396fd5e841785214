"""The status page while it is open: it follows, says when it cannot, and goes to the sign-in when the session ends."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.desk import sign_in
from tests.site import Site

pytestmark = pytest.mark.browser

_MAKE = """
from django.contrib.auth import get_user_model
get_user_model().objects.create_user("{name}", password="{name}", is_staff=True)
answer = True
"""
_RENAME = """
from annotation_platform.models import Project
answer = Project.objects.filter(uid="{project}").update(name="Renamed meanwhile")
"""


def open_status(page: Page, site: Site, address: str, name: str) -> None:
    site.ask(_MAKE.format(name=name))
    sign_in(page, address, name)
    page.goto(f"{address}/status/")
    expect(page.get_by_role("heading", name="Workers")).to_be_visible()


def test_it_follows_without_a_reload_and_keeps_the_focus(page: Page, shared_site: Site, shared_address: str) -> None:
    open_status(page, shared_site, shared_address, "keeper")
    project = shared_site.make_project(1)
    link = page.locator(f"#status-job-{shared_site.create_job(project)}")
    expect(link).to_be_visible()
    link.focus()

    shared_site.ask(_RENAME.format(project=project))
    expect(link).to_have_text("Renamed meanwhile")
    expect(link).to_be_focused()


def test_it_says_when_what_it_shows_is_of_the_past(
    page: Page, shared_site: Site, shared_address: str, expected_errors: list[str]
) -> None:
    expected_errors += ["status of 503", "Response Status Error Code 503"]
    open_status(page, shared_site, shared_address, "watcher")
    page.route("**/status/", lambda route: route.fulfill(status=503))
    expect(page.locator("[data-stale]")).to_contain_text("The server does not answer.")
    expect(page.get_by_role("heading", name="Workers")).to_be_visible()

    page.unroute("**/status/")
    expect(page.locator("[data-stale]")).to_be_hidden()


def test_who_is_signed_out_meanwhile_gets_the_sign_in_page_whole(
    page: Page, shared_site: Site, shared_address: str
) -> None:
    open_status(page, shared_site, shared_address, "leaver")
    page.context.clear_cookies()

    page.wait_for_url("**/sign-in/?next=/status/")
    expect(page.get_by_role("heading", name="Status", exact=True)).to_have_count(0)
