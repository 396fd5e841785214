"""The dialog's models and its advanced part: what cannot run says why, and what is chosen reaches the job."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.desk import sign_in
from tests.site import Site

pytestmark = pytest.mark.browser

_numbers = itertools.count(1)
# Each picture asks the fake model for that many shapes, of its classes in turn, with a score of 0.8.
_MAKE = """
import io
from django.contrib.auth import get_user_model
from django.core.files.base import ContentFile
from annotation_platform.projects import create_project
from annotation_platform.review import add
from annotation_platform.uploads import create_item
from tests.autolabel.fakes import picture
user = get_user_model().objects.create_user("{name}", password="{name}")
project = create_project(user, "Choices", [(label, None) for label in ("washer", "nut", "bracket")])
items = [create_item(project, ContentFile(picture(5)), name=f"{{number}}.png") for number in range(2)]
if {boxes}:
    add(items[0], user, "nut", box=(5, 5, 25, 25))
answer = project.uid
"""
_DRAFTS = """
from annotation_platform.models import Annotation
rows = Annotation.objects.filter(item__project__uid="{uid}").order_by("id")
answer = list(rows.values("item__name", "label__name", "kind", "status", "replaces"))
"""


@pytest.fixture(scope="module")
def model_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """With a worker that serves all of its models."""
    site = Site(tmp_path_factory.mktemp("models") / "site", DJANGO_SETTINGS_MODULE="tests.browser.model_settings")
    site.start("autolabel_worker")
    yield site
    site.stop()


@pytest.fixture(scope="module")
def address(model_site: Site) -> str:
    return model_site.serve()


class Dialog:
    """The open dialog on a project of one's own."""

    def __init__(self, page: Page, site: Site, address: str, *, boxes: bool = False) -> None:
        name = f"chooser{next(_numbers)}"
        self.page, self.site, self.address = page, site, address
        self.project = site.ask(_MAKE.format(name=name, boxes=boxes))
        sign_in(page, address, name)
        page.goto(f"{address}/projects/{self.project}/")
        page.get_by_role("button", name="Auto-label project").click()
        expect(self.model("Boxes").locator("[data-model-state]")).to_contain_text("Ready", timeout=60_000)

    def model(self, title: str) -> Locator:
        return self.page.locator("[data-model]").filter(has=self.page.get_by_text(title, exact=True))

    def choose(self, title: str) -> None:
        self.model(title).get_by_role("radio").check()

    def advanced(self) -> Locator:
        self.page.locator("[data-advanced] > summary").click()
        return self.page.locator("[data-advanced]")

    def map(self, word: str, label: str) -> None:
        self.page.get_by_role("button", name="Map a class to a label").click()
        row = self.page.locator("[data-map-rows] > li").last
        row.get_by_label("Class or word of the model").fill(word)
        row.get_by_label("Label of the project").select_option(label)

    def start(self) -> None:
        self.page.locator("[data-start]").click()

    def job(self) -> dict[str, Any]:
        """The started one, once it has ended."""
        expect(self.page.locator("[data-card][data-status=completed]")).to_be_visible(timeout=60_000)
        answer = self.page.request.get(f"{self.address}/api/v1/auto-label-jobs/?project={self.project}&limit=1")
        return dict(answer.json()["results"][0])

    def drafts(self) -> list[dict[str, Any]]:
        return list(self.site.ask(_DRAFTS.format(uid=self.project)))


@pytest.fixture
def dialog(page: Page, model_site: Site, address: str) -> Dialog:
    return Dialog(page, model_site, address)


def test_a_model_that_cannot_run_is_off_and_says_why_and_how_to_get_it(dialog: Dialog) -> None:
    gated = dialog.model("Gated")
    expect(gated.get_by_role("radio")).to_be_disabled()
    expect(gated).to_contain_text("has no weights. Ask its owner, then set GATED_WEIGHTS.")
    expect(gated.get_by_text("Ask its owner")).to_be_in_viewport()

    private = dialog.model("Private")
    expect(private.get_by_role("radio")).to_be_disabled()
    expect(private).to_contain_text('Ask an administrator for the group "Pilots".')

    expect(dialog.model("Boxes").get_by_role("radio")).to_be_checked()


def test_the_arrows_go_over_the_models_that_can_run(dialog: Dialog) -> None:
    dialog.model("Boxes").get_by_role("radio").focus()
    dialog.page.keyboard.press("ArrowDown")
    expect(dialog.model("Words").get_by_role("radio")).to_be_focused()
    dialog.page.keyboard.press("ArrowDown")
    dialog.page.keyboard.press("ArrowDown")
    expect(dialog.model("Boxes").get_by_role("radio")).to_be_checked()


