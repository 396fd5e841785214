"""What people do with a job over its card and the project's list: pause and resume, retry, discard and undo."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.desk import sign_in
from tests.site import Site

pytestmark = pytest.mark.browser

_numbers = itertools.count(1)
# The pictures ask the fake model for so many shapes each; None makes it fail.
_MAKE = """
from django.contrib.auth import get_user_model
from django.core.files.base import ContentFile
from annotation_platform.projects import create_project
from annotation_platform.uploads import create_item
from tests.autolabel.fakes import RAISE, picture
user = get_user_model().objects.create_user("{name}", password="{name}")
project = create_project(user, "Job card", [(label, None) for label in ("washer", "nut", "bolt")])
for number, shapes in enumerate({pictures}):
    data = picture(command=RAISE) if shapes is None else picture(shapes)
    create_item(project, ContentFile(data), name=f"{{number}}.png")
answer = project.uid
"""
_MEND = """
from annotation_platform.models import Item
from tests.autolabel.fakes import picture
item = Item.objects.get(project__uid="{project}", name="{name}")
with open(item.image.path, "wb") as file:
    file.write(picture(1))
answer = True
"""
_DRAFTS = """
from annotation_platform.models import Annotation
rows = Annotation.objects.filter(item__project__uid="{project}")
answer = sorted(rows.values_list("item__name", "status"))
"""
_ACCEPT_ONE = """
from annotation_platform.models import Annotation
from tests.autolabel.past_jobs import decide
draft = Annotation.objects.filter(item__project__uid="{project}", item__name="{name}", status="draft").first()
decide(draft)
answer = True
"""


@pytest.fixture(scope="module")
def worked_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """With a worker whose model takes a fifth of a second an image."""
    site = Site(tmp_path_factory.mktemp("card") / "site", FAKE_SECONDS="0.2")
    site.start("autolabel_worker")
    yield site
    site.stop()


@pytest.fixture(scope="module")
def address(worked_site: Site) -> str:
    return worked_site.serve()


class Board:
    """The page of a project of one's own, with its card and its list of jobs."""

    def __init__(self, page: Page, site: Site, address: str, pictures: list[int | None]) -> None:
        name = f"boss{next(_numbers)}"
        self.page, self.site, self.address = page, site, address
        self.project = site.ask(_MAKE.format(name=name, pictures=pictures))
        sign_in(page, address, name)
        page.goto(f"{address}/projects/{self.project}/")

    def start(self) -> None:
        self.page.get_by_role("button", name="Auto-label project").click()
        self.page.locator("[data-start]").click()

    def finish(self, status: str = "completed") -> dict[str, Any]:
        """The newest job, once the card says that it has ended so."""
        expect(self.page.locator(f"[data-card][data-status={status}]")).to_be_visible(timeout=60_000)
        return self.jobs()[0]

    def jobs(self) -> list[dict[str, Any]]:
        answer = self.page.request.get(f"{self.address}/api/v1/auto-label-jobs/?project={self.project}")
        return list(answer.json()["results"])

    def annotations(self) -> list[list[str]]:
        """The item's name and the status of each, in order."""
        return list(self.site.ask(_DRAFTS.format(project=self.project)))

    def wait_until_nobody_works(self) -> None:
        """A batch that was in hand when the job was paused may still be written."""
        held = f"from autolabel.models import Chunk\nanswer = Chunk.objects.filter(job__project_uid='{self.project}')"
        self.site.wait_for(lambda: not self.site.ask(f"{held}.leased().count()"), "no chunk is held")

    @property
    def card(self) -> Locator:
        return self.page.locator("[data-card]")

    @property
    def dialog(self) -> Locator:
        return self.page.get_by_role("dialog", name="Drafts of this job")

    def rows(self) -> Locator:
        return self.page.locator(".jobs tbody tr")

    def button(self, name: str) -> Locator:
        return self.card.get_by_role("button", name=name)


