from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client

from annotation_platform.models import Annotation, ApiKey, BulkReview, Item
from tests.factories import make_draft, make_item, make_project, make_rows_of_items, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def boss(client: Client) -> Client:
    client.force_login(make_user(is_staff=True, is_superuser=True))
    return client


def test_a_new_key_is_shown_once_and_never_again(boss: Client) -> None:
    owner = make_user()
    form = {"user": owner.pk, "name": "nightly", "scope": "run", "is_active": "on"}

    first = boss.post("/admin/annotation_platform/apikey/add/", form, follow=True).content.decode()

    key = re.search(r"ap_[\w-]{43}", first)
    assert key is not None
    found = boss.get("/api/v1/users/me/projects/", headers={"X-Api-Key": key[0]})
    assert found.status_code == 200
    row = ApiKey.objects.get()
    for url in ("/admin/annotation_platform/apikey/", f"/admin/annotation_platform/apikey/{row.pk}/change/"):
        page = boss.get(url).content.decode()
        assert key[0] not in page
        assert row.key_hash not in page


def test_staff_make_no_keys_for_others_whatever_their_permissions(client: Client) -> None:
    staff = make_user(is_staff=True)
    staff.user_permissions.set(Permission.objects.filter(content_type__model="apikey"))
    client.force_login(staff)
    form = {"user": make_user().pk, "name": "mine", "scope": "run", "is_active": "on"}

    assert client.post("/admin/annotation_platform/apikey/add/", form).status_code == 403
    assert not ApiKey.objects.exists()


def test_a_key_can_be_revoked_but_not_given_to_somebody_else(boss: Client) -> None:
    owner = make_user()
    boss.post(
        "/admin/annotation_platform/apikey/add/", {"user": owner.pk, "name": "a", "scope": "run", "is_active": "on"}
    )
    before = ApiKey.objects.get()

    url = f"/admin/annotation_platform/apikey/{before.pk}/change/"
    boss.post(url, {"user": make_user().pk, "name": "a", "scope": "run"})

    after = ApiKey.objects.get()
    assert (after.user, after.is_active, after.key_hash) == (owner, False, before.key_hash)


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
