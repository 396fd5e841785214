"""Jobs to their end on the platform: masks of accepted boxes, outlines where only boxes are taken, mapped classes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from annotation_platform import review
from annotation_platform.models import Annotation, Item, Project
from autolabel.hosts.loader import get_host
from autolabel.inference.base import ModelSpec
from autolabel.jobs.services import JobRequest, create_job
from autolabel.models import Job
from autolabel.shapes import Shape
from tests.factories import make_manual, make_member

from .builders import drafts_of, make_worker, parts_project, results_of, run_to_end
from .fakes import FakePredictor, MaskingPredictor, picture

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("fake_model", "rings")]
MASKING = "tests.autolabel.fakes.MaskingPredictor"


class OutliningPredictor(FakePredictor):
    """Finds one washer and its outline on every image, as segmentation weights do."""

    def __init__(self, spec: ModelSpec) -> None:
        super().__init__(spec)
        self.info = replace(self.info, kinds=("polygon",))

    def predict_batch(self, images: Any, labels: Any, floor: float) -> list[list[Shape]]:
        outline = ((((10.0, 10.0), (30.0, 10.0), (30.0, 30.0)),),)
        return [[Shape("washer", 0.8, (10.0, 10.0, 30.0, 30.0), outline)] for _ in images]


def run(project: Project, **request: Any) -> Job:
    return run_to_end(create_job(get_host().get_project_trusted(project.uid), JobRequest(**request)))


def fresh(item: Item) -> Item:
    return Item.objects.get(pk=item.pk)


@pytest.fixture
def project(fake_model: Callable[..., None]) -> Project:
    """Three items: a finished one with two boxes, one without any, a flagged one with a box."""
    fake_model(PREDICTOR=MASKING)
    project = parts_project(*[picture()] * 3)
    boxed, _, flagged = project.items.all()
    make_manual(boxed, label="bolt"), make_manual(boxed, label="gear", box=(2, 2, 9, 9)), make_manual(flagged)
    bob = make_member(project)
    review.finish(boxed, bob)
    review.flag(flagged, bob)
    return project


def test_a_job_makes_masks_of_the_boxes_and_opens_the_item_again(project: Project) -> None:
    job = run(project, boxes_to_masks=True)

    assert (job.status, job.total_items, job.successful_items) == ("completed", 1, 1)
    boxed, _, flagged = map(fresh, project.items.all())
    assert (boxed.state, boxed.draft_count, flagged.state, flagged.draft_count) == ("drafted", 2, "flagged", 0)
    boxes = boxed.annotations.accepted_boxes()
    assert {(draft.replaces, draft.label.name, draft.kind) for draft in drafts_of(job)} == {
        (box.uid, box.label.name, "polygon") for box in boxes
    }


def test_only_the_labels_that_were_asked_for_get_masks(project: Project) -> None:
    job = run(project, boxes_to_masks=True, labels=("gear",))

    assert [draft.label.name for draft in drafts_of(job)] == ["gear"]
    assert job.summary["not_drafted"]["filtered_label"] == {"bolt": 1}


def test_a_labels_own_threshold_holds_for_masks(project: Project) -> None:
    job = run(project, boxes_to_masks=True, thresholds={"gear": 0.95})

    assert [draft.label.name for draft in drafts_of(job)] == ["bolt"]


def test_a_second_job_does_not_double_the_masks(project: Project) -> None:
    run(project, boxes_to_masks=True)
    second = run(project, boxes_to_masks=True)

    assert Annotation.objects.drafts().count() == len(drafts_of(second)) == 2


def test_a_dry_run_opens_nothing(project: Project) -> None:
    job = run(project, boxes_to_masks=True, dry_run=True)

    assert (job.successful_items, project.items.filter(state="done").count()) == (1, 1)
    assert not Annotation.objects.drafts().exists()


def test_boxes_that_were_discarded_meanwhile_get_no_masks(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    boxed = project.items.first()
    boxes = list(boxed.annotations.all())

    def discard(self: Any, images: Any, prompts: Any) -> list[list[Shape]]:
        review.reopen(boxed)
        changes = [review.Change(box.uid, box.version, status="discarded") for box in boxes]
        review.apply(boxed, project.members.get(), changes)
        return found(self, images, prompts)

    found = MaskingPredictor.predict_masks
    monkeypatch.setattr(MaskingPredictor, "predict_masks", discard)
    job = run(project, boxes_to_masks=True)

    assert results_of(job)[boxed.uid].reason == "labeled_meanwhile"
    assert not Annotation.objects.drafts().exists()


def test_outlines_become_boxes_where_only_boxes_are_taken(fake_model: Callable[..., None]) -> None:
    fake_model(PREDICTOR=f"{__name__}.OutliningPredictor")
    project = parts_project(picture())

    for shapes, kind in (("any", "polygon"), ("boxes", "box"), ("polygons", "polygon")):
        Project.objects.update(shapes=shapes)
        (draft,) = drafts_of(run(project))
        assert (draft.kind, draft.bbox_xyxy) == (kind, (10.0, 10.0, 30.0, 30.0))


def test_a_model_of_boxes_fails_its_job_where_only_polygons_are_taken_and_no_worker_could_say_so() -> None:
    project = parts_project(picture(1))
    Project.objects.update(shapes="polygons")
    job = run(project)

    assert job.status == "failed"
    assert "only polygons" in job.error_message


def test_mapped_classes_become_drafts_of_their_label() -> None:
    project = parts_project(picture(2, first="washer"), labels=("Scheibe", "nut"))
    make_worker()
    job = run(project, label_map={"washer": "scheibe"}, thresholds={"nut": 0.9})

    assert [draft.label.name for draft in drafts_of(job)] == ["Scheibe"]
    assert job.summary["not_drafted"]["below_threshold"] == {"nut": 1}


@pytest.mark.parametrize("shapes", ["any", "boxes"])
def test_an_edit_of_a_mapped_outline_can_be_taken_back(fake_model: Callable[..., None], shapes: str) -> None:
    fake_model(PREDICTOR=f"{__name__}.OutliningPredictor")
    project = parts_project(picture(), labels=("Scheibe", "nut"))
    Project.objects.update(shapes=shapes)
    (draft,) = drafts_of(run(project, label_map={"Washer": "Scheibe"}))
    moved: dict[str, Any] = {"box": (1, 1, 9, 9)} if shapes == "boxes" else {"polygons": [[[[1, 1], [9, 1], [9, 9]]]]}
    person = make_member(project)

    review.apply(draft.item, person, [review.Change(draft.uid, 1, label="nut", **moved)])
    (restored,) = review.apply(draft.item, person, [review.Change(draft.uid, 2, status="draft")])

    assert (restored.status, restored.label.name, restored.kind) == ("draft", "Scheibe", draft.kind)
    assert (restored.bbox_xyxy, restored.polygons) == (draft.bbox_xyxy, draft.polygons)
