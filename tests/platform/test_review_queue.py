"""Who asks for work gets what waits, in the order they want, and nobody else gets the same."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from annotation_platform.models import Item, Project
from annotation_platform.review_queue import ASSIGNED_FOR
from tests.factories import make_draft, make_manual, make_member, make_project, make_rows_of_items, make_user

pytestmark = pytest.mark.django_db
NOWHERE = "00000000-0000-4000-8000-000000000000"


@pytest.fixture
def project() -> Project:
    return make_project()


@pytest.fixture
def ask(as_user: Any, project: Project) -> Callable[..., Any]:
    """`ask("bob", count=3)`: the answer to that annotator's request."""
    clients: dict[str, Any] = {}

    def post(name: str = "bob", **body: Any) -> Any:
        if name not in clients:
            clients[name] = as_user(make_member(project, "annotator", make_user(name)))
        return clients[name].post(f"/api/v1/projects/{project.uid}/review-queue/", body, format="json")

    return post


def drafted(project: Project, *scores: float) -> list[Item]:
    """One item for each score, with a draft of that score and a better one."""
    items = make_rows_of_items(project, len(scores))
    for item, score in zip(items, scores, strict=True):
        make_draft(item, score=score)
        make_draft(item, score=1.0)
    return items


def without_finds(project: Project, number: int = 1) -> list[Item]:
    items = make_rows_of_items(project, number)
    Item.objects.filter(pk__in=[item.pk for item in items]).update(auto_labeled_at=timezone.now())
    return items