def test_a_running_job_is_paused_and_goes_on_where_it_was(page: Page, worked_site: Site, address: str) -> None:
    board = Board(page, worked_site, address, [1] * 20)
    board.start()
    expect(board.card.locator("[data-counts]")).to_contain_text(re.compile(r"^[1-9]\d* of 20 images"), timeout=30_000)

    board.button("Pause").focus()
    page.keyboard.press("Enter")
    expect(board.card.locator("[data-card-title]")).to_contain_text("Auto-labeling paused at")
    expect(board.button("Resume")).to_be_focused()
    expect(board.card).to_contain_text("until somebody resumes it")
    board.wait_until_nobody_works()
    before = board.jobs()[0]
    assert before["paused_at"]
    assert before["processed_items"] < 20

    page.reload()
    expect(board.rows().first).to_contain_text("Paused")
    expect(board.button("Resume")).to_be_visible()
    page.wait_for_timeout(1500)
    assert board.jobs()[0]["processed_items"] == before["processed_items"]

    board.button("Resume").click()
    expect(board.button("Pause")).to_be_visible()
    job = board.finish()
    assert (job["total_items"], job["successful_items"]) == (20, 20)
    assert board.annotations() == [[f"{number}.png", "draft"] for number in sorted(range(20), key=str)]


def test_a_paused_job_can_be_cancelled(page: Page, worked_site: Site, address: str) -> None:
    board = Board(page, worked_site, address, [1] * 20)
    board.start()
    board.button("Pause").click()
    expect(board.button("Resume")).to_be_visible()
    board.button("Cancel job").click()

    assert board.finish("cancelled")["processed_items"] < 20
    expect(board.button("Resume")).to_be_hidden()
    expect(board.card.locator("[data-card-title]")).to_have_text("Auto-labeling cancelled")


def test_the_failed_items_alone_are_tried_again_from_the_card_and_from_the_list(
    page: Page, worked_site: Site, address: str
) -> None:
    board = Board(page, worked_site, address, [2, None, None])
    board.start()
    first = board.finish()
    assert first["failed_items"] == 2
    worked_site.ask(_MEND.format(project=board.project, name="1.png"))

    board.button("Retry 2 failed").click()
    expect(board.card.locator("[data-card-title]")).to_contain_text("Retry of failed images")
    expect(board.card.locator("[data-counts]")).to_contain_text("2 of 2 images", timeout=30_000)
    second = board.finish()
    assert (second["retry_of"], second["total_items"], second["failed_items"]) == (first["uid"], 2, 1)
    assert board.annotations() == [["0.png", "draft"], ["0.png", "draft"], ["1.png", "draft"]]

    worked_site.ask(_MEND.format(project=board.project, name="2.png"))
    page.reload()
    expect(board.card).to_be_hidden()
    newest = board.rows().first
    expect(newest).to_contain_text("Retry")
    newest.get_by_role("button", name="Retry 1 failed").click()
    third = board.finish()
    assert (third["retry_of"], third["total_items"], third["failed_items"]) == (second["uid"], 1, 0)
    assert ["2.png", "draft"] in board.annotations()
    # The list has followed, without a reload.
    expect(board.rows()).to_have_count(3)


def test_what_cannot_be_tried_again_says_why_on_the_card(
    page: Page, worked_site: Site, address: str, expected_errors: list[str]
) -> None:
    expected_errors.append("status of 400")
    board = Board(page, worked_site, address, [1, None])
    board.start()
    job = board.finish()
    page.reload()
    # As if pruned.
    worked_site.ask(
        "from autolabel.models import ItemResult\n"
        f"answer = ItemResult.objects.filter(job__uid='{job['uid']}').delete()[0]"
    )
    board.rows().first.get_by_role("button", name="Retry 1 failed").click()

    expect(board.card.locator("[data-card-message]")).to_contain_text("Not started: Which items of this job failed")
    assert len(board.jobs()) == 1


