"""People and jobs at work on the same items, in threads with connections of their own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from django.db import transaction

from annotation_platform import review
from annotation_platform.autolabel_host import PlatformHost
from annotation_platform.models import Annotation, Item, Project
from autolabel.hosts.base import ItemDrafts, JobRef, Written
from autolabel.jobs.lane import run_lane
from autolabel.models import Prediction
from tests.factories import make_draft, make_member, make_project, make_rows_of_items

from .builders import in_threads, make_job, parts_project, results_of, run_to_end
from .fakes import picture
from .host_contract import box, drafts_for

pytestmark = pytest.mark.django_db(transaction=True)
HOST = PlatformHost()
ITEMS = 24

PersonDoes = Callable[[Item, Any], Any]


def job_on(project: Project, uid: str = "j-1", **fields: Any) -> JobRef:
    return JobRef(uid, project.uid, "running", "yolo", "1", **fields)


def accept(item: Item, user: Any) -> Any:
    """As a client that has just read the item; its drafts may be others by the time it answers."""
    drafts = [review.Change(draft.uid, draft.version, status="accepted") for draft in item.annotations.drafts()]
    return review.apply(item, user, drafts)


def draw(item: Item, user: Any) -> Any:
    return review.add(item, user, "bolt", box=(1, 1, 9, 9))


def flag(item: Item, user: Any) -> Any:
    return review.flag(item, user)


def in_transaction(call: Callable[[], Any]) -> Callable[[], Any]:
    def run() -> Any:
        with transaction.atomic():
            return call()

    return run


def assert_items_tell_what_lies_on_them(project: Project) -> None:
    for item in project.items.all():
        scores = [draft.score for draft in item.annotations.drafts()]
        assert (item.draft_count, item.lowest_score) == (len(scores), min(scores, default=None))
        if item.state != "flagged":
            assert item.state == ("drafted" if item.annotations.exists() else "unlabeled")


@pytest.mark.parametrize("does", [accept, draw, flag])
@pytest.mark.parametrize("policy", ["replace", "keep", "skip"])
def test_what_a_person_does_to_an_item_while_a_job_writes_on_it_comes_wholly_before_or_after(
    does: PersonDoes, policy: Any
) -> None:
    project = make_project()
    items = make_rows_of_items(project, ITEMS)
    earlier = {make_draft(item).item_id for item in items[::2]}
    person = make_member(project)
    written: dict[str, Written] = {}

    def write(item: Item) -> None:
        with transaction.atomic():
            written[item.uid] = HOST.write_drafts(
                job_on(project, existing_drafts=policy), [drafts_for(item.uid, box())]
            )

    def job() -> None:
        for item in items:
            write(item)

    def people() -> list[Any]:
        return [outcome_of(lambda item=item: does(item, person)) for item in reversed(items)]

    told, _ = in_threads(people, job)

    assert len(written) == ITEMS
    for item, answer in zip(reversed(items), told, strict=True):
        item.refresh_from_db()
        of_job = Counter(item.annotations.filter(job_uid="j-1").values_list("status", flat=True))
        touched = item.annotations.exclude(status="draft").count()
        if written[item.uid].taken:
            assert not of_job, "a taken item has drafts of the job"
            assert touched or item.state == "flagged"
        elif written[item.uid].left_out:
            assert not of_job
            assert item.pk in earlier
        else:
            assert sum(of_job.values()) == 1
        if isinstance(answer, review.Refused | review.VersionConflict):
            assert does is accept, answer  # the draft was replaced under the person's eyes
        elif isinstance(answer, Exception):
            raise answer
        elif does is not flag and answer:
            assert touched, "what a person did is lost"
    assert_items_tell_what_lies_on_them(project)


def outcome_of(call: Callable[[], Any]) -> Any:
    try:
        return call() or None
    except Exception as error:
        return error


def test_people_accept_while_the_job_is_taken_back_and_every_draft_is_either() -> None:
    project = make_project()
    items = make_rows_of_items(project, ITEMS)
    job, person = job_on(project), make_member(project)
    given = [drafts_for(item.uid, box(), box("nut")) for item in items]
    in_transaction(lambda: HOST.write_drafts(job, given))()

    def discard() -> dict[str, Any]:
        deleted: dict[str, Any] = {}
        while slice_ := in_transaction(lambda: HOST.delete_drafts(job, 3))():
            assert not deleted.keys() & slice_.keys()
            deleted |= slice_
        return deleted

    def people() -> list[Any]:
        return [outcome_of(lambda item=item: accept(item, person)) for item in reversed(items)]

    first, second, told = in_threads(discard, discard, people)

    assert not first.keys() & second.keys()
    gone = {uid for uids in (first | second).values() for uid in uids}
    kept = set(Annotation.objects.filter(job_uid=job.uid).values_list("prediction_uid", flat=True))
    assert gone | kept == {draft.prediction_uid for one in given for draft in one.drafts}
    assert not gone & kept
    assert set(Annotation.objects.values_list("status", flat=True)) <= {"accepted"}
    assert len(kept) == sum(len(answer) for answer in told if isinstance(answer, list))
    assert_items_tell_what_lies_on_them(project)


def test_drafts_that_two_bring_back_at_once_come_back_once() -> None:
    project = make_project()
    job = job_on(project)
    given = [drafts_for(item.uid, box(), box("nut")) for item in make_rows_of_items(project, ITEMS)]
    backwards = [ItemDrafts(one.item_uid, 0, 0, one.drafts[::-1]) for one in reversed(given)]

    written = in_threads(
        *[in_transaction(lambda items=items: HOST.restore_drafts(job, items)) for items in (given, backwards)] * 2
    )

    assert sorted(written) == [0, 0, 0, 2 * ITEMS]
    assert Annotation.objects.drafts().count() == 2 * ITEMS
    assert_items_tell_what_lies_on_them(project)


def test_jobs_that_write_on_the_same_items_in_other_orders_do_not_block_each_other() -> None:
    project = make_project()
    items = [item.uid for item in make_rows_of_items(project, ITEMS)]

    def job(number: int) -> Callable[[], Written]:
        order = items if number % 2 else items[::-1]
        return in_transaction(
            lambda: HOST.write_drafts(job_on(project, f"j-{number}"), [drafts_for(uid, box()) for uid in order])
        )

    assert in_threads(*[job(number) for number in range(6)]) == [Written()] * 6
    assert len(set(Annotation.objects.values_list("job_uid", flat=True))) == 1
    assert Annotation.objects.count() == ITEMS


def test_an_item_that_a_person_labels_while_the_job_runs_gets_no_draft_and_is_recorded_so(
    fake_model: Callable[..., None], rings: Any
) -> None:
    fake_model(BATCH_SIZE=2, OPTIONS={"seconds": 0.01})
    project = parts_project(*[picture(2)] * ITEMS)
    items, person = list(project.items.order_by("-uid")), make_member(project)
    job = make_job(project)

    def people() -> list[Any]:
        return [outcome_of(lambda item=item: review.add(item, person, "nut", box=(1, 1, 9, 9))) for item in items]

    told, *_ = in_threads(people, lambda: run_lane(job.uid), lambda: run_lane(job.uid))
    run_to_end(job)

    assert not [answer for answer in told if isinstance(answer, Exception)]
    assert Annotation.objects.filter(source="manual").count() == ITEMS
    planned = [uid for uids in job.chunks.values_list("item_uids", flat=True) for uid in uids]
    results = results_of(job)
    assert set(results) == set(planned)
    for uid, row in results.items():
        drafts = Annotation.objects.filter(item__uid=uid, job_uid=job.uid).count()
        fates = set(Prediction.objects.filter(job=job, item_uid=uid).values_list("fate", flat=True))
        if row.reason == "labeled_meanwhile":
            assert (row.outcome, drafts, fates) == ("skipped", 0, {"labeled_meanwhile"})
        else:
            assert (row.outcome, drafts, fates) == ("successful", 2, {"drafted"})
    assert_items_tell_what_lies_on_them(project)
