"""Every route, as everybody: nobody gets in who may not, and what one may not see is not there."""

from __future__ import annotations

import pytest
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import get_resolver, resolve
from rest_framework.test import APIClient

from tests.factories import make_user
from tests.permission_matrix import LOGIN, MATRIX, OK, SECRETS, VISITORS, Row, World, _walk, outcome, routes, send

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_queue")]
OF_THE_PROJECT = [row for row in MATRIX if "{" in row.path]


@pytest.fixture
def world() -> World:
    return World.make()


@pytest.fixture
def no_queue(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who starts a job here need not be heard."""
    monkeypatch.setattr("autolabel.queue.ring", lambda *args, **kwargs: None)


@pytest.mark.parametrize("row", MATRIX, ids=str)
def test_each_visitor_gets_what_the_matrix_says(row: Row, world: World) -> None:
    got = {}
    for visitor in VISITORS:
        with transaction.atomic():
            answer = send(APIClient(), row, visitor, world)
            got[visitor] = outcome(answer)
            body = b"".join(answer.streaming_content) if answer.streaming else answer.content
            if got[visitor] != OK or visitor in ("anonymous", "other team"):
                assert not [word for word in SECRETS if word.encode() in body], f"{visitor} reads a secret"
            transaction.set_rollback(True)

    assert got == dict(zip(VISITORS, row.expected, strict=True))


def test_every_route_has_its_row() -> None:
    named = dict.fromkeys(World.__dataclass_fields__, "00000000-0000-0000-0000-000000000000")
    named |= dict.fromkeys(
        ("project", "item", "annotation", "bulk", "job", "endpoint", "delivery"), "00000000-0000-0000-0000-000000000000"
    )
    rows = set()
    for row in MATRIX:
        route = resolve("/" + row.path.partition("?")[0].format(**named, key="1")).route
        rows |= {(row.method, route), ("*", route)}

    assert routes() - rows == set()


@pytest.mark.parametrize("row", OF_THE_PROJECT, ids=str)
def test_what_is_foreign_looks_like_what_is_not_there(row: Row, world: World) -> None:
    """The same answer after the same questions to the database, so that time tells nothing either."""
    answers = []
    for names in (world.names, world.unknown):
        client = APIClient()
        client.force_login(world.people["other team"])
        with CaptureQueriesContext(
            connection,
        ) as queries:
            answer = send(client, row, "other team", world, names)
        answers.append((answer.status_code, _without_nonces(answer.content), len(queries)))

    assert answers[0] == answers[1]
    assert answers[0][0] == 404


@pytest.mark.parametrize("who", ["anonymous", "manager", "staff without permissions"])
def test_the_admin_is_for_those_with_permissions(who: str, world: World) -> None:
    client = Client()
    if who == "manager":
        client.force_login(world.people["manager"])
    elif who != "anonymous":
        client.force_login(make_user(is_staff=True))
    seen = 0
    for _, route in _walk(get_resolver(), ""):
        is_of_a_model = route.startswith("admin/") and route.count("/") >= 3 and "^" not in route and "r/" not in route
        if not is_of_a_model or "password" in route:
            continue
        path = "/" + route.replace("<path:object_id>", "1").replace("<id>", "1")
        for method in ("get", "post"):
            answer = getattr(client, method)(path)
            got = outcome(answer)
            if who.startswith("staff") and answer.status_code == 302:
                # Django leads on where there is no such object, and from the address without a form to that with one.
                assert answer["Location"].endswith(("/change/", "/admin/")), (path, answer)
            else:
                assert got in ((403, 404) if who.startswith("staff") else (LOGIN,)), (path, answer)
            seen += 1
    assert seen > 150


def _without_nonces(content: bytes) -> bytes:
    return b"" if b"csrfmiddlewaretoken" in content or b"nonce=" in content else content
