"""Comparing boxes with the truth."""

from __future__ import annotations

import pytest

from annotation_platform.demo.score import Found, Score, box_iou, score_image

BOX = (10.0, 10.0, 50.0, 50.0)


def test_a_true_box_is_matched_once_and_only_by_its_own_label() -> None:
    found = [Found("nut", BOX, 0.9), Found("nut", BOX, 0.8), Found("washer", BOX, 0.7)]
    assert score_image(found, [Found("nut", BOX)]) == Score(true_positives=1, false_positives=2, missed=0)


def test_what_nobody_found_is_missed() -> None:
    assert score_image([], [Found("nut", BOX), Found("bolt", BOX)]) == Score(missed=2)


def test_too_little_overlap_is_no_match() -> None:
    half_beside = (10.0, 31.0, 50.0, 71.0)
    assert score_image([Found("nut", half_beside)], [Found("nut", BOX)]) == Score(false_positives=1, missed=1)


@pytest.mark.parametrize(
    ("other", "iou"), [(BOX, 1.0), ((50.0, 50.0, 60.0, 60.0), 0.0), ((10.0, 10.0, 50.0, 30.0), 0.5)]
)
def test_iou_is_the_shared_part_of_the_covered_area(other: tuple[float, float, float, float], iou: float) -> None:
    assert box_iou(BOX, other) == pytest.approx(iou)


def test_precision_and_recall_come_from_the_sums_over_images() -> None:
    total = Score(3, 1, 0) + Score(3, 1, 2)
    assert (total.precision, total.recall) == (0.75, 0.75)
    assert (Score().precision, Score().recall) == (0.0, 0.0)
