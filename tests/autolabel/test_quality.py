"""The gate before predictions: what it lets pass, what it drops and under which name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import shapely
from django.core.exceptions import ImproperlyConfigured
from shapely.geometry.base import BaseGeometry

from autolabel.inference.quality import Limits, gate, limits
from autolabel.shapes import Polygon, Ring, Shape

WIDTH, HEIGHT = 200, 100


def square(x: float, y: float, side: float) -> Ring:
    return ((x, y), (x + side, y), (x + side, y + side), (x, y + side))


def box(x_min: float, y_min: float, x_max: float, y_max: float, score: float = 0.9, label: str = "bolt") -> Shape:
    return Shape(label, score, (x_min, y_min, x_max, y_max))


def mask(*parts: Polygon, score: float = 0.9, label: str = "bolt", source: str = "") -> Shape:
    points = np.array([point for part in parts for point in part[0]] or [(0, 0)])
    bounds = (*points.min(axis=0).tolist(), *points.max(axis=0).tolist())
    return Shape(label, score, bounds, parts, source)


def passed(*shapes: Shape, size: tuple[int, int] = (WIDTH, HEIGHT), **changes: Any) -> list[Shape]:
    """What passes where nothing is dropped."""
    found, dropped = gate(shapes, *size, Limits(**changes))
    assert not dropped
    return found


def dropped(*shapes: Shape, size: tuple[int, int] = (WIDTH, HEIGHT), **changes: Any) -> dict[str, int]:
    found, counts = gate(shapes, *size, Limits(**changes))
    assert len(found) + counts.total() - counts["fragment"] == len(shapes)
    return dict(counts)


def area(shape: Shape) -> float:
    return float(shapely.MultiPolygon([(exterior, holes) for exterior, *holes in shape.polygons or ()]).area)


def test_sound_shapes_pass_as_they_are_best_first() -> None:
    shapes = [
        box(10, 10, 40, 40, score=0.5),
        mask((square(50, 10, 30), square(60, 20, 5)), score=0.9),
        box(100, 10, 140, 40, score=0.7),
    ]

    found = passed(*shapes)
    assert [shape.score for shape in found] == [0.9, 0.7, 0.5]
    assert [shape.bbox_xyxy for shape in found] == [shapes[1].bbox_xyxy, shapes[2].bbox_xyxy, shapes[0].bbox_xyxy]
    assert area(found[0]) == 30 * 30 - 5 * 5


def test_shapes_of_equal_score_keep_their_order() -> None:
    shapes = [box(number * 30, 10, number * 30 + 20, 30, label=label) for number, label in enumerate("abcab")]

    assert passed(*shapes) == shapes


def test_nothing_passes_as_nothing() -> None:
    assert gate([], WIDTH, HEIGHT, Limits()) == ([], {})


def test_boxes_are_clipped_to_the_image() -> None:
    assert passed(box(-10, -20, 30, 40))[0].bbox_xyxy == (0, 0, 30, 40)
    assert passed(box(180, 80, 250, 170))[0].bbox_xyxy == (180, 80, 200, 100)


def test_masks_are_clipped_to_the_image_and_their_bounds_follow() -> None:
    (shape,) = passed(mask((square(190, 10, 20), square(195, 15, 10))))

    assert shape.bbox_xyxy == (190, 10, 200, 30)
    assert area(shape) == 20 * 10 - 5 * 10


def test_what_lies_beside_the_image_is_dropped() -> None:
    shapes = [box(210, 10, 240, 40), box(-30, 10, 0, 40), mask((square(10, 150, 20),)), box(40, 40, 40, 60)]

    assert dropped(*shapes) == {"outside": 4}


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_coordinates_that_are_no_numbers_are_dropped(bad: float) -> None:
    assert dropped(box(10, 10, bad, 40), mask(((*square(10, 10, 20), (bad, 5.0)),))) == {"outside": 2}


@pytest.mark.parametrize(
    "polygons", [(), ((),), (((),),), ((((5, 5),),),), ((((5, 5), (9, 9)),),), ((((5, 5), (9, 9), (7, 7)),),)]
)
def test_an_outline_without_area_is_dropped(polygons: Any) -> None:
    shape = Shape("bolt", 0.9, (0, 0, 10, 10), polygons)

    assert sum(dropped(shape).values()) == 1


def test_a_ring_that_crosses_itself_becomes_valid() -> None:
    bow = ((10.0, 10.0), (50.0, 50.0), (50.0, 10.0), (10.0, 50.0))
    (shape,) = passed(mask((bow,)))

    assert area(shape) == pytest.approx(2 * 40 * 20 / 2)
    assert all(shapely.Polygon(part[0]).is_valid for part in shape.polygons or ())


def test_slivers_are_dropped() -> None:
    assert dropped(box(10, 10, 100, 11.5), box(198.5, 0, 260, 90)) == {"sliver": 2}
    # Thin everywhere, although its bounds are large.
    assert dropped(mask((((10, 10), (90, 90), (91, 90), (11, 10)),))) == {"sliver": 1}


def test_a_thin_shape_with_a_thick_part_is_none() -> None:
    lollipop = (((10, 10), (90, 10), (90, 5), (100, 5), (100, 16), (90, 16), (90, 11), (10, 11)),)

    assert len(passed(mask(lollipop))) == 1


def test_a_line_of_two_pixels_is_none() -> None:
    assert len(passed(mask((((10, 10), (90, 10), (90, 12), (10, 12)),)), box(10, 40, 90, 42))) == 2


def test_specks_are_dropped() -> None:
    assert dropped(box(10, 10, 12.5, 13), mask((square(50, 50, 2.5),))) == {"speck": 2}


def test_the_smallest_image_can_hold_a_shape() -> None:
    assert passed(box(0, 0, 1, 1), size=(1, 1))[0].bbox_xyxy == (0, 0, 1, 1)
    diamond = (((0.5, 0.0), (1.0, 0.5), (0.5, 1.0), (0.0, 0.5)),)
    assert area(passed(mask(diamond), size=(1, 1))[0]) == 0.5
    assert len(passed(box(0, 0, 300, 1), size=(300, 1))) == 1


def test_of_two_shapes_of_one_label_that_are_one_the_better_stays() -> None:
    for pair in (
        (box(10, 10, 50, 50, score=0.6), box(11, 10, 51, 50, score=0.8)),
        (mask((square(10, 10, 40),), score=0.6), mask((square(11, 10, 40),), score=0.8)),
        (mask((square(10, 10, 40),), score=0.6), box(11, 10, 51, 50, score=0.8)),
    ):
        found, counts = gate(pair, WIDTH, HEIGHT, Limits())
        assert [shape.score for shape in found] == [0.8]
        assert counts == {"duplicate": 1}


def test_shapes_of_other_labels_are_no_duplicates() -> None:
    assert len(passed(box(10, 10, 50, 50), box(10, 10, 50, 50, label="nut"))) == 2


def test_labels_are_one_by_the_name_that_they_have_for_the_project() -> None:
    cars = [box(10, 10, 50, 50, label="automobile"), box(10, 10, 50, 50, label="sedan", score=0.5)]

    found, counts = gate(cars, WIDTH, HEIGHT, Limits(), label_key={"automobile": "car", "sedan": "car"}.__getitem__)
    assert [shape.label for shape in found] == ["automobile"]
    assert counts == {"duplicate": 1}


def test_neighbours_that_overlap_stay() -> None:
    assert len(passed(box(10, 10, 50, 50), box(20, 10, 60, 50), box(10, 25, 50, 65))) == 3


def test_a_part_found_beside_the_whole_is_a_duplicate() -> None:
    assert dropped(box(10, 10, 50, 90), box(10, 10, 50, 50, score=0.5)) == {"duplicate": 1}
    whole, half = mask((square(10, 10, 60),)), mask((((11, 11), (69, 11), (69, 41), (11, 41)),), score=0.5)
    assert dropped(whole, half) == {"duplicate": 1}


def test_a_small_object_inside_a_large_one_of_its_label_stays_unless_the_settings_say_otherwise() -> None:
    child_before_father = (box(10, 10, 60, 90), box(20, 50, 45, 89, score=0.5))

    assert len(passed(*child_before_father)) == 2
    assert dropped(*child_before_father, nested_area=0) == {"duplicate": 1}


def test_masks_are_compared_by_what_they_cover_and_not_by_their_bounds() -> None:
    lower = mask((((10, 10), (90, 90), (10, 90)),))
    upper = mask((((12, 10), (90, 10), (90, 88)),), score=0.5)
    ring = mask((square(100, 10, 80), square(105, 15, 70)))
    inside = mask((square(106, 16, 68),), score=0.5)

    assert len(passed(lower, upper, ring, inside)) == 4


def test_the_masks_of_a_persons_boxes_are_never_merged() -> None:
    shapes = [replace(mask((square(10, 10, 40),)), source=f"box-{number}") for number in range(3)]

    assert passed(*shapes) == shapes
    found, counts = gate([*shapes, mask((square(10, 10, 40),))], WIDTH, HEIGHT, Limits())
    assert (len(found), counts) == (4, {})


def test_fragments_of_a_mask_are_cut_away_and_the_shape_stays() -> None:
    pieces = [(square(10, 10, 40),), (square(80, 10, 20),), (square(120, 10, 4),), (square(140, 10, 6),)]
    found, counts = gate([mask(*pieces)], WIDTH, HEIGHT, Limits())

    assert counts == {"fragment": 2}
    assert found[0].bbox_xyxy == (10, 10, 100, 50)
    assert area(found[0]) == 40 * 40 + 20 * 20


def test_fragments_of_a_dropped_shape_are_not_counted_beside_it() -> None:
    pieces = [(square(10, 10, 40),), (square(120, 10, 4),)]

    assert dropped(mask((square(10, 10, 40),), score=0.95), mask(*pieces)) == {"duplicate": 1}


def test_everything_can_be_turned_off() -> None:
    off = {
        "min_thickness": 0,
        "min_area": 0,
        "duplicate_iou": 2,
        "duplicate_containment": 2,
        "fragment_share": 0,
    }
    shapes = [
        box(10, 10, 50, 50),
        box(10, 10, 50, 50),
        box(80, 10, 81, 10.5),
        mask((square(120, 10, 40),), (square(170, 10, 1),)),
    ]

    found = passed(*shapes, **off)
    assert len(found) == 4
    assert area(found[3]) == 1601


def test_of_a_full_image_of_masks_only_those_are_intersected_that_may_be_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """An intersection of outlines takes 0.1 ms; 100 shapes make 4,950 pairs."""
    real, calls = BaseGeometry.intersection, []
    monkeypatch.setattr(BaseGeometry, "intersection", lambda *pair: calls.append(pair) or real(*pair))
    random = np.random.default_rng(3)
    blobs = [
        mask((square(*random.uniform(0, 800, 2).tolist(), float(random.uniform(20, 200))),), score=float(score))
        for score in random.random(100)
    ]

    found, counts = gate(blobs, 1000, 1000, Limits())
    assert len(found) + counts["duplicate"] == 100
    assert 0 < len(calls) < 200


def test_the_limits_come_from_the_settings(configure: Callable[..., None]) -> None:
    assert limits() == Limits()
    configure(QUALITY={"MIN_AREA": 25, "DUPLICATE_IOU": 0.95})
    assert limits() == Limits(min_area=25, duplicate_iou=0.95)


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"MINIMUM": 3}, r"does not know MINIMUM. It knows MIN_THICKNESS"),
        ({"MIN_AREA": -1}, r'"MIN_AREA"\] must be a number'),
        ({"MIN_AREA": "9"}, r'"MIN_AREA"\] must be a number'),
        ({"MIN_AREA": True}, r'"MIN_AREA"\] must be a number'),
        ({"DUPLICATE_IOU": float("nan")}, r'"DUPLICATE_IOU"\] must be a number'),
    ],
)
def test_a_mistake_in_the_settings_names_the_key(
    setting: dict[str, Any], message: str, configure: Callable[..., None]
) -> None:
    configure(QUALITY=setting)
    with pytest.raises(ImproperlyConfigured, match=message):
        limits()
