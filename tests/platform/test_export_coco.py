from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from django.utils import timezone
from pycocotools import mask as coco_mask
from pycocotools.coco import COCO

from annotation_platform.models import Item, Project
from tests.factories import (
    SQUARE,
    make_draft,
    make_item,
    make_manual,
    make_member,
    make_project,
    make_rows_of_items,
)

pytestmark = [
    pytest.mark.django_db,
    # pycocotools 2.0.11 has not caught up with NumPy 2 here.
    pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning"),
]
HOLE = [[15.0, 15.0], [25.0, 15.0], [25.0, 25.0], [15.0, 25.0]]


@pytest.fixture
def project() -> Project:
    return make_project(labels=["bolt", "nut"])


@pytest.fixture
def export(as_user: Any, project: Project) -> Any:
    client = as_user(make_member(project, "viewer"))

    def get(query: str = "") -> Any:
        answer = client.get(f"/api/v1/projects/{project.uid}/export/?format=coco{query}")
        assert answer.status_code == 200
        return json.loads(b"".join(answer.streaming_content))

    return get


def finish(item: Item) -> Item:
    Item.objects.filter(pk=item.pk).update(state="done", finished_at=timezone.now())
    return item


def test_a_finished_item_is_exported_with_what_was_accepted(export: Any, project: Project) -> None:
    item = make_item(project, size=(100, 50))
    make_manual(item, label="nut", box=(1.5, 2, 11.5, 22))
    make_draft(item, status="discarded", reviewed_at=timezone.now())
    make_draft(item, status="accepted", edited=True, reviewed_at=timezone.now(), score=0.9)
    finish(item)

    coco = export()

    assert list(coco) == ["info", "licenses", "categories", "images", "annotations"]
    assert coco["licenses"] == []
    assert coco["categories"] == [
        {"id": 1, "name": "bolt", "supercategory": ""},
        {"id": 2, "name": "nut", "supercategory": ""},
    ]
    assert coco["images"] == [{"id": 1, "file_name": "part.jpg", "width": 100, "height": 50, "uid": item.uid}]
    manual, auto = coco["annotations"]
    assert manual == {
        "id": 1,
        "image_id": 1,
        "category_id": 2,
        "bbox": [1.5, 2.0, 10.0, 20.0],
        "area": 200.0,
        "segmentation": [],
        "iscrowd": 0,
        "attributes": {"status": "accepted", "edited": False, "source": "manual"},
    }
    assert auto["score"] == 0.9
    assert auto["attributes"] == {"status": "accepted", "edited": True, "source": "auto"}


def test_a_verified_empty_item_is_a_negative_example(export: Any, project: Project) -> None:
    item = finish(make_item(project))

    coco = export()

    assert [image["uid"] for image in coco["images"]] == [item.uid]
    assert coco["annotations"] == []


def test_drafts_and_unfinished_items_come_only_when_asked_for(export: Any, project: Project) -> None:
    open_item = make_item(project)
    make_draft(open_item)
    make_manual(open_item)
    finish(make_item(project))

    def size(query: str) -> tuple[int, int]:
        coco = export(query)
        return len(coco["images"]), len(coco["annotations"])

    assert size("") == (1, 0)
    assert size("&include=drafts") == (1, 0)
    assert size("&include=unfinished") == (2, 1)
    assert size("&include=unfinished&include=drafts") == (2, 2)


def test_a_polygon_without_holes_is_a_list_of_exteriors(export: Any, project: Project) -> None:
    item = finish(make_item(project))
    far = [[40.0, 10.0], [50.0, 10.0], [50.0, 20.0]]
    make_manual(item, polygons=[*SQUARE, [far]], box=(10, 10, 50, 30))

    (annotation,) = export()["annotations"]

    assert annotation["segmentation"] == [[10, 10, 30, 10, 30, 30, 10, 30], [40, 10, 50, 10, 50, 20]]
    assert annotation["area"] == 400 + 50


def test_holes_survive_as_a_run_length_mask_of_the_right_area(export: Any, project: Project) -> None:
    item = finish(make_item(project))
    make_manual(item, polygons=[[SQUARE[0][0], HOLE]])

    (annotation,) = export()["annotations"]

    mask = coco_mask.decode(annotation["segmentation"])
    assert mask.shape == (48, 64)
    assert annotation["area"] == 400 - 100
    assert int(mask.sum()) == pytest.approx(300, abs=15)
    assert mask[20, 20] == 0
    assert mask[12, 12] == 1
    assert not np.any(mask[:, 40:])


