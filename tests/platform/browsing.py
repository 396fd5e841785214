"""Looking at pages as a signed-in person."""

from __future__ import annotations

import re
from typing import Any

from django.test import Client
from django.urls import reverse


def signed_in(user: Any) -> Client:
    client = Client()
    client.force_login(user)
    return client


def visit(client: Client, name: str, *args: Any, query: str = "") -> Any:
    """The response of the page of that name; its `context` is what the page was made of."""
    response = client.get(reverse(name, args=args) + query)
    assert response.status_code == 200, response
    return response


def words_of(html: str) -> str:
    """What a person reads, on one line."""
    return " ".join(re.sub(r"<[^>]+>", " ", html).split()).replace(" .", ".").replace(" ,", ",")


def assert_fit_for_a_strict_policy(html: str) -> None:
    """No inline styles, handlers or scripts, for which a content security policy would need exceptions."""
    assert not re.search(r"<[^>]+\sstyle=", html)
    assert not re.search(r"<[^>]+\son[a-z]+=", html)
    for script in re.findall(r"<script\b[^>]*>", html):
        assert "src=" in script or "importmap" in script or "application/json" in script
