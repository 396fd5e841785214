"""Things that lie about on a bench and carry no label. Each function draws onto the canvas in place."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from annotation_platform.demo.photo import (
    FloatArray,
    Light,
    Rng,
    cast_shadow,
    fractal_noise,
    paste,
    pixel_grid,
    shrink,
    smooth_noise,
    smoothstep,
)


@dataclass(frozen=True)
class Patch:
    """The part of the canvas a thing may cover, two samples a pixel: u runs along the thing, v across it."""

    u: FloatArray
    v: FloatArray
    x0: int
    y0: int


def scatter_clutter(canvas: FloatArray, light: Light, rng: Rng) -> None:
    """Two to six kinds of clutter, flat things first."""
    flat: list[Callable[[FloatArray, Light, Rng], None]] = [stain, scratches, paper, tape]
    solid: list[Callable[[FloatArray, Light, Rng], None]] = [pencil, ruler, shavings, hex_key, wire]
    for kinds, odds in ((flat, (0.5, 0.6, 0.3, 0.3)), (solid, (0.3, 0.2, 0.35, 0.2, 0.15))):
        for draw, chance in zip(kinds, odds, strict=True):
            if rng.random() < chance:
                draw(canvas, light, rng)


def _place(canvas: FloatArray, rng: Rng) -> tuple[float, float, float]:
    """A random spot (x, y) that may be partly out of view, and an angle."""
    height, width = canvas.shape[:2]
    return rng.uniform(0, width), rng.uniform(0, height), rng.uniform(0, 2 * np.pi)


def _patch(canvas: FloatArray, rng: Rng, half_u: float, half_v: float) -> Patch:
    """A random spot for a thing that reaches at most `half_u` and `half_v` pixels from its middle."""
    height, width = canvas.shape[:2]
    cx, cy, angle = _place(canvas, rng)
    cos, sin = np.float32(np.cos(angle)), np.float32(np.sin(angle))
    reach_x, reach_y = half_u * abs(cos) + half_v * abs(sin) + 3, half_u * abs(sin) + half_v * abs(cos) + 3
    x0, x1 = int(np.clip(cx - reach_x, 0, width - 8)), int(np.clip(cx + reach_x, 8, width))
    y0, y1 = int(np.clip(cy - reach_y, 0, height - 8)), int(np.clip(cy + reach_y, 8, height))
    x, y = pixel_grid(x0, y0, max(8, x1 - x0), max(8, y1 - y0), 2)
    x, y = x - np.float32(cx), y - np.float32(cy)
    return Patch(x * cos + y * sin, y * cos - x * sin, x0, y0)


def _lay(canvas: FloatArray, patch: Patch, color: FloatArray, cover: FloatArray, light: Light, height: float) -> None:
    """Shadow, then colour, of a thing `height` pixels tall."""
    alpha = shrink(np.asarray(cover, np.float32), 2)
    cast_shadow(canvas, alpha, patch.x0, patch.y0, light, height)
    paste(canvas, shrink(np.asarray(color, np.float32), 2), alpha, patch.x0, patch.y0)


def _texture(rng: Rng, u: FloatArray, v: FloatArray, cell: tuple[float, float]) -> FloatArray:
    """Smooth noise that turns with the thing; `cell` is the size of its features along v and u, in pixels."""
    field = smooth_noise(rng, (256, 512), (cell[0] * 2, cell[1] * 2))
    return field[(v * 2).astype(np.int32) % 256, (u * 2).astype(np.int32) % 512]


def _rounded(v: FloatArray, radius: float, frame_angle_sign: float) -> FloatArray:
    """Brightness over a round bar of `radius`, brighter on one side."""
    t = np.clip(v / radius, -1, 1)
    return np.asarray(0.55 + 0.45 * np.sqrt(1 - t * t) + 0.22 * frame_angle_sign * t, np.float32)


def stain(canvas: FloatArray, light: Light, rng: Rng) -> None:
    height, width = canvas.shape[:2]
    x, y = pixel_grid(0, 0, width, height)
    for _ in range(rng.integers(1, 4)):
        cx, cy, _angle = _place(canvas, rng)
        radius = rng.uniform(18, 70)
        distance = np.hypot(x - cx, y - cy) / radius + 0.16 * fractal_noise(rng, (height, width), (50, 50), 5)
        blot = smoothstep(1.0, rng.uniform(0.3, 0.85), distance) * rng.uniform(0.06, 0.24)
        canvas *= (1 - blot)[..., None] * np.array([1.0, 0.995, 0.985], np.float32)


def scratches(canvas: FloatArray, light: Light, rng: Rng) -> None:
    height, width = canvas.shape[:2]
    image = Image.new("L", (width * 2, height * 2))
    draw = ImageDraw.Draw(image)
    for _ in range(rng.integers(4, 22)):
        x, y, angle = rng.uniform(0, 2 * width), rng.uniform(0, 2 * height), rng.uniform(0, np.pi)
        length, sag = rng.uniform(20, 260), rng.normal(0, 8)
        dx, dy = length * np.cos(angle), length * np.sin(angle)
        points = [
            (x, y),
            (x + dx / 2 - sag * np.sin(angle), y + dy / 2 + sag * np.cos(angle)),
            (x + dx, y + dy),
        ]
        draw.line(points, fill=int(rng.uniform(60, 190)), width=int(rng.integers(1, 3)), joint="curve")
    cover = np.asarray(image.reduce(2), np.float32) / 255
    canvas += (cover * rng.choice([-0.2, 0.22]))[..., None]


def paper(canvas: FloatArray, light: Light, rng: Rng) -> None:
    half_u, half_v = rng.uniform(70, 190), rng.uniform(50, 140)
    patch = _patch(canvas, rng, half_u, half_v)
    u, v = patch.u, patch.v
    cover = np.clip((half_u - np.abs(u)) * 2, 0, 1) * np.clip((half_v - np.abs(v)) * 2, 0, 1)
    shade = rng.uniform(0.8, 0.92) + 0.015 * smooth_noise(rng, u.shape, (140, 140))
    tints = [(1.0, 0.99, 0.96), (1.0, 0.93, 0.62), (0.98, 0.97, 0.98)]
    color = shade[..., None] * np.asarray(tints[rng.integers(3)], np.float32)
    spacing = rng.uniform(12, 19)
    row = np.round(v / spacing)
    strokes = np.abs(_texture(rng, u, v, (2.4, 1.8))) - 0.35 * (_texture(rng, u, v, (9, 14)) - 0.4)
    margin = (np.abs(u) < half_u * 0.8) & (np.abs(v) < half_v * 0.75)
    written = (strokes < 0.26) & (np.abs(v / spacing - row) < 0.24) & margin
    color -= (written * rng.uniform(0.2, 0.55))[..., None] * np.array([1.0, 0.95, 0.75], np.float32)
    _lay(canvas, patch, color, cover, light, 1.2)


def tape(canvas: FloatArray, light: Light, rng: Rng) -> None:
    half, reach = rng.uniform(12, 24), rng.uniform(50, 170)
    patch = _patch(canvas, rng, reach + 14, half)
    u, v = patch.u, patch.v
    torn = reach + 3.5 * smooth_noise(rng, (1, 400), (1, 4))[0][np.clip((v * 4 + 200).astype(np.int32), 0, 399)]
    cover = np.clip((half - np.abs(v)) * 2, 0, 1) * np.clip((torn - np.abs(u)) * 2, 0, 1)
    tints = [(0.80, 0.71, 0.50), (0.20, 0.40, 0.66), (0.14, 0.14, 0.15), (0.78, 0.77, 0.72)]
    crinkle = 1 + 0.05 * _texture(rng, u, v, (30, 5)) + 0.03 * _texture(rng, u, v, (3, 3))
    color = crinkle[..., None] * np.asarray(tints[rng.integers(4)], np.float32)
    _lay(canvas, patch, color, cover * rng.uniform(0.82, 0.97), light, 0.8)


def pencil(canvas: FloatArray, light: Light, rng: Rng) -> None:
    radius, length = rng.uniform(6, 9), rng.uniform(190, 360)
    patch = _patch(canvas, rng, length / 2, radius)
    u, v = patch.u, patch.v
    cone, from_tip = 3.6 * radius, u + length / 2
    edge = np.minimum(radius, np.maximum(from_tip, 0) * radius / cone)
    cover = np.clip((edge - np.abs(v)) * 2 + 0.5, 0, 1) * np.clip((length / 2 - u) * 2, 0, 1) * (from_tip > 0)
    coats = [
        (0.86, 0.62, 0.10),
        (0.66, 0.10, 0.12),
        (0.12, 0.30, 0.50),
        (0.13, 0.13, 0.14),
        (0.16, 0.42, 0.22),
    ]
    coat = np.asarray(coats[rng.integers(5)], np.float32)
    facet = np.select([v < -radius * 0.45, v < radius * 0.45], [1.12, 0.95], 0.68).astype(np.float32)
    color = facet[..., None] * coat
    scallop = cone + radius * 0.5 * np.abs(np.cos(np.pi * v / radius))
    color[from_tip < scallop] = (0.80, 0.64, 0.43)
    color[from_tip < cone * 0.32] = (0.17, 0.17, 0.18)
    rear = length / 2 - u
    ferrule = 0.72 + 0.2 * np.sin(rear * 1.6)
    color = np.where((rear < 26)[..., None], ferrule[..., None] * np.array([0.85, 0.80, 0.66], np.float32), color)
    color[rear < 12] = (0.80, 0.46, 0.44)
    color *= _rounded(v, radius, float(np.sign(light.direction[1] or 1)))[..., None]
    _lay(canvas, patch, color, cover, light, radius * 1.2)


def ruler(canvas: FloatArray, light: Light, rng: Rng) -> None:
    half, reach = rng.uniform(18, 28), rng.uniform(160, 420)
    patch = _patch(canvas, rng, reach, half)
    u, v = patch.u, patch.v
    cover = np.clip((half - np.abs(v)) * 2, 0, 1) * np.clip((reach - np.abs(u)) * 2, 0, 1)
    steel = rng.random() < 0.6
    base = np.array([0.68, 0.69, 0.70] if steel else [0.80, 0.68, 0.42], np.float32)
    sheen = 1 + 0.04 * _texture(rng, u, v, (1, 120)) + rng.uniform(-0.12, 0.12) * u / reach
    color = sheen[..., None] * base
    pitch = rng.uniform(4.6, 7.0)
    tick = np.round(u / pitch)
    depth = np.select([tick % 10 == 0, tick % 5 == 0], [0.62, 0.45], 0.28) * half
    inked = np.clip(1.0 - np.abs(u - tick * pitch), 0, 1) * (v + half < depth + 2) * (v + half > 2)
    digits = (np.abs(u / pitch % 10 - 1.2) < 0.45) & (np.abs(v - half * 0.1) < 4)
    inked = np.maximum(inked, 0.8 * (digits & (_texture(rng, u, v, (3, 3)) > 0.1)))
    color *= (1 - 0.8 * inked)[..., None]
    _lay(canvas, patch, color, cover, light, 2.0)


def shavings(canvas: FloatArray, light: Light, rng: Rng) -> None:
    """Curls of swarf: thin arcs that glint at one end."""
    spread = 150
    patch = _patch(canvas, rng, spread, spread)
    rows, columns = patch.u.shape
    image = Image.new("LA", (columns, rows))
    draw = ImageDraw.Draw(image)
    for _ in range(rng.integers(8, 34)):
        x, y = rng.normal(columns / 2, 90), rng.normal(rows / 2, 80)
        size, start = rng.uniform(3, 15), rng.uniform(0, 360)
        squeeze = size * rng.uniform(0.3, 1)
        for piece in range(4):
            sweep = (start + 40 * piece, start + 40 * piece + 44)
            ink = (int(rng.uniform(70, 255)), 255)
            draw.arc(
                (x - size, y - squeeze, x + size, y + squeeze),
                *sweep,
                fill=ink,
                width=int(rng.integers(2, 4)),
            )
    layer = np.asarray(image.filter(ImageFilter.GaussianBlur(0.6)), np.float32) / 255
    tint = np.array([0.95, 0.94, 0.92], np.float32)
    _lay(canvas, patch, layer[..., :1] * tint, layer[..., 1], light, 1.4)


def hex_key(canvas: FloatArray, light: Light, rng: Rng) -> None:
    """An L-shaped key: the same steel as the hardware, but not one of the labels."""
    radius, long, short, bend = rng.uniform(3.5, 6.5), rng.uniform(120, 230), rng.uniform(35, 60), 16.0
    patch = _patch(canvas, rng, long, long)
    u, v = patch.u, patch.v
    arc = np.hypot(u + bend, v + bend) - bend
    # Signed distance from the middle line: the long arm lies along -u, the short one along -v.
    signed = np.where(u < -bend, np.where(v < -bend, 1e3, v), np.where(v < -bend, u, arc))
    cover = np.clip((radius - np.abs(signed)) * 2 + 0.5, 0, 1) * (u > -long) * (v > -short)
    facet = np.select([signed < -radius * 0.4, signed < radius * 0.4], [1.35, 0.95], 0.6)
    base = np.asarray([(0.20, 0.20, 0.21), (0.58, 0.58, 0.60)][rng.integers(2)], np.float32)
    grain = 1 + 0.05 * _texture(rng, u, v, (4, 40))
    _lay(canvas, patch, (facet * grain)[..., None] * base, cover, light, radius * 1.2)


def wire(canvas: FloatArray, light: Light, rng: Rng) -> None:
    """A length of insulated cable in a lazy curve."""
    radius, reach = rng.uniform(3, 5), rng.uniform(120, 400)
    swing, stretch = rng.uniform(15, 60), rng.uniform(60, 130)
    patch = _patch(canvas, rng, reach, swing + radius)
    u, v = patch.u, patch.v
    middle = swing * np.sin(u / stretch)
    steepness = np.sqrt(1 + (swing / stretch * np.cos(u / stretch)) ** 2)
    signed = (v - middle) / steepness
    cover = np.clip((radius - np.abs(signed)) * 2 + 0.5, 0, 1) * np.clip((reach - np.abs(u)) * 2, 0, 1)
    coats = [(0.62, 0.08, 0.08), (0.10, 0.10, 0.11), (0.12, 0.24, 0.50), (0.75, 0.70, 0.15)]
    color = _rounded(signed, radius, 1.0)[..., None] * np.asarray(coats[rng.integers(4)], np.float32)
    color += (0.35 * np.exp(-(((signed / radius) + 0.35) ** 2) * 30))[..., None]
    _lay(canvas, patch, color, cover, light, radius * 1.5)
