"""What must not get in does not, whatever it is called; archives and URLs go by the same door as single images."""

from __future__ import annotations

import io
import itertools
import json
import random
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from annotation_platform import archives
from annotation_platform.models import Item, Project
from autolabel.webhooks import client
from tests.autolabel.receivers import receiver
from tests.factories import image_bytes, make_member, make_project
from tests.upload_corpus import CORPUS, Bad, zipped

pytestmark = pytest.mark.django_db


@pytest.fixture
def project() -> Project:
    return make_project()


@pytest.fixture
def send(as_user: Any, project: Project) -> Any:
    client = as_user(make_member(project, "manager"))

    def post(data: bytes, name: str) -> Any:
        where, field = ("archives", "archive") if name.endswith(".zip") else ("items", "image")
        file = SimpleUploadedFile(name, data)
        return client.post(f"/api/v1/projects/{project.uid}/{where}/", {field: file}, format="multipart")

    return post


@pytest.fixture
def by_url(as_user: Any, project: Project) -> Any:
    api = as_user(make_member(project, "manager"))
    return lambda url: api.post(f"/api/v1/projects/{project.uid}/items/", {"url": url}, format="json")


@pytest.mark.parametrize("bad", CORPUS, ids=lambda bad: bad.what)
def test_it_is_refused_with_a_reason_and_leaves_nothing(bad: Bad, send: Any, media: Path) -> None:
    answer = send(bad.data, bad.name)

    assert answer.status_code == 400, answer.content
    assert bad.reason in json.dumps(answer.json())
    assert any(answer.json().values())
    assert not Item.objects.exists()
    assert not [path for path in media.rglob("*") if path.is_file()]


class TestArchives:
    def test_no_damage_is_an_error_of_ours(self, project: Project) -> None:
        sound = zipped(*((f"{name}.txt", b"no image, but long enough to be packed " * 3) for name in "abc"))
        chance = random.Random(20261124)
        for _ in range(2000):
            data = bytearray(sound)
            for _ in range(chance.randint(1, 4)):
                data[chance.randrange(len(data))] = chance.choice((0, 1, 0x7F, 0xFF, chance.randrange(256)))
            with suppress(archives.ArchiveRefused):
                assert archives.create_items(project, io.BytesIO(data)).items == []

    def test_each_image_becomes_an_item_under_its_own_name(self, send: Any) -> None:
        files = [("day/one.jpg", image_bytes()), ("day/two.png", image_bytes(file_format="PNG"))]

        answer = send(zipped(*files, ("__MACOSX/._one.jpg", b"x"), ("day/.DS_Store", b"x"), ("day/", b"")), "set.zip")

        assert answer.status_code == 201, answer.content
        assert [item["name"] for item in answer.json()["created"]] == ["one.jpg", "two.png"]
        assert answer.json()["refused"] == []
        assert {item.image.name.rpartition(".")[2] for item in Item.objects.all()} == {"jpg", "png"}

    def test_an_archive_that_takes_too_long_is_taken_as_far_as_it_went(self, send: Any, monkeypatch: Any) -> None:
        clock = itertools.count(step=50.0)
        monkeypatch.setattr(archives.time, "monotonic", lambda: next(clock))

        answer = send(zipped(*((f"{n}.jpg", image_bytes()) for n in range(4))), "set.zip").json()

        assert [item["name"] for item in answer["created"]] == ["0.jpg", "1.jpg"]
        assert [(one["name"], "another archive" in one["reason"]) for one in answer["refused"]] == [
            ("2.jpg", True),
            ("3.jpg", True),
        ]

    def test_what_cannot_be_taken_is_named_beside_what_was(self, send: Any) -> None:
        answer = send(zipped(("good.jpg", image_bytes()), ("notes.txt", b"hello")), "set.zip")

        assert [item["name"] for item in answer.json()["created"]] == ["good.jpg"]
        [refused] = answer.json()["refused"]
        assert refused["name"] == "notes.txt"
        assert "not an image" in refused["reason"]

    def test_it_takes_a_manager(self, as_user: Any, project: Project) -> None:
        for role, status in (("viewer", 403), ("annotator", 403)):
            client = as_user(make_member(project, role))
            file = SimpleUploadedFile("a.zip", zipped(("a.jpg", image_bytes())))
            answer = client.post(f"/api/v1/projects/{project.uid}/archives/", {"archive": file}, format="multipart")
            assert answer.status_code == status

    def test_a_body_that_is_too_large_is_not_even_stored(self, send: Any, monkeypatch: Any) -> None:
        monkeypatch.setattr(archives, "MOST_BYTES", 1000)

        assert send(zipped(("a.jpg", image_bytes())) + bytes(100_000), "a.zip").status_code == 413

    def test_exactly_one_file(self, as_user: Any, project: Project) -> None:
        client = as_user(make_member(project, "manager"))
        answer = client.post(f"/api/v1/projects/{project.uid}/archives/", {}, format="multipart")
        assert answer.json() == {"archive": ["Send exactly one file."]}


