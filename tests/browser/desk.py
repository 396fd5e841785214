"""A reviewer at the desk: real mouse and keyboard events, named in pixels of the image; what the server then has."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import Page, expect

Point = tuple[float, float]

_TO_SCREEN = """([x, y]) => {
  const at = new DOMPoint(x, y).matrixTransform(document.querySelector(".canvas .shapes").getScreenCTM());
  return [at.x, at.y];
}"""
# The image's pixels and the shapes are on the screen.
_IS_USABLE = """([name]) =>
  document.getElementById("loading").hidden && (!name || document.getElementById("item-name").textContent === name)"""


def sign_in(page: Page, address: str, username: str) -> None:
    """As a user whose password is the name."""
    page.goto(f"{address}/sign-in/")
    page.get_by_label("Username").fill(username)
    page.get_by_label("Password").fill(username)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Projects", exact=True)).to_be_visible()


class Desk:
    """The review page of one item after the other."""

    def __init__(self, page: Page, address: str) -> None:
        self.page = page
        self.address = address
        # Keys pressed, clicks and drags.
        self.actions = 0
        # Screen pixels that the pointer has gone.
        self.travel = 0.0
        self._pointer: Point = (0.0, 0.0)

    def open(self, item_uid: str, query: str = "") -> None:
        self.page.goto(f"{self.address}/items/{item_uid}/{query}")
        self.wait_for_item()

    def wait_for_item(self, name: str = "") -> None:
        """Until the item (of that name) can be worked on."""
        self.page.wait_for_function(_IS_USABLE, arg=[name])

    @property
    def name(self) -> str:
        return self.page.locator("#item-name").inner_text()

    @property
    def uid(self) -> str:
        """Of the open item; the address follows only after its first frame."""
        return self.page.locator("#main").get_attribute("data-item") or ""

    # What a person does

    def press(self, keys: str) -> None:
        self.actions += 1
        self.page.keyboard.press(keys)

    def click(self, point: Point, *, keys: Sequence[str] = (), count: int = 1) -> None:
        with self._holding(keys):
            self._move(point)
            for number in range(count):
                self.page.mouse.down(click_count=number + 1)
                self.page.mouse.up(click_count=number + 1)
        self.actions += 1

    def drag(self, start: Point, *way: Point, keys: Sequence[str] = ()) -> None:
        """Press at `start`, go by each point of the way, let go at the last."""
        with self._holding(keys):
            self._move(start)
            self.page.mouse.down()
            for point in way:
                self._move(point, steps=5)
            self.page.mouse.up()
        self.actions += 1

    def hover(self, point: Point) -> None:
        self._move(point)

    def on_screen(self, point: Point) -> Point:
        x, y = self.page.evaluate(_TO_SCREEN, list(point))
        return x, y

    # What is then so

    def wait_until_saved(self) -> None:
        expect(self.page.locator("#save-state")).to_have_attribute("data-state", "saved")

    def annotations(self, item_uid: str = "") -> list[dict[str, Any]]:
        """What the server has, in the order of creation."""
        answer = self.page.request.get(f"{self.address}/api/v1/items/{item_uid or self.uid}/annotations/")
        assert answer.ok, answer.text()
        return list(answer.json()["results"])

    def item(self, item_uid: str = "") -> dict[str, Any]:
        answer = self.page.request.get(f"{self.address}/api/v1/items/{item_uid or self.uid}/")
        assert answer.ok, answer.text()
        return dict(answer.json())

    def _move(self, point: Point, steps: int = 1) -> None:
        x, y = self.on_screen(point)
        self.travel += ((x - self._pointer[0]) ** 2 + (y - self._pointer[1]) ** 2) ** 0.5
        self._pointer = (x, y)
        self.page.mouse.move(x, y, steps=steps)

    @contextmanager
    def _holding(self, keys: Sequence[str]) -> Iterator[None]:
        for key in keys:
            self.page.keyboard.down(key)
        yield
        for key in keys:
            self.page.keyboard.up(key)
