"""Files that somebody with bad intentions uploads, and what must become of each: refused, with a reason.

Single files go where images go, archives where archives go. `make security` sends them, too.
"""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from tests.factories import image_bytes

__all__ = ["CORPUS", "Bad", "zipped"]


@dataclass(frozen=True, slots=True)
class Bad:
    """`name` is what the client calls the file; `reason` is a part of what it is told."""

    what: str
    name: str
    data: bytes
    reason: str

    @property
    def is_archive(self) -> bool:
        return self.name.endswith(".zip")


def zipped(*files: tuple[str | zipfile.ZipInfo, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files:
            archive.writestr(name, data, method)
    return buffer.getvalue()


def png(width: int, height: int, data: bytes) -> bytes:
    """A PNG with that header, whatever is in it."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def commented(jpeg: bytes, text: bytes) -> bytes:
    """With that comment in its header, where no decoder minds it."""
    return jpeg[:2] + b"\xff\xfe" + struct.pack(">H", len(text) + 2) + text + jpeg[2:]


def bomb() -> bytes:
    """30,000 by 30,000 pixels of nothing: a few MB that want 2.7 GB."""
    packer = zlib.compressobj(9)
    row = bytes(1 + 30_000 * 3)
    return png(30_000, 30_000, b"".join(packer.compress(row) for _ in range(30_000)) + packer.flush())


def named(name: str) -> zipfile.ZipInfo:
    """A name that Python's own writer would mend."""
    info = zipfile.ZipInfo("file")
    info.filename = name
    return info


def link(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.create_system = 3
    info.external_attr = 0o120777 << 16
    return info


def lying(data: bytes) -> bytes:
    """An archive whose end says that it holds one file, where there are thousands."""
    at = data.rfind(b"PK\x05\x06")
    return data[: at + 8] + struct.pack("<HH", 1, 1) + data[at + 12 :]


def encrypted() -> bytes:
    data = bytearray(zipped(("a.jpg", image_bytes())))
    data[data.index(b"PK\x01\x02") + 8] |= 1
    return bytes(data)


def _corpus() -> Iterator[Bad]:
    svg = b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"><script>alert(1)</script></svg>'
    html = b"<!doctype html><script>alert(document.domain)</script>"
    eps = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(/etc/passwd) (r) file\nshowpage\n"
    photo = image_bytes()
    no_image = "not an image in one of the formats"
    yield Bad("SVG", "drawing.svg", svg, no_image)
    yield Bad("SVG that is called PNG", "drawing.png", svg, no_image)
    yield Bad("HTML that is called PNG", "page.png", html, no_image)
    yield Bad("HTML before a PNG", "both.png", html + image_bytes(file_format="PNG"), no_image)
    yield Bad("GIF and JavaScript in one", "both.gif", b"GIF89a/*" + bytes(8) + b"*/=1;alert(1)", no_image)
    yield Bad("a JPEG and an archive in one", "gifar.jpg", photo + zipped(("evil.class", b"x")), "an archive at once")
    yield Bad("a JPEG and an archive with a comment", "g.jpg", photo + _commented_zip(), "an archive at once")
    yield Bad("a JPEG and a zip64 archive in one", "gifar.jpg", photo + _zip64(), "an archive at once")
    yield Bad("a JPEG and a page in one", "page.jpg", commented(photo, html), "a script at once")
    yield Bad("a PNG with a page behind it", "page.png", image_bytes(file_format="PNG") + html, "a script at once")
    yield Bad("a JPEG and PHP in one", "shell.jpg", photo + b"<?PHP system($_GET[0]);", "a script at once")
    yield Bad("a JPEG and a PDF in one", "paper.jpg", commented(photo, b"%PDF-1.7\n1 0 obj"), "a PDF at once")
    yield Bad("EPS", "print.eps", eps, no_image)
    yield Bad("EPS that is called JPEG", "print.jpg", eps, no_image)
    yield Bad("PDF", "paper.jpg", b"%PDF-1.7\n1 0 obj <</JS (app.alert(1))>>", no_image)
    yield Bad("a PNG of 2.7 GB", "bomb.png", bomb(), "50")
    yield Bad("a PNG that lies about its size", "lie.png", png(60_000, 60_000, zlib.compress(b"")), "50")
    yield Bad("a PNG cut short", "cut.png", image_bytes((400, 300), "PNG", color=(1, 2, 3))[:-40], "")
    yield Bad("nothing", "empty.jpg", b"", "")
    yield Bad("a zip that is called JPEG", "photo.jpg", zipped(("a.jpg", photo)), no_image)
    yield Bad("a JPEG that is called zip", "photo.zip", photo, "no zip archive")
    yield Bad("a zip bomb", "bomb.zip", zipped(*((f"{n}.png", bytes(30 << 20)) for n in range(8))), "unpacks to")
    yield Bad("a zip bomb beside ballast", "bomb.zip", _bomb_beside_ballast(), "times its size")
    many = zipped(*((f"{n}.jpg", b"x") for n in range(10_000)))
    yield Bad("10,000 files", "many.zip", many, "more than 500 files")
    yield Bad("10,000 files, said to be one", "many.zip", lying(many), "")
    yield Bad("10,000 files behind a zip64 end", "many.zip", _zip64(), "more than 500 files")
    for name in ("../../../tmp/evil.jpg", "/etc/cron.d/evil.jpg", "..\\..\\evil.jpg", "C:\\evil.jpg", "a/../../b.jpg"):
        yield Bad(f"the path {name}", "paths.zip", zipped((name, photo)), "leads out of the archive")
    for name in ("", ".", "./.", "\0a.jpg"):
        yield Bad(f"a file without a name, {name!r}", "names.zip", zipped((named(name), b"no image")), no_image)
    for method in (zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA):
        yield Bad(f"packed by method {method}", "rare.zip", zipped(("a.jpg", photo), method=method), "not supported")
    yield Bad("a link", "link.zip", zipped((link("photo.jpg"), b"/etc/passwd")), "a link, not a file")
    yield Bad("an encrypted file", "secret.zip", encrypted(), "encrypted")
    yield Bad("an archive in an archive", "nested.zip", zipped(("a.zip", zipped(("a.jpg", photo)))), no_image)
    yield Bad("SVG in an archive", "svg.zip", zipped(("a.svg", svg)), no_image)
    yield Bad("an archive cut short", "cut.zip", zipped(("a.jpg", photo))[:-30], "no zip archive")
    yield Bad("an empty archive", "empty.zip", zipped(), "No file of the archive")


def _commented_zip() -> bytes:
    """Its comment looks like another end."""
    data = zipped(("evil.class", b"x"))
    return data[:-2] + struct.pack("<H", 4) + b"PK\x05\x06"


def _zip64() -> bytes:
    """Its plain end says one file; the end for large archives, which readers obey, says 10,000."""
    data = zipped(*((f"{n}/", b"") for n in range(10_000)))
    at = data.rfind(b"PK\x05\x06")
    _, _, _, _, files, size, offset, _ = struct.unpack("<4s4H2LH", data[at : at + 22])
    end = struct.pack("<4sQ2H2L4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, files, files, size, offset)
    locator = struct.pack("<4sLQL", b"PK\x06\x07", 0, at, 1)
    plain = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 1, 1, 48, offset, 0)
    return data[:at] + end + locator + plain


def _bomb_beside_ballast() -> bytes:
    """As a whole it is within the limits; the one file is not."""
    noise = zlib.compress(bytes(range(256)) * 8, 0) * 200
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("noise.bin", noise)
        archive.writestr("bomb.png", bytes(30 << 20), zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


CORPUS = tuple(_corpus())
