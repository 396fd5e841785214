from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.test import Client

from annotation_platform.keys import find_key, issue_key
from annotation_platform.models import Annotation, ApiKey, BulkReview, Item
from autolabel.models import AuditEntry
from tests.factories import make_draft, make_item, make_project, make_rows_of_items, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def boss(client: Client) -> Client:
    client.force_login(make_user(is_staff=True, is_superuser=True))
    return client


def test_a_key_is_revoked_for_good_and_shows_no_hash(client: Client) -> None:
    staff, (key, secret) = make_user(is_staff=True), issue_key(make_user("olga"), "nightly", "read")
    staff.user_permissions.set(Permission.objects.filter(content_type__model="apikey"))
    client.force_login(staff)
    page, keys = f"/admin/annotation_platform/apikey/{key.pk}/change/", "/admin/annotation_platform/apikey/"
    assert key.key_hash not in client.get(page).content.decode()

    client.post(keys, {"action": "revoke", "_selected_action": key.pk})
    assert find_key(secret) is None
    assert AuditEntry.objects.filter(action="api_key.revoke", user_name=staff.username).exists()

    form = {"user": staff.pk, "name": "mine", "scope": "manage", "is_active": "on"}
    assert client.post(page, form).status_code == 403
    assert client.post(f"{keys}add/", form).status_code == 403
    key.refresh_from_db()
    assert (key.is_active, key.scope, key.user.username) == (False, "read", "olga")


def test_every_change_of_members_is_recorded_by_name(boss: Client) -> None:
    project = make_project(members={make_user("anna"): "viewer"})
    anna, ben = project.memberships.get(), make_user("ben")

    def save(**fields: Any) -> list[tuple[str, str]]:
        form = {"name": project.name, "status": "active", "shapes": "any", "labels-TOTAL_FORMS": 0}
        rows = {"TOTAL_FORMS": 1, "0-id": anna.pk, "0-project": project.pk, "0-user": anna.user_id, "0-role": "viewer"}
        form |= {f"memberships-{name}": value for name, value in {**rows, **fields}.items()}
        counts = {"labels-INITIAL_FORMS": 0, "memberships-INITIAL_FORMS": 1}
        answer = boss.post(f"/admin/annotation_platform/project/{project.pk}/change/", form | counts)
        assert answer.status_code == 302, answer.content.decode()
        found = [(entry.action, entry.detail["member"]) for entry in AuditEntry.objects.order_by("id")]
        AuditEntry.objects.all().delete()
        return found

    assert save(**{"0-role": "manager"}) == [("member.change", "anna")]
    assert save(**{"0-user": ben.pk}) == [("member.remove", "anna"), ("member.add", "ben")]
    assert save(**{"0-user": ben.pk, "0-DELETE": "on"}) == [("member.remove", "ben")]


def test_who_is_deleted_or_given_more_rights_is_recorded(boss: Client) -> None:
    user = make_user("anna")
    project = make_project(members={user: "manager"})
    page = f"/admin/auth/user/{user.pk}"
    dates = {"date_joined_0": "2026-01-01", "date_joined_1": "00:00:00"}
    form = {"username": "anna", "is_active": "on", "is_staff": "on", **dates}
    assert boss.post(f"{page}/change/", form).status_code == 302
    assert boss.post(f"{page}/delete/", {"post": "yes"}).status_code == 302

    rows = list(AuditEntry.objects.order_by("id").values_list("action", "project_uid", "detail"))
    assert rows == [
        ("user.change", "", {"of": "anna", "fields": ["is_staff"]}),
        ("member.remove", project.uid, {"member": "anna", "role": "manager"}),
        ("user.delete", "", {"of": "anna", "webhooks": []}),
    ]


def test_the_makings_of_a_user_and_of_a_group_and_a_new_password_are_recorded(boss: Client) -> None:
    new = {"username": "ben", "usable_password": "false", "password1": "", "password2": ""}
    boss.post("/admin/auth/user/add/", new)
    user = get_user_model().objects.get(username="ben")
    password = "correct-horse-battery"
    boss.post(
        f"/admin/auth/user/{user.pk}/password/",
        {"password1": password, "password2": password, "usable_password": "true"},
    )
    boss.post("/admin/auth/group/add/", {"name": "helpers", "permissions": [Permission.objects.all()[0].pk]})

    assert [entry.action for entry in AuditEntry.objects.order_by("id")] == [
        "user.create",
        "user.password",
        "group.change",
    ]


