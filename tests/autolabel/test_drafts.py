"""Taking back what a job has made, and taking that back."""

from __future__ import annotations

from typing import Any

import pytest

from annotation_platform.models import Annotation, Project
from autolabel.exceptions import JobActive, NothingToRestore
from autolabel.jobs import drafts
from autolabel.jobs.drafts import Discarded, Restored
from autolabel.models import Job, Prediction
from tests.factories import make_draft, make_manual, make_project, make_rows_of_items

from .builders import drafts_of, make_job
from .past_jobs import decide, ended_job, fates, states

pytestmark = pytest.mark.django_db


@pytest.fixture
def project() -> Project:
    project = make_project()
    make_rows_of_items(project, 3)
    return project


@pytest.fixture
def job(project: Project) -> Job:
    """Six drafts on three items."""
    return ended_job(project)


def looks(job: Job) -> list[tuple[Any, ...]]:
    return sorted(
        (one.item.uid, one.prediction_uid, one.label.name, one.score, one.bbox_xyxy, str(one.polygons))
        for one in drafts_of(job)
    )


# Taking back


def test_all_untouched_drafts_go_and_their_items_wait_again(project: Project, job: Job) -> None:
    assert states(project) == ["drafted"] * 3

    assert drafts.discard_drafts(job) == Discarded(drafts=6, kept=0, remaining=0)
    assert not Annotation.objects.exists()
    assert states(project) == ["unlabeled"] * 3
    assert fates(job) == {"taken_back": 6}
    job.refresh_from_db()
    assert job.drafts_discarded_at is not None


def test_what_a_person_has_touched_stays(job: Job) -> None:
    accepted, discarded, *_ = drafts_of(job)
    decide(accepted)
    decide(discarded, "discarded")

    assert drafts.discard_drafts(job) == Discarded(drafts=4, kept=2, remaining=0)
    assert set(Annotation.objects.values_list("pk", flat=True)) == {accepted.pk, discarded.pk}
    assert fates(job) == {"drafted": 2, "taken_back": 4}


def test_other_jobs_drafts_and_hand_drawn_shapes_stay(project: Project, job: Job) -> None:
    item = project.items.first()
    others = {make_draft(item).pk, make_manual(item).pk}
    drafts.discard_drafts(job)

    assert set(Annotation.objects.values_list("pk", flat=True)) == others


def test_counting_takes_back_nothing(job: Job) -> None:
    decide(drafts_of(job)[0])

    assert drafts.count(job) == Discarded(drafts=5, kept=1, remaining=5)
    assert len(drafts_of(job)) == 5
    assert fates(job) == {"drafted": 6}


def test_a_second_time_there_is_nothing_left(job: Job) -> None:
    drafts.discard_drafts(job)
    job.refresh_from_db()
    first = job.drafts_discarded_at

    assert drafts.discard_drafts(job) == Discarded(0, 0, 0)
    job.refresh_from_db()
    assert job.drafts_discarded_at == first


def test_out_of_time_it_tells_how_many_remain(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drafts, "_SLICE", 1)

    assert drafts.discard_drafts(job, seconds=0) == Discarded(drafts=2, kept=0, remaining=4)
    assert fates(job) == {"drafted": 4, "taken_back": 2}
    assert drafts.discard_drafts(job) == Discarded(drafts=4, kept=0, remaining=0)


