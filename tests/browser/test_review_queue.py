"""From image to image: the queue, two people on it, finishing, flagging, and undo across images."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.chromium import errors_of
from tests.browser.desk import Desk, sign_in
from tests.site import Site

pytestmark = pytest.mark.browser

_numbers = itertools.count(1)
# Six images whose drafts have the scores below, then two on which the model has found nothing.
SCORES = {"a.jpg": 0.9, "b.jpg": 0.5, "c.jpg": 0.7, "d.jpg": 0.6, "e.jpg": 0.8, "f.jpg": 0.95}
BY_SCORE = ["b.jpg", "d.jpg", "c.jpg", "e.jpg", "a.jpg", "f.jpg"]
EMPTY = ["y.jpg", "z.jpg"]
_MAKE = """
from PIL import Image
from annotation_platform.models import Project
from autolabel.shapes import Shape
from tests.review_rows import make_person, make_review_project
grey = Image.new("RGB", (640, 480), (90, 100, 110))
drafts = {{name: [Shape("nut", score, (50, 50, 150, 150))] for name, score in {scores!r}.items()}}
items = [(name, grey, drafts.get(name, [])) for name in [*drafts, *{empty!r}]]
answer = make_review_project({name!r}, items)
make_person({name!r} + "-mate", Project.objects.get(uid=answer["project"]))
make_person({name!r} + "-viewer", Project.objects.get(uid=answer["project"]), "viewer")
"""


@pytest.fixture
def project(shared_site: Site) -> dict[str, Any]:
    name = f"queuer{next(_numbers)}"
    return {**shared_site.ask(_MAKE.format(name=name, scores=SCORES, empty=EMPTY)), "user": name}


@pytest.fixture
def desk(page: Page, shared_address: str, project: dict[str, Any]) -> Desk:
    """The manager's, not at any image yet."""
    sign_in(page, shared_address, project["user"])
    return Desk(page, shared_address)


@pytest.fixture
def second_desk(chromium: Browser, shared_address: str) -> Iterator[Callable[[str], Desk]]:
    """`second_desk(username)`: another person's, in a browser of their own."""
    contexts, errors = [], []

    def sit_down(username: str) -> Desk:
        contexts.append(chromium.new_context(viewport={"width": 1440, "height": 900}))
        page = contexts[-1].new_page()
        errors.append(errors_of(page))
        sign_in(page, shared_address, username)
        return Desk(page, shared_address)

    yield sit_down
    for context in contexts:
        context.close()
    assert not [error for one in errors for error in one]


def review(desk: Desk, project: dict[str, Any], order: str = "score") -> None:
    desk.page.goto(f"{desk.address}/projects/{project['project']}/review/next/?order={order}")
    desk.wait_for_item()


def finish(desk: Desk, keys: str = "Shift+Enter") -> str:
    """Finish what is open, wait for the next; the name of what was finished."""
    name = desk.name
    desk.press(keys)
    desk.page.wait_for_function(
        "name => document.getElementById('item-name').textContent !== name || document.querySelector('dialog[open]')",
        arg=name,
    )
    return name


def uid(project: dict[str, Any], name: str) -> str:
    return str(project["items"][name])


def test_the_queue_brings_the_lowest_score_first_and_what_the_model_found_nothing_on_last(
    desk: Desk, project: dict[str, Any]
) -> None:
    review(desk, project)
    finished = [finish(desk) for _ in SCORES]
    assert finished == BY_SCORE

    expect(desk.page.locator("#nothing-found")).to_be_visible()
    expect(desk.page.locator("#project-progress")).to_have_text("6 of 8 images done · 2 to decide")
    finished += [finish(desk, "Enter") for _ in EMPTY]
    assert sorted(finished[6:]) == EMPTY
    expect(desk.page.locator("#all-decided")).to_be_visible()
    desk.wait_until_saved()
    assert {desk.item(one)["state"] for one in project["items"].values()} == {"done"}