def test_the_drafts_of_a_job_are_discarded_after_a_count_and_come_back(
    page: Page, worked_site: Site, address: str
) -> None:
    board = Board(page, worked_site, address, [2, 2, 0])
    board.start()
    board.finish()
    worked_site.ask(_ACCEPT_ONE.format(project=board.project, name="0.png"))
    before = board.annotations()
    assert len(before) == 4

    board.button("Discard drafts").focus()
    page.keyboard.press("Enter")
    expect(board.dialog).to_contain_text("3 drafts that nobody has touched go; 1 that people have accepted")
    assert board.annotations() == before
    page.keyboard.press("Tab")
    expect(board.dialog.get_by_role("button", name="Discard 3 drafts")).to_be_focused()
    page.keyboard.press("Enter")
    expect(board.dialog).to_contain_text("3 drafts discarded. 1 that people have touched stays.")
    assert board.annotations() == [["0.png", "accepted"]]
    assert board.jobs()[0]["drafts_discarded_at"]
    # The page below has followed.
    expect(board.rows().first).to_contain_text("untouched drafts were discarded")

    board.dialog.get_by_role("button", name="Undo").click()
    expect(board.dialog).to_contain_text("3 drafts are back.")
    assert board.annotations() == before
    page.keyboard.press("Escape")
    expect(board.dialog).to_be_hidden()
    expect(board.button("Discard drafts")).to_be_focused()


def test_discarded_drafts_can_be_brought_back_later_from_the_list(page: Page, worked_site: Site, address: str) -> None:
    board = Board(page, worked_site, address, [2, 1])
    board.start()
    board.finish()
    page.reload()
    expect(board.card).to_be_hidden()

    board.rows().first.get_by_role("button", name="Discard drafts").click()
    board.dialog.get_by_role("button", name="Discard 3 drafts").click()
    expect(board.dialog).to_contain_text("3 drafts discarded.")
    board.dialog.get_by_role("button", name="Close").click()
    undo = board.rows().first.get_by_role("button", name="Undo discard")
    expect(undo).to_be_focused()
    assert board.annotations() == []

    page.reload()
    undo.click()
    expect(board.dialog).to_contain_text("Its drafts that nobody has touched are discarded already.")
    board.dialog.get_by_role("button", name="Bring drafts back").click()
    expect(board.dialog).to_contain_text("3 drafts are back.")
    assert len(board.annotations()) == 3
    board.dialog.get_by_role("button", name="Close").click()
    expect(board.rows().first.get_by_role("button", name="Discard drafts")).to_be_focused()


def test_a_job_without_a_worker_is_said_to_be_stalled_and_what_to_do(
    page: Page, shared_site: Site, shared_address: str
) -> None:
    board = Board(page, shared_site, shared_address, [1, 1])
    board.start()

    reason = "No live worker can run 'yolo'. Start one: manage.py autolabel_worker"
    expect(board.card.locator("[data-card-message]")).to_have_text(reason, timeout=30_000)
    expect(page.locator("[data-announce]")).to_contain_text(reason.rstrip("."))
    page.reload()
    expect(board.rows().first).to_contain_text("Stalled")
    expect(board.rows().first).to_contain_text(reason)

    board.button("Pause").click()
    expect(board.card.locator("[data-card-title]")).to_have_text("Auto-labeling paused")
    expect(board.card).not_to_contain_text("No live worker")
    board.button("Cancel job").click()
    expect(board.card.locator("[data-card-title]")).to_have_text("Auto-labeling cancelled")


@pytest.mark.parametrize("lost", ["answer", "connection"])
def test_a_pause_that_is_refused_says_so(
    lost: str, page: Page, shared_site: Site, shared_address: str, expected_errors: list[str]
) -> None:
    expected_errors += ["status of 403", "ERR_FAILED"]
    board = Board(page, shared_site, shared_address, [1])
    board.start()
    expect(board.button("Pause")).to_be_visible()
    refusal = {"status": 403, "json": {"detail": "You may not."}}
    page.route("**/pause/", lambda route: route.fulfill(**refusal) if lost == "answer" else route.abort())
    board.button("Pause").click()

    words = "Not paused: You may not." if lost == "answer" else "Not paused: the server could not be reached."
    expect(board.card.locator("[data-card-message]")).to_contain_text(words)
    expect(board.button("Pause")).to_be_visible()