def test_one_parts_hole_does_not_cut_into_another_part(export: Any, project: Project) -> None:
    item = finish(make_item(project))
    inner = [[17.0, 17.0], [23.0, 17.0], [23.0, 23.0], [17.0, 23.0]]
    make_manual(item, polygons=[[SQUARE[0][0], HOLE], [inner]])

    (annotation,) = export()["annotations"]

    assert annotation["area"] == 300 + 36
    assert coco_mask.decode(annotation["segmentation"])[20, 20] == 1


def test_pycocotools_reads_the_file(export: Any, project: Project, tmp_path: Any) -> None:
    item = finish(make_item(project))
    make_manual(item, polygons=[[SQUARE[0][0], HOLE]])
    make_manual(item, polygons=SQUARE, label="nut")
    path = tmp_path / "instances.json"
    path.write_text(json.dumps(export()))

    coco = COCO(path)

    masks = [coco.annToMask(annotation) for annotation in coco.loadAnns(coco.getAnnIds())]
    assert [int(mask.sum()) for mask in masks] == pytest.approx([300, 400], abs=15)
    assert coco.loadCats(2)[0]["name"] == "nut"


def test_what_pycocotools_fills_is_what_lies_inside_the_outline(export: Any, project: Project, tmp_path: Any) -> None:
    """Point by point, for outlines as models make them: several holes, an island in a hole, another part apart."""
    shapely = pytest.importorskip("shapely")
    outer = shapely.Point(100, 90).buffer(70)
    holes = [shapely.Point(75, 80).buffer(20), shapely.Point(130, 100).buffer(14.5)]
    parts = [(outer, holes), (shapely.Point(75, 80).buffer(9), []), (shapely.box(190, 10, 236, 50.5), [])]
    polygons = [[_points(one.exterior) for one in (exterior, *inner)] for exterior, inner in parts]
    make_manual(finish(make_item(project, size=(240, 180))), polygons=polygons, box=(30, 10, 236, 160))
    path = tmp_path / "instances.json"
    path.write_text(json.dumps(export()))

    coco = COCO(path)
    (annotation,) = coco.loadAnns(coco.getAnnIds())
    filled = coco.annToMask(annotation)

    solid = shapely.union_all([exterior.difference(shapely.union_all(inner)) for exterior, inner in parts])
    xs, ys = np.meshgrid(np.arange(240) + 0.5, np.arange(180) + 0.5)
    inside = shapely.contains_xy(solid, xs, ys)
    overlap = np.logical_and(filled, inside).sum() / np.logical_or(filled, inside).sum()
    assert overlap > 0.98
    assert annotation["area"] == pytest.approx(solid.area, rel=0.001)
    assert (filled[80, 75], filled[80, 60], filled[100, 130], filled[90, 100]) == (1, 0, 0, 1)


def _points(ring: Any) -> list[list[float]]:
    return [[float(x), float(y)] for x, y in ring.coords[:-1]]


def test_file_names_are_unique(export: Any, project: Project) -> None:
    for name in ("a.jpg", "a.jpg", "b.jpg"):
        finish(make_item(project, name=name))

    names = [image["file_name"] for image in export()["images"]]

    assert len(set(names)) == 3
    assert names[2] == "b.jpg"
    assert all(name.endswith(".jpg") for name in names)


def test_ids_stay_in_step_over_more_items_than_one_slice(
    export: Any, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("annotation_platform.exports._SLICE", 2)
    items = make_rows_of_items(project, 5, state="done")
    for item in items:
        make_manual(item)

    coco = export()

    assert [image["id"] for image in coco["images"]] == [1, 2, 3, 4, 5]
    assert [(row["id"], row["image_id"]) for row in coco["annotations"]] == [(n, n) for n in range(1, 6)]


def test_the_export_is_a_download(as_user: Any, project: Project) -> None:
    answer = as_user(make_member(project, "viewer")).get(f"/api/v1/projects/{project.uid}/export/")

    assert answer["Content-Disposition"] == 'attachment; filename="instances.json"'
    assert answer["Content-Type"] == "application/json"
    assert json.loads(b"".join(answer.streaming_content))["images"] == []


@pytest.mark.parametrize(("query", "field"), [("format=yolo", "format"), ("include=all", "include")])
def test_an_unknown_wish_is_400(as_user: Any, project: Project, query: str, field: str) -> None:
    answer = as_user(make_member(project, "viewer")).get(f"/api/v1/projects/{project.uid}/export/?{query}")

    assert (answer.status_code, list(answer.json())) == (400, [field])


def test_an_export_takes_the_same_queries_for_few_and_for_many(
    export: Any, project: Project, django_assert_max_num_queries: Any
) -> None:
    for item in make_rows_of_items(project, 30, state="done"):
        make_manual(item)

    with django_assert_max_num_queries(8):
        assert len(export()["annotations"]) == 30
