"""Images that a platform should never have taken, made by code: cut, lying, poisonous, or no images at all.

`malformed(kind, rng)` makes one file of a kind; two of a kind differ where that costs nothing. `odd(number)` makes
images that look suspicious and are sound, so that refusing everything is no way to pass.
"""

from __future__ import annotations

import io
import random
import struct
import zipfile
import zlib
from collections.abc import Callable
from functools import partial

from PIL import Image

__all__ = ["KINDS", "ODD", "malformed", "odd"]

Maker = Callable[[random.Random], bytes]

# Decoded, the bombs hold far more than a worker may use; their files are small.
_BOMB_SIDE = 30_000
_BOMB_BYTES = 64 * 1024 * 1024
# Just below the product's limit of 50 megapixels, so that only the missing data gives it away.
_LARGE_SIDE = 7_000


def malformed(kind: str, rng: random.Random) -> bytes:
    """A file of that kind, one of KINDS."""
    return KINDS[kind](rng)


def odd(number: int) -> bytes:
    """A sound image of an unusual form; the forms come in turn. Dark in its first pixel, where fake models look."""
    return ODD[sorted(ODD)[number % len(ODD)]]()


def _encoded(rng: random.Random, name: str, mode: str = "RGB", side: int = 64, **options: object) -> bytes:
    """A sound image of noise, which no format can shrink to nothing."""
    pixels = Image.frombytes(mode, (side, side), rng.randbytes(side * side * len(mode)))
    buffer = io.BytesIO()
    pixels.save(buffer, name, **options)
    return buffer.getvalue()


def _cut(name: str, **options: object) -> Maker:
    """The first part of a sound file, as an upload that broke off leaves it."""

    def make(rng: random.Random) -> bytes:
        data = _encoded(rng, name, **options)  # type: ignore[arg-type]
        return data[: int(len(data) * rng.uniform(0.35, 0.7))]

    return make


def _as(name: str) -> Maker:
    """A sound image in a format that is not taken."""
    return partial(_encoded, name=name)


# --- no images at all


def _empty(rng: random.Random) -> bytes:
    return b""


def _noise(rng: random.Random) -> bytes:
    return rng.randbytes(rng.randint(1, 5_000))


def _text(rng: random.Random) -> bytes:
    return f"name,x,y\npart {rng.random()},1,2\n".encode()


def _html(rng: random.Random) -> bytes:
    return b"<!doctype html><title>404</title><script>alert(1)</script>" + rng.randbytes(8).hex().encode()


def _svg(rng: random.Random) -> bytes:
    return b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><script>alert(1)</script></svg>'


def _zip(rng: random.Random) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("image.png", _encoded(rng, "PNG"))
    return buffer.getvalue()


def _pdf(rng: random.Random) -> bytes:
    return b"%PDF-1.7\n" + rng.randbytes(200)


# --- PNG


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def _png(width: int, height: int, data: bytes, *extra: bytes, depth: int = 8, color: int = 2) -> bytes:
    """A PNG of these parts; `data` are the scan lines as they are before compression."""
    header = _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, 0))
    body = _chunk(b"IDAT", zlib.compress(data, 1))
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(extra) + body + _chunk(b"IEND", b"")


def _png_without_pixels(rng: random.Random) -> bytes:
    return _png(rng.randint(50, 500), rng.randint(50, 500), rng.randbytes(100))


def _png_bit_rot(rng: random.Random) -> bytes:
    data = bytearray(_encoded(rng, "PNG"))
    for _ in range(40):
        data[rng.randint(60, len(data) - 60)] ^= rng.randint(1, 255)
    return bytes(data)


def _png_no_size(rng: random.Random) -> bytes:
    return _png(0, rng.randint(1, 9), b"")


def _png_impossible_depth(rng: random.Random) -> bytes:
    return _png(8, 8, b"\0" * 200, depth=rng.choice((3, 5, 7, 32)), color=rng.choice((1, 5, 7)))


