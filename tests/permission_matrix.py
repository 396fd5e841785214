"""Who may do what: every route of the site, and what each kind of visitor gets there.

A new route is a new line in MATRIX: test_permission_matrix.py fails until there is one.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import URLPattern, URLResolver, get_resolver

from annotation_platform.keys import issue_key
from annotation_platform.models import BulkReview, Project
from autolabel.hosts.base import Actor
from autolabel.webhooks import endpoints
from tests.autolabel.builders import make_delivery, make_job
from tests.factories import image_bytes, make_item, make_manual, make_member, make_project, make_user
from tests.upload_corpus import zipped

__all__ = ["MATRIX", "SECRETS", "VISITORS", "Row", "World", "outcome", "routes", "send"]

# Keys are those of the manager.
VISITORS = ("anonymous", "other team", "viewer", "annotator", "manager", "read key", "run key")
# Words that only members of the project may read.
SECRETS = ("Secret plans", "classified-valve", "hidden-photo.jpg", "https://127.0.0.1/secret")

OK, LOGIN = "ok", "sign in"
# What each visitor gets, in the order of VISITORS.
VIEW = (401, 404, OK, OK, OK, OK, OK)
REVIEW = (401, 404, 403, OK, OK, 403, OK)
RUN = (401, 404, 403, 403, OK, 403, OK)
MANAGE = (401, 404, 403, 403, OK, 403, 403)
# What is everybody's own: lists of it, making more of it, and the manager's own.
MINE = (401, OK, OK, OK, OK, OK, OK)
MAKE = (401, OK, OK, OK, OK, 403, 403)
OWNER_VIEW = (401, 404, 404, 404, OK, OK, OK)
OWNER_MANAGE = (401, 404, 404, 404, OK, 403, 403)
EVERYBODY = (OK,) * 7
# Pages know no keys.
PAGE = (LOGIN, 404, OK, OK, OK, LOGIN, LOGIN)
OWN_PAGE = (LOGIN, OK, OK, OK, OK, LOGIN, LOGIN)
OWNER_PAGE = (LOGIN, 404, 404, 404, OK, LOGIN, LOGIN)
STAFF_PAGE = (LOGIN, 404, 404, 404, 404, LOGIN, LOGIN)
# Without a METRICS_TOKEN it is there for staff alone.
METRICS = (404,) * 7


@dataclass(frozen=True, slots=True)
class Row:
    """`path` names the rows of a World in braces; `body` is JSON, or a form where the path is no API's."""

    method: str
    path: str
    expected: tuple[Any, ...]
    body: Mapping[str, Any] | None = None

    def __str__(self) -> str:
        return f"{self.method} /{self.path}"


API = "api/v1"
_PROJECT = f"{API}/users/me/projects/{{project}}/"
_ITEM = f"{API}/items/{{item}}/"
_JOB = f"{API}/auto-label-jobs/{{job}}/"
_HOOK = f"{API}/webhooks/{{endpoint}}/"
_BOX = {"label": "classified-valve", "kind": "box", "bbox_xyxy": [1, 1, 9, 9]}

