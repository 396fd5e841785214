"""COCO export, streamed: memory stays flat however large the project is."""

from __future__ import annotations

import json
from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count, islice
from pathlib import PurePath
from typing import Any, NamedTuple

from django.db.models import Count
from django.utils import timezone

from .geometry import polygon_area
from .models import Annotation, Item, Project

__all__ = ["Options", "coco"]

_SLICE = 500


class _Row(NamedTuple):
    """The columns that an export needs; whole model instances take several times as long to read."""

    item_id: int
    label_id: int
    x_min: float
    y_min: float
    x_max: float
    y_max: float
    polygons: list[Any] | None
    status: str
    edited: bool
    source: str
    score: float | None
    item__width: int
    item__height: int


@dataclass(frozen=True, slots=True)
class Options:
    """Beside the accepted annotations of finished items: the drafts, and the items nobody has finished."""

    drafts: bool = False
    unfinished: bool = False


def coco(project: Project, options: Options = Options()) -> Iterator[str]:
    """The project as the text of a COCO instances file.

    A finished item without annotations is a verified negative and is part of it. Boxes and outlines are in
    pixels of the EXIF-upright image, whose size `width` and `height` are. Source of the format:
    https://cocodataset.org/#format-data
    """
    categories = {label.pk: (number, label.name) for number, label in enumerate(project.labels.all(), 1)}
    yield "{" + f'"info": {json.dumps(_info(project))}, "licenses": [], "categories": '
    yield json.dumps([{"id": number, "name": name, "supercategory": ""} for number, name in categories.values()])
    yield ', "images": ['
    keys = array("q")
    yield from _joined(_images(project, options, keys))
    yield '], "annotations": ['
    numbers = {label: number for label, (number, _) in categories.items()}
    yield from _joined(_annotations(options, keys, numbers))
    yield "]}"


def _info(project: Project) -> dict[str, Any]:
    return {"description": project.name, "version": "1.0", "date_created": timezone.now().isoformat()}


def _joined(rows: Iterator[dict[str, Any]]) -> Iterator[str]:
    """In blocks, for each of them is a write to the client's socket."""
    separator = ""
    while block := list(islice(rows, _SLICE)):
        yield separator + ",\n".join(json.dumps(row) for row in block)
        separator = ",\n"


def _images(project: Project, options: Options, keys: array[int]) -> Iterator[dict[str, Any]]:
    """One row an item; its key is kept in `keys`, at the place that is its image id less one."""
    items = project.items.all() if options.unfinished else project.items.filter(state=Item.State.DONE)
    repeated = set(
        items.order_by().values("name").annotate(n=Count("pk")).filter(n__gt=1).values_list("name", flat=True)
    )
    rows = items.order_by("pk").values_list("pk", "uid", "name", "width", "height")
    for number, (key, uid, name, width, height) in enumerate(rows.iterator(chunk_size=_SLICE), 1):
        keys.append(key)
        file_name = _unique_name(name, uid) if name in repeated else name
        yield {"id": number, "file_name": file_name, "width": width, "height": height, "uid": uid}


def _unique_name(name: str, uid: str) -> str:
    path = PurePath(name)
    return f"{path.stem}-{uid}{path.suffix}"


def _annotations(options: Options, keys: array[int], numbers: Mapping[int, int]) -> Iterator[dict[str, Any]]:
    """Only of the items that were written as images, whatever has happened to the others since."""
    statuses = [Annotation.Status.ACCEPTED, *([Annotation.Status.DRAFT] if options.drafts else [])]
    ids = count(1)
    for start in range(0, len(keys), _SLICE):
        image_ids = {key: number for number, key in enumerate(keys[start : start + _SLICE], start + 1)}
        rows = Annotation.objects.filter(item_id__in=image_ids, status__in=statuses)
        for row in rows.order_by("item_id", "pk").values_list(*_Row._fields):
            row = _Row(*row)
            if row.label_id in numbers:  # else it was added after the categories were written
                yield _annotation(row, next(ids), image_ids[row.item_id], numbers[row.label_id])


def _annotation(row: _Row, number: int, image_id: int, category_id: int) -> dict[str, Any]:
    width, height = row.x_max - row.x_min, row.y_max - row.y_min
    exported = {
        "id": number,
        "image_id": image_id,
        "category_id": category_id,
        "bbox": [row.x_min, row.y_min, width, height],
        "area": width * height if row.polygons is None else polygon_area(row.polygons),
        "segmentation": [] if row.polygons is None else _segmentation(row.polygons, row.item__width, row.item__height),
        "iscrowd": 0,
        "attributes": {"status": row.status, "edited": row.edited, "source": row.source},
    }
    return exported if row.score is None else {**exported, "score": row.score}


def _segmentation(parts: Sequence[Any], width: int, height: int) -> list[list[float]] | dict[str, Any]:
    """Exteriors as flat lists; with holes, which such a list cannot express, a compressed run-length mask."""
    if any(len(part) > 1 for part in parts):
        return _run_lengths(parts, width, height)
    return [_flat(part[0]) for part in parts]


def _run_lengths(parts: Sequence[Any], width: int, height: int) -> dict[str, Any]:
    import numpy as np
    from pycocotools import mask as coco_mask

    def filled(rings: Sequence[Any]) -> Any:
        return coco_mask.decode(coco_mask.merge(coco_mask.frPyObjects([_flat(r) for r in rings], height, width)))

    covered = np.zeros((height, width), dtype=np.uint8, order="F")
    for exterior, *holes in parts:
        covered |= filled([exterior]) & ~filled(holes) if holes else filled([exterior])
    encoded = coco_mask.encode(np.asfortranarray(covered))
    return {"size": [height, width], "counts": encoded["counts"].decode("ascii")}


def _flat(ring: Sequence[Sequence[float]]) -> list[float]:
    return [float(value) for point in ring for value in point]
