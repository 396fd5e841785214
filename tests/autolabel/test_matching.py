"""From the model's classes to the project's labels, and what becomes of each shape."""

from __future__ import annotations

import pytest

from autolabel.hosts.base import LabelTarget
from autolabel.jobs.matching import LabelMatcher, unfindable
from autolabel.models import Prediction
from autolabel.shapes import Kind, Shape

Fate = Prediction.Fate
BOX = (1.0, 2.0, 11.0, 12.0)
OUTLINE = ((((1.0, 2.0), (11.0, 2.0), (11.0, 12.0)),),)


def targets(*names: str, kinds: tuple[Kind, ...] = ("box", "polygon")) -> list[LabelTarget]:
    return [LabelTarget(name, frozenset(kinds)) for name in names]


def found(label: str, score: float = 0.8, *, outline: bool = False, source: str = "") -> Shape:
    return Shape(label, score, BOX, OUTLINE if outline else None, source)


# Labels


@pytest.mark.parametrize("name", ["car", "CAR", " Car "])
def test_a_class_is_the_label_of_the_same_name_without_case(name: str) -> None:
    assert LabelMatcher(targets("Car"), [], 0.5).judge(found(name)) == (Fate.DRAFTED, found("Car"))


def test_a_class_without_a_label_is_unmapped() -> None:
    assert LabelMatcher(targets("Car"), [], 0.5).judge(found("bus"))[0] == Fate.UNMAPPED_LABEL


def test_a_mapped_class_is_the_label_that_it_is_mapped_to() -> None:
    matcher = LabelMatcher(targets("Car", "bus"), [], 0.5, label_map={"Automobile": "car"})

    assert matcher.judge(found("automobile")) == (Fate.DRAFTED, found("Car"))
    assert matcher.judge(found("bus")) == (Fate.DRAFTED, found("bus"))


def test_the_map_comes_before_the_names() -> None:
    matcher = LabelMatcher(targets("car", "vehicle"), [], 0.5, label_map={"car": "vehicle"})

    assert matcher.judge(found("car"))[1].label == "vehicle"


def test_a_class_that_is_mapped_to_a_label_that_has_gone_is_unmapped() -> None:
    matcher = LabelMatcher(targets("car"), [], 0.5, label_map={"car": "lorry"})

    assert matcher.judge(found("car"))[0] == Fate.UNMAPPED_LABEL


def test_a_label_that_was_not_asked_for_is_filtered_mapped_or_not() -> None:
    matcher = LabelMatcher(targets("car", "bus"), ["bus"], 0.5, label_map={"automobile": "car"})

    assert matcher.judge(found("car"))[0] == Fate.FILTERED_LABEL
    assert matcher.judge(found("automobile"))[0] == Fate.FILTERED_LABEL
    assert matcher.judge(found("bus"))[0] == Fate.DRAFTED


def test_it_names_the_label_of_a_class_or_the_class() -> None:
    matcher = LabelMatcher(targets("Car"), [], 0.5, label_map={"automobile": "car"})

    assert [matcher.label_of(name) for name in ("AUTOMOBILE", "car", "tree")] == ["Car", "Car", "tree"]


# Thresholds


@pytest.mark.parametrize(
    ("label", "score", "fate"),
    [
        ("car", 0.69, Fate.BELOW_THRESHOLD),
        ("car", 0.7, Fate.DRAFTED),
        ("automobile", 0.69, Fate.BELOW_THRESHOLD),
        ("bus", 0.2, Fate.DRAFTED),
        ("bus", 0.1, Fate.BELOW_THRESHOLD),
        ("tree", 0.49, Fate.BELOW_THRESHOLD),
        ("tree", 0.5, Fate.DRAFTED),
        ("sign", 0.0, Fate.DRAFTED),
    ],
)
def test_a_labels_own_threshold_takes_the_place_of_the_jobs(label: str, score: float, fate: Fate) -> None:
    thresholds = {"Car": 0.7, "bus": 0.2, "sign": 0.0}
    matcher = LabelMatcher(
        targets("car", "bus", "tree", "sign"), [], 0.5, thresholds=thresholds, label_map={"automobile": "car"}
    )

    assert matcher.judge(found(label, score))[0] == fate


@pytest.mark.parametrize(("score", "reason"), [(0.3, "filtered_label"), (0.1, "below_threshold")])
def test_why_an_item_has_no_draft_is_said_by_the_labels_own_threshold(score: float, reason: str) -> None:
    matcher = LabelMatcher(targets("car", "bus"), ["bus"], 0.5, thresholds={"car": 0.2})

    assert matcher.reason_for_none([matcher.judge(found("car", score))]) == reason


# Kinds


def test_an_outline_becomes_its_bounds_where_only_boxes_are_taken() -> None:
    matcher = LabelMatcher(targets("car", kinds=("box",)), [], 0.5)

    assert matcher.judge(found("car", outline=True)) == (Fate.DRAFTED, found("car"))


def test_an_outline_stays_one_where_polygons_are_taken() -> None:
    for kinds in (("polygon",), ("box", "polygon")):
        matcher = LabelMatcher(targets("car", kinds=kinds), [], 0.5)
        assert matcher.judge(found("car", outline=True)) == (Fate.DRAFTED, found("car", outline=True))


def test_a_box_has_no_place_where_only_polygons_are_taken() -> None:
    matcher = LabelMatcher(targets("car", kinds=("polygon",)), [], 0.5)

    assert matcher.judge(found("car"))[0] == Fate.UNMAPPED_LABEL


# Masks of boxes


def test_a_mask_has_the_label_of_its_box_whatever_classes_are_mapped() -> None:
    matcher = LabelMatcher(targets("car", "vehicle"), [], 0.5, label_map={"car": "vehicle"})
    mask = found("car", outline=True, source="box-1")

    assert matcher.judge(mask) == (Fate.DRAFTED, mask)


def test_a_mask_does_not_become_a_box_again() -> None:
    matcher = LabelMatcher(targets("car", kinds=("box",)), [], 0.5)

    assert matcher.judge(found("car", outline=True, source="box-1"))[0] == Fate.UNMAPPED_LABEL


# What to look for


def test_a_model_that_takes_words_is_given_the_labels_in_the_projects_order() -> None:
    assert LabelMatcher(targets("Zebra", "ant"), [], 0.5).names() == ["Zebra", "ant"]
    assert LabelMatcher(targets("Zebra", "ant"), ["ANT"], 0.5).names() == ["ant"]


def test_mapped_words_are_looked_for_in_the_place_of_the_label() -> None:
    words = {"automobile": "Car", " van ": "car", "oak": "tree"}
    matcher = LabelMatcher(targets("bus", "car", "tree"), ["bus", "car"], 0.5, label_map=words)

    assert matcher.names() == ["bus", "automobile", "van"]
    assert {matcher.judge(found(word))[1].label for word in ("automobile", "van")} == {"car"}


# What a model can find at all


@pytest.mark.parametrize(
    ("wanted", "classes", "label_map", "missing"),
    [
        (["car"], ["Car", "bus"], {}, []),
        (["car", "tree"], ["Car", "bus"], {}, ["tree"]),
        (["car"], ["automobile"], {"Automobile": "CAR"}, []),
        (["car"], ["car"], {"car": "vehicle"}, ["car"]),
        (["car"], None, {}, []),
        ([], ["bus"], {}, []),
    ],
)
def test_it_tells_which_labels_a_model_never_gives(
    wanted: list[str], classes: list[str] | None, label_map: dict[str, str], missing: list[str]
) -> None:
    assert unfindable(wanted, classes, label_map) == missing
