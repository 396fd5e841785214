"""A whole job through its lanes, with the fake model on real files: what comes out, and why a job cannot run."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db.models.functions import Now

from annotation_platform import review
from annotation_platform.autolabel_host import PlatformHost
from annotation_platform.models import Annotation, Item
from autolabel.jobs import lane, lifecycle, pipeline
from autolabel.jobs.lane import run_lane
from autolabel.jobs.versions import NewVersion, add_version
from autolabel.models import Chunk, Job, Prediction, Worker
from tests.factories import make_member, make_project

from . import fakes
from .builders import add_items, balanced, drafts_of, make_job, make_worker, parts_project, results_of, run_to_end
from .fakes import FAKE_LABELS, RAISE, HookedPredictor, picture

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("rings", "fake_model")]
HOOKED = "tests.autolabel.fakes.HookedPredictor"


def outcome_of(data: bytes, known: tuple[str, ...] = FAKE_LABELS, **job_fields: Any) -> tuple[str, str]:
    """Outcome and reason of a job on one item, in a project that knows these labels."""
    project = parts_project(data, labels=known)
    add_items(project, [picture(1)])  # so that the job completes
    item = project.items.first()
    row = results_of(balanced(run_to_end(make_job(project, **job_fields))))[item.uid]
    return row.outcome, row.reason


def comparable(job: Job) -> dict[str, Any]:
    timing = ("seconds", "items_per_second")
    counts = {name: value for name, value in job.summary.items() if name not in timing}
    return {**counts, "counts": (job.total_items, job.successful_items, job.skipped_items, job.failed_items)}


# What comes out


def test_a_job_leaves_drafts_where_the_model_is_sure_and_a_result_for_every_item() -> None:
    project = parts_project(picture(3, 0.8), picture(2, 0.3), picture(0), b"no image", picture(command=RAISE))
    items = list(project.items.all())

    job = balanced(run_to_end(make_job(project)), items)

    assert job.status == "completed"
    assert (job.total_items, job.processed_items, job.progress_pct) == (5, 5, 100)
    assert (job.successful_items, job.skipped_items, job.failed_items) == (1, 2, 2)
    assert job.started_at < job.completed_at
    assert {draft.item_id for draft in drafts_of(job)} == {items[0].pk}
    assert [draft.label.name for draft in drafts_of(job)] == ["washer", "nut", "bolt"]
    assert [item.state for item in project.items.all()] == ["drafted", *["unlabeled"] * 4]


def test_an_item_without_drafts_says_why() -> None:
    assert outcome_of(picture(0)) == ("skipped", "nothing_found")
    assert outcome_of(picture(1, 0.3)) == ("skipped", "below_threshold")
    assert outcome_of(picture(1, 0.8, "bolt"), ("washer", "nut")) == ("skipped", "unmapped_label")
    assert outcome_of(picture(1, 0.8, "bolt"), ("washer", "bolt"), labels=["washer"]) == ("skipped", "filtered_label")
    assert outcome_of(b"") == ("failed", "unreadable")
    assert outcome_of(picture(command=RAISE)) == ("failed", "prediction_failed")
    assert outcome_of(picture(1)) == ("successful", "")


def test_a_threshold_is_a_least_score_and_met_exactly_it_suffices() -> None:
    score = 128 / 255

    assert outcome_of(picture(1, score), confidence_threshold=score) == ("successful", "")
    assert outcome_of(picture(1, score), confidence_threshold=score + 1e-9) == ("skipped", "below_threshold")
    assert outcome_of(picture(1, 0.06), confidence_threshold=0.0) == ("successful", "")
    assert outcome_of(picture(1, 1.0), confidence_threshold=1.0) == ("successful", "")


def test_a_failed_item_says_what_was_wrong_with_it() -> None:
    project = parts_project(picture(1), b"no image", picture(command=RAISE))
    missing = add_items(project, [picture(7)])[0]
    Path(missing.image.path).unlink()
    uids = list(project.items.values_list("uid", flat=True))

    rows = results_of(run_to_end(make_job(project)))
    assert "not an image" in rows[uids[1]].message
    assert "this image cannot be predicted" in rows[uids[2]].message
    assert "missing" in rows[uids[3]].message


def test_predictions_are_kept_down_to_the_models_floor_and_drafts_are_the_confident_ones(
    fake_model: Callable[..., None],
) -> None:
    fake_model(FLOOR=0.2)
    project = parts_project(picture(2, 0.8), picture(3, 0.3), picture(4, 0.1))

    job = balanced(run_to_end(make_job(project)))
    fates = list(Prediction.objects.filter(job=job).values_list("fate", flat=True))
    assert sorted(fates) == ["below_threshold"] * 3 + ["drafted"] * 2
    assert len(drafts_of(job)) == 2


def test_a_draft_carries_the_shape_and_names_its_prediction() -> None:
    project = parts_project(picture(2, 0.8))
    job = run_to_end(make_job(project))

    for draft in drafts_of(job):
        prediction = Prediction.objects.get(job=job, uid=draft.prediction_uid)
        assert draft.bbox_xyxy == (prediction.x_min, prediction.y_min, prediction.x_max, prediction.y_max)
        assert draft.score == prediction.score
        assert draft.label.name == prediction.label
    assert [row.ordinal for row in Prediction.objects.filter(job=job)] == [0, 1]


def test_class_names_match_the_projects_labels_without_case_and_in_the_projects_spelling() -> None:
    project = parts_project(picture(3), labels=("Washer", " NUT ", "bolt"))

    job = balanced(run_to_end(make_job(project, labels=["Washer"])))
    assert [draft.label.name for draft in drafts_of(job)] == ["Washer"]
    assert job.summary["drafts"] == {"Washer": 1}
    assert job.summary["predictions"] == {"bolt": 1, "nut": 1, "washer": 1}
    assert job.summary["not_drafted"]["filtered_label"] == {" NUT ": 1, "bolt": 1}


def test_the_summary_counts_every_group_and_names_model_scope_and_speed() -> None:
    project = parts_project(
        picture(3, 0.8), picture(2, 0.3), picture(1, 0.9, "gear"), picture(0), b"x", labels=("washer", "nut")
    )
    summary = run_to_end(make_job(project, labels=["washer"])).summary

    assert summary["predictions"] == {"bolt": 1, "gear": 1, "nut": 2, "washer": 2}
    assert summary["drafts"] == {"washer": 1}
    assert summary["not_drafted"] == {
        "below_threshold": {"washer": 1},
        "filtered_label": {"nut": 2},
        "unmapped_label": {"bolt": 1, "gear": 1},
        "labeled_meanwhile": {},
        "existing_draft": {},
    }
    assert summary["skipped"] == {"below_threshold": 1, "nothing_found": 1, "unmapped_label": 1}
    assert summary["failed"] == {"unreadable": 1}
    assert summary["scope"] == {"all": True}
    assert summary["model"]["name"] == "fake"
    assert summary["model"]["labels"] == list(FAKE_LABELS)
    assert summary["model"]["floor"] == 0.05
    assert summary["seconds"] > 0
    assert summary["items_per_second"] > 0


def test_the_summary_names_a_sample_or_how_many_named_items_were_not_eligible() -> None:
    project = parts_project(*[picture(1)] * 6)
    uids = [item.uid for item in project.items.all()[:3]]

    named = balanced(run_to_end(make_job(project, item_uids=[*uids, uids[0], "unknown"])))
    assert named.summary["scope"] == {"item_uids": 4, "not_eligible": 1}
    assert set(results_of(named)) == set(uids)
    sampled = balanced(run_to_end(make_job(project, sample=2, seed=7)))
    assert sampled.summary["scope"] == {"sample": 2, "seed": 7}
    assert sampled.total_items == 2


def test_a_dry_run_counts_the_same_and_writes_nothing() -> None:
    project = parts_project(*[picture(number % 4, 0.2 + number % 3 * 0.3) for number in range(20)], b"no image")

    dry = balanced(run_to_end(make_job(project, dry_run=True)))
    assert not Annotation.objects.exists()
    assert set(project.items.values_list("state", flat=True)) == {"unlabeled"}
    real = balanced(run_to_end(make_job(project)))
    assert comparable(dry) == comparable(real)
    assert drafts_of(real)


def test_a_dry_run_leaves_earlier_drafts_alone() -> None:
    project = parts_project(picture(2))
    earlier = run_to_end(make_job(project))
    run_to_end(make_job(project, dry_run=True))

    assert len(drafts_of(earlier)) == 2


def test_a_second_job_replaces_the_drafts_of_the_first() -> None:
    project = parts_project(picture(2, 0.8), picture(1, 0.6))
    first, second = run_to_end(make_job(project)), run_to_end(make_job(project, confidence_threshold=0.7))

    assert drafts_of(first) == []
    assert len(drafts_of(second)) == 2
    assert list(project.items.values_list("state", flat=True)) == ["drafted", "unlabeled"]


def test_a_job_over_no_items_completes() -> None:
    job = balanced(run_to_end(make_job(make_project())))

    assert (job.status, job.total_items, job.progress_pct) == ("completed", 0, 100)
    assert job.summary["items_per_second"] in (None, 0.0)


def test_a_job_whose_every_item_fails_has_failed() -> None:
    job = run_to_end(make_job(parts_project(b"x", b"y")))

    assert job.status == "failed"
    assert "not an image" in job.error_message
    assert job.failed_items == 2


def test_an_item_that_a_person_labels_while_the_model_runs_is_left_to_the_person(
    fake_model: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_model(PREDICTOR=HOOKED)
    project = parts_project(picture(2), picture(1))
    taken, free = project.items.all()
    person = make_member(project)
    monkeypatch.setattr(HookedPredictor, "hook", lambda images: review.add(taken, person, "bolt", box=(1, 1, 9, 9)))

    job = run_to_end(make_job(project))

    rows = results_of(job)
    assert (rows[taken.uid].outcome, rows[taken.uid].reason) == ("skipped", "labeled_meanwhile")
    assert rows[free.uid].outcome == "successful"
    assert list(taken.annotations.values_list("source", flat=True)) == ["manual"]
    assert set(Prediction.objects.filter(item_uid=taken.uid).values_list("fate", flat=True)) == {"labeled_meanwhile"}
    assert job.summary["not_drafted"]["labeled_meanwhile"] == {"nut": 1, "washer": 1}
    assert job.summary["drafts"] == {"washer": 1}


@pytest.mark.parametrize("touch", ["finish", "flag", "delete"])
def test_an_item_finished_flagged_or_deleted_meanwhile_is_skipped(
    touch: str, fake_model: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_model(PREDICTOR=HOOKED)
    project = parts_project(picture(1), picture(1))
    taken = project.items.first()
    acts: dict[str, Callable[[], Any]] = {
        "finish": lambda: review.finish(taken, make_member(project)),
        "flag": lambda: review.flag(taken, make_member(project)),
        "delete": lambda: Item.objects.filter(pk=taken.pk).delete(),
    }
    monkeypatch.setattr(HookedPredictor, "hook", lambda images: acts[touch]())

    job = run_to_end(make_job(project))
    assert results_of(job)[taken.uid].reason == "labeled_meanwhile"
    assert (job.successful_items, job.skipped_items) == (1, 1)
    assert len(drafts_of(job)) == 1


def test_what_a_person_labeled_before_is_not_looked_at() -> None:
    project = parts_project(picture(1), picture(1))
    review.add(project.items.first(), make_member(project), "bolt", box=(1, 1, 9, 9))

    assert run_to_end(make_job(project)).total_items == 1


def test_a_model_that_takes_any_words_is_asked_for_any_label(fake_model: Callable[..., None]) -> None:
    fake_model(PREDICTOR="tests.autolabel.fakes.OpenWordsPredictor")
    project = parts_project(picture(1), labels=("washer", "something else"))

    assert run_to_end(make_job(project, labels=["something else"])).status == "completed"


def test_a_job_of_many_chunks_counts_as_one_of_few(configure: Callable[..., None]) -> None:
    project = parts_project(*[picture(number % 4) for number in range(30)])
    few = balanced(run_to_end(make_job(project, dry_run=True)))
    configure(CHUNK_SIZE=4, PLAN_SLICE=7)
    many = balanced(run_to_end(make_job(project, dry_run=True)))

    assert many.chunks.count() > few.chunks.count()
    assert comparable(many) == comparable(few)


# What cannot run


def failed(job: Job) -> str:
    run_lane(job.uid)
    job.refresh_from_db()
    assert job.status == "failed"
    assert not job.item_results.exists()
    return job.error_message


def test_labels_that_the_model_does_not_know_fail_the_job_by_name() -> None:
    message = failed(make_job(parts_project(picture(1), labels=("washer", "Pizza")), labels=["Pizza", "washer"]))

    assert "does not know Pizza." in message
    assert "washer, nut, bolt, gear, spring" in message


@pytest.mark.parametrize(
    ("predictor", "reason"),
    [
        ("tests.autolabel.fakes.NeedsLibraryPredictor", "a_library_that_nobody_has"),
        ("tests.autolabel.fakes.UnavailablePredictor", "It needs a GPU, and there is none."),
        ("tests.autolabel.fakes.BrokenPredictor", "cannot be loaded (ValueError)"),
        ("tests.autolabel.nowhere.Predictor", "nowhere"),
        ("tests.autolabel.fakes.NoSuchPredictor", "NoSuchPredictor"),
    ],
)
def test_a_model_that_cannot_be_loaded_fails_the_job_with_the_reason(
    predictor: str, reason: str, fake_model: Callable[..., None]
) -> None:
    fake_model(PREDICTOR=predictor)

    assert reason in failed(make_job())


def test_a_model_that_cannot_be_loaded_here_leaves_the_job_to_a_worker_that_has_it_ready(
    fake_model: Callable[..., None],
) -> None:
    fake_model(PREDICTOR="tests.autolabel.fakes.UnavailablePredictor")
    here = make_worker("here")
    elsewhere = make_worker("elsewhere")
    Worker.objects.filter(pk=elsewhere.pk).update(hostname="another-machine")
    job = make_job()
    run_lane(job.uid)
    job.refresh_from_db()
    assert job.is_active

    here.refresh_from_db()
    assert here.served_models["yolo"]["ready"] is False
    assert here.served_models["yolo"]["reason"] == "It needs a GPU, and there is none."

    elsewhere.delete()
    assert "It needs a GPU" in failed(job)


def test_weights_that_are_missing_or_not_the_registered_ones_are_never_loaded(
    fake_model: Callable[..., None], tmp_path: Path
) -> None:
    weights = tmp_path / "model.pt"
    fake_model(WEIGHTS=weights, SHA256="0" * 64)
    assert "not on this machine (model.pt)" in failed(make_job())

    weights.write_bytes(b"a pickle of somebody else's")
    assert "not the registered ones" in failed(make_job())

    fake_model(WEIGHTS=weights, SHA256=hashlib.sha256(weights.read_bytes()).hexdigest().upper())
    assert run_to_end(make_job()).status == "completed"


def test_a_model_that_left_the_registry_fails_the_job() -> None:
    assert "no model 'gone'" in failed(make_job(model_type="gone"))


def test_a_job_runs_the_version_that_it_has_recorded_whatever_the_default_is_now(tmp_path: Path) -> None:
    files = {}
    for version in ("1", "2"):
        files[version] = tmp_path / f"{version}.pt"
        files[version].write_bytes(version.encode())
        sha256 = hashlib.sha256(version.encode()).hexdigest()
        add_version(NewVersion("yolo", version, str(files[version]), sha256), default=True)
    job = run_to_end(make_job(model_version="1"))

    assert job.status == "completed"
    assert job.summary["model"]["registered_version"] == "1"
    assert run_to_end(make_job(model_version="2")).summary["model"]["registered_version"] == "2"
    files["1"].write_bytes(b"swapped")
    assert "not the registered ones" in failed(make_job(model_version="1"))


def test_a_job_whose_version_is_not_registered_fails_wherever_workers_are() -> None:
    make_worker("elsewhere")

    assert failed(make_job(model_version="9")) == "The model 'yolo' has no version '9'."


def test_a_version_that_cannot_be_loaded_here_takes_nothing_from_the_default(tmp_path: Path) -> None:
    add_version(NewVersion("yolo", "2", str(tmp_path / "gone.pt"), "a" * 64))
    here, elsewhere = make_worker("here"), make_worker("elsewhere")
    Worker.objects.filter(pk=elsewhere.pk).update(hostname="another-machine")
    job = make_job(model_version="2")
    run_lane(job.uid)

    job.refresh_from_db()
    assert job.is_active  # the other worker has not tried it yet
    here.refresh_from_db()
    assert here.served_models["yolo"]["ready"] is True
    assert "gone.pt" in here.served_models["yolo"]["failed_versions"]["2"]
    elsewhere.served_models["yolo"]["failed_versions"] = {"2": "not there either"}
    elsewhere.save()
    assert "gone.pt" in failed(job)


def test_a_job_that_makes_masks_of_boxes_needs_a_model_that_takes_boxes(fake_model: Callable[..., None]) -> None:
    assert failed(make_job(boxes_to_masks=True)) == "The model fake makes no masks from boxes."

    fake_model(PREDICTOR="tests.autolabel.fakes.MaskingPredictor")
    project = parts_project(picture(0))
    review.add(project.items.first(), make_member(project), "bolt", box=(2, 3, 20, 30))
    job = run_to_end(make_job(project, boxes_to_masks=True))
    assert (job.status, job.total_items, job.successful_items) == ("completed", 1, 1)
    (draft,) = drafts_of(job)
    assert (draft.label.name, draft.bbox_xyxy) == ("bolt", (2, 3, 20, 30))
    assert draft.polygons


def test_a_label_map_makes_a_class_of_the_model_known() -> None:
    project = parts_project(picture(1, first="gear"), labels=("cog",))
    assert "does not know cog" in failed(make_job(project, labels=["cog"]))

    job = run_to_end(make_job(project, labels=["cog"], label_map={"gear": "cog"}))
    assert [draft.label.name for draft in drafts_of(job)] == ["cog"]


def test_a_label_may_have_a_threshold_of_its_own() -> None:
    project = parts_project(picture(2, 0.6))
    job = run_to_end(make_job(project, thresholds={"washer": 0.9}))

    assert [draft.label.name for draft in drafts_of(job)] == ["nut"]


def test_a_project_that_is_gone_fails_the_job() -> None:
    project = parts_project(picture(1))
    job = make_job(project)
    project.delete()

    assert failed(job) == "The project no longer exists."


def test_a_job_that_does_not_exist_or_has_ended_is_left_alone() -> None:
    run_lane("00000000-0000-4000-8000-000000000000")
    job = make_job(status="cancelled")
    run_lane(job.uid)

    job.refresh_from_db()
    assert (job.status, job.started_at) == ("cancelled", None)


# Stopping, handing over, calling for help


def test_a_lane_told_to_stop_gives_its_chunk_back_and_rings_for_a_successor(
    configure: Callable[..., None], rings: Any
) -> None:
    configure(CHUNK_SIZE=4)
    project = parts_project(*[picture(1)] * 12)
    job = make_job(project)
    asked = iter([False] * 5)

    run_lane(job.uid, should_stop=lambda: next(asked, True))

    job.refresh_from_db()
    assert job.status == "running"
    assert not job.chunks.filter(state="leased").exists()
    assert {chunk.attempts for chunk in job.chunks.filter(state="waiting")} == {0}
    assert rings[-1] == (job.uid, "autolabel", 1)
    balanced(run_to_end(job), project.items.all())


def test_a_lane_told_to_stop_while_planning_hands_over_too(configure: Callable[..., None], rings: Any) -> None:
    configure(PLAN_SLICE=2, LEASE_SECONDS=0.0)
    project = parts_project(*[picture(1)] * 5)
    job = make_job(project)

    run_lane(job.uid, should_stop=lambda: True)

    job.refresh_from_db()
    assert job.planned_at is None
    assert rings[-1] == (job.uid, "autolabel", 1)
    configure(LEASE_SECONDS=30.0)
    balanced(run_to_end(job), project.items.all())


def test_a_lane_whose_time_is_over_hands_over_so_that_other_jobs_get_their_turn(
    configure: Callable[..., None], fake_model: Callable[..., None], rings: Any
) -> None:
    configure(CHUNK_SIZE=2, LANE_SECONDS=0.05, LANES_PER_JOB=1)
    fake_model(OPTIONS={"seconds": 0.03})
    project = parts_project(*[picture(1)] * 12)
    job = make_job(project)
    rings.depth = 1

    run_lane(job.uid)

    job.refresh_from_db()
    assert job.status == "running"
    assert 0 < job.processed_items < 12
    assert rings == [(job.uid, "autolabel", 1)]
    balanced(run_to_end(job), project.items.all())


def test_a_lane_that_nobody_waits_for_goes_on(configure: Callable[..., None], fake_model: Any, rings: Any) -> None:
    configure(CHUNK_SIZE=2, LANE_SECONDS=0.01)
    fake_model(OPTIONS={"seconds": 0.02})
    job = make_job(parts_project(*[picture(1)] * 12))

    run_lane(job.uid)

    job.refresh_from_db()
    assert job.status == "completed"
    assert rings == []


def test_the_first_lane_rings_for_as_many_as_the_chunks_can_use(configure: Callable[..., None], rings: Any) -> None:
    configure(CHUNK_SIZE=1, LANES_PER_JOB=3)
    for number in range(4):
        make_worker(f"worker-{number}")
    job = make_job(parts_project(*[picture(1)] * 10))
    run_lane(job.uid)
    assert rings == [(job.uid, "autolabel", 2)]

    rings.clear()
    rings.queued = 1
    run_lane(make_job(parts_project(*[picture(1)] * 10)).uid)
    assert [lanes for _, _, lanes in rings] == [1]


def test_a_small_job_needs_no_second_lane(rings: Any) -> None:
    run_lane(make_job(parts_project(picture(1), picture(2))).uid)

    assert rings == []


def test_a_cancelled_job_ends_soon_even_within_a_chunk(
    configure: Callable[..., None], fake_model: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(CANCEL_POLL_SECONDS=0.02, CHUNK_SIZE=64)
    fake_model(PREDICTOR=HOOKED, BATCH_SIZE=1)
    job = make_job(parts_project(*[picture(1)] * 60))
    batches: list[int] = []

    def cancel_at_third(images: Any) -> None:
        batches.append(len(images))
        if len(batches) == 3:
            lifecycle.cancel(job.pk)
            time.sleep(0.2)

    monkeypatch.setattr(HookedPredictor, "hook", cancel_at_third)
    run_lane(job.uid)

    job.refresh_from_db()
    assert job.status == "cancelled"
    assert len(batches) < 6
    assert job.processed_items == job.item_results.count() == 2


def test_a_storage_that_stalls_gives_the_chunk_back_and_the_job_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pipeline, "_STORAGE_RETRY_SECONDS", (0.0,))
    real = PlatformHost.open_image

    def away(self: Any, project: Any, item_uid: str) -> Any:
        raise TimeoutError("bucket does not answer")

    monkeypatch.setattr(PlatformHost, "open_image", away)
    project = parts_project(*[picture(1)] * 3)
    job = make_job(project)
    run_lane(job.uid)

    job.refresh_from_db()
    assert (job.status, job.stalled_reason) == ("running", "Waits for the storage: bucket does not answer")
    assert [chunk.attempts for chunk in job.chunks.all()] == [0]
    monkeypatch.setattr(PlatformHost, "open_image", real)
    assert balanced(run_to_end(job), project.items.all()).stalled_reason == ""


# A model that only so many lanes may run at once


def busy(job: Job) -> Chunk:
    """Another worker's lane is at work on the job."""
    lifecycle.start(job.pk)
    return Chunk.objects.create(job=job, item_uids=[], state="leased", token="t", lease_until=Now() + timedelta(0, 30))