def test_staff_who_may_change_users_become_no_superusers(client: Client) -> None:
    root, other = make_user("root", is_superuser=True, is_staff=True), make_user("other")
    staff = make_user(is_staff=True)
    staff.user_permissions.set(Permission.objects.filter(content_type__app_label="auth"))
    client.force_login(staff)
    password = {"password1": "correct-horse-battery", "password2": "correct-horse-battery", "usable_password": "true"}
    dates = {"date_joined_0": "2026-01-01", "date_joined_1": "00:00:00"}

    assert client.post(f"/admin/auth/user/{root.pk}/password/", password).status_code == 403
    assert client.post(f"/admin/auth/user/{root.pk}/delete/", {"post": "yes"}).status_code == 403
    client.post("/admin/auth/user/", {"action": "delete_selected", "_selected_action": root.pk, "post": "yes"})
    assert client.get("/admin/auth/group/").status_code == 403
    form = {"username": "other", "is_active": "on", "is_staff": "on", "is_superuser": "on", **dates}
    assert client.post(f"/admin/auth/user/{other.pk}/change/", form).status_code == 302
    other.refresh_from_db()
    assert (other.is_staff, other.is_superuser) == (False, False)
    assert get_user_model().objects.filter(username="root", is_superuser=True).exists()


@pytest.mark.parametrize("model", ["project", "item", "annotation", "apikey", "bulkreview"])
def test_every_list_and_form_opens_and_can_be_searched(boss: Client, model: str) -> None:
    draft = make_draft()
    ApiKey.objects.create(user=make_user(), name="a", prefix="ap_x", key_hash="h")
    pk = {
        "project": draft.item.project_id,
        "item": draft.item_id,
        "annotation": draft.pk,
        "apikey": ApiKey.objects.get().pk,
        "bulkreview": BulkReview.objects.create(project=draft.item.project, verdict="accepted").pk,
    }[model]

    assert boss.get(f"/admin/annotation_platform/{model}/?q=a").status_code == 200
    assert boss.get(f"/admin/annotation_platform/{model}/{pk}/change/").status_code == 200


@pytest.mark.parametrize("model", ["project", "item", "annotation", "bulkreview"])
def test_lists_take_the_same_queries_for_many_rows(
    boss: Client, model: str, django_assert_max_num_queries: Any
) -> None:
    for _ in range(5):
        for item in make_rows_of_items(make_project(), 3):
            make_draft(item)
            BulkReview.objects.create(project=item.project, user=make_user(), verdict="accepted")

    with django_assert_max_num_queries(8):
        boss.get(f"/admin/annotation_platform/{model}/")


@pytest.mark.parametrize("model", ["item", "annotation", "bulkreview"])
def test_what_comes_from_uploads_models_and_review_is_not_made_by_hand(boss: Client, model: str) -> None:
    assert boss.get(f"/admin/annotation_platform/{model}/add/").status_code == 403


@pytest.mark.parametrize("action", ["one", "selected"])
def test_deleting_annotations_keeps_the_items_state_true(boss: Client, action: str) -> None:
    draft = make_draft(make_item())
    url = "/admin/annotation_platform/annotation/"

    if action == "one":
        boss.post(f"{url}{draft.pk}/delete/", {"post": "yes"})
    else:
        boss.post(url, {"action": "delete_selected", "_selected_action": [draft.pk], "post": "yes"})

    assert not Annotation.objects.exists()
    item = Item.objects.get()
    assert (item.state, item.draft_count, item.lowest_score) == ("unlabeled", 0, None)


def test_a_project_with_labeled_items_can_be_deleted(boss: Client) -> None:
    draft = make_draft()
    BulkReview.objects.create(project=draft.item.project, verdict="accepted")

    answer = boss.post(f"/admin/annotation_platform/project/{draft.item.project_id}/delete/", {"post": "yes"})

    assert answer.status_code == 302
    assert not Item.objects.exists()
