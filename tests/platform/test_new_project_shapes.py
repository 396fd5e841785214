"""The kinds of shapes that a project takes: chosen when it is made, shown on its pages, known to its editor."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from django.test import Client

from annotation_platform.models import Project
from tests.factories import make_item, make_member, make_project, make_user

pytestmark = pytest.mark.django_db
SENT = {"name": "Outlines", "label_name": ["nut"], "label_color": ["#e6194b"]}


@pytest.fixture
def ada(client: Client) -> Any:
    user = make_user("ada")
    client.force_login(user)
    return user


@pytest.mark.parametrize("shapes", Project.Shapes.values)
def test_it_is_chosen_for_a_new_project(shapes: str, client: Client, ada: Any) -> None:
    client.post("/projects/new/", {**SENT, "shapes": shapes})

    assert Project.objects.get().shapes == shapes


def test_without_a_choice_a_project_takes_any_shape(client: Client, ada: Any) -> None:
    assert re.search(r'value="any"[^>]* checked', client.get("/projects/new/").content.decode())
    client.post("/projects/new/", SENT)

    assert Project.objects.get().shapes == "any"


def test_nonsense_is_refused_and_what_was_chosen_is_shown_again(client: Client, ada: Any) -> None:
    refused = client.post("/projects/new/", {**SENT, "shapes": "circles"})
    assert refused.status_code == 422
    assert "Choose one of the three." in refused.content.decode()

    unnamed = client.post("/projects/new/", {**SENT, "name": "", "shapes": "polygons"})
    assert re.search(r'value="polygons"[^>]* checked', unnamed.content.decode())
    assert not Project.objects.exists()


def test_the_project_page_says_so_where_it_is_not_any(client: Client) -> None:
    project = make_project()
    client.force_login(make_member(project, "manager"))
    assert "only" not in _head(client, project)

    Project.objects.update(shapes="polygons")
    assert "Polygons only" in _head(client, project)


@pytest.mark.parametrize(
    ("shapes", "box", "polygon"), [("any", True, True), ("boxes", True, False), ("polygons", False, True)]
)
def test_the_editor_has_the_tools_of_what_the_project_takes(
    shapes: str, box: bool, polygon: bool, client: Client
) -> None:
    item = make_item()
    Project.objects.update(shapes=shapes)
    client.force_login(make_member(item.project))
    html = client.get(f"/items/{item.uid}/").content.decode()

    assert ('data-tool="box"' in html, 'data-tool="polygon"' in html) == (box, polygon)
    config = re.search(r'<script id="review-config" type="application/json">(.*?)</script>', html)
    assert config
    assert json.loads(config[1])["shapes"] == shapes


def _head(client: Client, project: Project) -> str:
    html = client.get(f"/projects/{project.uid}/").content.decode()
    return html.partition('class="page-head"')[2].partition('class="actions"')[0]