def test_a_random_order_brings_everything_once_whether_anything_was_found_on_it_or_not(
    desk: Desk, project: dict[str, Any]
) -> None:
    review(desk, project, "random")
    names = [finish(desk, "Shift+Enter") for _ in range(8)]
    assert sorted(names) == sorted([*SCORES, *EMPTY])
    expect(desk.page.locator("#all-decided")).to_be_visible()


def test_the_next_image_needs_no_new_page_and_its_data_were_fetched_ahead(desk: Desk, project: dict[str, Any]) -> None:
    review(desk, project)
    desk.page.evaluate("window.isSamePage = true")
    desk.page.wait_for_load_state("networkidle")
    requests: list[str] = []
    desk.page.on("request", lambda request: requests.append(f"{request.method} {request.url}"))
    finish(desk)
    desk.wait_for_item(BY_SCORE[1])
    second = uid(project, BY_SCORE[1])
    assert not [one for one in requests if one.startswith("GET") and second in one]
    assert desk.page.evaluate("window.isSamePage")
    desk.page.wait_for_url(lambda url: second in url)
    assert desk.page.title().startswith(BY_SCORE[1])


def test_two_people_on_one_queue_never_get_the_same_image(
    desk: Desk, second_desk: Callable[[str], Desk], project: dict[str, Any]
) -> None:
    mate = second_desk(f"{project['user']}-mate")
    review(desk, project)
    review(mate, project)
    mine, theirs = [], []
    for _ in range(4):
        assert desk.name != mate.name
        mine.append(finish(desk))
        if mate.page.locator("#all-decided").is_hidden():
            theirs.append(finish(mate))
    for one in (desk, mate):
        one.wait_until_saved()
    assert not set(mine) & set(theirs)
    assert len(theirs) == 4
    assert sorted(mine + theirs) == sorted([*SCORES, *EMPTY])
    finishers = {name: desk.item(uid(project, name))["finished_by"] for name in mine + theirs}
    assert finishers == {**dict.fromkeys(mine, project["user"]), **dict.fromkeys(theirs, f"{project['user']}-mate")}


def test_who_opens_an_image_that_somebody_is_at_is_told_so(
    desk: Desk, second_desk: Callable[[str], Desk], project: dict[str, Any]
) -> None:
    review(desk, project)
    mate = second_desk(f"{project['user']}-mate")
    mate.open(uid(project, BY_SCORE[0]))
    expect(mate.page.locator("#taken")).to_contain_text(f"{project['user']} is reviewing this image, too.")
    expect(desk.page.locator("#taken")).to_be_hidden()


def test_undo_goes_back_over_a_finished_image_and_redo_forward_again(desk: Desk, project: dict[str, Any]) -> None:
    review(desk, project)
    first, second = BY_SCORE[:2]
    desk.press("x")
    finish(desk, "Enter")
    desk.wait_for_item(second)

    desk.press("Control+z")
    desk.wait_for_item(first)
    desk.wait_until_saved()
    assert desk.item(uid(project, first))["state"] == "drafted"
    assert desk.annotations(uid(project, first))[0]["status"] == "discarded"

    desk.press("Control+z")
    desk.wait_until_saved()
    assert desk.annotations(uid(project, first))[0]["status"] == "draft"

    desk.press("Control+y")
    desk.press("Control+y")
    desk.wait_for_item(second)
    desk.wait_until_saved()
    assert desk.item(uid(project, first))["state"] == "done"
    assert desk.annotations(uid(project, first))[0]["status"] == "discarded"


def test_a_key_in_the_moment_in_which_the_dialog_closes_asks_again_and_is_heard(
    desk: Desk, project: dict[str, Any]
) -> None:
    review(desk, project)
    desk.press("Enter")
    dialog = desk.page.locator("#undecided")
    expect(dialog).to_be_visible()
    # One task: the dialog is closed, and has not told so yet.
    desk.page.evaluate(
        """() => {
            document.querySelector("#undecided").close("keep");
            const enter = { key: "Enter", code: "Enter", bubbles: true, cancelable: true };
            document.body.dispatchEvent(new KeyboardEvent("keydown", enter));
        }"""
    )
    dialog.get_by_role("button", name="Discard all").click()
    desk.wait_for_item(BY_SCORE[1])


