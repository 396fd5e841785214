"""What all tests share. No test writes below the repository."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connections
from rest_framework.test import APIClient

from autolabel.inference.yolo_network import import_ultralytics
from tests.site import Site

# Before any test module imports it in its own way, which would replace Pillow's Image.open for all tests.
import_ultralytics()


@pytest.fixture(autouse=True)
def media(settings: Any, tmp_path: Path) -> Path:
    """The folder that uploads go to; this test's own."""
    settings.MEDIA_ROOT = tmp_path / "media"
    return settings.MEDIA_ROOT


@pytest.fixture(autouse=True)
def no_rate_limits(settings: Any) -> None:
    """Every test client has the same address, and the tests of a minute would share its limit."""
    settings.RATE_LIMITS = {}


@pytest.fixture(autouse=True)
def lazy_static_files(settings: Any) -> None:
    """Otherwise every test client reads the whole tree of static files before its first request."""
    settings.WHITENOISE_AUTOREFRESH = True


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings: None, tmp_path_factory: pytest.TempPathFactory) -> None:
    """SQLite in a file: in memory, two threads share one cache and fail at once where real ones would wait."""
    default = connections["default"]
    if default.vendor == "sqlite":
        default.settings_dict["TEST"]["NAME"] = str(tmp_path_factory.mktemp("db") / "test.sqlite3")


@pytest.fixture
def configure(settings: Any) -> Callable[..., None]:
    """`configure(CHUNK_SIZE=2)` changes keys of settings.AUTOLABEL."""

    def change(**keys: Any) -> None:
        settings.AUTOLABEL = {**settings.AUTOLABEL, **keys}

    return change


@pytest.fixture
def as_user() -> Any:
    """`as_user(user)` is an API client with that user's session; without a user, an anonymous one."""

    def client(user: Any = None, **options: Any) -> APIClient:
        api = APIClient(**options)
        if user is not None:
            api.force_login(user)
        return api

    return client


@pytest.fixture
def make_site(tmp_path: Path) -> Iterator[Callable[..., Site]]:
    """`make_site(FAKE_SECONDS="1")`: a site of its own processes, with these variables; gone with the test."""
    sites: list[Site] = []

    def make(**env: str) -> Site:
        sites.append(Site(tmp_path / f"site-{len(sites)}", **env))
        return sites[-1]

    yield make
    for site in sites:
        site.stop()


_FIGURES: dict[str, Any] = {}


def pytest_terminal_summary(terminalreporter: Any, exitstatus: int) -> None:
    counts = {name: len(terminalreporter.stats.get(name, [])) for name in ("passed", "failed", "error", "skipped")}
    _FIGURES.update(counts, ok=exitstatus == 0)


def pytest_unconfigure() -> None:
    """`make test` ends, as all our targets, with one line of JSON."""
    if _FIGURES and os.environ.get("PRINT_FIGURES"):
        print(json.dumps(_FIGURES))  # noqa: T201
