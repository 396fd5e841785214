"""A large image has a smaller copy, to look at while it loads."""

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
SIDEWAYS = 6


def large(size: tuple[int, int] = (2600, 1300), **options: Any) -> Item:
    return create_item(make_project(), io.BytesIO(image_bytes(size, **options)), name="part.jpg")


def preview_of(item: Item) -> Image.Image:
    with item.preview.open("rb") as file, Image.open(file) as image:
        image.load()
        return image


def files_below(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


@pytest.mark.parametrize(
    ("size", "preview"),
    [((2600, 1300), (2048, 1024)), ((1000, 3000), (683, 2048)), ((6000, 1), (2048, 1))],
)
def test_a_large_image_gets_a_jpeg_of_at_most_2048_pixels(size: tuple[int, int], preview: tuple[int, int]) -> None:
    made = preview_of(large(size))

    assert (made.format, made.size) == ("JPEG", preview)


def test_a_preview_keeps_colours_and_proportions() -> None:
    image = Image.new("RGB", (3000, 3000), "red")
    image.paste("blue", (1500, 0, 3000, 3000))
    file = io.BytesIO()
    image.save(file, "PNG")

    made = preview_of(create_item(make_project(), file, name="a.png"))

    left, right = made.getpixel((1000, 5)), made.getpixel((1048, 2040))
    assert left[0] > 240 > 20 > left[2]
    assert right[2] > 240 > 20 > right[0]


def test_a_preview_is_upright_and_tells_nothing_of_the_camera() -> None:
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = SIDEWAYS, "A camera"

    item = large((2600, 1300), exif=exif.tobytes())

    made = preview_of(item)
    assert made.size == (1024, 2048)
    assert not made.getexif()


def test_an_image_that_is_hardly_larger_has_none(as_user: Any) -> None:
    item = large((2560, 10))
    client = as_user(make_member(item.project, "viewer"))

    shown = client.get(f"/api/v1/items/{item.uid}/").json()

    assert not item.preview
    assert shown["has_preview"] is False
    assert shown["preview_url"] == shown["image_url"]


def test_a_preview_is_served_like_the_image(as_user: Any) -> None:
    item = large()
    client = as_user(make_member(item.project, "viewer"))
    shown = client.get(f"/api/v1/items/{item.uid}/").json()

    answer = client.get(shown["preview_url"])

    assert shown["has_preview"] is True
    assert Image.open(io.BytesIO(b"".join(answer.streaming_content))).size == (2048, 1024)
    assert answer["Content-Type"] == "image/jpeg"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert "immutable" in answer["Cache-Control"]
    assert client.get(shown["preview_url"], headers={"If-None-Match": answer["ETag"]}).status_code == 304


@pytest.mark.parametrize(("file_format", "content_type"), [("PNG", "image/png"), ("TIFF", "image/jpeg")])
def test_without_a_preview_its_address_gives_what_is_shown(as_user: Any, file_format: str, content_type: str) -> None:
    item = create_item(make_project(), io.BytesIO(image_bytes(file_format=file_format)), name="a")
    client = as_user(make_member(item.project, "viewer"))

    answer = client.get(f"/api/v1/items/{item.uid}/preview/")

    assert (answer.status_code, answer["Content-Type"]) == (200, content_type)
    answer.close()


@pytest.mark.django_db(transaction=True)
def test_a_preview_goes_with_its_item(media: Path) -> None:
    item = large()
    assert len(files_below(media)) == 3

    item.delete()

    assert not files_below(media)


def test_the_thumbnail_of_a_large_image_is_still_a_thumbnail() -> None:
    assert make_item().thumbnail.size > 0
    item = large((3200, 1600))

    with item.thumbnail.open("rb") as file:
        assert Image.open(file).size == (320, 160)
