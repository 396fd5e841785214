"""Settings and uploads as people use them: make and revoke a key, add a webhook, add images by archive and by URL."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.desk import sign_in
from tests.factories import image_bytes
from tests.site import Site
from tests.upload_corpus import zipped

pytestmark = pytest.mark.browser

MAKE = """
from django.contrib.auth import get_user_model
from annotation_platform.projects import create_project
user = get_user_model().objects.create_user({name!r}, password={name!r})
answer = create_project(user, "Parts", [("bolt", None)]).uid
"""


@pytest.fixture
def project(shared_site: Site, shared_address: str, page: Page, request: Any) -> str:
    """The uid of a project of a new user, who is signed in."""
    name = f"user-{abs(hash(request.node.name))}"
    uid = str(shared_site.ask(MAKE.format(name=name)))
    sign_in(page, shared_address, name)
    return uid


def test_a_key_is_made_used_and_revoked(project: str, shared_address: str, page: Page) -> None:
    page.get_by_label("Account of").click()
    page.get_by_role("link", name="API keys").click()
    page.get_by_label("Name").fill("Nightly")
    page.get_by_role("button", name="Make key").click()
    key = page.locator("[data-secret]").inner_text()
    headers = {"Authorization": f"Bearer {key}"}
    projects = f"{shared_address}/api/v1/users/me/projects/"
    assert page.request.get(projects, headers=headers).status == 200

    page.get_by_role("button", name="Revoke Nightly").click()
    expect(page.get_by_role("heading", name="Revoke Nightly?")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert page.request.get(projects, headers=headers).status == 200

    page.get_by_role("button", name="Revoke Nightly").click()
    page.get_by_role("dialog").get_by_role("button", name="Revoke").click()
    expect(page.get_by_text("is revoked")).to_be_visible()
    assert page.request.get(projects, headers=headers).status == 401


def test_a_webhook_is_added_tested_and_deleted(project: str, page: Page, shared_address: str) -> None:
    page.goto(f"{shared_address}/settings/webhooks/")
    page.get_by_label("URL").fill("https://127.0.0.1/in")
    page.get_by_role("button", name="Add endpoint").click()
    expect(page.locator("[data-secret]")).to_contain_text("whsec_")

    page.get_by_role("link", name="https://127.0.0.1/in").click()
    page.get_by_role("button", name="Send a test").click()
    expect(page.get_by_text("Test: The address is inside of this network")).to_be_visible()
    expect(page.get_by_role("link", name="auto_label.test")).to_be_visible()
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_text("Events wait until you resume")).to_be_visible()

    page.get_by_role("button", name="Delete").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(page.get_by_text("is deleted")).to_be_visible()
    expect(page.get_by_text("None. Add the URL")).to_be_visible()


def test_of_an_archive_what_was_not_taken_is_named(project: str, shared_address: str, page: Page) -> None:
    page.goto(f"{shared_address}/projects/{project}/")
    files = zipped(("one.jpg", image_bytes()), ("two.jpg", image_bytes()), ("notes.txt", b"hello"))
    page.locator("[data-files]").set_input_files({"name": "set.zip", "mimeType": "application/zip", "buffer": files})

    expect(page.locator("[data-upload-status]")).to_have_text("2 images uploaded")
    expect(page.locator(".upload .reason")).to_contain_text(
        "2 images added, 1 not. notes.txt: The file is not an image"
    )
    # Sent again, it would double what was taken.
    expect(page.locator(".upload").get_by_role("button")).to_have_count(0)
    expect(page.get_by_role("link", name="one.jpg")).to_be_visible()


def test_an_address_inside_is_refused_with_its_reason(
    project: str, shared_address: str, page: Page, expected_errors: list[str]
) -> None:
    expected_errors += ["status of 400"]
    page.goto(f"{shared_address}/projects/{project}/")
    page.get_by_role("button", name="Add by URL").click()
    page.get_by_label("Addresses").fill("https://127.0.0.1/a.jpg\nhttps://127.0.0.1/a.jpg\nftp://example.com/b.jpg")
    page.get_by_role("dialog").get_by_role("button", name="Add", exact=True).click()

    expect(page.locator("[data-upload-status]")).to_contain_text("2 failed")
    expect(page.get_by_text("The address is inside of this network")).to_be_visible()
    expect(page.get_by_text("The URL must begin with https://")).to_be_visible()
