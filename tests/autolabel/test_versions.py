"""Registering versions without a redeploy: what is refused, what is verified, and who becomes the default."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import IntegrityError, transaction

from autolabel.jobs import versions
from autolabel.jobs.catalog import catalog
from autolabel.jobs.versions import SETTINGS, NewVersion, VersionInvalid, add_version, set_default
from autolabel.models import ModelDefault, ModelVersion
from tests.factories import make_user

from .builders import in_threads

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("fake_model")]
SHA = hashlib.sha256(b"weights").hexdigest()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "screws.pt"
    path.write_bytes(b"weights")
    return path


def new(**fields: Any) -> NewVersion:
    return NewVersion(**{"model_type": "yolo", "version": "2", "weights": "/srv/2.pt", "sha256": SHA, **fields})


def refusal(**fields: Any) -> tuple[str, str]:
    with pytest.raises(VersionInvalid) as error:
        add_version(new(**fields))
    assert not ModelVersion.objects.exists()
    return error.value.field, str(error.value)


def test_a_version_of_an_entry_waits_until_it_is_made_the_default() -> None:
    user = make_user()
    row = add_version(new(), user=user).row

    assert (row.base, row.created_by, row.sha256) == ("yolo", user, SHA)
    assert catalog()["yolo"].version == ""
    assert set_default("yolo", "2", user=user).version == "2"
    assert catalog()["yolo"].version == "2"
    assert ModelDefault.objects.get().changed_by == user


def test_the_first_version_of_a_new_name_is_its_default_and_later_ones_run_like_it() -> None:
    add_version(new(model_type="screws", version="1", like="yolo"))
    later = add_version(new(model_type="screws", version="2")).row

    assert later.base == "yolo"
    assert catalog()["screws"].version == "1"


def test_the_way_back_to_the_settings_is_open_to_their_entries_alone() -> None:
    add_version(new(), default=True)
    set_default("yolo", SETTINGS)
    assert catalog()["yolo"].version == ""

    add_version(new(model_type="screws", like="yolo"))
    with pytest.raises(VersionInvalid, match="no model 'screws'"):
        set_default("screws", SETTINGS)
    with pytest.raises(VersionInvalid, match="no version '9'"):
        set_default("yolo", "9")


@pytest.mark.parametrize(
    ("fields", "field", "says"),
    [
        ({"sha256": "abc"}, "sha256", "64 hexadecimal digits"),
        ({"sha256": ""}, "sha256", "64 hexadecimal digits"),
        ({"version": ""}, "version", "cannot be"),
        ({"version": "v 2"}, "version", "cannot be"),
        ({"version": "settings"}, "version", "choose another"),
        ({"model_type": "../yolo", "like": "yolo"}, "model_type", "cannot be"),
        ({"model_type": "screws"}, "like", "say which entry it runs like (yolo)"),
        ({"model_type": "screws", "like": "tests.fakes.Evil"}, "like", "no entry 'tests.fakes.Evil'"),
        ({"like": "other"}, "like", "runs like itself"),
        ({"title": "x" * 101}, "title", "100 characters"),
        ({"weights": "weights/2.pt"}, "weights", "absolute path"),
        ({"weights": "/srv/../etc/shadow"}, "weights", "absolute path"),
        ({"weights": ""}, "weights", "absolute path"),
        ({"weights": "http://evil/2.pt"}, "weights", "absolute path"),
        ({"weights": "/" + "x" * 1024}, "weights", "1024 characters"),
        ({"weights": "/tmp"}, "weights", "no file"),
        ({"weights": "storage:../secret-key"}, "weights", "without '..'"),
        ({"weights": "storage:/etc/passwd"}, "weights", "relative name"),
        ({"weights": "storage:models/gone.pt"}, "weights", "no file 'models/gone.pt'"),
    ],
)
def test_what_cannot_be_is_refused_by_field(fields: dict[str, str], field: str, says: str) -> None:
    named, message = refusal(**fields)

    assert named == field
    assert says in message


def test_weights_that_are_readable_here_are_verified_now(file: Path) -> None:
    assert add_version(new(weights=str(file), sha256=SHA.upper())).verified
    assert not add_version(new(version="3", weights="/srv/elsewhere.pt")).verified
    assert not add_version(new(version="4", weights=str(file)), verify_bytes=3).verified

    file.write_bytes(b"an evil pickle")
    with pytest.raises(VersionInvalid, match="another sha256"):
        add_version(new(version="5", weights=str(file)))


def test_so_are_weights_in_the_storage(monkeypatch: pytest.MonkeyPatch) -> None:
    default_storage.save("models/a.pt", ContentFile(b"weights"))
    default_storage.save("models/evil.pt", ContentFile(b"an evil pickle"))

    assert refusal(weights="storage:models/evil.pt")[0] == "sha256"
    assert add_version(new(weights="storage:models/a.pt")).verified
    assert not add_version(new(version="3", weights="storage:models/a.pt"), verify_bytes=3).verified

    def away(self: Any, key: str) -> bool:
        raise ConnectionError("http://10.0.0.1/bucket")

    monkeypatch.setattr(type(default_storage._wrapped), "exists", away)  # type: ignore[attr-defined]
    with pytest.raises(VersionInvalid, match=r"The storage does not answer \(ConnectionError\)\.$"):
        add_version(new(version="4", weights="storage:models/a.pt"))


def test_a_version_is_registered_once_and_never_changes(file: Path) -> None:
    row = add_version(new()).row
    with pytest.raises(VersionInvalid, match="has a version '2' already"):
        add_version(new(weights=str(file)))
    row.weights = str(file)
    with pytest.raises(TypeError, match="cannot be changed"):
        row.save()
    # Nor past the checks: the database refuses a second one, and one without a hash.
    for fields in ({"version": "2"}, {"version": "3", "sha256": "abc"}, {"version": ""}):
        given = {"model_type": "yolo", "base": "yolo", "weights": "/w", "sha256": SHA, **fields}
        with pytest.raises(IntegrityError), transaction.atomic():
            ModelVersion.objects.create(**given)


@pytest.mark.django_db(transaction=True)
def test_of_two_that_register_the_same_version_at_once_one_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def register() -> str:
        try:
            add_version(new(), default=True)
        except VersionInvalid as error:
            return error.field
        return "registered"

    assert sorted(in_threads(register, register)) == ["registered", "version"]
    assert ModelVersion.objects.count() == 1


def test_the_race_is_told_even_after_the_look(monkeypatch: pytest.MonkeyPatch) -> None:
    judged = versions.checked(new())
    add_version(new())

    with pytest.raises(VersionInvalid, match="already"):
        versions.store(judged)


def test_a_name_whose_entry_left_the_settings_needs_another(configure: Callable[..., None]) -> None:
    add_version(new(model_type="screws", like="yolo"))
    configure(MODELS={"other": {"PREDICTOR": "tests.autolabel.fakes.FakePredictor"}})

    with pytest.raises(VersionInvalid, match=r"runs like \(other\)"):
        add_version(new(model_type="screws", version="3"))
    add_version(new(model_type="screws", version="3", like="other"), default=True)
    assert catalog()["screws"].version == "3"
