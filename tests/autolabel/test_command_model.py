"""`manage.py autolabel_model`: versions from a shell."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from tests.site import REPOSITORY

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("fake_model")]
SHA = hashlib.sha256(b"weights").hexdigest()


@pytest.fixture
def weights(tmp_path: Path) -> str:
    path = tmp_path / "2.pt"
    path.write_bytes(b"weights")
    return str(path)


def model(capsys: Any, *arguments: str) -> str:
    call_command("autolabel_model", *arguments)
    return str(capsys.readouterr().out)


def add(capsys: Any, weights: str, *arguments: str) -> str:
    return model(capsys, "add", "yolo", "--version", "2", "--weights", weights, "--sha256", SHA, *arguments)


def test_a_version_is_added_and_verified_and_its_use_is_told(capsys: Any, weights: str) -> None:
    said = add(capsys, weights)

    assert "Registered yolo 2 (sha256 verified)." in said
    assert "manage.py autolabel_model default yolo 2" in said
    assert model(capsys, "default", "yolo", "2") == "New jobs of yolo use version 2. Jobs that exist keep theirs.\n"
    assert "the weights that the settings name" in model(capsys, "default", "yolo", "settings")


def test_a_new_name_is_used_at_once_like_its_entry(capsys: Any) -> None:
    said = model(capsys, "add", "screws", "--version", "1", "--weights", "/srv/s.pt", "--sha256", SHA, "--like", "yolo")

    assert "not readable here, so the workers will verify the sha256" in said
    assert "New jobs use it." in said


def test_the_list_shows_versions_and_marks_the_defaults(capsys: Any, weights: str, configure: Any) -> None:
    add(capsys, weights, "--default", "--title", "Second")
    model(capsys, "add", "screws", "--version", "1", "--weights", "/srv/s.pt", "--sha256", SHA, "--like", "yolo")

    said = model(capsys, "list")
    assert "yolo: new jobs use 2" in said
    assert f"* screws 1  like yolo  /srv/s.pt  sha256 {SHA[:12]}…" in said
    configure(MODELS={"other": {"PREDICTOR": "tests.autolabel.fakes.FakePredictor"}})
    assert "screws: screws 1 cannot run; its entry left the settings" in model(capsys, "list")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["add", "yolo", "--version", "2", "--weights", "2.pt", "--sha256", SHA], "--weights: Give the absolute path"),
        (["add", "yolo", "--version", "2", "--weights", "/2.pt", "--sha256", "x"], "--sha256: A sha256 is 64"),
        (["add", "new", "--version", "2", "--weights", "/2.pt", "--sha256", SHA], "--like: 'new' is a new model"),
        (["default", "yolo", "9"], "--version: The model 'yolo' has no version '9'."),
        (["default", "new", "settings"], "NAME: The registry has no model 'new'."),
        (["add", "yolo"], "--version"),
    ],
)
def test_a_mistake_names_the_option(arguments: list[str], says: str) -> None:
    with pytest.raises(CommandError, match=says.replace(".", r"\.")):
        call_command("autolabel_model", *arguments)


def test_its_version_option_is_not_djangos() -> None:
    """Django's commands print Django's version for `--version`."""
    done = subprocess.run(
        [sys.executable, "manage.py", "autolabel_model", "add", "yolo", "--version", "2", "--sha256", "x"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert done.returncode == 2
    assert "--weights" in done.stderr