def test_it_says_what_each_model_gives(dialog: Dialog) -> None:
    expect(dialog.model("Boxes").locator("[data-gives]")).to_have_text("Boxes · 5 classes")
    expect(dialog.model("Words").locator("[data-gives]")).to_have_text("Boxes · any words")
    expect(dialog.model("Masks").locator("[data-gives]")).to_have_text("Polygons · 5 classes · masks of your boxes")


def test_thresholds_and_label_map_reach_the_job_and_decide_its_drafts(dialog: Dialog) -> None:
    expect(dialog.page.get_by_role("checkbox", name="bracket")).to_be_disabled()
    dialog.advanced()
    expect(dialog.page.locator("[data-map-hint]")).to_contain_text("does not know: bracket")
    dialog.map("gear", "bracket")
    expect(dialog.page.get_by_role("checkbox", name="bracket")).to_be_checked()
    dialog.page.get_by_label("washer").last.fill("0.95")
    expect(dialog.page.locator("[data-advanced-state]")).to_have_text("1 threshold · 1 class mapped")
    dialog.start()

    job = dialog.job()
    assert job["thresholds"] == {"washer": 0.95}
    assert job["label_map"] == {"gear": "bracket"}
    labels = [row["label__name"] for row in dialog.drafts()]
    assert sorted(labels) == ["bracket", "bracket", "nut", "nut"]


def test_words_can_be_looked_for_in_the_place_of_labels(dialog: Dialog) -> None:
    dialog.choose("Words")
    dialog.advanced()
    expect(dialog.page.locator("[data-map-hint]")).to_contain_text("looks for the names of the labels")
    dialog.map("spring", "bracket")
    dialog.start()

    assert dialog.job()["label_map"] == {"spring": "bracket"}
    assert "bracket" in {row["label__name"] for row in dialog.drafts()}


def test_drafts_that_are_there_can_be_kept_and_a_job_be_limited(dialog: Dialog) -> None:
    dialog.advanced()
    dialog.page.get_by_role("radio", name="Keep them").check()
    dialog.page.get_by_label("Images at most").fill("1")
    dialog.page.get_by_label("Minutes at most").fill("30")
    dialog.page.get_by_label("Stop when more than so many %").fill("25")
    expect(dialog.page.locator("[data-advanced-state]")).to_have_text("drafts are kept · 3 limits")
    dialog.page.get_by_role("button", name="Auto-label 1 image", exact=True).click()

    job = dialog.job()
    assert (job["existing_drafts"], job["total_items"]) == ("keep", 1)
    assert (job["max_items"], job["max_seconds"], job["max_failed_pct"], job["max_failed_min"]) == (1, 1800, 25, 20)
    assert len({row["item__name"] for row in dialog.drafts()}) == 1


def test_a_limit_that_is_none_is_refused_at_its_field(dialog: Dialog) -> None:
    dialog.advanced()
    dialog.page.get_by_label("Minutes at most").fill("0.5")
    dialog.start()

    expect(dialog.page.locator('[data-error="max_seconds"]')).to_contain_text("a whole number from 1")
    expect(dialog.page.get_by_label("Minutes at most")).to_be_focused()


def test_an_error_of_the_server_is_shown_at_its_field(dialog: Dialog, expected_errors: list[str]) -> None:
    expected_errors.append("status of 400")
    dialog.advanced()
    dialog.map("gear", "bracket")
    # Somebody takes the label away meanwhile.
    dialog.site.ask(
        "from annotation_platform.models import Label\n"
        f"answer = Label.objects.filter(project__uid='{dialog.project}', name='bracket').delete()[0]"
    )
    dialog.start()

    error = dialog.page.locator('[data-error="label_map"]')
    expect(error).to_be_visible()
    expect(error).to_contain_text("bracket")
    expect(dialog.page.get_by_label("Class or word of the model")).to_be_focused()


def test_masks_are_made_of_accepted_boxes_and_lie_beside_them(page: Page, model_site: Site, address: str) -> None:
    dialog = Dialog(page, model_site, address, boxes=True)
    dialog.advanced()
    boxes_to_masks = page.get_by_role("checkbox", name="Boxes to masks")
    expect(boxes_to_masks).to_be_hidden()
    dialog.choose("Masks")
    expect(page.locator("[data-advanced]")).to_contain_text("finished are opened again for review")
    boxes_to_masks.check()
    page.get_by_role("button", name="Make masks on 1 image").click()

    assert dialog.job()["boxes_to_masks"] is True
    box, mask = dialog.drafts()
    assert (box["kind"], box["status"]) == ("box", "accepted")
    assert (mask["kind"], mask["status"], mask["label__name"]) == ("polygon", "draft", "nut")
    assert mask["replaces"]
    expect(page.locator("[data-card-title]")).to_have_text("Masks from boxes finished")
    expect(page.locator("[data-remarks]")).to_contain_text("Model: fake")