def test_a_slice_that_breaks_takes_back_nothing_of_its_own(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    """Drafts and fates change together, or not at all."""
    monkeypatch.setattr(drafts, "_SLICE", 1)
    real, calls = drafts._set_fate, []

    def second_breaks(*args: Any) -> None:
        calls.append(args)
        if len(calls) == 2:
            raise RuntimeError("power cut")
        real(*args)

    monkeypatch.setattr(drafts, "_set_fate", second_breaks)
    with pytest.raises(RuntimeError):
        drafts.discard_drafts(job)

    assert len(drafts_of(job)) == 4
    assert fates(job) == {"drafted": 4, "taken_back": 2}


def test_more_drafts_than_one_statement_may_name(monkeypatch: pytest.MonkeyPatch) -> None:
    project = make_project()
    make_rows_of_items(project, 30)
    job = ended_job(project, each=100)

    assert drafts.discard_drafts(job).drafts == 3000
    assert fates(job) == {"taken_back": 3000}
    assert drafts.restore_drafts(job) == Restored(3000, 0, 0, "")
    assert fates(job) == {"drafted": 3000}


@pytest.mark.parametrize("status", ["pending", "running"])
def test_an_active_jobs_drafts_cannot_be_taken_back(project: Project, status: str) -> None:
    job = make_job(project, status=status)

    for what in (drafts.count, drafts.discard_drafts, drafts.restore_drafts):
        with pytest.raises(JobActive, match="Cancel it, or wait"):
            what(job)


def test_a_job_without_drafts_has_none_to_take_back(project: Project) -> None:
    job = make_job(project, status="failed")

    assert drafts.discard_drafts(job) == Discarded(0, 0, 0)
    assert drafts.restore_drafts(job) == Restored(0, 0, 0, "")


# Bringing back


def test_drafts_come_back_as_they_were(project: Project, job: Job) -> None:
    before = looks(job)
    drafts.discard_drafts(job)

    assert drafts.restore_drafts(job) == Restored(restored=6, left_out=0, remaining=0, after="")
    assert looks(job) == before
    assert states(project) == ["drafted"] * 3
    assert fates(job) == {"drafted": 6}
    job.refresh_from_db()
    assert job.drafts_discarded_at is None
    assert drafts.restore_drafts(job) == Restored(0, 0, 0, "")


def test_it_can_go_back_and_forth(job: Job) -> None:
    before = looks(job)
    for _ in range(3):
        drafts.discard_drafts(job)
        drafts.restore_drafts(job)

    assert looks(job) == before


def test_drafts_come_back_beside_what_people_have_kept(job: Job) -> None:
    kept = decide(drafts_of(job)[0])
    drafts.discard_drafts(job)
    drafts.restore_drafts(job)

    assert len(drafts_of(job)) == 5
    kept.refresh_from_db()
    assert kept.status == "accepted"


def test_a_finished_item_and_one_with_drafts_of_another_job_are_left_out(project: Project, job: Job) -> None:
    drafts.discard_drafts(job)
    done, drafted, _ = project.items.order_by("pk")
    project.items.filter(pk=done.pk).update(state="done", finished_at="2026-01-01T00:00Z")
    other = make_draft(drafted)

    assert drafts.restore_drafts(job) == Restored(restored=2, left_out=4, remaining=0, after="")
    assert fates(job) == {"drafted": 2, "taken_back": 4}
    job.refresh_from_db()
    assert job.drafts_discarded_at is not None

    other.delete()
    assert drafts.restore_drafts(job) == Restored(restored=2, left_out=2, remaining=0, after="")


def test_out_of_time_it_goes_on_where_it_stopped(project: Project, job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also past items that stay left out, which would otherwise be tried for ever."""
    drafts.discard_drafts(job)
    first, *_ = sorted(item.uid for item in project.items.all())
    project.items.filter(uid=first).update(state="flagged")
    monkeypatch.setattr(drafts, "_SLICE", 1)

    done = drafts.restore_drafts(job, seconds=0)
    assert done == Restored(restored=0, left_out=2, remaining=4, after=first)
    done = drafts.restore_drafts(job, seconds=0, after=done.after)
    assert (done.restored, done.remaining) == (2, 2)
    assert drafts.restore_drafts(job, after=done.after) == Restored(2, 0, 0, "")


def test_a_label_that_is_gone_leaves_its_drafts_out(project: Project, job: Job) -> None:
    drafts.discard_drafts(job)
    project.labels.filter(name="bolt").delete()

    assert drafts.restore_drafts(job) == Restored(restored=0, left_out=6, remaining=0, after="")


def test_classes_with_other_names_and_outlines_come_back_as_the_job_had_named_them(project: Project) -> None:
    job = ended_job(project, each=1, label_map={"Schraube": "bolt"})
    square = [[[[0.0, 0.0], [8.0, 0.0], [8.0, 8.0], [0.0, 8.0]]]]
    Prediction.objects.update(label="schraube", polygons=square)
    drafts.discard_drafts(job)

    drafts.restore_drafts(job)
    assert {(one.label.name, one.kind) for one in drafts_of(job)} == {("bolt", "polygon")}
    assert [one.polygons for one in drafts_of(job)] == [square] * 3

    drafts.discard_drafts(job)
    Project.objects.filter(pk=project.pk).update(shapes="boxes")
    drafts.restore_drafts(job)
    assert {(one.kind, one.polygons) for one in drafts_of(job)} == {("box", None)}


def test_predictions_that_were_pruned_do_not_come_back(job: Job) -> None:
    drafts.discard_drafts(job)
    Prediction.objects.all().delete()

    with pytest.raises(NothingToRestore, match="pruned"):
        drafts.restore_drafts(job)


# Masks of boxes


@pytest.fixture
def masks(project: Project) -> Job:
    """A job that has drawn the mask of an accepted box on each item."""
    job = make_job(project, status="completed", boxes_to_masks=True)
    for item in project.items.all():
        box = make_manual(item, box=(10, 10, 30, 30))
        make_mask(job, box)
    return job


def make_mask(job: Job, box: Annotation) -> None:
    item, uid, outline = box.item, f"mask-of-{box.pk}", [[[[11.0, 10.0], [30.0, 10.0], [30.0, 29.0]]]]
    bounds = {"x_min": 11, "y_min": 10, "x_max": 30, "y_max": 29}
    Prediction.objects.create(
        job=job,
        item_uid=item.uid,
        ordinal=job.predictions.filter(item_uid=item.uid).count(),
        uid=uid,
        label=box.label.name,
        score=0.9,
        polygons=outline,
        source=box.uid,
        fate="drafted",
        **bounds,
    )
    fields = {"job_uid": job.uid, "prediction_uid": uid, "polygons": outline, "replaces": box.uid}
    make_draft(item, box=tuple(bounds.values()), label=box.label, **fields)


def test_masks_come_back_beside_their_boxes(masks: Job) -> None:
    before = {one.prediction_uid: one.replaces for one in drafts_of(masks)}
    assert drafts.discard_drafts(masks).drafts == 3

    assert drafts.restore_drafts(masks) == Restored(restored=3, left_out=0, remaining=0, after="")
    assert {one.prediction_uid: one.replaces for one in drafts_of(masks)} == before


def test_a_mask_is_left_out_where_its_box_is_gone(project: Project, masks: Job) -> None:
    drafts.discard_drafts(masks)
    gone, other, _ = project.items.order_by("pk")
    Annotation.objects.filter(item=gone).delete()
    make_manual(other, box=(10, 10, 31, 31))

    assert drafts.restore_drafts(masks) == Restored(restored=2, left_out=1, remaining=0, after="")
