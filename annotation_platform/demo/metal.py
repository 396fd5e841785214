"""Draws a part as metal: its relief reflects a room with one lamp, in the part's finish and colour."""

from dataclasses import dataclass

import numpy as np
import shapely
from PIL import Image, ImageDraw
from shapely import affinity
from shapely.geometry import MultiPolygon, Polygon

from annotation_platform.demo.hardware import Part
from annotation_platform.demo.photo import (
    Color,
    FloatArray,
    Light,
    Rng,
    fractal_noise,
    gaussian,
    pixel_grid,
    shrink,
    smooth_noise,
    smoothstep,
)

SAMPLES = 2  # a pixel and direction
CAMERA_HEIGHT = 1500.0  # pixels above the bench

FINISHES: dict[str, Color] = {
    "zinc": (0.80, 0.82, 0.86),
    "stainless": (0.72, 0.72, 0.71),
    "dull": (0.54, 0.54, 0.54),
    "black oxide": (0.25, 0.25, 0.27),
    "brass": (0.86, 0.67, 0.34),
    "yellow zinc": (0.80, 0.70, 0.48),
    "rusty": (0.60, 0.46, 0.37),
}
FINISH_ODDS = (0.28, 0.20, 0.14, 0.13, 0.10, 0.09, 0.06)


@dataclass(frozen=True)
class Pose:
    """Where a part lies: its middle in image pixels and its turn in radians from x towards y."""

    x: float
    y: float
    angle: float


@dataclass(frozen=True)
class Sprite:
    """Colour and coverage of one drawn part; `x0`, `y0` is the image pixel of its top-left corner."""

    color: FloatArray
    alpha: FloatArray
    x0: int
    y0: int


def lean(part: Part, pose: Pose, width: int, height: int) -> tuple[float, float]:
    """How far perspective moves the top of a part away from the image centre, in pixels."""
    scale = part.wall / CAMERA_HEIGHT
    return (pose.x - width / 2) * scale, (pose.y - height / 2) * scale


def outline_in_image(part: Part, pose: Pose) -> Polygon:
    turned = affinity.rotate(part.outline, pose.angle, origin=(0, 0), use_radians=True)
    return affinity.translate(turned, pose.x, pose.y)


def silhouette(part: Part, pose: Pose, width: int, height: int) -> Polygon:
    """All that the camera sees of a part, side walls included, in image pixels."""
    base = outline_in_image(part, pose)
    dx, dy = lean(part, pose, width, height)
    steps = int(np.ceil(np.hypot(dx, dy) / 0.5))
    if steps == 0:
        return base
    return shapely.union_all([affinity.translate(base, dx * i / steps, dy * i / steps) for i in range(steps + 1)])


def coverage(shape: Polygon | MultiPolygon, x0: int, y0: int, width: int, height: int) -> FloatArray:
    """Coverage 0 to 1 of `shape` on a patch with SAMPLES samples a pixel, each itself averaged from 2 x 2."""
    scale = SAMPLES * 2
    image = Image.new("L", (width * scale, height * scale))
    draw = ImageDraw.Draw(image)
    for polygon in getattr(shape, "geoms", [shape]):
        for ring, ink in [(polygon.exterior, 255), *((hole, 0) for hole in polygon.interiors)]:
            points = (np.asarray(ring.coords) - (x0, y0)) * scale - 0.5
            draw.polygon([(float(x), float(y)) for x, y in points], fill=ink)
    return np.asarray(image.reduce(2), np.float32) / 255


def draw_part(part: Part, pose: Pose, image_size: tuple[int, int], light: Light, rng: Rng) -> Sprite:
    """Render a part at `pose` in an image of `image_size` (width, height) pixels."""
    left, top, right, bottom = silhouette(part, pose, *image_size).bounds
    x0, y0 = int(np.floor(left)) - 2, int(np.floor(top)) - 2
    width, height = int(np.ceil(right)) + 2 - x0, int(np.ceil(bottom)) + 2 - y0
    shift = lean(part, pose, *image_size)
    base = coverage(outline_in_image(part, pose), x0, y0, width, height)
    upper = coverage(affinity.translate(outline_in_image(part, pose), *shift), x0, y0, width, height)
    x, y = pixel_grid(x0, y0, width, height, SAMPLES)
    x, y = x - np.float32(pose.x + shift[0]), y - np.float32(pose.y + shift[1])
    cos, sin = np.float32(np.cos(pose.angle)), np.float32(np.sin(pose.angle))
    local = (x * cos + y * sin, y * cos - x * sin)

    albedo = finish_color(rng, base.shape)
    face = face_tone(part, upper, local, (x, y), light, rng)
    side = wall_tone(base, light)
    tone, alpha = extrude(base, side, upper, face, shift)
    lit = albedo * tone[..., None] + 0.30 * np.maximum(tone - 1.0, 0)[..., None]
    color = shrink(lit * alpha[..., None], SAMPLES)
    cover = shrink(alpha, SAMPLES)
    return Sprite(color / np.maximum(cover, 1e-3)[..., None], cover, x0, y0)


