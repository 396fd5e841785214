from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import IntegrityError
from PIL import Image

from annotation_platform.models import Item, Project
from annotation_platform.uploads import clean_name, create_item
from tests.factories import image_bytes, make_member, make_project

pytestmark = pytest.mark.django_db
SIDEWAYS = 6  # the EXIF orientation of a phone held upright


@pytest.fixture
def project() -> Project:
    return make_project()


@pytest.fixture
def upload(as_user: Any, project: Project) -> Any:
    client = as_user(make_member(project, "manager"))

    def send(data: bytes, name: str = "photo.jpg", content_type: str = "image/jpeg") -> Any:
        file = SimpleUploadedFile(name, data, content_type)
        return client.post(f"/api/v1/projects/{project.uid}/items/", {"image": file}, format="multipart")

    return send


def files_below(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def stored_image(field: Any) -> Image.Image:
    with field.open("rb") as file, Image.open(file) as image:
        image.load()
        return image


def exif_rotated() -> bytes:
    exif = Image.Exif()
    exif[0x0112] = SIDEWAYS
    return image_bytes((80, 40), exif=exif.tobytes())


def sixteen_bit_grey() -> bytes:
    """Half as bright as can be; a careless conversion makes it white."""
    buffer = io.BytesIO()
    Image.fromarray(np.full((20, 30), 32_768, dtype=np.uint16)).save(buffer, "PNG")
    return buffer.getvalue()


def header_bomb(side: int = 20_000) -> bytes:
    """A PNG of a few bytes whose header promises side × side pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


def test_an_upload_becomes_an_unlabeled_item(upload: Any, project: Project) -> None:
    answer = upload(image_bytes((640, 480)), "My part.JPG")

    item = Item.objects.get()
    assert answer.status_code == 201
    assert answer.json() == {
        "uid": item.uid,
        "project": project.uid,
        "name": "My part.JPG",
        "state": "unlabeled",
        "width": 640,
        "height": 480,
        "image_url": f"/api/v1/items/{item.uid}/image/",
        "preview_url": f"/api/v1/items/{item.uid}/image/",
        "has_preview": False,
        "thumbnail_url": f"/api/v1/items/{item.uid}/thumbnail/",
        "drafts": 0,
        "accepted": 0,
        "auto_labeled_at": None,
        "flag_comment": "",
        "flagged_by": None,
        "flagged_at": None,
        "finished_by": None,
        "finished_at": None,
        "created_at": answer.json()["created_at"],
        "updated_at": answer.json()["updated_at"],
    }


def test_the_server_names_the_files(upload: Any, project: Project, media: Path) -> None:
    upload(image_bytes(file_format="PNG"), "../../evil.php")

    item = Item.objects.get()
    assert item.image.name == f"items/{project.uid}/{item.uid}.png"
    assert sorted(path.relative_to(media).as_posix() for path in files_below(media)) == [
        f"items/{project.uid}/{item.uid}.png",
        f"items/{project.uid}/{item.uid}.thumb.jpg",
    ]


def test_the_original_is_kept_byte_for_byte(upload: Any) -> None:
    data = exif_rotated()
    upload(data)

    with Item.objects.get().image.open("rb") as stored:
        assert stored.read() == data


def test_a_browser_format_needs_no_display_copy(upload: Any) -> None:
    for file_format in ("JPEG", "PNG", "WEBP"):
        upload(image_bytes(file_format=file_format))

    assert [item.display.name for item in Item.objects.all()] == ["", "", ""]


def test_a_phones_jpeg_with_further_pictures_behind_the_first_is_a_jpeg(upload: Any) -> None:
    buffer = io.BytesIO()
    second = Image.new("RGB", (32, 24), "red")
    Image.new("RGB", (64, 48)).save(buffer, "MPO", save_all=True, append_images=[second])

    assert upload(buffer.getvalue()).status_code == 201

    item = Item.objects.get()
    assert item.image.name.endswith(".jpg")
    assert (item.width, item.height, item.display.name) == (64, 48, "")


def test_a_photo_with_a_clip_behind_it_is_a_photo(upload: Any) -> None:
    clip = b"\x00\x00\x00\x18ftypmp42" + b"PK\x05\x06" + bytes(range(256)) * 100

    assert upload(image_bytes() + clip).status_code == 201


def test_a_rotated_photo_has_upright_size_and_an_upright_copy(upload: Any) -> None:
    answer = upload(exif_rotated())

    item = Item.objects.get()
    assert (answer.json()["width"], answer.json()["height"]) == (40, 80)
    shown, thumbnail = stored_image(item.display), stored_image(item.thumbnail)
    assert shown.size == thumbnail.size == (40, 80)
    assert not shown.getexif()
    assert not thumbnail.getexif()


@pytest.mark.parametrize(
    "data",
    [
        image_bytes(file_format="TIFF"),
        image_bytes(file_format="BMP"),
        image_bytes(mode="CMYK", color=(0, 0, 0, 0)),
        sixteen_bit_grey(),
        image_bytes(file_format="PNG", mode="RGBA"),
    ],
    ids=["TIFF", "BMP", "CMYK", "16-bit grey", "alpha"],
)
def test_what_browsers_cannot_show_gets_an_rgb_jpeg_beside_it(upload: Any, data: bytes) -> None:
    assert upload(data).status_code == 201

    shown = stored_image(Item.objects.get().display)
    assert (shown.format, shown.mode) == ("JPEG", "RGB")


def test_sixteen_bit_grey_keeps_its_brightness(upload: Any) -> None:
    upload(sixteen_bit_grey())

    shown = stored_image(Item.objects.get().display)
    assert 120 <= shown.getpixel((5, 5))[0] <= 135


def test_transparency_is_shown_on_the_white_that_models_see(upload: Any) -> None:
    upload(image_bytes(file_format="PNG", mode="RGBA", color=(255, 0, 0, 0)))

    shown = stored_image(Item.objects.get().display)
    assert min(shown.getpixel((5, 5))) >= 250


def test_a_thumbnail_is_a_jpeg_of_at_most_320_pixels(upload: Any) -> None:
    upload(image_bytes((1000, 500), "PNG"))

    thumbnail = stored_image(Item.objects.get().thumbnail)
    assert (thumbnail.format, thumbnail.size) == ("JPEG", (320, 160))


def test_a_copy_longer_than_a_jpeg_can_be_is_a_png(upload: Any) -> None:
    assert upload(image_bytes((65_600, 2), "TIFF")).status_code == 201

    assert Item.objects.get().display.name.endswith(".display.png")


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty"),
        (image_bytes((640, 480), quality=95)[:-1000], "damaged"),
        (b"just some text", "not an image"),
        (header_bomb(), "megapixels"),
        (b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>', "not an image"),
        (b"<html><script>alert(1)</script></html>", "not an image"),
        (image_bytes(file_format="GIF"), "not an image"),
        (image_bytes()[:20], "damaged|not an image"),
    ],
    ids=["0 bytes", "cut JPEG", "text", "header bomb", "SVG", "HTML", "GIF", "only a header"],
)
def test_what_is_no_sound_image_is_400_with_the_reason_and_leaves_nothing(
    upload: Any, media: Path, data: bytes, reason: str
) -> None:
    answer = upload(data)

    assert answer.status_code == 400
    assert list(answer.json()) == ["image"]
    assert any(word in answer.json()["image"][0] for word in reason.split("|"))
    assert not Item.objects.exists()
    assert not files_below(media)


def test_a_file_that_is_too_large_is_refused(upload: Any, settings: Any) -> None:
    settings.AUTOLABEL = {**settings.AUTOLABEL, "MAX_IMAGE_BYTES": 1000}

    answer = upload(image_bytes((200, 200), "BMP"))
    assert (answer.status_code, list(answer.json())) == (413, ["detail"])
    settings.AUTOLABEL = {**settings.AUTOLABEL, "MAX_IMAGE_BYTES": 100_000}
    answer = upload(image_bytes((200, 200), "BMP"))
    assert (answer.status_code, list(answer.json())) == (400, ["image"])


def test_a_request_without_exactly_one_file_is_400(as_user: Any, project: Project) -> None:
    client, url = as_user(make_member(project, "manager")), f"/api/v1/projects/{project.uid}/items/"
    two = [SimpleUploadedFile("a.jpg", image_bytes()), SimpleUploadedFile("b.jpg", image_bytes())]

    for body in ({}, {"image": "text"}, {"image": two}, {"other": two[0]}):
        answer = client.post(url, body, format="multipart")
        assert (answer.status_code, list(answer.json())) == (400, ["image"])
    assert list(client.post(url, {"image": "x"}, format="json").json()) == ["image"]
    assert client.post(url, "image", content_type="text/plain").status_code == 415
    many = {f"file{number}": SimpleUploadedFile("a.jpg", b"x") for number in range(101)}
    assert list(client.post(url, many, format="multipart").json()) == ["detail"]
    assert client.post(url, b"x", content_type="multipart/form-data").status_code == 400


def test_nothing_is_left_on_disk_when_the_row_fails(
    project: Project, media: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: Any, **kwargs: Any) -> None:
        raise IntegrityError("no")

    monkeypatch.setattr(Item, "save", fail)
    with pytest.raises(IntegrityError):
        create_item(project, io.BytesIO(exif_rotated()), name="a.jpg")

    assert not files_below(media)


def test_nothing_is_left_on_disk_when_the_disk_is_full(
    project: Project, media: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from django.core.files.storage import FileSystemStorage

    real = FileSystemStorage._save

    def full(self: Any, name: str, content: Any) -> str:
        saved = real(self, name, content)
        if "thumb" in name:
            raise OSError("No space left on device")
        return saved

    monkeypatch.setattr(FileSystemStorage, "_save", full)
    with pytest.raises(OSError, match="No space"):
        create_item(project, io.BytesIO(exif_rotated()), name="a.jpg")

    assert not files_below(media)
    assert not Item.objects.exists()


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("C:\\photos\\a.jpg", "a.jpg"),
        ("a\r\nSet-Cookie: x.jpg", "aSet-Cookie: x.jpg"),
        ("a\u202egpj.exe", "agpj.exe"),
        ("\ud800.jpg", "jpg"),
        ("..", "image"),
        ("", "image"),
        ("x" * 300 + ".jpg", "x" * 251 + ".jpg"),
        ("Schraube größe 8.jpg", "Schraube größe 8.jpg"),
    ],
)
def test_a_name_becomes_one_printable_line(given: str, kept: str) -> None:
    assert clean_name(given) == kept
