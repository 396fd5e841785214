"""The audit log: who did what, whichever way they came."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.management import call_command
from django.urls import reverse

from annotation_platform.keys import issue_key
from annotation_platform.models import ApiKey, Membership
from autolabel.models import AuditEntry, Job
from tests.autolabel.builders import make_job
from tests.factories import make_item, make_project, make_user
from tests.platform.browsing import signed_in

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("rings", "fake_model")]


def log() -> list[tuple[str, str, str]]:
    """Who, with which credential, did what."""
    return [(one.user_name, one.credential, one.action) for one in AuditEntry.objects.order_by("id")]


def test_what_is_done_to_a_job_is_recorded_with_the_key_that_did_it(client: Any) -> None:
    user = make_user("mia")
    project = make_project(members={user: "manager"})
    make_item(project)
    row, key = issue_key(user, "ci", "run")
    AuditEntry.objects.all().delete()
    headers = {"Authorization": f"Bearer {key}"}

    made = client.post(f"/api/v1/projects/{project.uid}/auto-label/", {}, "application/json", headers=headers).json()
    for action in ("pause", "pause", "resume"):
        assert client.post(f"/api/v1/auto-label-jobs/{made['uid']}/{action}/", headers=headers).status_code == 200
    assert client.delete(f"/api/v1/auto-label-jobs/{made['uid']}/", headers=headers).status_code == 204
    assert client.delete(f"/api/v1/auto-label-jobs/{made['uid']}/", headers=headers).status_code == 409

    assert log() == [("mia", str(row), f"job.{action}") for action in ("start", "pause", "resume", "cancel")]
    first = AuditEntry.objects.last()
    assert first is not None
    assert (first.target, first.project_uid, first.detail["model_type"]) == (made["uid"], project.uid, "yolo")


def test_what_is_refused_is_not_recorded(as_user: Any) -> None:
    viewer = make_user()
    project = make_project(members={viewer: "viewer"})
    job = make_job(project.uid)

    as_user(viewer).delete(f"/api/v1/auto-label-jobs/{job.uid}/")
    as_user(viewer).post(f"/api/v1/projects/{project.uid}/auto-label/", {}, format="json")

    assert log() == []


def test_an_administrator_is_named_and_the_command_line_is_nobody(admin_client: Any, admin_user: Any) -> None:
    first, second = make_job(make_project().uid), make_job(make_project().uid)

    admin_client.post(reverse("admin:autolabel_job_changelist"), {"action": "cancel", "_selected_action": [first.pk]})
    call_command("autolabel_job", second.uid, "cancel")

    assert Job.objects.filter(status="cancelled").count() == 2
    assert log() == [(admin_user.username, "", "job.cancel"), ("", "", "job.cancel")]


def test_members_are_recorded(admin_client: Any, admin_user: Any) -> None:
    old, new = make_user("old"), make_user("new")
    project = make_project(labels=(), members={old: "viewer"})
    member = Membership.objects.get()
    form = {
        "name": project.name,
        "status": "active",
        "shapes": "any",
        "labels-TOTAL_FORMS": 0,
        "labels-INITIAL_FORMS": 0,
        "memberships-TOTAL_FORMS": 2,
        "memberships-INITIAL_FORMS": 1,
        "memberships-0-id": member.pk,
        "memberships-0-project": project.pk,
        "memberships-0-user": old.pk,
        "memberships-0-role": "manager",
        "memberships-1-project": project.pk,
        "memberships-1-user": new.pk,
        "memberships-1-role": "annotator",
    }
    address = reverse("admin:annotation_platform_project_change", args=[project.pk])
    assert admin_client.post(address, form).status_code == 302
    form |= {"memberships-INITIAL_FORMS": 2, "memberships-1-id": Membership.objects.get(user=new).pk}
    assert admin_client.post(address, form | {"memberships-1-DELETE": "on"}).status_code == 302

    said = [(one.action, one.detail) for one in AuditEntry.objects.order_by("id")]
    assert said == [
        ("member.add", {"member": "new", "role": "annotator"}),
        ("member.change", {"member": "old", "role": "manager"}),
        ("member.remove", {"member": "new", "role": "annotator"}),
    ]
    assert {one.project_uid for one in AuditEntry.objects.all()} == {project.uid}


def test_a_key_that_is_deleted_in_the_admin_is_recorded(admin_client: Any) -> None:
    key, _ = issue_key(make_user("olga"), "ci", "read")
    admin_client.post(reverse("admin:annotation_platform_apikey_delete", args=[key.pk]), {"post": "yes"})

    assert not ApiKey.objects.exists()
    entry = AuditEntry.objects.latest("id")
    assert (entry.action, entry.detail["of"]) == ("api_key.delete", "olga")


def test_a_deleted_project_leaves_its_name(as_user: Any) -> None:
    user = make_user("mia")
    project = make_project("Bolts", members={user: "manager"})

    as_user(user).delete(f"/api/v1/users/me/projects/{project.uid}/")

    entry = AuditEntry.objects.get()
    assert (entry.action, entry.project_uid, entry.detail) == ("project.delete", project.uid, {"name": "Bolts"})
    user.delete()
    entry.refresh_from_db()
    assert (entry.user, entry.user_name) == (None, "mia")


def test_nobody_changes_the_log(admin_client: Any) -> None:
    entry = AuditEntry.objects.create(user_name="mia", action="job.start")
    change = reverse("admin:autolabel_auditentry_change", args=[entry.pk])

    assert "mia" in admin_client.get(reverse("admin:autolabel_auditentry_changelist")).content.decode()
    assert admin_client.post(change, {"user_name": "eve"}).status_code == 403
    assert admin_client.post(reverse("admin:autolabel_auditentry_delete", args=[entry.pk])).status_code == 403
    assert signed_in(make_user()).get(change).status_code == 302
