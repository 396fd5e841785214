"""Who may do what, over every route: one table, allow and deny."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from annotation_platform import access
from annotation_platform.models import Annotation, BulkReview, Item, Project
from tests.factories import (
    image_bytes,
    make_draft,
    make_item,
    make_manual,
    make_member,
    make_project,
    make_user,
)

pytestmark = pytest.mark.django_db
ROLES = ("viewer", "annotator", "manager")


@dataclass(frozen=True)
class Cast:
    project: Project
    item: Item
    draft: Annotation
    manual: Annotation
    bulk: BulkReview


@pytest.fixture
def cast() -> Cast:
    project = make_project()
    item = make_item(project)
    bulk = BulkReview.objects.create(project=project, verdict="accepted")
    return Cast(project, item, make_draft(item), make_manual(item), bulk)


# method, path, body, the least role that may, the status it gets
ROUTES = [
    ("get", "users/me/projects/{project}/", None, "viewer", 200),
    ("patch", "users/me/projects/{project}/", {"name": "New"}, "manager", 200),
    ("delete", "users/me/projects/{project}/", None, "manager", 204),
    ("post", "users/me/projects/{project}/labels/", {"name": "washer"}, "manager", 201),
    ("get", "projects/{project}/items/", None, "viewer", 200),
    ("post", "projects/{project}/items/", "a file", "manager", 201),
    ("get", "projects/{project}/export/?format=coco", None, "viewer", 200),
    ("post", "projects/{project}/review-queue/", {"count": 1}, "annotator", 200),
    ("get", "projects/{project}/bulk-reviews/", None, "viewer", 200),
    ("post", "projects/{project}/bulk-reviews/", {"verdict": "accepted"}, "annotator", 201),
    ("post", "bulk-reviews/{bulk}/undo/", None, "manager", 200),  # an annotator's own is test_bulk_undo's
    ("get", "items/{item}/", None, "viewer", 200),
    ("delete", "items/{item}/", None, "manager", 204),
    ("get", "items/{item}/image/", None, "viewer", 200),
    ("get", "items/{item}/preview/", None, "viewer", 200),
    ("get", "items/{item}/thumbnail/", None, "viewer", 200),
    ("get", "items/{item}/original/", None, "viewer", 200),
    ("get", "items/{item}/workspace/", None, "viewer", 200),
    ("post", "items/{item}/finish/", None, "annotator", 409),  # a draft is left, which is past the role check
    ("post", "items/{item}/reopen/", None, "annotator", 200),
    ("post", "items/{item}/flag/", None, "annotator", 200),
    ("get", "items/{item}/annotations/", None, "viewer", 200),
    (
        "post",
        "items/{item}/annotations/",
        {"label": "bolt", "kind": "box", "bbox_xyxy": [1, 1, 9, 9]},
        "annotator",
        201,
    ),
    (
        "patch",
        "items/{item}/annotations/",
        {"changes": [{"uid": "{draft}", "version": 1, "status": "accepted"}]},
        "annotator",
        200,
    ),
    ("get", "annotations/{draft}/", None, "viewer", 200),
    ("patch", "annotations/{draft}/", {"version": 1, "status": "accepted"}, "annotator", 200),
    ("delete", "annotations/{manual}/?version=1", None, "annotator", 204),
]


def send(client: Any, cast: Cast, method: str, path: str, body: Any) -> Any:
    uids = {name: getattr(cast, name).uid for name in ("project", "item", "draft", "manual", "bulk")}
    url = "/api/v1/" + path.format(**uids)
    if body == "a file":
        return client.post(url, {"image": SimpleUploadedFile("a.jpg", image_bytes())}, format="multipart")
    if body is None:
        return getattr(client, method)(url)
    text = json.dumps(body)
    for name, uid in uids.items():
        text = text.replace("{" + name + "}", uid)
    return getattr(client, method)(url, json.loads(text), format="json")


@pytest.mark.parametrize(("method", "path", "body", "least", "status"), ROUTES)
def test_a_route_opens_from_its_least_role_upwards_and_to_no_other(
    as_user: Any, cast: Cast, method: str, path: str, body: Any, least: str, status: int
) -> None:
    for role in ROLES[: ROLES.index(least)]:
        denied = send(as_user(make_member(cast.project, role)), cast, method, path, body)
        assert denied.status_code == 403, role
        assert "detail" in denied.json()
    allowed = send(as_user(make_member(cast.project, least)), cast, method, path, body)
    assert allowed.status_code == status
    allowed.close()


@pytest.mark.parametrize(("method", "path", "body", "least", "status"), ROUTES)
def test_a_route_is_404_for_another_team_and_401_for_nobody(
    as_user: Any, cast: Cast, method: str, path: str, body: Any, least: str, status: int
) -> None:
    stranger = make_member(make_project("Other"), "manager")

    assert send(as_user(stranger), cast, method, path, body).status_code == 404
    assert send(as_user(), cast, method, path, body).status_code == 401


@pytest.mark.parametrize(("method", "path", "body", "least", "status"), ROUTES)
@pytest.mark.parametrize("uid", ["x", "00000000-0000-4000-8000-000000000000", "%00", "é", "1" * 500])
def test_a_malformed_or_unknown_uid_is_404(
    as_user: Any, method: str, path: str, body: Any, least: str, status: int, uid: str
) -> None:
    url = "/api/v1/" + path.format(project=uid, item=uid, draft=uid, manual=uid, bulk=uid)
    answer = getattr(as_user(make_user()), method)(url)

    assert answer.status_code == 404
    assert answer.json()["detail"]


@pytest.mark.parametrize("path", sorted({route[1].partition("?")[0] for route in ROUTES}))
def test_a_route_tells_what_it_takes_and_refuses_other_methods(as_user: Any, cast: Cast, path: str) -> None:
    client = as_user(make_member(cast.project, "manager"))

    assert send(client, cast, "options", path, None).status_code == 200
    answer = send(client, cast, "put", path, None)
    assert (answer.status_code, list(answer.json())) == (405, ["detail"])


def test_a_superuser_is_no_member(as_user: Any, cast: Cast) -> None:
    boss = make_user(is_superuser=True, is_staff=True)

    assert as_user(boss).get(f"/api/v1/items/{cast.item.uid}/").status_code == 404
    assert access.role_of(boss, cast.project.uid) is None


def test_each_role_includes_the_ones_before_it() -> None:
    allowed = {
        role: {action for action in ("view", "review", "run", "cancel", "manage") if access.role_may(role, action)}
        for role in ROLES
    }

    assert allowed["viewer"] == {"view"}
    assert allowed["annotator"] == {"view", "review"}
    assert allowed["manager"] == {"view", "review", "run", "cancel", "manage"}
    assert not access.role_may(None, "view")


def test_an_inactive_member_may_nothing() -> None:
    project = make_project()
    user = make_member(project, "manager", make_user(is_active=False))

    assert not access.may(user, "view", project.uid)
    assert not Project.objects.visible_to(user).exists()
    assert not Item.objects.visible_to(user).exists()
    assert not Annotation.objects.visible_to(user).exists()
