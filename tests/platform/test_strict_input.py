"""Numbers and shapes that are not what they are documented to be: 400 that names the field, never 500."""

from __future__ import annotations

import json
from typing import Any

import pytest

from annotation_platform.api.fields import MAX_POINTS
from annotation_platform.models import Annotation, Item
from tests.factories import SQUARE, make_draft, make_item, make_member

pytestmark = pytest.mark.django_db


@pytest.fixture
def item() -> Item:
    return make_item()


@pytest.fixture
def client(as_user: Any, item: Item) -> Any:
    return as_user(make_member(item.project, "annotator"))


BAD_BOXES = [
    "[NaN, 1, 5, 5]",
    "[1, Infinity, 5, 5]",
    "[-Infinity, 1, 5, 5]",
    "[1e999, 1, 5, 5]",
    "[1e300, 1, 5, 5]",
    f"[1{'0' * 400}, 1, 5, 5]",
    "[true, 1, 5, 5]",
    '["1", 1, 5, 5]',
    "[null, 1, 5, 5]",
    "[1, 1, 5]",
    "[1, 1, 5, 5, 5]",
    "[[1, 1], [5, 5]]",
    "[]",
    "{}",
    "7",
    "true",
    '"1,1,5,5"',
    "[5, 5, 1, 1]",
    "[5, 5, 5, 9]",
    "[64, 0, 70, 48]",
]
BAD_POLYGONS = [
    "[]",
    "[[]]",
    "[[[]]]",
    "[[[[1, 1], [5, 1]]]]",
    "[[[1, 1], [5, 1], [5, 5]]]",
    "[[[[1, 1], [5, 1], [5, NaN]]]]",
    "[[[[1, 1], [5, 1], [5, true]]]]",
    '[[[[1, 1], [5, 1], [5, "5"]]]]',
    "[[[[1, 1], [5, 1], [5, 5, 5]]]]",
    "[[[[1, 1], [5, 1], [5, 1e9]]]]",
    "[[[[1, 1], [5, 5], [9, 9]]]]",
    "[[[[100, 100], [200, 100], [200, 200]]]]",
    "{}",
    "7",
    '"x"',
    json.dumps([[[[1, 1]] * (MAX_POINTS + 1)]]),
]


def refused(answer: Any, field: str) -> bool:
    return answer.status_code == 400 and list(answer.json()) == [field]


@pytest.mark.parametrize("box", BAD_BOXES)
def test_a_bad_box_is_refused_by_name(client: Any, item: Item, box: str) -> None:
    new = f'{{"label": "bolt", "kind": "box", "bbox_xyxy": {box}}}'
    draft = make_draft(item)

    drawn = client.post(f"/api/v1/items/{item.uid}/annotations/", new, content_type="application/json")
    changed = client.patch(
        f"/api/v1/annotations/{draft.uid}/",
        f'{{"version": 1, "bbox_xyxy": {box}}}',
        content_type="application/json",
    )

    assert refused(drawn, "bbox_xyxy")
    assert refused(changed, "bbox_xyxy")
    assert Annotation.objects.get().status == "draft"


@pytest.mark.parametrize("polygons", BAD_POLYGONS)
def test_bad_polygons_are_refused_by_name(client: Any, item: Item, polygons: str) -> None:
    new = f'{{"label": "bolt", "kind": "polygon", "polygons": {polygons}}}'
    draft = make_draft(item, polygons=SQUARE)

    drawn = client.post(f"/api/v1/items/{item.uid}/annotations/", new, content_type="application/json")
    changed = client.patch(
        f"/api/v1/annotations/{draft.uid}/",
        f'{{"version": 1, "polygons": {polygons}}}',
        content_type="application/json",
    )

    assert refused(drawn, "polygons")
    assert refused(changed, "polygons")


@pytest.mark.parametrize("version", ["null", "true", '"1"', "1.0", "1.5", "0", "-1", "NaN", "[]", "1" + "0" * 30])
def test_a_bad_version_is_refused_by_name(client: Any, item: Item, version: str) -> None:
    draft = make_draft(item)
    body = f'{{"version": {version}, "status": "accepted"}}'

    answer = client.patch(f"/api/v1/annotations/{draft.uid}/", body, content_type="application/json")

    assert refused(answer, "version")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"kind": "box", "bbox_xyxy": [1, 1, 5, 5]}, "label"),
        ({"label": 7, "kind": "box", "bbox_xyxy": [1, 1, 5, 5]}, "label"),
        ({"label": ["bolt"], "kind": "box", "bbox_xyxy": [1, 1, 5, 5]}, "label"),
        ({"label": "bolt", "bbox_xyxy": [1, 1, 5, 5]}, "kind"),
        ({"label": "bolt", "kind": "circle", "bbox_xyxy": [1, 1, 5, 5]}, "kind"),
        ({"label": "bolt", "kind": {}, "bbox_xyxy": [1, 1, 5, 5]}, "kind"),
        ({"label": "bolt", "kind": "box"}, "bbox_xyxy"),
        ({"label": "bolt", "kind": "box", "bbox_xyxy": None}, "bbox_xyxy"),
        ({"label": "bolt", "kind": "polygon", "bbox_xyxy": [1, 1, 5, 5]}, "polygons"),
        ({"label": "bolt", "kind": "polygon", "polygons": SQUARE, "bbox_xyxy": [1, 1, 5, 5]}, "bbox_xyxy"),
        ({"label": "bolt", "kind": "box", "polygons": SQUARE, "bbox_xyxy": [1, 1, 5, 5]}, "polygons"),
    ],
)
def test_a_wrong_drawing_is_refused_by_name(client: Any, item: Item, body: Any, field: str) -> None:
    answer = client.post(f"/api/v1/items/{item.uid}/annotations/", body, format="json")

    assert refused(answer, field)


@pytest.mark.parametrize("status", ["done", 1, None, [], True])
def test_a_status_that_is_none_is_refused_by_name(client: Any, item: Item, status: Any) -> None:
    draft = make_draft(item)

    answer = client.patch(f"/api/v1/annotations/{draft.uid}/", {"version": 1, "status": status}, format="json")

    assert refused(answer, "status")


def test_a_change_that_changes_nothing_is_refused(client: Any, item: Item) -> None:
    answer = client.patch(f"/api/v1/annotations/{make_draft(item).uid}/", {"version": 1}, format="json")

    assert answer.status_code == 400


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/api/v1/projects/{project}/review-queue/", '{"order": "\\ud800"}'),
        ("/api/v1/projects/{project}/bulk-reviews/", '{"verdict": "\\ud800"}'),
        ("/api/v1/items/{item}/annotations/", '{"kind": "\\ud800", "label": "bolt", "bbox_xyxy": [1, 1, 9, 9]}'),
    ],
)
def test_half_a_character_where_a_choice_is_wanted_is_refused(client: Any, item: Item, path: str, body: str) -> None:
    address = path.format(project=item.project.uid, item=item.uid)
    response = client.post(address, data=body, content_type="application/json")

    assert response.status_code == 400
    assert "Must be one of: " in response.content.decode()
