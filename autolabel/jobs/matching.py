"""From model classes to the project's labels, and from predictions to drafts."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from autolabel.hosts.base import LabelTarget
from autolabel.models import ItemResult, Prediction
from autolabel.shapes import Kind, Shape

__all__ = ["LabelMatcher", "fold", "takes", "unfindable"]

Fate = Prediction.Fate
Reason = ItemResult.Reason


def fold(name: str) -> str:
    """The form in which names are compared: without case and surrounding space."""
    return name.strip().casefold()


class LabelMatcher:
    """Decides the fate of each shape for one job."""

    def __init__(
        self,
        targets: Sequence[LabelTarget],
        wanted: Sequence[str],
        threshold: float,
        *,
        thresholds: Mapping[str, float] | None = None,
        label_map: Mapping[str, str] | None = None,
    ) -> None:
        """`targets` are the project's labels; `wanted` those that the job asked for, empty for all of them.

        `thresholds` maps labels of the project to a score of their own, in the place of `threshold`; `label_map` maps
        classes of the model to labels of the project. Names are compared by `fold`.
        """
        self._targets = {fold(target.name): target for target in targets}
        self._wanted = {fold(name) for name in wanted} or set(self._targets)
        self._threshold = threshold
        self._thresholds = {fold(label): score for label, score in (thresholds or {}).items()}
        self._label_map = {fold(word): fold(label) for word, label in (label_map or {}).items()}
        self._words: dict[str, list[str]] = {}
        for word, label in (label_map or {}).items():
            self._words.setdefault(fold(label), []).append(word.strip())

    def names(self) -> list[str]:
        """What to look for, for a model that takes words: the wanted labels as the project spells them.

        A label that words are mapped to is looked for by these words instead.
        """
        wanted = {key: target.name for key, target in self._targets.items() if key in self._wanted}
        return [word for key, name in wanted.items() for word in self._words.get(key, [name])]

    def label_of(self, model_class: str) -> str:
        """The project's label for a class of the model, or that class itself where it has none."""
        target = self._target(model_class)
        return target.name if target else model_class

    def judge(self, shape: Shape) -> tuple[Fate, Shape]:
        """The shape's fate, and the shape as the project takes it: its spelling of the label, its kind of geometry."""
        # The mask of a person's box has that box's label already, which is no class of the model; and where the project
        # takes no outline, it is no use beside the box.
        target = self._targets.get(fold(shape.label)) if shape.source else self._target(shape.label)
        if target is None or not (shape.kind in target.kinds if shape.source else takes(target, shape.kind)):
            return Fate.UNMAPPED_LABEL, shape
        outline = shape.polygons if shape.kind in target.kinds else None
        fitted = replace(shape, label=target.name, polygons=outline)
        if fold(target.name) not in self._wanted:
            return Fate.FILTERED_LABEL, fitted
        return (Fate.DRAFTED if shape.score >= self._least(target.name) else Fate.BELOW_THRESHOLD), fitted

    def reason_for_none(self, judged: Sequence[tuple[Fate, Shape]]) -> Reason:
        """Why an item without a draft has none: what kept its confident predictions out, else the threshold itself."""
        if not judged:
            return Reason.NOTHING_FOUND
        confident = {fate for fate, shape in judged if shape.score >= self._least(shape.label)}
        for fate in (Fate.FILTERED_LABEL, Fate.UNMAPPED_LABEL):
            if fate in confident:
                return Reason(fate.value)
        return Reason.BELOW_THRESHOLD

    def _least(self, label: str) -> float:
        """The score that a draft under the label must have."""
        return self._thresholds.get(fold(label), self._threshold)

    def _target(self, model_class: str) -> LabelTarget | None:
        key = fold(model_class)
        return self._targets.get(self._label_map.get(key, key))


def takes(target: LabelTarget, kind: Kind) -> bool:
    """Whether shapes of that kind can stand under the label; a polygon can become its bounds, a box no outline."""
    return kind in target.kinds or (kind == "polygon" and "box" in target.kinds)


def unfindable(wanted: Sequence[str], classes: Collection[str] | None, label_map: Mapping[str, str]) -> list[str]:
    """Those of the wanted labels that a model of these classes never gives: by their own name or mapped to them.

    `classes` is None for a model that takes any words, which can look for everything.
    """
    if classes is None:
        return []
    mapped = {fold(word): fold(label) for word, label in label_map.items()}
    given = {mapped.get(fold(one), fold(one)) for one in classes}
    return [label for label in wanted if fold(label) not in given]