def _png_bomb(rng: random.Random) -> bytes:
    line = b"\0" * (_BOMB_SIDE // 8 + 1)
    return _png(_BOMB_SIDE, _BOMB_SIDE, line * _BOMB_SIDE, depth=1, color=0)


def _png_text_bomb(rng: random.Random) -> bytes:
    text = _chunk(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(_BOMB_BYTES), 1))
    return _png(8, 8, b"\0" * 25 * 8, text)


def _png_large_without_data(rng: random.Random) -> bytes:
    return _png(_LARGE_SIDE, _LARGE_SIDE - rng.randint(0, 50), b"\0" * 1000, color=6)


def _png_large_cut(rng: random.Random) -> bytes:
    """Nearly all of it is there, so that all of its memory is used before the end is missed."""
    line = b"\0" + bytes(_LARGE_SIDE * 4)
    data = _png(_LARGE_SIDE, _LARGE_SIDE, line * _LARGE_SIDE, color=6)
    return data[: int(len(data) * rng.uniform(0.9, 0.95))]


def _oversize(rng: random.Random) -> bytes:
    """A sound image with a tail that makes it larger than the product's limit of 50 MB."""
    return _encoded(rng, "PNG") + bytes(50 * 1024 * 1024)


# --- JPEG, WEBP, BMP, TIFF


def _jpeg_header_alone(rng: random.Random) -> bytes:
    return _encoded(rng, "JPEG")[:20]


def _jpeg_of_impossible_size(rng: random.Random) -> bytes:
    data = bytearray(_encoded(rng, "JPEG"))
    start = data.index(b"\xff\xc0")
    data[start + 5 : start + 9] = struct.pack(">HH", 65_500, rng.randint(60_000, 65_500))
    return bytes(data)


def _jpeg_of_impossible_depth(rng: random.Random) -> bytes:
    data = bytearray(_encoded(rng, "JPEG"))
    data[data.index(b"\xff\xc0") + 4] = rng.randint(13, 40)
    return bytes(data)


def _jpeg_of_zeros(rng: random.Random) -> bytes:
    """What a file system leaves of a file after a crash: the right name and length, and nothing in it."""
    return bytes(rng.randint(1_000, 20_000))


def _webp_of_impossible_size(rng: random.Random) -> bytes:
    size = (16_383 << 14) | 16_383
    header = b"VP8L" + struct.pack("<I", 5) + b"\x2f" + struct.pack("<I", size) + b"\0"
    return b"RIFF" + struct.pack("<I", len(header) + 4) + b"WEBP" + header


def _bmp_header(width: int, height: int, bits: int = 24, compression: int = 0) -> bytes:
    facts = struct.pack("<IiiHHIIiiII", 40, width, height, 1, bits, compression, 0, 2835, 2835, 0, 0)
    return b"BM" + struct.pack("<IHHI", 54 + 100, 0, 0, 54) + facts


def _bmp_large_without_data(rng: random.Random) -> bytes:
    return _bmp_header(_LARGE_SIDE, _LARGE_SIDE - rng.randint(0, 50)) + b"\0" * 100


def _bmp_unknown_compression(rng: random.Random) -> bytes:
    return _bmp_header(8, 8, compression=rng.randint(20, 90)) + b"\0" * 300


def _tiff(*entries: tuple[int, int, int], next_directory: int = 0, tail: bytes = b"") -> bytes:
    """A little-endian TIFF whose one directory has these (tag, type, value) entries."""
    fields = b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in sorted(entries))
    return b"II*\0" + struct.pack("<IH", 8, len(entries)) + fields + struct.pack("<I", next_directory) + tail


def _grey_tiff(side: int, **more: int) -> list[tuple[int, int, int]]:
    facts = {256: side, 257: side, 258: 8, 259: 1, 262: 1, 277: 1} | {int(tag): value for tag, value in more.items()}
    return [(tag, 4, value) for tag, value in facts.items()]


