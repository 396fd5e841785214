"""The HTML pages: who sees what, what they say when there is nothing, and that long lists cost no more queries."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from annotation_platform.models import Membership, Project
from autolabel.models import Job
from tests.factories import (
    make_draft,
    make_item,
    make_manual,
    make_member,
    make_project,
    make_rows_of_items,
    make_user,
)

pytestmark = pytest.mark.django_db
ROLES = Membership.Role.values


def signed_in(user: Any) -> Client:
    client = Client()
    client.force_login(user)
    return client


def page(client: Client, name: str, *args: Any, query: str = "", **options: Any) -> str:
    response = client.get(reverse(name, args=args) + query, **options)
    assert response.status_code == 200, response
    return response.content.decode()


def config_of(html: str) -> dict[str, Any]:
    found = re.search(r'<script id="review-config" type="application/json">(.*?)</script>', html, re.DOTALL)
    assert found
    return json.loads(found[1])


# Who sees what


@pytest.mark.parametrize("name", ["projects", "project-new", "project", "review-next", "item"])
def test_every_page_sends_strangers_to_sign_in(name: str) -> None:
    item = make_item()
    uids = {"project": [item.project.uid], "review-next": [item.project.uid], "item": [item.uid]}
    address = reverse(name, args=uids.get(name, []))

    response = Client().get(address)

    assert response.status_code == 302
    assert response.url == f"{reverse('sign-in')}?next={address}"


@pytest.mark.parametrize("role", ROLES)
def test_members_of_any_role_see_project_and_item(role: str) -> None:
    item = make_item()
    client = signed_in(make_member(item.project, role))

    assert item.project.name in page(client, "projects")
    assert item.name in page(client, "project", item.project.uid)
    assert item.name in page(client, "item", item.uid)


@pytest.mark.parametrize("is_superuser", [False, True])
def test_what_others_own_is_not_found(is_superuser: bool) -> None:
    item = make_item()
    client = signed_in(make_user(is_superuser=is_superuser, is_staff=is_superuser))

    assert item.project.name not in page(client, "projects")
    for name, uid in [("project", item.project.uid), ("review-next", item.project.uid), ("item", item.uid)]:
        assert client.get(reverse(name, args=[uid])).status_code == 404


@pytest.mark.parametrize("uid", ["nonsense", "00000000-0000-0000-0000-000000000000", "%00"])
def test_a_malformed_or_unknown_uid_is_not_found(uid: str) -> None:
    client = signed_in(make_user())

    for path in (f"/projects/{uid}/", f"/projects/{uid}/review/next/", f"/items/{uid}/"):
        assert client.get(path).status_code == 404


@pytest.mark.parametrize(("role", "is_shown"), [("viewer", False), ("annotator", False), ("manager", True)])
def test_only_managers_can_upload(role: str, is_shown: bool) -> None:
    project = make_project()

    html = page(signed_in(make_member(project, role)), "project", project.uid)

    assert ("data-pick-files" in html) is is_shown
    assert ("data-drop-hint" in html) is is_shown


@pytest.mark.parametrize(("role", "is_shown"), [("viewer", False), ("annotator", True), ("manager", True)])
def test_viewers_get_a_read_only_review_page(role: str, is_shown: bool) -> None:
    item = make_item()

    html = page(signed_in(make_member(item.project, role)), "item", item.uid)

    assert config_of(html)["mayReview"] is is_shown
    for action in ("accept", "discard", "box-tool", "finish", "flag", "reopen", "undo"):
        assert (f'data-action="{action}"' in html) is is_shown


# Signing in and out


def test_a_person_signs_in_and_out() -> None:
    user = make_user("bea")
    user.set_password("correct horse")
    user.save()
    client = Client()

    response = client.post(reverse("sign-in"), {"username": "bea", "password": "correct horse"})
    assert response.url == reverse("projects")
    assert "bea" in page(client, "projects")

    assert client.post(reverse("sign-out")).url == reverse("sign-in")
    assert client.get(reverse("projects")).status_code == 302


def test_a_wrong_password_is_said_on_the_form() -> None:
    response = Client().post(reverse("sign-in"), {"username": "nobody", "password": "nothing"})

    assert response.status_code == 200
    assert b"Please enter a correct username and password" in response.content


# The list of projects


def test_a_newcomer_is_offered_to_make_a_project() -> None:
    html = page(signed_in(make_user()), "projects")

    assert "No projects yet" in html
    assert reverse("project-new") in html


def test_the_list_says_how_far_each_project_is() -> None:
    me = make_user()
    project = make_project(members={me: "annotator"})
    make_rows_of_items(project, 3, state="done")
    make_rows_of_items(project, 1, state="flagged")

    html = page(signed_in(me), "projects")

    assert "3 of 4 done · 75%" in html
    assert "Annotator" in html
    assert '<rect class="flagged" x="75.00" width="25.00"' in html


def test_the_list_of_projects_takes_as_many_queries_for_many(django_assert_num_queries: Any) -> None:
    me = make_user()
    client = signed_in(me)
    make_project(members={me: "viewer"})
    page(client, "projects")

    for _ in range(10):
        make_rows_of_items(make_project(members={me: "viewer"}), 3)
    # Session, user, number of projects, projects with roles, counts.
    with django_assert_num_queries(6):
        page(client, "projects")


# A new project


def test_a_person_makes_a_project_and_manages_it() -> None:
    me = make_user()
    form = {
        "name": "Parts",
        "label_name": ["bolt", "", " nut "],
        "label_color": ["#112233", "#445566", "#778899"],
    }

    response = signed_in(me).post(reverse("project-new"), form)

    project = Project.objects.get()
    assert response.url == reverse("project", args=[project.uid])
    assert list(project.labels.values_list("name", "color")) == [("bolt", "#112233"), ("nut", "#778899")]
    assert project.memberships.get().role == "manager"


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({"name": " ", "label_name": ["bolt"]}, "Give the project a name."),
        ({"name": "x" * 201, "label_name": ["bolt"]}, "at most 200 characters"),
        ({"name": "Parts", "label_name": [""]}, "Add at least one label"),
        ({"name": "Parts"}, "Add at least one label"),
        ({"name": "Parts", "label_name": ["bolt", "Bolt"]}, "in the list twice"),
        ({"name": "Parts", "label_name": ["x" * 101]}, "at most 100 characters"),
        ({"name": "Parts", "label_name": ["bolt"], "label_color": ["red"]}, "Write a colour as #rrggbb."),
    ],
)
def test_what_is_wrong_with_a_new_project_is_said_on_the_form(form: dict[str, Any], error: str) -> None:
    response = signed_in(make_user()).post(reverse("project-new"), form)

    assert response.status_code == 422
    assert error in response.content.decode()
    assert not Project.objects.exists()


def test_a_refused_form_keeps_what_was_typed() -> None:
    form = {"name": "", "label_name": ["bolt", "<b>"], "label_color": ["#112233", "#445566"]}

    html = signed_in(make_user()).post(reverse("project-new"), form).content.decode()

    assert 'value="bolt"' in html
    assert 'value="#445566"' in html
    assert "<b>" not in html


# The project page


def test_an_empty_project_explains_the_three_steps() -> None:
    project = make_project()

    html = page(signed_in(make_member(project, "manager")), "project", project.uid)

    for step in ("1. Upload", "2. Auto-label", "3. Review"):
        assert step in html


def test_tabs_filter_items_by_state() -> None:
    project = make_project()
    make_item(project, name="open.jpg")
    make_item(project, name="finished.jpg", state="done")
    client = signed_in(make_member(project, "viewer"))

    html = page(client, "project", project.uid, query="?state=done")
    assert "finished.jpg" in html
    assert "open.jpg" not in html
    assert "No image is flagged" in page(client, "project", project.uid, query="?state=flagged")


@pytest.mark.parametrize("query", ["?state=bogus", "?page=bogus", "?page=0", "?page=99999", "?state=&page="])
def test_a_senseless_address_still_shows_items(query: str) -> None:
    item = make_item()

    assert item.name in page(signed_in(make_member(item.project)), "project", item.project.uid, query=query)


def test_pages_of_thumbnails_keep_the_filter() -> None:
    project = make_project()
    make_rows_of_items(project, 50, state="flagged")
    client = signed_in(make_member(project))

    first = page(client, "project", project.uid, query="?state=flagged")
    second = page(client, "project", project.uid, query="?state=flagged&page=2")

    assert first.count("<img ") == 48
    assert second.count("<img ") == 2
    assert "?state=flagged&amp;page=2" in first


def test_the_live_part_comes_alone_when_asked_for() -> None:
    item = make_item(state="drafted")
    client = signed_in(make_member(item.project))
    headers = {"HX-Request": "true", "HX-Target": "live"}

    response = client.get(reverse("project", args=[item.project.uid]), headers=headers)
    html = response.content.decode()

    assert "<html" not in html
    assert 'id="live"' in html
    assert 'hx-swap-oob="true"' in html
    assert "HX-Target" in response["Vary"]


def test_jobs_are_listed_with_what_came_of_them() -> None:
    project = make_project()
    manager = make_member(project, "manager")
    now = timezone.now()
    ended = {"project_uid": project.uid, "completed_at": now, "model_type": "yolo", "created_by": manager}
    Job.objects.create(
        **ended, status="completed", total_items=4, successful_items=3, failed_items=1, planned_at=now,
        summary={"drafts": {"bolt": 5, "nut": 2}},
    )  # fmt: skip
    Job.objects.create(**ended, status="failed", error_message="The model <cannot> be loaded.")
    Job.objects.create(project_uid=make_project().uid, model_type="elsewhere")

    html = page(signed_in(manager), "project", project.uid)

    assert "7 drafts on 3 images" in html
    assert "1 failed" in html
    assert "The model &lt;cannot&gt; be loaded." in html
    assert "elsewhere" not in html


@pytest.mark.parametrize(("role", "is_offered"), [("viewer", False), ("annotator", False), ("manager", True)])
def test_who_may_run_jobs_can_retry_and_undo_those_in_the_list(role: str, is_offered: bool) -> None:
    project = make_project()
    counts = {"total_items": 5, "successful_items": 3, "failed_items": 2}
    job = Job.objects.create(project_uid=project.uid, status="completed", completed_at=timezone.now(), **counts)

    html = page(signed_in(make_member(project, role)), "project", project.uid)

    assert ("Retry 2 failed" in html) is is_offered
    assert (f'id="job-drafts-{job.uid}"' in html) is is_offered


def test_the_list_says_which_job_is_paused_or_stalled_and_why() -> None:
    project = make_project()
    client = signed_in(make_member(project))
    job = Job.objects.create(project_uid=project.uid, status="running", stalled_reason="The <storage> is away.")

    html = page(client, "project", project.uid)
    assert "Stalled" in html
    assert "The &lt;storage&gt; is away." in html

    Job.objects.filter(pk=job.pk).update(paused_at=timezone.now())
    html = page(client, "project", project.uid)
    assert "Paused" in html
    assert "storage" not in html


def test_the_list_says_which_job_retries_another_and_whose_drafts_were_discarded() -> None:
    project = make_project()
    ended = {"project_uid": project.uid, "status": "completed", "completed_at": timezone.now()}
    first = Job.objects.create(**ended, drafts_discarded_at=timezone.now())
    Job.objects.create(**ended, retry_of=first)

    html = page(signed_in(make_member(project)), "project", project.uid)
    assert html.count('<span class="chip">Retry</span>') == 1
    assert html.count("untouched drafts were discarded") == 1


def test_the_project_page_takes_as_many_queries_for_many(django_assert_max_num_queries: Any) -> None:
    project = make_project(labels=[f"label {number}" for number in range(20)])
    for item in make_rows_of_items(project, 20):
        make_draft(item)
        make_manual(item)
    for _ in range(5):
        Job.objects.create(
            project_uid=project.uid, status="completed", completed_at=timezone.now(), created_by=make_user()
        )
    client = signed_in(make_member(project, "manager"))

    # Session, user, project, counts, items, jobs, labels; the auto-label button asks the host for the rest.
    with django_assert_max_num_queries(13):
        page(client, "project", project.uid)


# What a strict content security policy will ask for


def test_pages_have_no_inline_scripts_styles_or_handlers() -> None:
    item = make_item(state="drafted")
    client = signed_in(make_member(item.project, "manager"))
    pages = [
        page(client, "projects"),
        page(client, "project-new"),
        page(client, "project", item.project.uid),
        page(client, "item", item.uid),
        page(Client(), "sign-in"),
    ]

    for html in pages:
        assert not re.search(r"<[^>]+\sstyle=", html)
        assert not re.search(r"<[^>]+\son[a-z]+=", html)
        for script in re.findall(r"<script\b[^>]*>", html):
            assert "src=" in script or "importmap" in script or "application/json" in script
