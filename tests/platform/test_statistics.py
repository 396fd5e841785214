"""The statistics page: how many drafts were kept, by label, by job and by score, and which threshold that suggests."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from annotation_platform.models import Annotation, BulkReview, Item, Membership, Project
from annotation_platform.pages.statistics_page import advice_on
from annotation_platform.pages.verdicts import Verdicts
from autolabel.models import Job
from tests.factories import make_draft, make_item, make_manual, make_member, make_project, make_rows_of_items, make_user
from tests.platform.browsing import assert_fit_for_a_strict_policy, signed_in, visit, words_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def project() -> Project:
    return make_project(labels=["bolt", "nut", "washer"])


@pytest.fixture
def item(project: Project) -> Item:
    return make_rows_of_items(project, 1)[0]


def make_verdict(item: Item, verdict: str, **fields: Any) -> Annotation:
    """A draft that somebody has accepted, edited, discarded, or left waiting."""
    if verdict == "waiting":
        return make_draft(item, **fields)
    status = "discarded" if verdict == "discarded" else "accepted"
    return make_draft(item, status=status, edited=verdict == "edited", reviewed_at=timezone.now(), **fields)


def make_verdicts(item: Item, number: int, verdict: str, **fields: Any) -> None:
    for _ in range(number):
        make_verdict(item, verdict, **fields)


def make_job(project: Project, **fields: Any) -> Job:
    ended = {"status": "completed", "completed_at": timezone.now(), "model_type": "yolo"}
    return Job.objects.create(project_uid=project.uid, **ended | fields)


def seen(project: Project) -> Any:
    return visit(signed_in(make_member(project, "viewer")), "project-statistics", project.uid)


# Who sees it


def test_strangers_are_sent_to_sign_in_and_others_find_nothing(project: Project) -> None:
    address = reverse("project-statistics", args=[project.uid])

    assert Client().get(address).url == f"{reverse('sign-in')}?next={address}"
    assert signed_in(make_user(is_superuser=True)).get(address).status_code == 404


@pytest.mark.parametrize("role", Membership.Role.values)
def test_members_of_any_role_see_it(project: Project, role: str) -> None:
    assert b"Verdicts" not in visit(signed_in(make_member(project, role)), "project-statistics", project.uid).content


# Totals


def test_an_empty_project_says_what_will_be_here(project: Project) -> None:
    html = seen(project).content.decode()

    assert "Nothing to count yet" in html
    assert "<pattern" not in html


def test_totals_say_how_many_images_drafts_and_misses_there_are(project: Project, item: Item) -> None:
    make_rows_of_items(project, 2, state="done")
    make_verdicts(item, 6, "accepted")
    make_verdicts(item, 1, "edited")
    make_verdicts(item, 3, "discarded")
    make_verdicts(item, 2, "waiting")

    words = words_of(seen(project).content.decode())

    assert "Images 3 done 2 drafted 1 unlabeled 0 flagged 0" in words
    assert "Drafts decided 10 of 12" in words
    assert "accepted as they were 6 · 60% edited 1 · 10% discarded 3 · 30%" in words


def test_missed_objects_are_those_drawn_on_images_that_a_model_had_gone_over(project: Project, item: Item) -> None:
    modelled = make_rows_of_items(project, 1)[0]
    Item.objects.filter(pk=modelled.pk).update(auto_labeled_at=timezone.now())
    make_manual(modelled)
    make_manual(modelled, status="discarded")
    make_manual(item)

    total = seen(project).context["total"]

    assert (total.missed, total.by_hand, total.drafts) == (1, 2, 0)


def test_what_lies_in_another_project_is_not_counted(project: Project) -> None:
    make_verdicts(make_item(), 3, "accepted")

    assert seen(project).context["total"] == Verdicts()


# By label and by job


def test_verdicts_are_counted_by_label_most_drafts_first(project: Project, item: Item) -> None:
    make_verdicts(item, 2, "accepted", label="nut")
    make_verdicts(item, 1, "edited", label="nut")
    make_verdicts(item, 1, "discarded", label="nut")
    make_verdicts(item, 1, "waiting", label="bolt")
    make_manual(item, label="bolt")

    bars = seen(project).context["label_bars"]

    assert [(bar.of.name, bar.verdicts) for bar in bars] == [
        ("nut", Verdicts(accepted=2, edited=1, discarded=1)),
        ("bolt", Verdicts(waiting=1, by_hand=1)),
    ]


def test_a_bar_is_as_wide_as_its_pieces_are_long(project: Project, item: Item) -> None:
    make_verdicts(item, 3, "accepted")
    make_verdicts(item, 1, "waiting")

    html = seen(project).content.decode()

    assert 'class="piece accepted" fill="url(#fill-accepted)" x="0.00%" width="75.00%"' in html
    assert 'class="piece waiting" fill="url(#fill-waiting)" x="75.00%" width="25.00%"' in html
    assert 'aria-label="3 accepted as they were, 0 edited, 0 discarded, 1 waiting"' in html


def test_each_plot_has_its_numbers_in_a_table(project: Project, item: Item) -> None:
    job = make_job(project)
    make_verdicts(item, 3, "accepted", label="nut", score=0.81, job_uid=job.uid)
    make_verdicts(item, 2, "discarded", label="nut", score=0.82, job_uid=job.uid)

    tables = re.findall(r"<tbody>(.*?)</tbody>", seen(project).content.decode(), re.DOTALL)

    by_score, by_label, by_job = map(words_of, tables)
    assert by_score == "0.80 to 0.85 3 0 2 0 3 of 5"
    assert by_label == "nut 3 0 2 0 0"
    assert by_job.endswith("UTC 3 0 2 0")


def test_verdicts_are_counted_for_the_newest_jobs_without_dry_runs(project: Project, item: Item) -> None:
    oldest, *others = [make_job(project, model_type=f"model {number}") for number in range(21)]
    make_job(project, dry_run=True)
    make_verdict(item, "accepted", job_uid=oldest.uid)
    make_verdicts(item, 2, "edited", job_uid=others[-1].uid)

    bars = seen(project).context["job_bars"]

    assert [bar.of.model_type for bar in bars] == [job.model_type for job in reversed(others)]
    assert [bar.verdicts for bar in bars] == [Verdicts(edited=2)] + [Verdicts()] * 19


# By score


def test_drafts_are_counted_in_twentieths_of_the_scores(project: Project, item: Item) -> None:
    for score in (0.0, 0.29, 0.3, 0.57, 0.999, 1.0):
        make_verdict(item, "accepted", score=score)

    columns = seen(project).context["columns"]

    assert len(columns) == 20
    counted = {round(column.start, 2): column.verdicts.accepted for column in columns if column.verdicts.accepted}
    assert counted == {0.0: 1, 0.25: 1, 0.3: 1, 0.55: 1, 0.95: 2}
    assert [column.above.accepted for column in columns][::10] == [6, 3]


def test_what_was_decided_in_bulk_says_nothing_about_scores(project: Project, item: Item) -> None:
    bulk = BulkReview.objects.create(project=project, verdict="accepted")
    make_verdicts(item, 30, "accepted", score=0.9, bulk_review=bulk)
    make_verdict(item, "discarded", score=0.9)

    response = seen(project)

    assert response.context["scored"] == Verdicts(discarded=1)
    assert "30 drafts decided in bulk are left out" in words_of(response.content.decode())


def by_score(**bins: tuple[int, int]) -> dict[int, Verdicts]:
    """`at_80=(kept, lost)`."""
    return {int(name[3:]): Verdicts(accepted=kept, discarded=lost) for name, (kept, lost) in bins.items()}


def test_many_good_drafts_do_not_hide_bad_ones_far_below_them() -> None:
    advice = advice_on({99: Verdicts(accepted=1000), 10: Verdicts(discarded=40)})

    assert advice is not None
    assert (advice.threshold, advice.is_safe) == (0.99, True)


def test_the_advice_is_the_lowest_score_from_which_on_enough_were_kept() -> None:
    advice = advice_on(by_score(at_95=(20, 0), at_80=(75, 5), at_70=(10, 10)))

    assert advice is not None
    assert (advice.threshold, advice.kept, advice.decided, advice.share) == (0.8, 95, 100, 95)
    assert advice.is_safe


def test_an_edited_draft_was_not_kept_as_it_was() -> None:
    advice = advice_on({90: Verdicts(accepted=20, edited=20)})

    assert advice is not None
    assert (advice.share, advice.is_safe) == (50, False)


def test_a_share_below_the_wanted_one_is_not_rounded_up_to_it() -> None:
    advice = advice_on(by_score(at_80=(1899, 101)))

    assert advice is not None
    assert (advice.share, advice.is_safe) == (94, False)


def test_without_a_safe_score_the_best_one_is_named() -> None:
    advice = advice_on(by_score(at_90=(18, 2), at_50=(10, 30)))

    assert advice is not None
    assert (advice.threshold, advice.share, advice.is_safe) == (0.9, 90, False)


def test_scores_at_which_nothing_was_decided_are_no_advice() -> None:
    advice = advice_on(by_score(at_80=(30, 0)) | {60: Verdicts(waiting=100)})

    assert advice is not None
    assert advice.threshold == 0.8


@pytest.mark.parametrize("decided", [{}, by_score(at_90=(19, 0)), {90: Verdicts(waiting=500)}])
def test_too_few_verdicts_give_no_advice(decided: dict[int, Verdicts]) -> None:
    assert advice_on(decided) is None


def test_the_advice_leads_to_the_review_grid_with_its_threshold(project: Project, item: Item) -> None:
    make_verdicts(item, 20, "accepted", score=0.83)
    make_verdicts(item, 5, "discarded", score=0.4)
    make_draft(item)

    html = seen(project).content.decode()

    assert "Drafts at 0.83 or more were kept as they were in 100 of 100 cases (20 of 20)" in words_of(html)
    assert f'href="{reverse("review-grid", args=[project.uid])}?threshold=0.83"' in html


def test_too_few_verdicts_are_said_to_be_too_few(project: Project, item: Item) -> None:
    make_verdicts(item, 19, "accepted")

    assert "At least 20 drafts must be decided one by one" in words_of(seen(project).content.decode())


# What it costs


def test_it_takes_as_many_queries_for_many_shapes_labels_and_jobs(django_assert_num_queries: Any) -> None:
    project = make_project(labels=[f"label {number}" for number in range(20)])
    now = timezone.now()
    for number, item in enumerate(make_rows_of_items(project, 20)):
        job = make_job(project, created_by=make_user(), created_at=now - timedelta(days=number))
        label = f"label {number}"
        make_verdict(item, "accepted", label=label, job_uid=job.uid, score=number / 20)
        make_verdict(item, "waiting", label=label, job_uid=job.uid)
        make_manual(item, label=label)
    client = signed_in(make_member(project))

    # Session, user, project with role; verdicts by label, by score and by job; labels, jobs, counts.
    with django_assert_num_queries(9):
        visit(client, "project-statistics", project.uid)


def test_it_is_fit_for_a_strict_content_security_policy(project: Project, item: Item) -> None:
    make_verdicts(item, 20, "accepted")

    assert_fit_for_a_strict_policy(seen(project).content.decode())