def test_a_lane_without_a_place_ends_before_it_loads_the_model_and_the_job_says_why(
    fake_model: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_model(CONCURRENCY=1)
    held, job = busy(make_job()), make_job()
    monkeypatch.setattr(lane, "load_predictor", None)
    run_lane(job.uid)

    job.refresh_from_db()
    assert (job.status, job.stalled_reason) == (
        "pending",
        "As many workers as this model may have are at work on other jobs.",
    )
    monkeypatch.undo()
    fake_model(CONCURRENCY=1)
    Chunk.objects.filter(pk=held.pk).update(lease_until=Now() - timedelta(0, 1))  # it died
    run_to_end(job)
    assert (job.status, job.stalled_reason) == ("completed", "")


def test_a_lane_that_leaves_its_place_rings_for_the_jobs_that_wait_each_in_its_turn(
    fake_model: Callable[..., None], configure: Callable[..., None], rings: Any
) -> None:
    configure(CHUNK_SIZE=2, LANE_SECONDS=0.0)
    fake_model(CONCURRENCY=1)
    first, second, third = (make_job(parts_project(*[picture(1)] * 6)) for _ in range(3))
    other_model = make_job(model_type="another")

    run_lane(second.uid)
    assert [uid for uid, _, _ in rings] == [third.uid, first.uid, second.uid, third.uid, first.uid]
    assert other_model.uid not in [uid for uid, _, _ in rings]
    rings.clear()
    rings.queued = 1  # they are on their way
    run_lane(second.uid)
    assert rings == [(second.uid, "autolabel", 1)]


def test_a_job_rings_for_no_more_lanes_than_its_model_may_have(
    fake_model: Callable[..., None], configure: Callable[..., None], rings: Any
) -> None:
    configure(CHUNK_SIZE=1, LANES_PER_JOB=8)
    fake_model(CONCURRENCY=2)
    for number in range(4):
        make_worker(f"worker-{number}")
    run_lane(make_job(parts_project(*[picture(1)] * 10)).uid)

    assert [lanes for _, _, lanes in rings] == [1]


def test_a_job_cancelled_meanwhile_leaves_its_place_at_once(
    fake_model: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_model(PREDICTOR=HOOKED, CONCURRENCY=1)
    job = make_job()
    monkeypatch.setattr(HookedPredictor, "hook", lambda images: lifecycle.cancel(job.pk))
    run_lane(job.uid)

    assert not Chunk.objects.leased().exists()


def test_the_model_stays_loaded_from_one_job_to_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    loaded: list[Any] = []
    real = fakes.FakePredictor.__init__
    monkeypatch.setattr(fakes.FakePredictor, "__init__", lambda self, spec: loaded.append(spec) or real(self, spec))
    for _ in range(3):
        run_to_end(make_job())

    assert len(loaded) == 1
