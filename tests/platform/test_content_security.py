"""What every answer tells the browser not to do."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from tests.factories import make_item, make_member, make_user
from tests.platform.browsing import signed_in

pytestmark = pytest.mark.django_db


def policy_of(response: Any) -> dict[str, str]:
    return dict(part.strip().partition(" ")[::2] for part in response["Content-Security-Policy"].split(";"))


@pytest.mark.parametrize(
    "path", ["/", "/settings/webhooks/", "/api/v1/users/me/projects/", "/nowhere/", "/api/v1/docs/"]
)
def test_every_answer_has_a_strict_policy(path: str) -> None:
    response = signed_in(make_user()).get(path)

    policy = policy_of(response)
    assert policy["default-src"] == "'none'"
    assert policy["frame-ancestors"] == policy["base-uri"] == "'none'"
    assert policy["style-src"] == policy["form-action"] == policy["connect-src"] == "'self'"
    assert not {"'unsafe-inline'", "'unsafe-eval'", "*", "https:"} & set(" ".join(policy.values()).split())
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["X-Frame-Options"] == "DENY"
    assert response["Referrer-Policy"] == "same-origin"


def test_what_is_refused_at_the_door_has_its_policy_too(settings: Any) -> None:
    settings.SECURE_SSL_REDIRECT = True
    answer = Client().get("/", headers={"Host": "evil.example.com"})

    assert answer.status_code == 400
    assert policy_of(answer)["default-src"] == "'none'"


@pytest.mark.parametrize(
    ("path", "kept"),
    [("/api/v1/users/me/projects/", "private, no-store"), ("/api/v1/nowhere/", "private, no-store"), ("/", "private")],
)
def test_no_cache_between_keeps_what_somebody_was_told(path: str, kept: str) -> None:
    assert signed_in(make_user()).get(path)["Cache-Control"] == kept


def test_the_import_map_carries_the_nonce_of_its_answer_alone() -> None:
    client = signed_in(make_user())
    nonces = []
    for _ in range(2):
        response = client.get("/")
        nonce = re.search(r'<script type="importmap" nonce="([^"]{20,})">', response.content.decode())
        assert nonce
        assert f"'nonce-{nonce[1]}'" in policy_of(response)["script-src"]
        nonces.append(nonce[1])
    assert nonces[0] != nonces[1]


def test_an_original_is_a_download_in_a_sandbox() -> None:
    item = make_item()
    client = signed_in(make_member(item.project, "viewer"))

    original = client.get(reverse("platform-api:item-original", args=[item.uid]))
    shown = client.get(reverse("platform-api:item-image", args=[item.uid]))

    assert original["Content-Disposition"].startswith("attachment")
    for response in (original, shown):
        assert response["Content-Security-Policy"] == "sandbox"
        assert response["X-Content-Type-Options"] == "nosniff"
        response.close()


def test_cookies_of_the_production_settings_need_https(settings: Any) -> None:
    """Sessions are unreadable for scripts; `make check` runs Django's own checks of a deployment."""
    assert settings.SESSION_COOKIE_HTTPONLY
    assert settings.SESSION_COOKIE_SAMESITE == "Lax"