MATRIX = (
    Row("GET", f"{API}/users/me/projects/", MINE),
    Row("POST", f"{API}/users/me/projects/", MAKE, {"name": "New"}),
    Row("GET", _PROJECT, VIEW),
    Row("PATCH", _PROJECT, MANAGE, {"name": "Other"}),
    Row("DELETE", _PROJECT, MANAGE),
    Row("POST", f"{_PROJECT}labels/", MANAGE, {"name": "nut"}),
    Row("GET", f"{API}/projects/{{project}}/items/", VIEW),
    Row("POST", f"{API}/projects/{{project}}/items/", MANAGE, {"image": "image"}),
    Row("POST", f"{API}/projects/{{project}}/archives/", MANAGE, {"archive": "archive"}),
    Row("POST", f"{API}/projects/{{project}}/review-queue/", REVIEW, {"order": "score"}),
    Row("GET", f"{API}/projects/{{project}}/bulk-reviews/", VIEW),
    Row("POST", f"{API}/projects/{{project}}/bulk-reviews/", REVIEW, {"verdict": "accepted"}),
    Row("GET", f"{API}/projects/{{project}}/export/", VIEW),
    Row("GET", _ITEM, VIEW),
    Row("DELETE", _ITEM, MANAGE),
    Row("GET", f"{_ITEM}image/", VIEW),
    Row("GET", f"{_ITEM}preview/", VIEW),
    Row("GET", f"{_ITEM}thumbnail/", VIEW),
    Row("GET", f"{_ITEM}original/", VIEW),
    Row("GET", f"{_ITEM}workspace/", VIEW),
    Row("POST", f"{_ITEM}finish/", REVIEW, {}),
    Row("POST", f"{_ITEM}reopen/", REVIEW, {}),
    Row("POST", f"{_ITEM}flag/", REVIEW, {}),
    Row("GET", f"{_ITEM}annotations/", VIEW),
    Row("POST", f"{_ITEM}annotations/", REVIEW, _BOX),
    Row("PATCH", f"{_ITEM}annotations/", REVIEW, {"changes": []}),
    Row("POST", f"{API}/bulk-reviews/{{bulk}}/undo/", MANAGE, {}),  # somebody else's
    Row("GET", f"{API}/annotations/{{annotation}}/", VIEW),
    Row("PATCH", f"{API}/annotations/{{annotation}}/", REVIEW, {"version": 1, "status": "discarded"}),
    Row("DELETE", f"{API}/annotations/{{annotation}}/?version=1", REVIEW),
    Row("POST", f"{API}/projects/{{project}}/auto-label/", RUN, {}),
    Row("GET", f"{API}/auto-label-models/", MINE),
    Row("GET", f"{API}/auto-label-jobs/", MINE),
    Row("GET", _JOB, VIEW),
    Row("DELETE", _JOB, RUN),
    Row("GET", f"{_JOB}items/", VIEW),
    Row("POST", f"{_JOB}pause/", RUN, {}),
    Row("POST", f"{_JOB}resume/", RUN, {}),
    Row("POST", f"{_JOB}retry/", RUN, {}),
    Row("POST", f"{_JOB}discard-drafts/", RUN, {}),
    Row("POST", f"{_JOB}restore-drafts/", RUN, {}),
    Row("GET", f"{API}/webhooks/", MINE),
    Row("POST", f"{API}/webhooks/", MAKE, {"target_url": "https://hooks.example.com/"}),
    Row("GET", _HOOK, OWNER_VIEW),
    Row("PATCH", _HOOK, OWNER_MANAGE, {"description": "x"}),
    Row("DELETE", _HOOK, OWNER_MANAGE),
    Row("POST", f"{_HOOK}rotate-secret/", OWNER_MANAGE, {}),
    Row("POST", f"{_HOOK}test/", OWNER_MANAGE, {}),
    Row("GET", f"{API}/webhook-deliveries/", MINE),
    Row("GET", f"{API}/webhook-deliveries/{{delivery}}/", OWNER_VIEW),
    Row("POST", f"{API}/webhook-deliveries/{{delivery}}/redeliver/", OWNER_MANAGE, {}),
    Row("GET", f"{API}/schema/", EVERYBODY),
    Row("GET", f"{API}/docs/", EVERYBODY),
    Row("GET", "healthz", EVERYBODY),
    Row("GET", "readyz", EVERYBODY),
    Row("GET", "metrics", METRICS),
    Row("GET", "sign-in/", EVERYBODY),
    Row("POST", "sign-in/", EVERYBODY, {"username": "x", "password": "y"}),
    Row("POST", "sign-out/", (LOGIN,) * 7, {}),
    Row("GET", "", OWN_PAGE),
    Row("GET", "projects/new/", OWN_PAGE),
    Row("POST", "projects/new/", OWN_PAGE, {"name": "x"}),
    Row("GET", "projects/{project}/", PAGE),
    Row("GET", "projects/{project}/review/", PAGE),
    Row("GET", "projects/{project}/review/next/", PAGE),
    Row("GET", "projects/{project}/flagged/", PAGE),
    Row("GET", "projects/{project}/statistics/", PAGE),
    Row("GET", "items/{item}/", PAGE),
    Row("GET", "status/", STAFF_PAGE),
    Row("GET", "settings/", EVERYBODY),  # leads to the next
    Row("GET", "settings/api-keys/", OWN_PAGE),
    Row("POST", "settings/api-keys/", OWN_PAGE, {"name": "x"}),
    Row("POST", "settings/api-keys/{key}/revoke/", OWNER_PAGE, {}),
    Row("GET", "settings/webhooks/", OWN_PAGE),
    Row("POST", "settings/webhooks/", OWN_PAGE, {"target_url": "x"}),
    Row("GET", "settings/webhooks/{endpoint}/", OWNER_PAGE),
    Row("POST", "settings/webhooks/{endpoint}/", OWNER_PAGE, {"target_url": "x"}),
    Row("POST", "settings/webhooks/{endpoint}/rotate/", OWNER_PAGE, {}),
    Row("GET", "settings/deliveries/{delivery}/", OWNER_PAGE),
    Row("POST", "settings/deliveries/{delivery}/redeliver/", OWNER_PAGE, {}),
)


