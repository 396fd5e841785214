"""The review grid: which images it shows in which order, what it draws on them, and who may decide there."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from annotation_platform.models import BulkReview, Item, Label, Membership, Project
from annotation_platform.pages.outlines import Frame
from tests.factories import (
    SQUARE,
    make_draft,
    make_item,
    make_manual,
    make_member,
    make_project,
    make_rows_of_items,
    make_user,
)
from tests.platform.browsing import assert_fit_for_a_strict_policy, signed_in, visit, words_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def project() -> Project:
    return make_project(labels=["bolt", "nut"])


def make_items(project: Project, **drafts: list[tuple[str, float]]) -> dict[str, Item]:
    """Items by name, each with these drafts: pairs of label and score."""
    items = make_rows_of_items(project, len(drafts))
    for item, (name, shapes) in zip(items, drafts.items(), strict=True):
        item.name = name
        item.save(update_fields=["name"])
        for label, score in shapes:
            make_draft(item, label=label, score=score)
    return {item.name: item for item in items}


def seen(project: Project, query: str = "", role: str = "annotator") -> Any:
    return visit(signed_in(make_member(project, role)), "review-grid", project.uid, query=query)


def names(response: Any) -> list[str]:
    return [card.item.name for card in response.context["cards"]]


# Who sees it


def test_strangers_are_sent_to_sign_in_and_others_find_nothing(project: Project) -> None:
    address = reverse("review-grid", args=[project.uid])

    assert Client().get(address).url == f"{reverse('sign-in')}?next={address}"
    assert signed_in(make_user(is_superuser=True)).get(address).status_code == 404


@pytest.mark.parametrize(("role", "may_decide"), [("viewer", False), ("annotator", True), ("manager", True)])
def test_viewers_see_the_images_without_controls(project: Project, role: str, may_decide: bool) -> None:
    item = make_items(project, part=[("bolt", 0.8)])["part"]
    user = make_member(project, role)
    BulkReview.objects.create(project=project, user=user, verdict="accepted", drafts=3, items=2)

    html = visit(signed_in(user), "review-grid", project.uid).content.decode()

    assert f'data-card="{item.uid}"' in html
    for control in ("data-accept", "data-discard", "data-undo", "data-select-page", '"checkbox"', "data-accept-label"):
        assert (control in html) is may_decide, control


# Which images, in which order


def test_it_shows_open_images_with_drafts(project: Project) -> None:
    items = make_items(project, drafted=[("bolt", 0.8)], flagged=[("bolt", 0.8)], bare=[])
    Item.objects.filter(pk=items["flagged"].pk).update(state="flagged")
    make_manual(items["bare"])
    make_items(make_project(), elsewhere=[("bolt", 0.8)])

    assert names(seen(project)) == ["drafted"]


@pytest.mark.parametrize(
    ("sort", "order"),
    [("score", "cab"), ("drafts", "bca"), ("name", "abc"), ("", "cab"), ("bogus", "cab")],
)
def test_it_sorts_by_lowest_score_by_number_of_drafts_or_by_name(project: Project, sort: str, order: str) -> None:
    make_items(
        project,
        b=[("bolt", 0.9), ("nut", 0.8), ("nut", 0.95)],
        c=[("bolt", 0.3), ("nut", 0.99)],
        a=[("bolt", 0.7)],
    )

    assert "".join(names(seen(project, f"?sort={sort}"))) == order


@pytest.mark.parametrize(
    ("query", "fitting"),
    [
        ("?label=nut", "bc"),
        ("?min=0.8", "b"),
        ("?max=0.5", "ac"),
        ("?min=0.5&max=0.6", "c"),
        ("?label=nut&min=0.3&max=0.6", "c"),
        ("?label=bolt&min=0.9", ""),
    ],
)
def test_it_filters_by_label_and_score_of_the_same_draft(project: Project, query: str, fitting: str) -> None:
    make_items(project, a=[("bolt", 0.4)], b=[("nut", 0.8)], c=[("bolt", 0.5), ("nut", 0.6), ("nut", 0.2)])

    assert "".join(sorted(names(seen(project, query)))) == fitting


@pytest.mark.parametrize(
    "query",
    [
        "?label=bogus",
        "?min=x&max=nan",
        "?min=-3&max=inf",
        "?min=1&max=0",
        "?min=&max=&label=",
        "?threshold=x",
        "?page=99",
    ],
)
def test_a_senseless_address_shows_all_drafts(project: Project, query: str) -> None:
    make_items(project, a=[("bolt", 0.4)])

    assert names(seen(project, query)) == ["a"]


def test_sixty_images_are_a_page_and_the_pager_keeps_the_filter(project: Project) -> None:
    make_items(project, **{f"{number:02}": [("bolt", 0.5)] for number in range(61)})

    first, second = seen(project, "?label=bolt&sort=name"), seen(project, "?label=bolt&sort=name&page=2")

    assert (len(names(first)), names(second)) == (60, ["60"])
    assert "?label=bolt&amp;sort=name&amp;page=2" in first.content.decode()
    assert "61 images with drafts that fit" in words_of(first.content.decode())


# What is drawn


def test_a_card_says_how_many_drafts_there_are_and_how_low_they_score(project: Project) -> None:
    item = make_items(project, part=[("bolt", 0.42), ("nut", 0.9)])["part"]

    html = seen(project).content.decode()

    assert "part 2 drafts, lowest 0.42" in words_of(html)
    assert f'href="{reverse("item", args=[item.uid])}"' in html
    assert "1 of 2 drafts, lowest 0.90" in words_of(seen(project, "?label=nut").content.decode())


def test_drafts_are_drawn_in_their_labels_colours_and_others_are_hinted_at(project: Project) -> None:
    item = make_items(project, part=[("bolt", 0.42), ("nut", 0.9)])["part"]
    make_manual(item)
    color = Label.objects.get(project=project, name="nut").color

    html = seen(project, "?label=nut").content.decode()

    drawn, hinted = sorted(re.findall(r'<path [^>]*fill="#[^>]*>', html), key=lambda path: "aside" in path)
    assert f'stroke="{color}"' in drawn
    assert 'data-score="0.9"' in drawn
    assert 'class="aside"' in hinted
    assert "data-score" not in hinted


def test_outlines_are_drawn_on_the_scale_of_the_thumbnail() -> None:
    frame = Frame.of(Item(width=6000, height=4000))

    assert (frame.width, frame.height) == (600, 400)
    assert frame.box_path(100, 200, 1100, 700) == "M10 20h100v50H10z"


def test_a_polygon_keeps_its_holes_and_loses_points_that_nobody_can_tell_apart() -> None:
    frame = Frame.of(Item(width=600, height=300))
    exterior = [[0, 0], [100, 0], [100.4, 0.3], [101, 1], [100, 100], [0, 100]]
    hole = [[20, 20], [40, 20], [40, 40]]
    speck = [[7, 7], [8, 7], [8, 8]]

    assert frame.polygon_path([[exterior, hole], [speck]]) == "M0 0l100 0 0 100 -100 0zM20 20l20 0 0 20z"


def test_the_smallest_box_and_polygon_can_still_be_seen(project: Project) -> None:
    item = make_item(project, size=(6000, 10))
    make_draft(item, polygons=SQUARE, box=(10.0, 1.0, 12.0, 2.0))

    [card] = seen(project).context["cards"]

    assert card.frame.box_path(10, 1, 12, 2) == "M1 0h4v4H1z"
    assert card.outlines[0].path


def test_the_labels_say_how_many_drafts_wait_at_which_score(project: Project) -> None:
    items = make_items(project, a=[("bolt", 0.29), ("bolt", 0.291), ("nut", 0.57)], b=[("bolt", 1.0)], c=[("nut", 0.9)])
    Item.objects.filter(pk=items["c"].pk).update(state="flagged")

    response = seen(project, "?label=nut&min=0.5")

    sent = re.search(r'<script id="waiting-drafts" type="application/json">(.*?)</script>', response.content.decode())
    assert sent
    assert json.loads(sent[1]) == {"bolt": [[29, 2], [100, 1]], "nut": [[57, 1]]}
    assert [(label.name, n) for label, n in response.context["label_rows"]] == [("bolt", 3), ("nut", 1)]


# Undo


@pytest.mark.parametrize(
    ("fields", "is_offered"),
    [({}, True), ({"undone_at": timezone.now()}, False), ({"age": timedelta(minutes=61)}, False)],
    ids=["fresh", "undone", "old"],
)
def test_the_last_bulk_review_can_be_taken_back_for_an_hour(
    project: Project, fields: dict[str, Any], is_offered: bool
) -> None:
    user = make_member(project)
    age = fields.pop("age", timedelta())
    made = BulkReview.objects.create(
        project=project, user=user, verdict="accepted", drafts=83, items=20, finished=1, **fields
    )
    BulkReview.objects.filter(pk=made.pk).update(created_at=timezone.now() - age)

    html = visit(signed_in(user), "review-grid", project.uid).content.decode()

    assert ("83 drafts accepted on 20 images, 1 image finished" in words_of(html)) is is_offered
    assert (f'data-undo="{reverse("platform-api:bulk-review-undo", args=[made.uid])}"' in html) is is_offered


def test_what_others_did_is_not_offered_to_be_taken_back(project: Project) -> None:
    BulkReview.objects.create(project=project, user=make_member(project), verdict="accepted", drafts=1, items=1)

    assert b"data-undo" not in seen(project).content


# Nothing to show


def test_without_drafts_it_says_where_they_come_from(project: Project) -> None:
    make_rows_of_items(project, 2)

    words = words_of(seen(project).content.decode())

    assert "No drafts wait for a verdict" in words
    assert "2 images have no labels yet" in words
    assert "Review one by one" in words
    assert "Review one by one" not in words_of(seen(project, role="viewer").content.decode())


def test_a_filter_that_nothing_fits_can_be_left(project: Project) -> None:
    make_items(project, a=[("bolt", 0.4)])

    html = seen(project, "?label=nut").content.decode()

    assert "No draft fits" in html
    assert f'href="{reverse("review-grid", args=[project.uid])}">Show all drafts' in html


# How it is sent


def test_the_grid_comes_alone_when_asked_for(project: Project) -> None:
    make_items(project, a=[("bolt", 0.4)])
    address = reverse("review-grid", args=[project.uid])

    response = signed_in(make_member(project)).get(address, headers={"HX-Request": "true", "HX-Target": "grid"})

    assert b"<html" not in response.content
    assert b'id="grid"' in response.content
    assert "HX-Target" in response["Vary"]


@pytest.mark.parametrize("query", ["", "?label=label+1&min=0.1&sort=drafts"])
def test_it_takes_as_many_queries_for_many_images_labels_and_drafts(django_assert_num_queries: Any, query: str) -> None:
    project = make_project(labels=[f"label {number}" for number in range(20)])
    shapes = [(f"label {number}", 0.5) for number in range(20)]
    make_items(project, **{f"{number}": shapes for number in range(5)})
    client = signed_in(make_member(project))

    # Session, user, project with role, labels; how many items, the items, their drafts; waiting drafts, counts, undo.
    with django_assert_num_queries(10):
        visit(client, "review-grid", project.uid, query=query)


def test_it_is_fit_for_a_strict_content_security_policy(project: Project) -> None:
    make_items(project, a=[("bolt", 0.4)])

    assert_fit_for_a_strict_policy(seen(project).content.decode())


@pytest.mark.parametrize("role", Membership.Role.values)
def test_every_page_of_a_project_leads_to_the_others(project: Project, role: str) -> None:
    client = signed_in(make_member(project, role))
    pages = ["project", "review-grid", "project-flagged", "project-statistics"]

    for name in pages:
        html = visit(client, name, project.uid).content.decode()
        nav = re.search(r'<nav class="project-nav".*?</nav>', html, re.DOTALL)
        assert nav
        assert re.findall(r'href="([^"]*)"', nav[0]) == [reverse(other, args=[project.uid]) for other in pages]
        assert re.findall(r'href="([^"]*)" aria-current="page"', nav[0]) == [reverse(name, args=[project.uid])]
