"""Safe decoding: every file becomes upright RGB as a person sees it, or a sentence that says why not."""

from __future__ import annotations

import io
import struct
import tracemalloc
import zlib
from typing import Any

import numpy as np
import pytest
from PIL import Image

from autolabel.exceptions import ItemUnreadable
from autolabel.inference.images import DecodedImage, decode_image
from tests.factories import image_bytes

RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)


def decode(data: bytes, **limits: int) -> DecodedImage:
    return decode_image(io.BytesIO(data), **limits)


def saved(image: Image.Image, file_format: str = "PNG", **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, file_format, **options)
    return buffer.getvalue()


def png_claiming(width: int, height: int) -> bytes:
    """A PNG whose header names a huge size and whose data are a few bytes."""

    def part(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pixels = zlib.compress(b"\0" * 10_000)
    return b"\x89PNG\r\n\x1a\n" + part(b"IHDR", header) + part(b"IDAT", pixels) + part(b"IEND", b"")


@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "WEBP", "BMP", "TIFF"])
def test_it_takes_the_formats_that_cameras_and_people_use(file_format: str) -> None:
    decoded = decode(image_bytes((64, 48), file_format, color=(200, 30, 30)))

    assert (decoded.width, decoded.height, decoded.format) == (64, 48, file_format)
    assert decoded.pixels().shape == (48, 64, 3)
    assert decoded.pixels().dtype == np.uint8
    assert not decoded.rotated


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "empty"),
        (b"just a text that somebody renamed to photo.jpg", "not an image"),
        (image_bytes((64, 48), "GIF"), "not an image"),
        (b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>', "not an image"),
        (b"<!doctype html><script>alert(1)</script>", "not an image"),
        (image_bytes((640, 480), quality=90)[:-400], "damaged"),
        (image_bytes((640, 480), color=(9, 8, 7))[:600], "damaged"),
        (image_bytes((64, 48), "PNG", color=(9, 8, 7))[:-40], "damaged"),
        (b"\xff\xd8\xff\xe0" + b"\0" * 100, "image"),
        (b"\x89PNG\r\n\x1a\n", "image"),
    ],
    ids=["empty", "text", "gif", "svg", "html", "cut-jpeg", "half-jpeg", "cut-png", "jpeg-magic", "png-magic"],
)
def test_it_refuses_what_is_no_sound_image_and_says_why(data: bytes, message: str) -> None:
    with pytest.raises(ItemUnreadable, match=message) as refused:
        decode(data)
    assert len(str(refused.value)) > 15


def test_it_refuses_a_file_that_is_too_large() -> None:
    data = image_bytes((64, 48), "BMP")

    with pytest.raises(ItemUnreadable, match="larger than"):
        decode(data, max_bytes=len(data) - 1)
    assert decode(data, max_bytes=len(data)).width == 64


def test_it_reads_no_further_than_the_limit() -> None:
    file = io.BytesIO(b"x" * 10_000)

    with pytest.raises(ItemUnreadable):
        decode_image(file, max_bytes=1000)
    assert file.tell() == 1001


def test_it_refuses_an_image_with_too_many_pixels() -> None:
    with pytest.raises(ItemUnreadable, match="64 × 48"):
        decode(image_bytes((64, 48)), max_pixels=64 * 48 - 1)
    assert decode(image_bytes((64, 48)), max_pixels=64 * 48).height == 48


@pytest.mark.parametrize("size", [(20_000, 20_000), (9_000, 9_000), (12_000, 12_000), (2**31 - 1, 2**31 - 1)])
def test_a_small_file_that_claims_a_huge_image_costs_no_memory(size: tuple[int, int]) -> None:
    data = png_claiming(*size)
    assert len(data) < 1000

    tracemalloc.start()
    try:
        with pytest.raises(ItemUnreadable, match=r"pixels|damaged"):
            decode(data)
        assert tracemalloc.get_traced_memory()[1] < 2_000_000
    finally:
        tracemalloc.stop()


