"""Masks become polygons: few points, close to the mask, valid, with their holes."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import shapely
from PIL import Image, ImageDraw

from autolabel.inference.masks import mask_to_polygons, polygons_bounds
from autolabel.shapes import Polygon

WIDTH, HEIGHT = 640, 480
ROWS, COLUMNS = np.mgrid[:HEIGHT, :WIDTH]
FINE = 4


def disc(radius: float, x: float = 320.0, y: float = 240.0) -> np.ndarray:
    return np.hypot(COLUMNS + 0.5 - x, ROWS + 0.5 - y) < radius


def rectangle(left: int, top: int, right: int, bottom: int) -> np.ndarray:
    return (left <= COLUMNS) & (right > COLUMNS) & (top <= ROWS) & (bottom > ROWS)


def star(lobes: int, depth: float = 40) -> np.ndarray:
    angle = np.arctan2(ROWS - 240, COLUMNS - 320)
    return np.hypot(COLUMNS - 320, ROWS - 240) < 150 + depth * np.sin(angle * lobes)


def noise(share: float, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).random((HEIGHT, WIDTH)) < share


def rasterized(polygons: tuple[Polygon, ...], width: int = WIDTH, height: int = HEIGHT) -> np.ndarray:
    """The pixels whose centres the polygons cover."""
    covered = np.zeros((height, width), bool)
    for exterior, *holes in polygons:
        image = Image.new("1", (width * FINE, height * FINE))
        draw = ImageDraw.Draw(image)
        for ring, fill in ((exterior, 1), *((hole, 0) for hole in holes)):
            draw.polygon([(x * FINE - 0.5, y * FINE - 0.5) for x, y in ring], fill=fill)
        covered |= np.asarray(image)[FINE // 2 :: FINE, FINE // 2 :: FINE]
    return covered


def iou(one: np.ndarray, other: np.ndarray) -> float:
    return float((one & other).sum() / (one | other).sum())


def outline(mask: np.ndarray, **options: Any) -> tuple[Polygon, ...]:
    """The polygons, of which everything is asserted that is promised of all."""
    polygons = mask_to_polygons(mask, **options)
    assert polygons is not None
    geometry = geometry_of(polygons)
    assert geometry.is_valid, shapely.is_valid_reason(geometry)
    assert all(part.area > 0 for part in geometry.geoms)
    rings = [ring for part in polygons for ring in part]
    assert all(3 <= len(ring) <= options.get("max_points", 60) for ring in rings)
    assert all(ring[0] != ring[-1] for ring in rings)
    assert all(type(value) is float for ring in rings for point in ring for value in point)
    width, height = options.get("size") or (mask.shape[1], mask.shape[0])
    x_min, y_min, x_max, y_max = polygons_bounds(polygons)
    assert x_min >= 0
    assert y_min >= 0
    assert x_max <= width
    assert y_max <= height
    return polygons


def geometry_of(polygons: tuple[Polygon, ...]) -> shapely.MultiPolygon:
    return shapely.MultiPolygon([(exterior, holes) for exterior, *holes in polygons])


@pytest.mark.parametrize(
    "mask",
    [
        disc(15),
        disc(15, 100.3, 77.7),
        disc(50),
        disc(200),
        disc(200) & ~disc(60),
        disc(200) & ~disc(20, 250) & ~disc(35, 400),
        disc(60, 100, 100) | disc(60, 400, 300) | rectangle(500, 20, 560, 90),
        rectangle(50, 60, 80, 90),
        rectangle(0, 0, 640, 30),
        np.hypot((COLUMNS - 320) / 3, ROWS - 240) < 40,
        disc(90, 0, 0),
        disc(90, 640, 480),
        star(5),
        star(9),
        np.abs(ROWS - COLUMNS) < 20,
        np.ones((HEIGHT, WIDTH), bool),
    ],
)
def test_it_covers_what_the_mask_covers(mask: np.ndarray) -> None:
    assert iou(rasterized(outline(mask)), mask) >= 0.97


def test_the_area_is_the_masks_within_one_percent() -> None:
    for radius in (15, 30, 100, 200):
        mask = disc(radius)
        assert geometry_of(outline(mask)).area == pytest.approx(mask.sum(), rel=0.01)


def test_no_line_strays_more_than_two_pixels_from_the_mask() -> None:
    for mask in (disc(200), disc(40), star(4, 20), disc(200) & ~disc(60), rectangle(0, 0, 400, 400)):
        simple = geometry_of(outline(mask)).boundary
        exact = geometry_of(mask_to_polygons(mask, tolerance=0.001, max_points=100_000) or ()).boundary
        assert shapely.hausdorff_distance(simple, exact, densify=0.05) <= 2


def test_a_large_disc_is_followed_as_closely_as_sixty_points_can() -> None:
    image = Image.new("1", (2100, 2100))
    ImageDraw.Draw(image).ellipse((50, 50, 2049, 2049), fill=1)
    ((ring,),) = outline(np.asarray(image))

    sagitta = 1000 * (1 - math.cos(math.pi / 60))
    assert min(math.dist(point, (1050, 1050)) for point in densified(ring)) >= 1000 - 2 * sagitta


def densified(ring: Any) -> list[Any]:
    return list(shapely.segmentize(shapely.LinearRing(ring), 5).coords)


def test_a_rectangle_lies_where_its_pixels_do() -> None:
    (part,) = outline(rectangle(100, 50, 200, 90))

    assert len(part) == 1
    assert polygons_bounds((part,)) == (100, 50, 200, 90)


def test_holes_are_kept_and_those_of_a_few_pixels_are_not() -> None:
    (part,) = outline(disc(200) & ~disc(60, 280) & ~disc(10, 420) & ~rectangle(320, 400, 321, 402))

    exterior, *holes = part
    areas = sorted(shapely.Polygon(hole).area for hole in holes)
    assert areas == pytest.approx([math.pi * 10**2, math.pi * 60**2], rel=0.03)
    assert shapely.Polygon(exterior).contains(shapely.MultiPolygon([(hole, []) for hole in holes]))


def test_an_island_in_a_hole_is_a_part_of_its_own() -> None:
    mask = disc(200) & ~disc(120) | disc(50)
    polygons = outline(mask)

    assert [len(part) for part in polygons] == [2, 1]
    assert iou(rasterized(polygons), mask) >= 0.97


def test_parts_come_largest_first_and_specks_beside_them_go() -> None:
    polygons = outline(disc(20, 100) | disc(60, 400) | disc(40, 250, 80) | rectangle(5, 5, 6, 7))

    areas = [shapely.Polygon(part[0]).area for part in polygons]
    assert areas == pytest.approx([math.pi * radius**2 for radius in (60, 40, 20)], rel=0.02)


def test_a_mask_on_all_edges_reaches_all_of_them() -> None:
    assert polygons_bounds(outline(~disc(100))) == (0, 0, WIDTH, HEIGHT)
    assert polygons_bounds(outline(np.ones((1, 1), bool))) == (0, 0, 1, 1)


def test_one_pixel_is_a_polygon_around_its_centre() -> None:
    polygons = outline(rectangle(7, 9, 8, 10))

    assert polygons_bounds(polygons) == (7, 9, 8, 10)
    assert geometry_of(polygons).centroid.coords[0] == (7.5, 9.5)


@pytest.mark.parametrize("shape", [(480, 640), (1, 1), (0, 0), (0, 5)])
def test_an_empty_mask_has_no_outline(shape: tuple[int, int]) -> None:
    assert mask_to_polygons(np.zeros(shape, bool)) is None
    assert mask_to_polygons(np.zeros(shape, np.float32)) is None


@pytest.mark.parametrize(
    "mask",
    [(ROWS + COLUMNS) % 2 == 0, noise(0.5), noise(0.05), noise(0.95), star(60), star(25), disc(200) & noise(0.9)],
)
def test_noise_gives_few_valid_rings(mask: np.ndarray) -> None:
    polygons = outline(mask)

    assert sum(len(part) for part in polygons) <= 300


@pytest.mark.parametrize("seed", range(25))
def test_ragged_masks_of_any_form_become_valid(seed: int) -> None:
    random = np.random.default_rng(seed)
    coarse = random.random((random.integers(3, 40), random.integers(3, 40))) < random.uniform(0.2, 0.8)
    outline(np.kron(coarse, np.ones((random.integers(1, 12), random.integers(1, 12)), bool)) | ~coarse.any())


def test_fewer_points_can_be_asked_for() -> None:
    assert iou(rasterized(outline(star(5), max_points=12)), star(5)) > 0.8


def test_the_same_mask_gives_the_same_outline() -> None:
    assert outline(noise(0.6)) == outline(noise(0.6))


def test_probabilities_are_followed_between_the_pixels() -> None:
    mask = np.clip(100.25 - COLUMNS, 0, 1)  # a quarter of column 100 is covered

    # Between the centres 99.5, where the value is 1, and 100.5, where it is 0.25.
    assert polygons_bounds(outline(mask))[2] == pytest.approx(99.5 + 2 / 3, abs=0.01)


def test_logits_are_cut_at_their_level() -> None:
    logits = 30 - np.hypot(COLUMNS + 0.5 - 320, ROWS + 0.5 - 240)
    polygons = outline(logits.astype(np.float32), level=0.0)

    assert geometry_of(polygons).area == pytest.approx(math.pi * 30**2, rel=0.01)


@pytest.mark.parametrize("bad", [np.nan, -np.inf])
def test_values_that_are_no_numbers_are_outside(bad: float) -> None:
    mask = disc(50).astype(np.float32)
    mask[~disc(60)] = bad

    assert geometry_of(outline(mask)).area == pytest.approx(math.pi * 50**2, rel=0.01)


def test_a_small_mask_tells_its_place_in_the_image() -> None:
    crop = disc(40, 320, 240)[190:290:2, 270:370:2]
    polygons = outline(crop, scale=(2.0, 2.0), offset=(270.0, 190.0), size=(WIDTH, HEIGHT))

    assert iou(rasterized(polygons), disc(40)) >= 0.95
    assert polygons_bounds(polygons) == pytest.approx((280, 200, 360, 280), abs=1.5)


def test_each_axis_has_its_own_scale() -> None:
    polygons = outline(np.ones((10, 10), bool), scale=(3.0, 0.5), offset=(5.0, 7.0), size=(40, 20))

    assert polygons_bounds(polygons) == pytest.approx((5, 7, 35, 12), abs=0.01)


def test_what_lies_outside_of_the_image_is_cut_off() -> None:
    polygons = outline(np.ones((20, 20), bool), offset=(-10.0, 5.0), size=(30, 15))

    assert polygons_bounds(polygons) == (0, 5, 10, 15)
    assert mask_to_polygons(np.ones((5, 5), bool), offset=(50.0, 0.0), size=(30, 15)) is None


def test_a_mask_of_fifty_megapixels_is_followed_as_closely() -> None:
    image = Image.new("1", (7100, 7000))
    draw = ImageDraw.Draw(image)
    draw.ellipse((150, 50, 7049, 6949), fill=1)
    draw.rectangle((3000, 3000, 3599, 3399), fill=0)
    mask = np.asarray(image)
    exterior, hole = outline(mask)[0]

    assert shapely.Polygon(exterior, [hole]).area == pytest.approx(mask.sum(), rel=0.01)
    assert shapely.Polygon(exterior).bounds == pytest.approx((150, 50, 7050, 6950), abs=8)
    assert shapely.Polygon(hole).bounds == pytest.approx((3000, 3000, 3600, 3400), abs=2)


def test_a_small_object_in_a_large_image_costs_nothing_of_its_exactness() -> None:
    mask = np.zeros((7000, 7100), bool)
    mask[6900:6960, 7050:7100] = True

    assert polygons_bounds(outline(mask)) == (7050, 6900, 7100, 6960)
