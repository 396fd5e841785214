"""The workbench: textured backgrounds, (height, width, 3) floats from 0 to 1."""

from collections.abc import Callable

import numpy as np

from annotation_platform.demo.photo import (
    Color,
    FloatArray,
    Rng,
    fractal_noise,
    pixel_grid,
    smooth_noise,
    smoothstep,
)


def random_surface(rng: Rng, width: int, height: int) -> FloatArray:
    surfaces: list[Callable[[Rng, int, int], FloatArray]] = [wood, steel, cutting_mat, cardboard]
    return surfaces[int(rng.choice(4, p=[0.36, 0.22, 0.22, 0.20]))](rng, width, height)


def blend(low: Color, high: Color, amount: FloatArray) -> FloatArray:
    start, end = np.asarray(low, np.float32), np.asarray(high, np.float32)
    return start + np.clip(amount, 0, 1)[..., None] * (end - start)


def rotated_grid(width: int, height: int, angle: float) -> tuple[FloatArray, FloatArray]:
    """Pixel coordinates in a frame turned by `angle` radians about the image centre."""
    x, y = pixel_grid(-width // 2, -height // 2, width, height)
    cos, sin = np.float32(np.cos(angle)), np.float32(np.sin(angle))
    return x * cos + y * sin, y * cos - x * sin


def line_mask(distance: FloatArray, half_width: float) -> FloatArray:
    """Anti-aliased coverage of a line, from each pixel's distance to its middle."""
    return np.clip(half_width + 0.5 - np.abs(distance), 0, 1)


def wood(rng: Rng, width: int, height: int) -> FloatArray:
    palettes: list[tuple[Color, Color]] = [
        ((0.40, 0.26, 0.15), (0.63, 0.45, 0.28)),  # oak
        ((0.62, 0.47, 0.30), (0.82, 0.68, 0.48)),  # pine
        ((0.22, 0.14, 0.09), (0.40, 0.27, 0.18)),  # walnut
        ((0.40, 0.36, 0.31), (0.60, 0.55, 0.49)),  # weathered
    ]
    dark, bright = palettes[rng.integers(len(palettes))]
    upright = rng.random() < 0.3
    shape = (width, height) if upright else (height, width)
    _, v = rotated_grid(shape[1], shape[0], rng.uniform(-0.05, 0.05))
    plank_width = rng.uniform(110, 330)
    position = (v + rng.uniform(0, plank_width)) / plank_width
    plank = np.floor(position).astype(np.int32)
    tone = rng.normal(0, 0.11, 16).astype(np.float32)[plank % 16]
    waves = 26 * smooth_noise(rng, shape, (120, 420)) + 5 * smooth_noise(rng, shape, (30, 200))
    rings = np.sin((v + waves + 57 * (plank % 7)) * np.float32(rng.uniform(0.16, 0.34)))
    fibre = fractal_noise(rng, shape, (3, 110), 3)
    pores = smoothstep(1.0, 1.9, smooth_noise(rng, shape, (1.6, 26)))
    field = 0.52 + tone + 0.15 * rings + 0.13 * fibre + 0.05 * fractal_noise(rng, shape, (90, 160)) - 0.3 * pores
    image = blend(dark, bright, field)
    edge = np.minimum(position - plank, 1 - (position - plank)) * plank_width
    image *= (1 - 0.75 * np.clip(1.9 - edge, 0, 1))[..., None]
    return np.ascontiguousarray(image.transpose(1, 0, 2)) if upright else image


def steel(rng: Rng, width: int, height: int) -> FloatArray:
    shape = (height, width)
    base = rng.uniform(0.38, 0.66)
    brushed = 0.026 * smooth_noise(rng, shape, (1.0, 90)) + 0.012 * smooth_noise(rng, shape, (2.0, 200))
    patina = 0.035 * fractal_noise(rng, shape, (110, 130), 4)
    gray = base + brushed + patina
    u, _ = rotated_grid(width, height, rng.uniform(-0.3, 0.3))
    gray += rng.uniform(0.03, 0.15) * np.exp(-(((u - rng.uniform(-250, 250)) / rng.uniform(60, 160)) ** 2))
    tint = np.array([0.97, 1.0, 1.03], np.float32) + rng.uniform(-0.02, 0.02)
    image = gray[..., None] * tint
    rust = smoothstep(1.1, 2.4, fractal_noise(rng, shape, (60, 60), 4)) * rng.uniform(0, 0.7)
    image += rust[..., None] * (np.array([0.40, 0.26, 0.17], np.float32) - image)
    return np.asarray(image, np.float32)


def cutting_mat(rng: Rng, width: int, height: int) -> FloatArray:
    bases: list[Color] = [(0.15, 0.33, 0.28), (0.18, 0.26, 0.38), (0.17, 0.18, 0.19), (0.30, 0.14, 0.20)]
    base = np.asarray(bases[rng.choice(4, p=[0.5, 0.25, 0.17, 0.08])], np.float32)
    shape = (height, width)
    image = (
        base
        * (1 + 0.07 * fractal_noise(rng, shape, (160, 160), 3) + 0.05 * smooth_noise(rng, shape, (2, 2)))[..., None]
    )
    spacing = rng.uniform(24, 44)
    ink = np.clip(base * 1.2 + 0.34, 0, 1)
    worn = np.clip(0.62 + 0.22 * fractal_noise(rng, shape, (50, 50), 3), 0.15, 1) * rng.uniform(0.45, 0.9)
    offset = rng.uniform(0, 5 * spacing, 2)
    for axis, along in enumerate(rotated_grid(width, height, rng.normal(0, 0.12))):
        cell = (along + offset[axis]) / spacing
        nearest = np.round(cell)
        distance = (cell - nearest) * spacing
        lines = line_mask(distance, 0.25) * np.where(nearest % 5 == 0, 1.0, 0.5)
        image += (lines * worn)[..., None] * (ink - image)
    return np.asarray(image, np.float32)


def cardboard(rng: Rng, width: int, height: int) -> FloatArray:
    shape = (height, width)
    fibres = 0.5 * fractal_noise(rng, shape, (3, 9), 2) + 0.5 * fractal_noise(rng, shape, (8, 3), 2)
    _, v = rotated_grid(width, height, rng.choice([0, np.pi / 2]) + rng.normal(0, 0.08))
    flutes = np.sin(v * 2 * np.pi / rng.uniform(9, 15))
    field = 0.5 + 0.10 * fibres + rng.uniform(0.02, 0.07) * flutes + 0.10 * fractal_noise(rng, shape, (120, 150), 4)
    flecks = smoothstep(2.3, 3.2, smooth_noise(rng, shape, (2.2, 3.2)))
    shade = rng.uniform(0.85, 1.1)
    low, high = (0.50 * shade, 0.37 * shade, 0.24 * shade), (0.80 * shade, 0.65 * shade, 0.47 * shade)
    image = blend(low, high, field - 0.35 * flecks)
    if rng.random() < 0.5:  # a fold
        u, _ = rotated_grid(width, height, rng.uniform(0, np.pi))
        distance = u - rng.uniform(-220, 220)
        image *= (1 - 0.22 * np.exp(-((distance / 3) ** 2)) + 0.10 * np.exp(-(((distance - 6) / 4) ** 2)))[..., None]
    return image