def test_an_error_of_the_storage_is_not_taken_for_a_bad_image() -> None:
    class Broken(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            raise TimeoutError("slow")

    with pytest.raises(TimeoutError):
        decode_image(Broken())


# Colours as a person sees them


def test_cmyk_becomes_the_colour_that_it_prints() -> None:
    data = saved(Image.new("CMYK", (8, 8), (0, 255, 255, 0)), "JPEG", quality=100)

    red, green, blue = decode(data).pixels()[4, 4]
    assert red > 200
    assert max(green, blue) < 60


@pytest.mark.parametrize("file_format", ["PNG", "TIFF"])
def test_sixteen_bit_grey_is_scaled_and_not_white(file_format: str) -> None:
    values = np.array([[0, 257 * 64, 257 * 128, 65_535]], np.uint16)
    decoded = decode(saved(Image.fromarray(values), file_format))

    assert decoded.pixels()[0, :, 0].tolist() == [0, 64, 128, 255]
    assert (decoded.pixels()[..., 0] == decoded.pixels()[..., 2]).all()


def test_floating_point_grey_is_spread_over_its_range() -> None:
    values = np.array([[0.0, 0.5, 1.0]], np.float32)

    assert decode(saved(Image.fromarray(values), "TIFF")).pixels()[0, :, 0].tolist() == [0, 127, 255]


@pytest.mark.parametrize(
    ("mode", "color", "seen"),
    [
        ("RGBA", (255, 0, 0, 0), WHITE),
        ("RGBA", (255, 0, 0, 255), RED),
        ("RGBA", (0, 0, 0, 51), (204, 204, 204)),
        ("LA", (0, 0), WHITE),
        ("1", 1, WHITE),
        ("L", 77, (77, 77, 77)),
    ],
)
def test_transparency_lies_on_white_and_grey_is_grey(mode: str, color: Any, seen: tuple[int, int, int]) -> None:
    pixels = decode(saved(Image.new(mode, (4, 4), color))).pixels()

    assert tuple(pixels[2, 2].tolist()) == seen


def test_a_palette_keeps_its_colours_and_its_transparency() -> None:
    image = Image.new("P", (2, 1))
    image.putpalette([*RED, *GREEN])
    image.putdata([0, 1])

    pixels = decode(saved(image, transparency=0)).pixels()
    assert [tuple(pixel) for pixel in pixels[0].tolist()] == [WHITE, GREEN]


# Upright


def corners() -> Image.Image:
    """Red, green and blue blocks at the top left, top right and bottom left of 32 × 16 pixels; white elsewhere."""
    image = Image.new("RGB", (32, 16), WHITE)
    for color, place in ((RED, (0, 0)), (GREEN, (24, 0)), (BLUE, (0, 8))):
        image.paste(color, (*place, place[0] + 8, place[1] + 8))
    return image


# How a camera stores the upright image for each orientation.
STORED = {
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", STORED)
def test_every_exif_orientation_is_turned_upright(orientation: int, file_format: str) -> None:
    turn = STORED[orientation]
    stored = corners() if turn is None else corners().transpose(turn)
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"quality": 100, "subsampling": 0} if file_format == "JPEG" else {}
    if file_format == "WEBP":
        options = {"lossless": True}

    decoded = decode(saved(stored, file_format, exif=exif, **options))

    assert (decoded.width, decoded.height) == (32, 16)
    difference = np.abs(decoded.pixels().astype(int) - np.asarray(corners()).astype(int))
    assert difference.max() < 40
    assert decoded.rotated == (orientation != 1)


@pytest.mark.parametrize("orientation", [0, 9, 255])
def test_a_meaningless_orientation_turns_nothing(orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    decoded = decode(saved(corners(), exif=exif))

    assert (decoded.pixels() == np.asarray(corners())).all()
    assert not decoded.rotated


def test_a_photo_with_further_pictures_behind_it_is_its_first_picture() -> None:
    """Phones write such files and name them .jpg."""
    data = saved(corners(), "MPO", save_all=True, append_images=[Image.new("RGB", (32, 16))], quality=100)

    assert tuple(decode(data).pixels()[4, 4] // 200) == (1, 0, 0)
