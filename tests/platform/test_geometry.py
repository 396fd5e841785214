from __future__ import annotations

import pytest

from annotation_platform.geometry import GeometryError, box_geometry, polygon_area, polygon_geometry
from annotation_platform.models import Annotation

SQUARE = [[0, 0], [10, 0], [10, 10], [0, 10]]
HOLE = [[2, 2], [4, 2], [4, 4], [2, 4]]


def test_a_polygon_inside_the_image_is_kept_point_by_point() -> None:
    geometry = polygon_geometry([[SQUARE, HOLE]], 20, 20)

    assert geometry.polygons == [[SQUARE, HOLE]]
    assert geometry.box == (0, 0, 10, 10)
    assert geometry.kind == Annotation.Kind.POLYGON


def test_the_point_that_closes_a_ring_is_dropped() -> None:
    assert polygon_geometry([[[*SQUARE, SQUARE[0]]]], 20, 20).polygons == [[SQUARE]]


def test_a_polygon_that_sticks_out_is_cut_off_with_its_hole() -> None:
    geometry = polygon_geometry([[SQUARE, HOLE]], 5, 20)

    assert geometry.box == (0, 0, 5, 10)
    assert polygon_area(geometry.polygons or []) == pytest.approx(50 - 4)


def test_cutting_may_leave_several_parts() -> None:
    horseshoe = [[0, 0], [10, 0], [10, 10], [7, 10], [7, 3], [3, 3], [3, 10], [0, 10]]
    geometry = polygon_geometry([[[[x, y - 5] for x, y in horseshoe]]], 20, 20)

    assert len(geometry.polygons or []) == 2
    assert geometry.box == (0, 0, 10, 5)


def test_a_ring_that_crosses_itself_still_has_an_area() -> None:
    bow_tie = [[0, 0], [10, 10], [10, 0], [0, 10]]

    assert polygon_area([[bow_tie]]) == pytest.approx(50)
    assert polygon_geometry([[bow_tie]], 5, 20).box == (0, 0, 5, 10)


def test_a_hole_that_sticks_out_only_takes_away() -> None:
    outside = [[8, 8], [14, 8], [14, 14], [8, 14]]

    assert polygon_area([[SQUARE, outside]]) == pytest.approx(100 - 4)


def test_overlapping_parts_are_counted_once() -> None:
    assert polygon_area([[SQUARE], [SQUARE]]) == pytest.approx(100)


@pytest.mark.parametrize("ring", [[[0, 0], [5, 5], [9, 9]], [[1, 1], [1, 1], [1, 1]], [[30, 30], [40, 30], [40, 40]]])
def test_a_polygon_without_area_in_the_image_is_refused(ring: list[list[float]]) -> None:
    with pytest.raises(GeometryError):
        polygon_geometry([[ring]], 20, 20)


def test_a_part_outside_the_image_is_left_out() -> None:
    far = [[30, 30], [40, 30], [40, 40]]

    assert polygon_geometry([[SQUARE], [far]], 20, 20).box == (0, 0, 10, 10)


@pytest.mark.parametrize("box", [(5, 5, 1, 1), (5, 5, 5, 9), (20, 0, 30, 9), (float("nan"), 0, 1, 1)])
def test_a_box_without_area_in_the_image_is_refused(box: tuple[float, ...]) -> None:
    with pytest.raises(GeometryError):
        box_geometry(box, 20, 20)