@dataclass
class World:
    """A project of one team, with one of everything, and people around it."""

    project: Project
    names: dict[str, str]
    people: dict[str, Any]
    keys: dict[str, str]
    unknown: dict[str, str] = field(default_factory=dict)

    @classmethod
    def make(cls) -> World:
        project = make_project("Secret plans", labels=["classified-valve"])
        people = {role: make_member(project, role) for role in ("viewer", "annotator", "manager")}
        stranger = make_user()
        make_project(members={stranger: "manager"})
        item = make_item(project, name="hidden-photo.jpg")
        manager = people["manager"]
        endpoint, _ = endpoints.create(
            Actor(manager), target_url="https://127.0.0.1/secret", events=["auto_label.failed"], project_uid=project.uid
        )
        sent = make_delivery(endpoint)
        names = {
            "project": project.uid,
            "item": item.uid,
            "annotation": make_manual(item).uid,
            "bulk": BulkReview.objects.create(project=project, verdict="accepted").uid,
            "job": make_job(project.uid, created_by=manager, status="failed").uid,
            "endpoint": endpoint.uid,
            "delivery": sent.uid,
            "key": str(issue_key(manager, "spare")[0].pk),
        }
        keys = {f"{scope} key": issue_key(manager, scope, scope)[1] for scope in ("read", "run")}
        unknown = {name: str(uuid.uuid4()) for name in names} | {"key": "999999"}
        return cls(project, names, people | {"other team": stranger}, keys, unknown)


def send(client: Any, row: Row, visitor: str, world: World, names: Mapping[str, str] | None = None) -> Any:
    """The row's request of that visitor, with `names` (default: the world's) in its path."""
    headers = {"Authorization": f"Bearer {world.keys[visitor]}"} if visitor in world.keys else {}
    if visitor in world.people:
        client.force_login(world.people[visitor])
    else:
        client.logout()
    path = "/" + row.path.format(**(names or world.names))
    if row.body is None:
        return getattr(client, row.method.lower())(path, headers=headers)
    is_form = not path.startswith("/api/") or set(row.body) & {"image", "archive"}
    body = {name: _file(name) if value == name else value for name, value in row.body.items()}
    return getattr(client, row.method.lower())(path, body, format="multipart" if is_form else "json", headers=headers)


def outcome(answer: Any) -> Any:
    """401, 403 or 404; whether it leads to the sign-in; otherwise the visitor was let in."""
    if answer.status_code in (401, 403, 404):
        return answer.status_code
    if answer.status_code == 302 and answer["Location"].partition("?")[0] in ("/sign-in/", "/admin/login/"):
        return LOGIN
    return OK if answer.status_code < 500 else answer.status_code


def routes() -> set[tuple[str, str]]:
    """Method and route of everything that the site answers, but the admin, which has a rule of its own.

    Pages do not tell which methods they take: theirs is "*".
    """
    return {found for found in _walk(get_resolver(), "") if not found[1].startswith("admin/")}


def _walk(resolver: URLResolver, before: str) -> Any:
    for pattern in resolver.url_patterns:
        own = str(pattern.pattern)
        route = before + (own.removeprefix("^") if before else own)
        if isinstance(pattern, URLResolver):
            yield from _walk(pattern, route)
        else:
            yield from ((method, route) for method in _methods(pattern))


def _methods(pattern: URLPattern) -> list[str]:
    view = pattern.callback
    if actions := getattr(view, "actions", None):
        return [method.upper() for method in actions if method != "head"]
    api_view = getattr(view, "cls", None)
    if api_view is None:
        return ["*"]
    return [name.upper() for name in ("get", "post", "put", "patch", "delete") if hasattr(api_view, name)]


def _file(name: str) -> SimpleUploadedFile:
    data = image_bytes() if name == "image" else zipped(("a.jpg", image_bytes()))
    return SimpleUploadedFile("a.zip" if name == "archive" else "a.jpg", data)