def test_undecided_drafts_are_asked_about_before_an_image_is_finished(desk: Desk, project: dict[str, Any]) -> None:
    review(desk, project)
    first = desk.name
    desk.press("Enter")
    dialog = desk.page.locator("#undecided")
    expect(dialog).to_contain_text("1 draft is undecided")
    dialog.get_by_role("button", name="Keep reviewing").click()
    assert desk.name == first
    desk.press("Enter")
    dialog.get_by_role("button", name="Discard all").click()
    desk.wait_for_item(BY_SCORE[1])
    desk.wait_until_saved()
    assert desk.annotations(uid(project, first))[0]["status"] == "discarded"
    assert desk.item(uid(project, first))["state"] == "done"


_ENTER_BEFORE_THE_NEXT_FRAME = """() => new Promise((resolve) => {
  const dialog = document.querySelector("#undecided");
  dialog.addEventListener("close", () => setTimeout(() => {
    const key = new KeyboardEvent("keydown", { key: "Enter", code: "Enter", bubbles: true });
    dialog.querySelector("[value=keep]").dispatchEvent(key);
    resolve();
  }), { once: true });
  dialog.querySelector("[value=keep]").click();
})"""


def test_a_key_right_after_a_dialog_closed_is_not_lost_to_its_button(desk: Desk, project: dict[str, Any]) -> None:
    review(desk, project)
    desk.press("Enter")
    dialog = desk.page.locator("#undecided")
    expect(dialog).to_be_visible()
    desk.page.evaluate(_ENTER_BEFORE_THE_NEXT_FRAME)
    expect(dialog).to_be_visible()


def test_a_flag_carries_a_comment_and_takes_the_image_out_of_the_queue(desk: Desk, project: dict[str, Any]) -> None:
    review(desk, project)
    first = desk.name
    desk.press("f")
    desk.page.keyboard.type("Nut or washer?")
    desk.press("Enter")
    desk.wait_for_item(BY_SCORE[1])
    desk.wait_until_saved()
    flagged = desk.item(uid(project, first))
    assert (flagged["state"], flagged["flag_comment"], flagged["flagged_by"]) == (
        "flagged",
        "Nut or washer?",
        project["user"],
    )

    desk.press("Control+z")
    desk.wait_for_item(first)
    desk.wait_until_saved()
    assert desk.item(uid(project, first))["state"] == "drafted"


def test_a_finished_image_is_reopened_by_its_button(desk: Desk, project: dict[str, Any]) -> None:
    review(desk, project)
    first = finish(desk)
    desk.wait_until_saved()
    desk.open(uid(project, first))
    expect(desk.page.locator("#banner")).to_contain_text(f"Finished by {project['user']}")
    desk.page.get_by_role("button", name="Reopen").click()
    desk.wait_until_saved()
    expect(desk.page.locator("#banner")).to_be_hidden()
    assert desk.item(uid(project, first))["state"] == "drafted"


def test_next_and_previous_pass_over_an_image_and_come_back(desk: Desk, project: dict[str, Any]) -> None:
    review(desk, project)
    desk.press("n")
    desk.wait_for_item(BY_SCORE[1])
    desk.press("n")
    desk.wait_for_item(BY_SCORE[2])
    desk.press("u")
    desk.wait_for_item(BY_SCORE[1])
    desk.press("u")
    desk.wait_for_item(BY_SCORE[0])
    desk.wait_until_saved()
    assert desk.item(uid(project, BY_SCORE[0]))["state"] == "drafted"


def test_a_viewer_walks_through_the_images_and_changes_nothing(
    second_desk: Callable[[str], Desk], project: dict[str, Any]
) -> None:
    viewer = second_desk(f"{project['user']}-viewer")
    viewer.open(uid(project, "a.jpg"))
    for keys in ("a", "x", "Shift+A", "Enter", "b"):
        viewer.press(keys)
    viewer.wait_for_item("b.jpg")
    assert viewer.annotations(uid(project, "a.jpg"))[0]["status"] == "draft"
    assert viewer.item(uid(project, "a.jpg"))["state"] == "drafted"