def finish_color(rng: Rng, shape: tuple[int, int]) -> FloatArray:
    name = str(rng.choice(list(FINISHES), p=FINISH_ODDS))
    color = np.asarray(FINISHES[name], np.float32) * np.float32(rng.uniform(0.88, 1.08))
    grime = fractal_noise(rng, shape, (36, 36), 3)
    albedo = color * (1 + rng.uniform(0.02, 0.07) * grime)[..., None]
    if name == "rusty":
        patch = smoothstep(-0.3, 1.4, grime)[..., None]
        albedo += patch * (np.array([0.42, 0.22, 0.11], np.float32) - albedo)
    return np.asarray(albedo, np.float32)


def face_tone(
    part: Part,
    mask: FloatArray,
    local: tuple[FloatArray, FloatArray],
    offset: tuple[FloatArray, FloatArray],
    light: Light,
    rng: Rng,
) -> FloatArray:
    """Brightness of the top face; `local` is the part's own frame, `offset` is in image axes."""
    rounding = gaussian(mask, 0.85 * SAMPLES)
    height = part.relief(*local) + 2.6 * rounding
    slope_y, slope_x = np.gradient(height, 1 / SAMPLES)
    size = np.float32(max(mask.shape) / SAMPLES / 2)
    bend = rng.uniform(-0.16, 0.16)  # no face is quite flat, so the reflection drifts across it
    nx = np.clip(-slope_x, -3, 3) + rng.normal(0, 0.05) + bend * offset[0] / size
    ny = np.clip(-slope_y, -3, 3) + rng.normal(0, 0.05) + bend * offset[1] / size
    marks = tool_marks(part, local, rng)
    tone = room_reflection(nx, ny, light) * (1 + marks)
    if part.turned:
        angle = np.arctan2(offset[1], offset[0]) - light.azimuth
        flat = np.exp(-4 * (nx * nx + ny * ny))
        tone += rng.uniform(0.15, 0.55) * flat * (np.abs(np.cos(angle + rng.normal(0, 0.3))) ** 5 - 0.3)
    return np.asarray(np.maximum(tone, 0.04), np.float32)


def tool_marks(part: Part, local: tuple[FloatArray, FloatArray], rng: Rng) -> FloatArray:
    """Fine lines left by the lathe or the drawing die, as a relative change of brightness."""
    across = np.hypot(*local) if part.turned else local[1]
    table = smooth_noise(rng, (1, 2048), (1, 2.2))[0]
    lines = table[np.clip((across * 4 + 1024).astype(np.int32), 0, 2047)]
    grain = smooth_noise(rng, across.shape, (2, 2))
    return np.asarray(rng.uniform(0.015, 0.07) * lines + 0.03 * grain, np.float32)


def room_reflection(nx: FloatArray, ny: FloatArray, light: Light) -> FloatArray:
    """What a polished surface of normal (nx, ny, 1) shows a camera above it: lamp, ceiling, dark walls."""
    norm = 1 + nx * nx + ny * ny
    rx, ry, rz = 2 * nx / norm, 2 * ny / norm, 2 / norm - 1
    towards = rx * light.direction[0] + ry * light.direction[1] + rz * light.direction[2]
    lamp = np.exp((towards - 1) * (6 + 16 * light.hardness)) * (0.85 + 0.65 * light.hardness)
    window = np.exp((-0.8 * rx * light.direction[1] + 0.8 * ry * light.direction[0] + 0.6 * rz - 1) * 9) * 0.28
    broad = 0.62 * (0.5 + 0.5 * towards) ** 2
    ceiling = 0.27 * smoothstep(-0.3, 0.95, rz)
    return np.asarray(0.06 + lamp + window + broad + ceiling, np.float32)


def wall_tone(mask: FloatArray, light: Light) -> FloatArray:
    """Brightness of the side walls: by how much they face the lamp."""
    slope_y, slope_x = np.gradient(gaussian(mask, 1.5 * SAMPLES))
    length = np.hypot(slope_x, slope_y) + 1e-4
    facing = -(slope_x * light.direction[0] + slope_y * light.direction[1]) / length
    return np.asarray(0.34 + 0.42 * np.clip(facing, -0.6, 1), np.float32)


def extrude(
    base: FloatArray, side: FloatArray, upper: FloatArray, face: FloatArray, shift: tuple[float, float]
) -> tuple[FloatArray, FloatArray]:
    """Stack the base up to the top face along `shift` (pixels); returns tone and coverage."""
    tone, alpha = side * 0.6, base.copy()
    steps = int(np.ceil(np.hypot(*shift) * SAMPLES))
    for step in range(1, steps):
        part = step / steps
        dx, dy = round(shift[0] * SAMPLES * part), round(shift[1] * SAMPLES * part)
        layer = np.roll(base, (dy, dx), axis=(0, 1))
        tone += layer * (np.roll(side, (dy, dx), axis=(0, 1)) * (0.6 + 0.4 * part) - tone)
        alpha = np.maximum(alpha, layer)
    return tone + upper * (face - tone), np.maximum(alpha, upper)