def offered(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.json()
    return [offer["uid"] for offer in answer.json()["items"]]


def uids(*items: Item) -> list[str]:
    return [item.uid for item in items]


# Orders


def test_the_most_doubtful_drafts_come_first_then_where_nothing_was_found(ask: Any, project: Project) -> None:
    [empty] = without_finds(project)
    sure, doubtful, middling = drafted(project, 0.9, 0.1, 0.5)

    answer = ask(count=4)

    assert answer.json()["items"] == [
        {"uid": doubtful.uid, "reason": "drafts"},
        {"uid": middling.uid, "reason": "drafts"},
        {"uid": sure.uid, "reason": "drafts"},
        {"uid": empty.uid, "reason": "nothing_found"},
    ]


def test_unfinished_work_without_drafts_waits_to_be_finished(ask: Any, project: Project) -> None:
    decided = make_manual(make_rows_of_items(project, 1)[0]).item
    [doubtful] = drafted(project, 0.3)

    assert offered(ask(count=2)) == uids(doubtful, decided)


def test_what_no_model_has_seen_is_offered_only_where_too_little_waits(ask: Any, project: Project) -> None:
    unseen = make_rows_of_items(project, 2)
    waiting = [*drafted(project, 0.5), *without_finds(project)]

    assert offered(ask(count=2)) == uids(*waiting)
    answer = ask(count=3)
    assert offered(answer) == uids(*waiting, unseen[0])
    assert answer.json()["items"][2]["reason"] == "unlabeled"


@pytest.mark.parametrize("order", ["score", "random", "upload"])
def test_done_and_flagged_items_are_never_offered(ask: Any, project: Project, order: str) -> None:
    make_rows_of_items(project, 2, state="done")
    make_rows_of_items(project, 2, state="flagged")
    make_rows_of_items(make_project(), 2, state="drafted")

    assert offered(ask(order=order)) == []


def test_random_is_the_order_of_the_random_uids(ask: Any, project: Project) -> None:
    waiting = [*drafted(project, *[0.5] * 5), *without_finds(project, 3)]
    unseen = make_rows_of_items(project, 2)

    assert offered(ask(order="random", count=10)) == sorted(uids(*waiting)) + sorted(uids(*unseen))


def test_in_the_order_of_upload_the_items_behind_the_given_one_come_first(ask: Any, project: Project) -> None:
    first, second = drafted(project, 0.1, 0.2)
    [third] = without_finds(project)
    [done] = make_rows_of_items(project, 1, state="done")
    fourth, fifth = drafted(project, 0.4, 0.5)

    assert offered(ask(order="upload", count=5)) == uids(first, second, third, fourth, fifth)
    assert offered(ask(order="upload", count=5, after=third.uid)) == uids(fourth, fifth, first, second, third)
    assert offered(ask(order="upload", count=2, after=done.uid)) == uids(fourth, fifth)
    assert offered(ask(order="upload", count=1, after=fifth.uid)) == uids(first)


@pytest.mark.parametrize("after", [None, NOWHERE])
def test_after_an_item_that_is_not_there_is_the_start(ask: Any, project: Project, after: str | None) -> None:
    first, _ = drafted(project, 0.1, 0.2)

    assert offered(ask(order="upload", after=after)) == uids(first)


def test_an_item_of_another_project_is_no_place_to_go_on_from(ask: Any, project: Project) -> None:
    first, second = drafted(project, 0.1, 0.2)
    elsewhere = drafted(make_project(), 0.5)[0]

    assert elsewhere.pk > second.pk
    assert offered(ask(order="upload", count=2, after=elsewhere.uid)) == uids(first, second)


# Assignments


def test_an_item_is_given_to_one_person_only(ask: Any, project: Project) -> None:
    low, middle, high = drafted(project, 0.1, 0.5, 0.9)

    assert offered(ask("bob", count=2)) == uids(low, middle)
    assert offered(ask("ann", count=2)) == uids(high)
    assert offered(ask("eve")) == []


def test_an_assignment_ends_by_itself(ask: Any, project: Project) -> None:
    [item] = drafted(project, 0.1)
    ask("bob")
    Item.objects.update(assigned_until=timezone.now() - timedelta(seconds=1))

    assert offered(ask("ann")) == uids(item)
    item.refresh_from_db()
    assert item.assigned_to.username == "ann"
    assert timedelta(minutes=4) < item.assigned_until - timezone.now() <= ASSIGNED_FOR


def test_asking_again_renews_what_is_held_and_releases_the_rest(ask: Any, project: Project) -> None:
    low, middle, high = drafted(project, 0.1, 0.5, 0.9)
    ask("bob", count=2)
    soon = timezone.now() + timedelta(seconds=10)
    Item.objects.filter(assigned_to__isnull=False).update(assigned_until=soon)

    assert offered(ask("bob", hold=[middle.uid], skip=[low.uid])) == uids(high)

    low.refresh_from_db()
    middle.refresh_from_db()
    assert (low.assigned_to, low.assigned_until) == (None, None)
    assert middle.assigned_until > soon
    assert offered(ask("ann", count=3)) == uids(low)


def test_leaving_a_project_does_not_release_what_one_holds_in_another(ask: Any, project: Project, as_user: Any) -> None:
    [item] = drafted(project, 0.1)
    ask("bob")
    other = make_project(members={item.project.members.get(username="bob"): "annotator"})
    drafted(other, 0.1)

    client = as_user(other.members.get())
    client.post(f"/api/v1/projects/{other.uid}/review-queue/", {}, format="json")

    item.refresh_from_db()
    assert item.assigned_to is not None


def test_what_is_held_or_skipped_is_not_offered(ask: Any, project: Project) -> None:
    low, middle, high = drafted(project, 0.1, 0.5, 0.9)

    assert offered(ask(hold=[low.uid], skip=[middle.uid], count=3)) == uids(high)


def test_a_held_item_that_somebody_else_has_is_told_and_stays_theirs(ask: Any, project: Project) -> None:
    low, high = drafted(project, 0.1, 0.9)
    ask("ann")

    answer = ask("bob", hold=[low.uid, high.uid])

    assert answer.json()["taken"] == [{"uid": low.uid, "by": "ann"}]
    assert answer.json()["items"] == []
    low.refresh_from_db()
    high.refresh_from_db()
    assert (low.assigned_to.username, high.assigned_to.username) == ("ann", "bob")


def test_a_held_item_whose_time_is_over_is_taken_over(ask: Any, project: Project) -> None:
    [item] = drafted(project, 0.1)
    ask("ann")
    Item.objects.update(assigned_until=timezone.now() - timedelta(seconds=1))

    assert ask("bob", hold=[item.uid]).json()["taken"] == []
    assert ask("ann", hold=[item.uid]).json()["taken"] == [{"uid": item.uid, "by": "bob"}]


@pytest.mark.parametrize("state", ["done", "flagged"])
def test_a_finished_or_flagged_item_can_be_held_like_any_other(ask: Any, project: Project, state: str) -> None:
    [item] = make_rows_of_items(project, 1, state=state)

    assert ask("bob", hold=[item.uid]).json() | {"counts": {}} == {"items": [], "taken": [], "counts": {}}
    assert ask("ann", hold=[item.uid]).json()["taken"] == [{"uid": item.uid, "by": "bob"}]


def test_unknown_items_and_those_of_other_projects_are_passed_over(ask: Any, project: Project) -> None:
    [item] = drafted(project, 0.1)
    elsewhere = drafted(make_project(), 0.1)[0]

    answer = ask(hold=[NOWHERE, elsewhere.uid], skip=[NOWHERE, elsewhere.uid], after=NOWHERE)

    assert offered(answer) == uids(item)
    elsewhere.refresh_from_db()
    assert elsewhere.assigned_to is None


def test_counts_tell_how_much_waits_whoever_has_it(ask: Any, project: Project) -> None:
    drafted(project, 0.1, 0.2)
    without_finds(project, 3)
    make_rows_of_items(project, 4)
    make_rows_of_items(project, 5, state="done")
    make_rows_of_items(project, 6, state="flagged")
    drafted(make_project(), 0.1)
    ask("ann", count=3)

    assert ask("bob").json()["counts"] == {
        "unlabeled": 7,
        "drafted": 2,
        "done": 5,
        "flagged": 6,
        "total": 20,
        "waiting": 5,
    }


def test_an_archived_project_still_gives_out_work(ask: Any, project: Project) -> None:
    [item] = drafted(project, 0.1)
    Project.objects.update(status="archived")

    assert offered(ask()) == uids(item)


# Requests


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("order", "best"),
        ("order", None),
        ("count", 0),
        ("count", 11),
        ("count", True),
        ("count", "2"),
        ("count", 1.5),
        ("after", "x"),
        ("after", 7),
        ("after", NOWHERE.replace("8", "A")),
        ("skip", "x"),
        ("skip", ["x"]),
        ("skip", [7]),
        ("skip", [None]),
        ("skip", None),
        ("skip", [NOWHERE] * 1001),
        ("hold", {}),
        ("hold", [f"{NOWHERE}\x00"]),
        ("hold", [NOWHERE] * 21),
        ("hurry", True),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(ask: Any, project: Project, field: str, value: Any) -> None:
    drafted(project, 0.1)

    answer = ask(**{field: value})

    assert (answer.status_code, list(answer.json())) == (400, [field])
    assert not Item.objects.filter(assigned_to__isnull=False).exists()


@pytest.mark.parametrize("body", ["[]", '"x"', "7", "null"])
def test_a_body_that_is_no_object_is_refused(as_user: Any, project: Project, body: str) -> None:
    client = as_user(make_member(project))

    answer = client.post(f"/api/v1/projects/{project.uid}/review-queue/", body, content_type="application/json")

    assert answer.status_code == 400


def test_the_longest_lists_are_taken(ask: Any, project: Project) -> None:
    items = make_rows_of_items(project, 1001)

    answer = ask(order="upload", skip=uids(*items[:1000]), hold=uids(*items[:20]), count=10)

    assert offered(answer) == uids(items[1000])
    assert Item.objects.filter(assigned_to__isnull=False).count() == 21


def test_a_claim_takes_as_many_queries_for_many_items(
    ask: Any, project: Project, django_assert_max_num_queries: Any
) -> None:
    items = drafted(project, *[number / 50 for number in range(40)])
    ask(count=1)

    with django_assert_max_num_queries(16):
        ask(order="upload", count=10, hold=uids(*items[:20]), after=items[5].uid)
