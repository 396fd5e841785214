"""A site that has something to show on every page, and a way to look at each of its views."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from playwright.sync_api import Browser, Page, Response

from tests.browser.chromium import errors_of
from tests.browser.views import PASSWORDS, View
from tests.site import Site

__all__ = ["Showcase", "show_theme"]

# What has a transition changes its colours over time, and what is out of sight keeps those of the theme before. Put in
# as an object, since a content security policy may forbid a style element.
AT_REST = """() => {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync("* { transition: none !important; content-visibility: visible !important; }");
  document.adoptedStyleSheets.push(sheet);
}"""


class Showcase:
    """The demo, auto-labeled by its real model and half reviewed; it is served as long as it lives."""

    def __init__(self, folder: Path) -> None:
        self._site = Site(folder, DJANGO_SETTINGS_MODULE="annotation_platform.settings")
        try:
            self._site.run("demo", "--once", timeout=300)
            made = "from tests.browser.showcase_rows import make_showcase\nanswer = make_showcase()"
            self._names: dict[str, str] = self._site.ask(made)
            self._address = self._site.serve()
        except BaseException:
            self._site.stop()
            raise
        self._sessions: dict[str | None, Any] = {None: None}

    def stop(self) -> None:
        self._site.stop()

    @contextmanager
    def open(self, browser: Browser, view: View, **options: Any) -> Iterator[Page]:
        """The page in that state, for a visitor with these options. Whatever it reports as an error is a failure.

        Nothing moves in it, so that nothing is looked at half-way.
        """
        session = self._session(browser, view.user)
        context = browser.new_context(base_url=self._address, storage_state=session, reduced_motion="reduce", **options)
        page = context.new_page()
        errors = errors_of(page)
        statuses = _document_statuses(page)
        try:
            page.goto(view.path.format(**self._names))
            view.show(page)
            page.wait_for_load_state("networkidle")
            assert statuses[-1] < 400 or statuses[-1] in view.refusals, f"{view.name} answers {statuses[-1]}"
            yield page
            assert not _unexpected(errors, view), f"{view.name} reports errors"
        except Exception as failure:
            failure.add_note(f"{page.url} has reported: {errors}")
            raise
        finally:
            context.close()

    def _session(self, browser: Browser, user: str | None) -> Any:
        if user not in self._sessions:
            self._sessions[user] = self._sign_in(browser, user)
        return self._sessions[user]

    def _sign_in(self, browser: Browser, user: str) -> Any:
        context = browser.new_context(base_url=self._address)
        page = context.new_page()
        page.goto("/sign-in/")
        page.get_by_label("Username").fill(user)
        page.get_by_label("Password").fill(PASSWORDS[user])
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url("/")
        state = context.storage_state()
        context.close()
        return state


def show_theme(page: Page, theme: Literal["light", "dark"]) -> None:
    """The open page in this theme, wholly and at once."""
    page.evaluate(AT_REST)
    page.emulate_media(color_scheme=theme, reduced_motion="reduce")


def _document_statuses(page: Page) -> list[int]:
    """Of the documents that the page shows, from now on."""
    statuses: list[int] = []

    def hear(answer: Response) -> None:
        if answer.request.is_navigation_request():
            statuses.append(answer.status)

    page.on("response", hear)
    return statuses


def _unexpected(errors: list[str], view: View) -> list[str]:
    """Chromium and htmx report every answer with an error's status, also those that belong to the view."""
    found = {
        error: re.search(r"(?:responded with a status of|Response Status Error Code) (\d+)", error) for error in errors
    }
    return [error for error, status in found.items() if not status or int(status[1]) not in view.refusals]
