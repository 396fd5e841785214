from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from annotation_platform.models import Item
from annotation_platform.uploads import create_item
from tests.factories import image_bytes, make_item, make_member, make_project

pytestmark = pytest.mark.django_db


def body_of(answer: Any) -> bytes:
    return b"".join(answer.streaming_content)


def test_an_image_is_served_so_that_it_can_do_nothing_in_a_page(as_user: Any) -> None:
    item = make_item()
    answer = as_user(make_member(item.project, "viewer")).get(f"/api/v1/items/{item.uid}/image/")

    assert answer["Content-Type"] == "image/jpeg"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Content-Security-Policy"] == "sandbox"
    assert "private" in answer["Cache-Control"]
    assert "immutable" in answer["Cache-Control"]
    assert Image.open(io.BytesIO(body_of(answer))).size == (64, 48)


def test_an_unchanged_image_is_304(as_user: Any) -> None:
    item = make_item()
    client, url = as_user(make_member(item.project, "viewer")), f"/api/v1/items/{item.uid}/image/"
    first = client.get(url)
    body_of(first)

    again = client.get(url, headers={"If-None-Match": first["ETag"]})

    assert again.status_code == 304
    assert again["ETag"] == first["ETag"]


def test_a_304_is_only_for_members(as_user: Any) -> None:
    item = make_item()
    stranger = make_member(make_project("Other"), "manager")

    answer = as_user(stranger).get(f"/api/v1/items/{item.uid}/image/", headers={"If-None-Match": "*"})

    assert answer.status_code == 404


@pytest.mark.parametrize("accept", ["image/webp", "text/html", "*/*", "nonsense"])
def test_an_image_is_served_whatever_the_browser_says_it_accepts(as_user: Any, accept: str) -> None:
    item = make_item()
    client = as_user(make_member(item.project, "viewer"))

    answer = client.get(f"/api/v1/items/{item.uid}/thumbnail/", headers={"Accept": accept})

    assert (answer.status_code, answer["Content-Type"]) == (200, "image/jpeg")
    body_of(answer)


def test_the_display_copy_is_shown_and_the_original_downloaded(as_user: Any) -> None:
    project = make_project()
    data = image_bytes(file_format="TIFF")
    item = create_item(project, io.BytesIO(data), name="scan.html")
    client = as_user(make_member(project, "viewer"))

    shown = client.get(f"/api/v1/items/{item.uid}/image/")
    original = client.get(f"/api/v1/items/{item.uid}/original/")

    assert shown["Content-Type"] == "image/jpeg"
    assert body_of(original) == data
    assert original["Content-Type"] == "image/tiff"
    assert original["Content-Disposition"] == 'attachment; filename="scan.tif"'
    assert original["X-Content-Type-Options"] == "nosniff"
    body_of(shown)


def test_an_item_without_a_thumbnail_shows_its_image(as_user: Any) -> None:
    item = make_item()
    Item.objects.update(thumbnail="")

    answer = as_user(make_member(item.project, "viewer")).get(f"/api/v1/items/{item.uid}/thumbnail/")

    assert answer.status_code == 200
    body_of(answer)


def test_a_file_that_is_gone_is_404(as_user: Any, media: Path) -> None:
    item = make_item()
    Path(item.image.path).unlink()

    answer = as_user(make_member(item.project, "viewer")).get(f"/api/v1/items/{item.uid}/image/")

    assert answer.status_code == 404
    assert answer.json()["detail"]


def test_deleting_an_item_removes_its_files_after_the_commit(
    as_user: Any, media: Path, django_capture_on_commit_callbacks: Any
) -> None:
    item = make_item()
    with django_capture_on_commit_callbacks(execute=True) as callbacks:
        answer = as_user(make_member(item.project, "manager")).delete(f"/api/v1/items/{item.uid}/")
        assert Path(item.image.path).exists()

    assert answer.status_code == 204
    assert len(callbacks) == 2
    assert not [path for path in media.rglob("*") if path.is_file()]


def test_media_has_no_public_address(client: Any) -> None:
    item = make_item()

    assert client.get(f"/media/{item.image.name}").status_code in (302, 404)
    assert client.get(f"/{item.image.name}").status_code in (302, 404)
