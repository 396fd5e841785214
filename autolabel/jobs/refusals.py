"""Whether the registry, the project and the model can do what a request asks. Every refusal names the field."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from autolabel.exceptions import JobInvalid
from autolabel.hosts.base import LabelTarget, Project
from autolabel.hosts.loader import get_host

from .matching import fold, takes, unfindable
from .offers import Offer, find_offer
from .requests import JobRequest

__all__ = ["CheckedRequest", "checked", "kinds_refusal"]

_PLURAL = {"box": "boxes", "polygon": "polygons"}


@dataclass(frozen=True, slots=True)
class CheckedRequest:
    """The model that was found, and the parts of a request that name labels, in the project's spelling."""

    offer: Offer
    labels: list[str]
    thresholds: dict[str, float]
    label_map: dict[str, str]


def checked(project: Project, request: JobRequest) -> CheckedRequest:
    """Raises JobInvalid where the registry, the project or the model cannot do what is asked."""
    try:
        offer = find_offer(request.model_type)
    except LookupError as error:
        allowed = str(error) or "none is registered"
        message = f'"{request.model_type}" is not a registered model. Allowed: {allowed}.'
        raise JobInvalid("model_type", message) from None
    targets = get_host().label_targets(project)
    names = {fold(target.name): target.name for target in targets}
    labels = list(dict.fromkeys(_spelled("labels", request.labels, names)))
    thresholds = dict(
        zip(
            _spelled("thresholds", _once("thresholds", request.thresholds), names),
            request.thresholds.values(),
            strict=True,
        )
    )
    words = _once("label_map", request.label_map)
    label_map = dict(zip(words, _spelled("label_map", request.label_map.values(), names), strict=True))
    if offer.refusal:
        raise JobInvalid("model_type", offer.refusal)
    meant = [target for target in targets if not labels or target.name in labels]
    if request.boxes_to_masks:
        _check_masks(request, offer, meant)
    else:
        _check_model(offer, labels, label_map, targets)
    return CheckedRequest(offer, labels, thresholds, label_map)


def kinds_refusal(targets: Sequence[LabelTarget], wanted: Sequence[str], kinds: Iterable[str], model: str) -> str:
    """Why no shape of these kinds can stand under the wanted labels (none: all of them); empty where one can."""
    keys = {fold(label) for label in wanted}
    meant = [target for target in targets if not keys or fold(target.name) in keys]
    given = list(kinds)
    if not meant or not given or any(takes(target, kind) for target in meant for kind in given):  # type: ignore[arg-type]
        return ""
    taken = " and ".join(_PLURAL[kind] for kind in sorted({kind for target in meant for kind in target.kinds}))
    gives = " and ".join(_PLURAL[kind] for kind in given)
    return f"This project takes only {taken}; the model {model} gives {gives}. Choose a model that gives {taken}."


def _check_model(
    offer: Offer, labels: Sequence[str], label_map: Mapping[str, str], targets: Sequence[LabelTarget]
) -> None:
    """What a live worker has published decides; until there is one, the lane looks."""
    if not offer.ready:
        return
    kinds, classes = offer.facts.get("kinds", ()), offer.facts.get("labels")
    if refusal := kinds_refusal(targets, labels, kinds, offer.spec.model_type):
        raise JobInvalid("model_type", refusal)
    if classes is None:
        return
    known = {fold(name) for name in classes}
    if strange := [word for word in label_map if fold(word) not in known]:
        raise JobInvalid("label_map", _unknown(strange, "not a class of this model", classes))
    if missing := unfindable(labels, classes, label_map):
        raise JobInvalid("labels", _unknown(missing, "not a label of this model", classes))


def _check_masks(request: JobRequest, offer: Offer, meant: Sequence[LabelTarget]) -> None:
    if request.label_map:
        raise JobInvalid("label_map", "Boxes keep their labels: leave label_map out of a job with boxes_to_masks.")
    if offer.takes_boxes is False:
        message = f"The model {offer.spec.model_type} finds objects, but makes no masks of boxes. Choose another one."
        raise JobInvalid("model_type", message)
    if meant and not any("polygon" in target.kinds for target in meant):
        raise JobInvalid("boxes_to_masks", "This project takes only boxes, so masks would have no place in it.")


def _spelled(field_name: str, given: Iterable[str], names: Mapping[str, str]) -> list[str]:
    """The labels in the project's spelling. Raises JobInvalid for those that it does not have."""
    given = list(given)
    if unknown := [label for label in given if fold(label) not in names]:
        raise JobInvalid(field_name, _unknown(unknown, "not a label of this project", names.values()))
    return [names[fold(label)] for label in given]


def _once(field_name: str, given: Iterable[str]) -> list[str]:
    """The keys without surrounding space. Raises JobInvalid where two of them mean the same."""
    seen: dict[str, str] = {}
    for name in given:
        if fold(name) in seen:
            raise JobInvalid(field_name, f'"{seen[fold(name)]}" and "{name}" mean the same. Give only one of them.')
        seen[fold(name)] = name
    return [name.strip() for name in seen.values()]


def _unknown(names: Sequence[str], what: str, allowed: Iterable[Any]) -> str:
    named = ", ".join(f'"{name}"' for name in dict.fromkeys(names))
    return f"{named}: {what}. Allowed: {', '.join(allowed) or 'it has none'}."
