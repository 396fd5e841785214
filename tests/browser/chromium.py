"""The system's own Chromium, for Playwright."""

from __future__ import annotations

import shutil

from playwright.sync_api import Browser, ConsoleMessage, Page, Playwright, expect

EXECUTABLE = shutil.which("chromium")
_QUIET = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
]


def launch(playwright: Playwright) -> Browser:
    # A machine that has much to do is slow, not wrong; the default is 5 s.
    expect.set_options(timeout=20_000)
    return playwright.chromium.launch(executable_path=EXECUTABLE, args=_QUIET)


def errors_of(page: Page) -> list[str]:
    """What the page reports as an error from now on: on its console, and by exceptions that nobody catches."""
    errors: list[str] = []

    def hear(message: ConsoleMessage) -> None:
        if message.type == "error":
            errors.append(f"{message.text} ({message.location['url']})")

    page.on("console", hear)
    page.on("pageerror", lambda error: errors.append(str(error)))
    return errors
