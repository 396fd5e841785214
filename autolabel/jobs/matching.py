"""From model classes to the project's labels, and from predictions to drafts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from autolabel.hosts.base import LabelTarget
from autolabel.models import ItemResult, Prediction
from autolabel.shapes import Shape

__all__ = ["LabelMatcher", "fold", "reason_for_none"]

Fate = Prediction.Fate
Reason = ItemResult.Reason


def fold(name: str) -> str:
    """The form in which names are compared: without case and surrounding space."""
    return name.strip().casefold()


class LabelMatcher:
    """Decides the fate of each shape for one job."""

    def __init__(self, targets: Sequence[LabelTarget], wanted: Sequence[str], threshold: float) -> None:
        """`targets` are the project's labels; `wanted` those that the job asked for, empty for all of them."""
        self._targets = {fold(target.name): target for target in targets}
        self._wanted = {fold(name) for name in wanted} or set(self._targets)
        self._threshold = threshold

    def names(self) -> list[str]:
        """The labels to look for, as the project spells them."""
        return [target.name for target in self._targets.values() if fold(target.name) in self._wanted]

    def judge(self, shape: Shape) -> tuple[Fate, Shape]:
        """The shape's fate, and the shape under the project's own spelling of its label where it has one."""
        target = self._targets.get(fold(shape.label))
        if target is None or shape.kind not in target.kinds:
            return Fate.UNMAPPED_LABEL, shape
        named = replace(shape, label=target.name)
        if fold(target.name) not in self._wanted:
            return Fate.FILTERED_LABEL, named
        return (Fate.DRAFTED if shape.score >= self._threshold else Fate.BELOW_THRESHOLD), named


def reason_for_none(judged: Sequence[tuple[Fate, Shape]], threshold: float) -> Reason:
    """Why an item without a draft has none: what kept its confident predictions out, else the threshold itself."""
    if not judged:
        return Reason.NOTHING_FOUND
    confident = {fate for fate, shape in judged if shape.score >= threshold}
    for fate in (Fate.FILTERED_LABEL, Fate.UNMAPPED_LABEL):
        if fate in confident:
            return Reason(fate.value)
    return Reason.BELOW_THRESHOLD
