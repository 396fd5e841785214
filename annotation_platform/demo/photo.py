"""What a camera adds: light, noise, blur, shadows and the sensor. Colours are gamma-encoded, 0 to 1."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

FloatArray = NDArray[np.floating[Any]]
Rng = np.random.Generator
Color = tuple[float, float, float]


@dataclass(frozen=True)
class Light:
    """One lamp. `direction` is the unit vector towards it: x right, y down, z towards the camera."""

    direction: tuple[float, float, float]
    color: Color
    hardness: float  # 0 is an overcast window, 1 a bare bulb

    @property
    def azimuth(self) -> float:
        """Angle of the lamp around the camera axis in radians, from x towards y."""
        return float(np.arctan2(self.direction[1], self.direction[0]))


def random_light(rng: Rng) -> Light:
    azimuth, elevation = rng.uniform(0, 2 * np.pi), np.radians(rng.uniform(38, 66))
    flat = np.cos(elevation)
    warmth = rng.uniform(-0.06, 0.09)
    return Light(
        direction=(float(flat * np.cos(azimuth)), float(flat * np.sin(azimuth)), float(np.sin(elevation))),
        color=(1.0 + warmth, 1.0 + 0.25 * warmth, 1.0 - 1.2 * warmth),
        hardness=float(rng.uniform(0.15, 0.9)),
    )


def smooth_noise(rng: Rng, shape: tuple[int, int], cell: tuple[float, float]) -> FloatArray:
    """Noise of unit-like amplitude whose features are about `cell` (rows, columns) pixels large."""
    rows = max(2, round(shape[0] / cell[0]) + 2)
    columns = max(2, round(shape[1] / cell[1]) + 2)
    grid = rng.standard_normal((rows, columns), dtype=np.float32)
    return np.asarray(Image.fromarray(grid).resize((shape[1], shape[0]), Image.Resampling.BICUBIC))


def fractal_noise(rng: Rng, shape: tuple[int, int], cell: tuple[float, float], octaves: int = 4) -> FloatArray:
    """Octaves of `smooth_noise`, each half as large and a bit over half as strong as the last."""
    total = np.zeros(shape, np.float32)
    for octave in range(octaves):
        scale = 0.5**octave
        size = (max(1.0, cell[0] * scale), max(1.0, cell[1] * scale))
        total += 0.55**octave * smooth_noise(rng, shape, size)
    return total


def gaussian(field: FloatArray, sigma: float) -> FloatArray:
    """Separable Gaussian blur; Pillow's own filter takes no float images."""
    reach = max(1, int(np.ceil(2.5 * sigma)))
    taps = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    taps = (taps / taps.sum()).astype(np.float32)
    for axis in (0, 1):
        width = [(reach, reach) if a == axis else (0, 0) for a in (0, 1)]
        padded, length = np.pad(field, width, mode="edge"), field.shape[axis]
        field = np.zeros_like(field)
        for offset, tap in enumerate(taps):
            field += tap * (padded[offset : offset + length] if axis == 0 else padded[:, offset : offset + length])
    return field


def smoothstep(low: float, high: float, value: FloatArray) -> FloatArray:
    t = np.clip((value - low) / (high - low), 0, 1)
    return np.asarray(t * t * (3 - 2 * t), np.float32)


def pixel_grid(x0: int, y0: int, width: int, height: int, scale: int = 1) -> tuple[FloatArray, FloatArray]:
    """x and y of every sample centre of a patch of `width` x `height` pixels, `scale` samples a pixel."""
    xs = x0 + (np.arange(width * scale, dtype=np.float32) + 0.5) / scale
    ys = y0 + (np.arange(height * scale, dtype=np.float32) + 0.5) / scale
    x, y = np.meshgrid(xs, ys)
    return x, y


def shrink(samples: FloatArray, scale: int) -> FloatArray:
    """Average `scale` x `scale` samples into one pixel."""
    rows, columns = samples.shape[0] // scale, samples.shape[1] // scale
    blocks = samples.reshape(rows, scale, columns, scale, *samples.shape[2:])
    return np.asarray(blocks.mean(axis=(1, 3), dtype=np.float32))


