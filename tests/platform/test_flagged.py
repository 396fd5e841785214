"""The list of flagged images: who is unsure about what, newest first."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from annotation_platform.models import Item, Project
from tests.factories import make_draft, make_manual, make_member, make_project, make_rows_of_items, make_user
from tests.platform.browsing import assert_fit_for_a_strict_policy, signed_in, visit, words_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def project() -> Project:
    return make_project()


def make_flagged(project: Project, name: str, *, hours_ago: int | None = 0, comment: str = "", by: Any = None) -> Item:
    """An item that was flagged then; at an unknown time, by an unknown person, without `hours_ago`."""
    [item] = make_rows_of_items(project, 1)
    item.name, item.state, item.flag_comment, item.flagged_by = name, Item.State.FLAGGED, comment, by
    item.flagged_at = None if hours_ago is None else timezone.now() - timedelta(hours=hours_ago)
    item.save()
    return item


def seen(project: Project, query: str = "", role: str = "annotator") -> Any:
    return visit(signed_in(make_member(project, role)), "project-flagged", project.uid, query=query)


def names(response: Any) -> list[str]:
    return [item.name for item in response.context["page"]]


def test_strangers_are_sent_to_sign_in_and_others_find_nothing(project: Project) -> None:
    address = reverse("project-flagged", args=[project.uid])

    assert Client().get(address).url == f"{reverse('sign-in')}?next={address}"
    assert signed_in(make_user(is_superuser=True)).get(address).status_code == 404


@pytest.mark.parametrize(("role", "may_act"), [("viewer", False), ("annotator", True), ("manager", True)])
def test_all_members_see_it_and_reviewers_take_flags_off(project: Project, role: str, may_act: bool) -> None:
    item = make_flagged(project, "part.jpg", comment="<b>Bolt</b> or nut?")

    html = seen(project, role=role).content.decode()

    assert reverse("item", args=[item.uid]) in html
    assert "&lt;b&gt;Bolt&lt;/b&gt; or nut?" in html
    assert (f'data-url="{reverse("platform-api:item-reopen", args=[item.uid])}"' in html) is may_act
    assert (f'data-undo-url="{reverse("platform-api:item-flag", args=[item.uid])}"' in html) is may_act


def test_the_newest_flag_comes_first_and_those_of_unknown_age_last(project: Project) -> None:
    for name, hours_ago in [("unknown", None), ("old", 5), ("new", 0), ("older", 9)]:
        make_flagged(project, name, hours_ago=hours_ago)
    make_rows_of_items(project, 1)
    make_flagged(make_project(), "elsewhere")

    assert names(seen(project)) == ["new", "old", "older", "unknown"]


def test_a_row_says_who_flagged_it_when_and_what_lies_on_it(project: Project) -> None:
    item = make_flagged(project, "part.jpg", hours_ago=3, comment="Blurry", by=make_user("bea"))
    make_draft(item)
    make_draft(item)
    make_manual(item)
    make_manual(item, status="discarded")

    words = words_of(seen(project).content.decode())

    assert "part.jpg Blurry Flagged by bea 3 hours ago 3 shapes, 2 of them drafts" in words


def test_the_tab_shows_how_many_there_are_on_every_page(project: Project) -> None:
    for number in range(3):
        make_flagged(project, f"{number}")
    client = signed_in(make_member(project, "viewer"))

    for name in ("project", "review-grid", "project-flagged", "project-statistics"):
        html = visit(client, name, project.uid).content.decode()
        assert "data-flagged-count>3<" in html


def test_many_flags_are_shown_in_pages(project: Project) -> None:
    for number in range(49):
        make_flagged(project, f"{number:02}", hours_ago=number)

    assert len(names(seen(project))) == 48
    assert names(seen(project, "?page=2")) == ["48"]
    assert len(names(seen(project, "?page=nonsense"))) == 48


def test_without_flags_it_says_what_they_are_for(project: Project) -> None:
    assert "No image is flagged" in seen(project).content.decode()


def test_it_takes_as_many_queries_for_many_flags(project: Project, django_assert_num_queries: Any) -> None:
    for number in range(20):
        make_draft(make_flagged(project, f"{number}", by=make_user()))
    client = signed_in(make_member(project))

    # Session, user, project with role, counts, items.
    with django_assert_num_queries(5):
        visit(client, "project-flagged", project.uid)


def test_it_is_fit_for_a_strict_content_security_policy(project: Project) -> None:
    make_flagged(project, "part.jpg", comment="?")

    assert_fit_for_a_strict_policy(seen(project).content.decode())