class TestUrls:
    def test_an_image_is_fetched_and_keeps_its_name(self, by_url: Any, configure: Any) -> None:
        configure(WEBHOOK_ALLOW_HTTP=True, WEBHOOK_ALLOW_LOOPBACK=True)
        with receiver() as server:
            server.body = image_bytes((40, 30))
            answer = by_url(server.url + "/a%20bolt.jpg?size=full")

        assert answer.status_code == 201, answer.content
        assert (answer.json()["name"], answer.json()["width"]) == ("a bolt.jpg", 40)
        assert "Cookie" not in server.requests[0].headers

    @pytest.mark.parametrize(
        ("status", "body", "reason"),
        [
            (404, b"", "The server answered 404"),
            (302, b"", "The server answered 302"),
            (200, b"<html>", "not an image"),
        ],
    )
    def test_what_is_no_image_is_refused(
        self, by_url: Any, configure: Any, status: int, body: bytes, reason: str
    ) -> None:
        configure(WEBHOOK_ALLOW_HTTP=True, WEBHOOK_ALLOW_LOOPBACK=True)
        with receiver() as server:
            server.answer, server.body = status, body
            answer = by_url(server.url)

        assert answer.status_code == 400
        assert reason in answer.json()["url"][0]

    def test_an_image_that_is_too_large_is_not_read_to_its_end(self, by_url: Any, configure: Any) -> None:
        configure(WEBHOOK_ALLOW_HTTP=True, WEBHOOK_ALLOW_LOOPBACK=True, MAX_IMAGE_BYTES=1024 * 1024)
        with receiver() as server:
            server.body = bytes(5 * 1024 * 1024)
            answer = by_url(server.url)

        assert answer.json() == {"url": ["The file is larger than 1 MB."]}

    @pytest.mark.parametrize(
        "url", ["https://127.0.0.1/", "https://169.254.169.254/latest/meta-data/", "https://[::1]/"]
    )
    def test_addresses_inside_are_refused(self, by_url: Any, url: str) -> None:
        answer = by_url(url)

        assert answer.status_code == 400
        assert "inside of this network" in answer.json()["url"][0]

    @pytest.mark.parametrize("url", ["", "file:///etc/passwd", "http://example.com/", "https://me@example.com/", 7])
    def test_what_is_no_such_url_is_said_at_its_field(self, by_url: Any, url: Any) -> None:
        answer = by_url(url)

        assert answer.status_code == 400
        assert list(answer.json()) == ["url"]

    def test_fetching_leaves_threads_for_others(self, by_url: Any, monkeypatch: Any) -> None:
        monkeypatch.setattr(client, "_WAIT_SECONDS", 0.01)
        with client.place(), client.place(), client.place():
            answer = by_url("https://example.com/a.jpg")

        assert answer.status_code == 429
        assert answer["Retry-After"] == "5"