def _tiff_points_nowhere(rng: random.Random) -> bytes:
    return _tiff(*_grey_tiff(64, **{"273": 2**31 + rng.randint(0, 999), "278": 64, "279": 4096}))


def _tiff_giant_tile(rng: random.Random) -> bytes:
    """A small image in one deflated tile that claims to be of four billion pixels."""
    tile = {"259": 8, "322": 65_520, "323": 65_520, "324": 200, "325": rng.randint(40, 80)}
    return _tiff(*_grey_tiff(64, **tile), tail=bytes(200))


def _tiff_many_samples(rng: random.Random) -> bytes:
    return _tiff(*_grey_tiff(64, **{"277": 65_000, "273": 200, "278": 64, "279": 64}), tail=bytes(200))


KINDS: dict[str, Maker] = {
    "empty": _empty,
    "noise": _noise,
    "text": _text,
    "html": _html,
    "svg": _svg,
    "zip": _zip,
    "pdf": _pdf,
    "gif": _as("GIF"),
    "icon": _as("ICO"),
    "jpeg 2000": _as("JPEG2000"),
    "png cut": _cut("PNG"),
    "png bit rot": _png_bit_rot,
    "png without pixels": _png_without_pixels,
    "png of no size": _png_no_size,
    "png of impossible depth": _png_impossible_depth,
    "png bomb": _png_bomb,
    "png text bomb": _png_text_bomb,
    "png large without data": _png_large_without_data,
    "png large cut": _png_large_cut,
    "jpeg cut": _cut("JPEG"),
    "jpeg header alone": _jpeg_header_alone,
    "jpeg of impossible size": _jpeg_of_impossible_size,
    "jpeg of impossible depth": _jpeg_of_impossible_depth,
    "jpeg of zeros": _jpeg_of_zeros,
    "webp cut": _cut("WEBP"),
    "webp of impossible size": _webp_of_impossible_size,
    "bmp cut": _cut("BMP"),
    "bmp large without data": _bmp_large_without_data,
    "bmp of unknown compression": _bmp_unknown_compression,
    "tiff cut": _cut("TIFF", compression="tiff_lzw"),
    "tiff that points nowhere": _tiff_points_nowhere,
    "tiff with a giant tile": _tiff_giant_tile,
    "tiff of many samples": _tiff_many_samples,
    "over 50 MB": _oversize,
}


# --- odd, and sound


def _saved(image: Image.Image, name: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, name, **options)
    return buffer.getvalue()


def _turned() -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 6
    return _saved(Image.new("RGB", (40, 30)), "JPEG", exif=exif)


def _broken_exif() -> bytes:
    return _saved(Image.new("RGB", (40, 30)), "JPEG", exif=b"Exif\0\0II*\0\xff\xff\xff\x7f garbage")


def _moving() -> bytes:
    frames = [Image.new("RGB", (40, 30), color) for color in ("red", "blue")]
    return _saved(frames[0], "WEBP", save_all=True, append_images=frames[1:])


ODD: dict[str, Callable[[], bytes]] = {
    "one pixel": lambda: _saved(Image.new("L", (1, 1)), "PNG"),
    "a long strip": lambda: _saved(Image.new("1", (20_000, 1)), "PNG"),
    "black and white": lambda: _saved(Image.new("1", (33, 17)), "BMP"),
    "palette with transparency": lambda: _saved(Image.new("P", (33, 17)), "PNG", transparency=5),
    "print colours": lambda: _saved(Image.new("CMYK", (33, 17), (0, 0, 0, 255)), "JPEG"),
    "16 bits": lambda: _saved(Image.new("I;16", (33, 17)), "PNG"),
    "floating point": lambda: _saved(Image.new("F", (33, 17)), "TIFF"),
    "turned by EXIF": _turned,
    "broken EXIF": _broken_exif,
    "moving": _moving,
    "progressive": lambda: _saved(Image.new("RGB", (33, 17)), "JPEG", progressive=True),
    "a tail of garbage": lambda: _saved(Image.new("RGB", (33, 17)), "PNG") + b"garbage" * 100,
}