def paste(canvas: FloatArray, patch: FloatArray, alpha: FloatArray, x0: int, y0: int) -> None:
    """Lay `patch` (h, w, 3) over `canvas` in place; whatever falls outside is cut."""
    left, top = max(0, x0), max(0, y0)
    right, bottom = min(canvas.shape[1], x0 + alpha.shape[1]), min(canvas.shape[0], y0 + alpha.shape[0])
    if left >= right or top >= bottom:
        return
    inner = (slice(top - y0, bottom - y0), slice(left - x0, right - x0))
    cover = alpha[inner][..., None]
    region = canvas[top:bottom, left:right]
    region += cover * (patch[inner] - region)


def cast_shadow(canvas: FloatArray, alpha: FloatArray, x0: int, y0: int, light: Light, height: float) -> None:
    """Darken `canvas` where a thing of coverage `alpha`, `height` pixels tall, hides the lamp."""
    reach = height / max(light.direction[2], 0.3)
    dx, dy = -light.direction[0] * reach, -light.direction[1] * reach
    soft = 1.0 + height * (0.42 - 0.28 * light.hardness)
    _shade(canvas, alpha, x0 + dx, y0 + dy, soft, 0.36 + 0.30 * light.hardness)
    # Where a thing touches the bench hardly any light comes in from the sides either.
    _shade(canvas, alpha, x0 + dx * 0.2, y0 + dy * 0.2, 1.6, 0.32)


def _shade(canvas: FloatArray, alpha: FloatArray, x0: float, y0: float, sigma: float, strength: float) -> None:
    pad = int(np.ceil(3 * sigma)) + 1
    image = Image.fromarray((np.pad(alpha, pad) * 255).astype(np.uint8))
    blurred = np.asarray(image.filter(ImageFilter.GaussianBlur(sigma)), np.float32) / 255
    darkness = np.array([0.05, 0.045, 0.06], np.float32)  # not black: the room still lights a shadow
    patch = np.broadcast_to(darkness, (*blurred.shape, 3))
    paste(canvas, patch, blurred * strength, round(x0) - pad, round(y0) - pad)


def light_falloff(canvas: FloatArray, light: Light, rng: Rng) -> None:
    """Uneven lamp light over the whole bench and the dark corners of a lens, in place."""
    height, width = canvas.shape[:2]
    x, y = pixel_grid(0, 0, width, height)
    u, v = (x - width / 2) / width, (y - height / 2) / width
    slope = rng.uniform(0.12, 0.5)
    gain = 1 + slope * (u * light.direction[0] + v * light.direction[1]) * 1.6
    gain -= rng.uniform(0.15, 0.55) * (u * u + v * v)
    gain += 0.05 * smooth_noise(rng, (height, width), (240, 240))
    canvas *= gain[..., None] * np.asarray(light.color, np.float32)


def develop(canvas: FloatArray, rng: Rng) -> Image.Image:
    """Exposure, lens blur, sensor noise and the soft colour of JPEG; returns the 8-bit RGB photo."""
    exposed = canvas * rng.uniform(0.98, 1.24)
    rolled = np.where(exposed > 0.75, 0.75 + 0.27 * np.tanh((exposed - 0.75) / 0.27), exposed)
    sharp = Image.fromarray((np.clip(rolled, 0, 1) * 255).astype(np.uint8))
    soft = np.asarray(sharp.filter(ImageFilter.GaussianBlur(rng.uniform(0.35, 0.95))), np.float32)
    shape = soft.shape[:2]
    grain = rng.uniform(1.0, 4.0)
    luma = rng.standard_normal(shape, dtype=np.float32) * 0.7 + smooth_noise(rng, shape, (2, 2)) * 0.6
    chroma = np.stack([smooth_noise(rng, shape, (3, 3)) for _ in range(3)], axis=-1)
    noisy = soft + grain * luma[..., None] + 0.45 * grain * chroma
    return Image.fromarray(np.clip(noisy, 0, 255).astype(np.uint8))
