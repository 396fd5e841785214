"""What the model said before a person changed it, from the auto-label app's predictions."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from .geometry import Geometry, GeometryError, box_geometry, polygon_geometry
from .models import Annotation, Item

__all__ = ["Original", "originals_of"]


@dataclass(frozen=True, slots=True)
class Original:
    """`label` is the class name of the model, which matches a label of the project without case."""

    label: str
    geometry: Geometry


def originals_of(item: Item, annotations: Collection[Annotation]) -> Mapping[int, Original]:
    """The originals by the annotation's key, in one query; where it was pruned, none."""
    from autolabel.models import Prediction

    if not annotations:
        return {}
    rows = Prediction.objects.filter(
        item_uid=item.uid,
        job__uid__in={annotation.job_uid for annotation in annotations},
        uid__in={annotation.prediction_uid for annotation in annotations},
    ).values_list("job__uid", "uid", "label", "x_min", "y_min", "x_max", "y_max", "polygons")
    found = {(row[0], row[1]): _original(item, row[2], row[3:7], row[7]) for row in rows}
    keys = {annotation.pk: (annotation.job_uid, annotation.prediction_uid) for annotation in annotations}
    originals = {pk: found.get(key) for pk, key in keys.items()}
    return {pk: original for pk, original in originals.items() if original is not None}


def _original(item: Item, label: str, box: tuple[float, ...], polygons: list | None) -> Original | None:
    try:
        if polygons is None:
            return Original(label, box_geometry(box, item.width, item.height))
        return Original(label, polygon_geometry(polygons, item.width, item.height))
    except GeometryError:
        return None
