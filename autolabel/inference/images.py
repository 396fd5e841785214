"""Safe decoding: one place turns a file into upright RGB pixels, or says why it cannot.

The header is read first and judged against the limits before any pixel is decoded, because a file of 100 kB can hold
billions of pixels. Then the whole image is decoded: a header can be sound where the data is cut short.
"""

from __future__ import annotations

import io
import threading
import warnings
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

from autolabel.exceptions import ItemUnreadable

if TYPE_CHECKING:
    import numpy as np
    from PIL.Image import Image

__all__ = ["FORMATS", "MAX_BYTES", "MAX_PIXELS", "DecodedImage", "decode_image"]

# The list of filters belongs to the process, and `catch_warnings` is not made for several threads: the last one that
# leaves would restore what another had set. Only headers are read under it.
_warnings = threading.Lock()

FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "TIFF")
MAX_PIXELS = 50_000_000
MAX_BYTES = 50 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class DecodedImage:
    """An image as people see it: RGB, turned by its EXIF orientation. `rotated` tells that EXIF turned it."""

    image: Image
    format: str
    mode: str
    rotated: bool

    @property
    def width(self) -> int:
        return self.image.width

    @property
    def height(self) -> int:
        return self.image.height

    def pixels(self) -> np.ndarray:
        """The image as an array of shape (height, width, 3), uint8, RGB."""
        import numpy as np

        return np.asarray(self.image)


def decode_image(file: IO[bytes], *, max_pixels: int = MAX_PIXELS, max_bytes: int = MAX_BYTES) -> DecodedImage:
    """Decode a JPEG, PNG, WEBP, BMP or TIFF into upright RGB.

    Raises ItemUnreadable, with a sentence for people, for anything that is no such image, is damaged, or is larger
    than the limits. Errors of the storage that `file` reads from pass through.
    """
    data = file.read(max_bytes + 1)
    if not data:
        raise ItemUnreadable("The file is empty.")
    if len(data) > max_bytes:
        raise ItemUnreadable(f"The file is larger than {max_bytes // (1024 * 1024)} MB.")
    return _decode(data, max_pixels)


def _decode(data: bytes, max_pixels: int) -> DecodedImage:
    from PIL import Image, ImageOps, UnidentifiedImageError

    try:
        with _warnings, warnings.catch_warnings():
            # Pillow's own limit warns; ours refuses, before a pixel is decoded. Broken EXIF is no news to anybody.
            warnings.simplefilter("ignore", UserWarning)
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            opened = Image.open(io.BytesIO(data), formats=FORMATS)
            # Asked before loading, because Pillow turns a TIFF by itself then and forgets that it did.
            rotated = opened.getexif().get(0x0112, 1) in range(2, 9)
        if opened.width * opened.height > max_pixels:
            raise ItemUnreadable(
                f"The image has {opened.width} × {opened.height} pixels; "
                f"at most {max_pixels // 1_000_000} megapixels are taken."
            )
        opened.load()
        upright = ImageOps.exif_transpose(opened)
        return DecodedImage(_to_rgb(upright), opened.format or "", opened.mode, rotated)
    except ItemUnreadable:
        raise
    except Image.DecompressionBombError as error:
        raise ItemUnreadable(f"The image has more than {max_pixels // 1_000_000} megapixels.") from error
    except UnidentifiedImageError as error:
        raise ItemUnreadable(f"The file is not an image in one of the formats {', '.join(FORMATS)}.") from error
    except MemoryError as error:
        raise ItemUnreadable("The image does not fit in memory.") from error
    except Exception as error:  # Pillow's decoders raise almost any type on damaged data
        raise ItemUnreadable("The image is damaged and cannot be decoded.") from error


def _to_rgb(image: Image) -> Image:
    """RGB with the brightness that a person sees: 16-bit grey is scaled, and transparency lies on white."""
    from PIL import Image

    if image.mode.startswith("I") or image.mode == "F":
        return _scaled_to_8_bit(image).convert("RGB")
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        rgba = image.convert("RGBA")
        white = Image.new("RGBA", rgba.size, "white")
        return Image.alpha_composite(white, rgba).convert("RGB")
    return image.convert("RGB")


def _scaled_to_8_bit(image: Image) -> Image:
    import numpy as np
    from PIL import Image

    values: np.ndarray = np.asarray(image).astype(np.float32)
    if image.mode == "F":
        low, high = float(values.min()), float(values.max())
        values = (values - low) / (high - low) * 255 if high > low else np.zeros_like(values)
    else:
        values = values / 257  # 65,535 becomes 255
    return Image.fromarray(np.clip(values, 0, 255).astype(np.uint8))
