"""Photo-like pictures of small hardware on a workbench, with exact ground truth, all from a seed.

Coordinates are absolute pixels: origin at the top-left corner of the image, x to the right, y down.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import shapely
from PIL import Image
from shapely.geometry import MultiPolygon
from shapely.geometry import Polygon as ShapelyPolygon
from shapely.geometry.base import BaseGeometry

from annotation_platform.demo.clutter import scatter_clutter
from annotation_platform.demo.hardware import LABELS, Part, make_part
from annotation_platform.demo.metal import Pose, draw_part, silhouette
from annotation_platform.demo.photo import (
    Light,
    Rng,
    cast_shadow,
    develop,
    light_falloff,
    paste,
    random_light,
)
from annotation_platform.demo.surfaces import random_surface

__all__ = ["DEMO_COUNT", "DEMO_SEED", "LABELS", "Scene", "SceneObject", "demo_scenes", "demo_truths", "make_scene"]

Ring = tuple[tuple[float, float], ...]
Polygon = tuple[Ring, ...]  # the exterior ring first, then the holes

WIDTH, HEIGHT = 640, 480
DEMO_SEED, DEMO_COUNT = 20_000, 48
MAX_OBJECTS = 9
EMPTY_EVERY = 19  # one seed in so many shows clutter only: 2 or 3 of any 48 in a row
MIN_VISIBLE = 0.6  # of the outline's area
MIN_SIDE = 27.0  # pixels, shorter side of the visible box
MIN_PART_AREA = 3.0  # square pixels: a smaller scrap of a hidden part cannot be seen


@dataclass(frozen=True)
class SceneObject:
    """One labelled thing; `polygons` is its visible region, rings not closed by a repeated first point."""

    label: str
    polygons: tuple[Polygon, ...]

    @property
    def bbox_xyxy(self) -> tuple[float, float, float, float]:
        """(left, top, right, bottom) of the visible region in pixels."""
        points = [point for polygon in self.polygons for point in polygon[0]]
        xs, ys = [x for x, _ in points], [y for _, y in points]
        return min(xs), min(ys), max(xs), max(ys)


@dataclass(frozen=True)
class Scene:
    """A 640 x 480 RGB image, a file-like name, and the truth about what it shows."""

    name: str
    image: Image.Image
    objects: tuple[SceneObject, ...]


@dataclass(frozen=True)
class _Placed:
    part: Part
    pose: Pose
    outline: BaseGeometry  # the whole silhouette, seen or not
    visible: BaseGeometry


def make_scene(seed: int) -> Scene:
    """Draw the scene of `seed`. The same seed gives the same pixels and the same truth."""
    rng, light, placed = _plan(seed)
    canvas = random_surface(rng, WIDTH, HEIGHT)
    scatter_clutter(canvas, light, rng)
    for item in placed:
        sprite = draw_part(item.part, item.pose, (WIDTH, HEIGHT), light, rng)
        cast_shadow(canvas, sprite.alpha, sprite.x0, sprite.y0, light, item.part.thickness)
        paste(canvas, sprite.color, sprite.alpha, sprite.x0, sprite.y0)
    light_falloff(canvas, light, rng)
    return Scene(f"scene-{seed:06d}.jpg", develop(canvas, rng), _truth(placed))


def demo_scenes(count: int = DEMO_COUNT, seed: int = DEMO_SEED) -> Iterator[Scene]:
    """The scenes of `count` consecutive seeds from `seed` on, named bench-001.jpg onwards."""
    for index in range(count):
        scene = make_scene(seed + index)
        yield Scene(_demo_name(index), scene.image, scene.objects)


def demo_truths(count: int = DEMO_COUNT, seed: int = DEMO_SEED) -> dict[str, tuple[SceneObject, ...]]:
    """What `demo_scenes` show, by name, without drawing them."""
    return {_demo_name(index): _truth(_plan(seed + index)[2]) for index in range(count)}


def _demo_name(index: int) -> str:
    return f"bench-{index + 1:03d}.jpg"


def _plan(seed: int) -> tuple[Rng, Light, list[_Placed]]:
    """Everything decided before the first pixel is drawn, and the generator to draw with."""
    rng = np.random.default_rng(seed)
    light = random_light(rng)
    return rng, light, [] if seed % EMPTY_EVERY == 0 else _lay_out(rng)


def _truth(placed: list[_Placed]) -> tuple[SceneObject, ...]:
    return tuple(SceneObject(item.part.label, _polygons(item.visible)) for item in placed)


def _lay_out(rng: Rng) -> list[_Placed]:
    """Place 1 to 9 parts, later ones on top, so that each stays well visible."""
    placed: list[_Placed] = []
    wanted = int(rng.integers(1, MAX_OBJECTS + 1))
    crowding = rng.choice([0.0, 0.5, 1.0])  # tidy benches and heaps both occur
    while len(placed) < wanted:
        label = LABELS[rng.integers(len(LABELS))]
        for _attempt in range(25):
            part = make_part(label, rng)
            pose = Pose(rng.uniform(6, WIDTH - 6), rng.uniform(6, HEIGHT - 6), rng.uniform(0, 2 * np.pi))
            added = _try_place(placed, part, pose, may_overlap=bool(rng.random() < crowding))
            if added is not None:
                placed = added
                break
        else:
            if placed:  # the bench is full
                break
    return placed


def _try_place(placed: list[_Placed], part: Part, pose: Pose, may_overlap: bool) -> list[_Placed] | None:
    """`placed` with one more part on top, or None where that would hide too much of anything."""
    outline = silhouette(part, pose, WIDTH, HEIGHT)
    if not may_overlap and any(outline.distance(other.outline) < 3 for other in placed):
        return None
    visible = outline.intersection(shapely.box(0, 0, WIDTH, HEIGHT))
    under = [_Placed(p.part, p.pose, p.outline, p.visible.difference(outline)) for p in placed]
    stack = [*under, _Placed(part, pose, outline, visible)]
    return stack if all(_well_visible(item) for item in stack) else None


def _well_visible(item: _Placed) -> bool:
    if item.visible.area < MIN_VISIBLE * item.outline.area:
        return False
    left, top, right, bottom = item.visible.bounds
    return bool(min(right - left, bottom - top) >= MIN_SIDE)


def _polygons(region: BaseGeometry) -> tuple[Polygon, ...]:
    """Rings of every part of `region` that is large enough to be seen."""
    parts = region.geoms if isinstance(region, MultiPolygon) else [region]
    kept = [p for p in parts if isinstance(p, ShapelyPolygon) and p.area >= MIN_PART_AREA]
    return tuple((_ring(p.exterior), *(_ring(hole) for hole in p.interiors)) for p in kept)


def _ring(ring: shapely.LinearRing) -> Ring:
    return tuple((round(float(x), 3), round(float(y), 3)) for x, y in ring.coords[:-1])
