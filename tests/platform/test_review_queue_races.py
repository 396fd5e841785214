"""Two people never get the same item, however close together they ask."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from annotation_platform import review_queue
from annotation_platform.models import Item
from annotation_platform.review_queue import Request
from tests.autolabel.builders import in_threads
from tests.factories import make_draft, make_project, make_rows_of_items, make_user

PEOPLE = 8
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize("order", review_queue.ORDERS)
def test_of_many_who_ask_at_once_each_gets_items_of_their_own(order: str) -> None:
    project = make_project()
    for number, item in enumerate(make_rows_of_items(project, PEOPLE * 2 + 3)):
        make_draft(item, score=number / 100)
    people = [make_user() for _ in range(PEOPLE)]

    def ask(person: Any) -> Any:
        return lambda: review_queue.claim(project, person, Request(order=order, count=2))

    claims = in_threads(*[ask(person) for person in people])

    given = Counter(offer.uid for claim in claims for offer in claim.offers)
    assert sum(given.values()) == PEOPLE * 2
    assert set(given.values()) == {1}
    for person, claim in zip(people, claims, strict=True):
        assert set(Item.objects.filter(assigned_to=person).values_list("uid", flat=True)) == {
            offer.uid for offer in claim.offers
        }


def test_of_many_who_want_the_last_item_one_gets_it() -> None:
    project = make_project()
    [item] = make_rows_of_items(project, 1, state="drafted")
    people = [make_user() for _ in range(PEOPLE)]

    claims = in_threads(
        *[lambda person=person: review_queue.claim(project, person, Request(count=3)) for person in people]
    )

    winners = [person for person, claim in zip(people, claims, strict=True) if claim.offers]
    item.refresh_from_db()
    assert winners == [item.assigned_to]


def test_people_who_hold_each_others_items_do_not_block_each_other() -> None:
    project = make_project()
    uids = [item.uid for item in make_rows_of_items(project, PEOPLE, state="drafted")]
    people = [make_user() for _ in range(PEOPLE)]
    for person in people:
        review_queue.claim(project, person, Request(order="upload"))

    for held in (uids, uids[::-1], []):
        claims = in_threads(
            *[
                lambda person=person, held=held: review_queue.claim(project, person, Request(hold=held, count=2))
                for person in people
            ]
        )
        assert all(isinstance(claim, review_queue.Claim) for claim in claims), claims
