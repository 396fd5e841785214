"""The "Auto-label project" button in a page of the host."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.template import Context, Template
from django.test import RequestFactory

from annotation_platform.models import Label, Project
from autolabel.models import Job, ModelDefault, ModelVersion
from tests.factories import make_item, make_manual, make_member, make_project

from .builders import parts_project
from .fakes import FAKE, picture

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("fake_model")]


def render(user: Any, uid: str, tag: str = "{% autolabel_button uid %}") -> str:
    request = RequestFactory().get("/")
    request.user = user
    return Template("{% load autolabel %}" + tag).render(Context({"request": request, "uid": uid}))


@pytest.fixture
def project() -> Project:
    return parts_project(picture(1), picture(1), picture(1))


def test_a_manager_sees_it_with_what_it_needs(project: Project) -> None:
    html = render(make_member(project, "manager"), project.uid)

    assert f'data-start-url="/api/v1/projects/{project.uid}/auto-label/"' in html
    assert 'data-jobs-url="/api/v1/auto-label-jobs/"' in html
    assert 'data-models-url="/api/v1/auto-label-models/"' in html
    assert "Auto-label 3 images" in html
    assert all(label in html for label in ("washer", "nut", "bolt"))
    assert "data-start>" in html


@pytest.mark.parametrize("role", ["viewer", "annotator"])
def test_who_may_not_run_jobs_sees_nothing(project: Project, role: str) -> None:
    assert render(make_member(project, role), project.uid).strip() == ""


def test_strangers_and_nobody_see_nothing(project: Project) -> None:
    stranger = make_member(make_project(), "manager")

    assert render(stranger, project.uid).strip() == ""
    assert render(AnonymousUser(), project.uid).strip() == ""
    assert render(make_member(project, "manager"), "unknown").strip() == ""


def test_names_are_escaped(configure: Callable[..., None]) -> None:
    evil = '"><script>alert(1)</script>'
    project = make_project(evil, labels=(evil,))
    make_item(project)
    configure(MODELS={"fake": {"PREDICTOR": FAKE, "TITLE": evil}})

    html = render(make_member(project, "manager"), project.uid)
    assert "<script>" not in html
    assert html.count("&lt;script&gt;") >= 4


def test_it_counts_only_what_a_model_would_look_at(project: Project) -> None:
    make_manual(project.items.first(), label="bolt")
    user = make_member(project, "manager")
    assert "Auto-label 2 images" in render(user, project.uid)

    project.items.all()[1].delete()
    assert "Auto-label 1 image<" in render(user, project.uid)


@pytest.mark.parametrize("lack", ["items", "labels"])
def test_it_cannot_be_pressed_where_there_is_nothing_to_do(project: Project, lack: str) -> None:
    if lack == "items":
        project.items.all().delete()
    else:
        Label.objects.filter(project=project).delete()

    assert "data-start disabled>" in render(make_member(project, "manager"), project.uid)


def test_it_counts_the_images_with_accepted_boxes_from_which_masks_can_be_made(project: Project) -> None:
    user = make_member(project, "manager")
    assert 'data-boxed="0"' in render(user, project.uid)
    assert "No image has a box that somebody has accepted." in render(user, project.uid)

    for item in project.items.all():
        make_manual(item, label="bolt")
    html = render(user, project.uid)
    assert 'data-unlabeled="0" data-boxed="3"' in html
    assert "make masks from 3 images' accepted boxes" in html
    assert "It can still make masks of accepted boxes" in html


def test_it_offers_a_threshold_for_each_label_and_labels_to_map_to(project: Project) -> None:
    html = render(make_member(project, "manager"), project.uid)

    assert all(f'data-threshold="{label}"' in html for label in ("washer", "nut", "bolt"))
    assert all(f"<option>{label}</option>" in html for label in ("washer", "nut", "bolt"))


def test_it_offers_every_way_with_drafts_that_are_there_and_the_usual_one_first(project: Project) -> None:
    html = render(make_member(project, "manager"), project.uid)

    ways = [f'name="existing_drafts" value="{way}"' for way in Job.ExistingDrafts.values]
    assert all(way in html for way in ways)
    assert html.count(f"{ways[0]} checked>") == 1


def test_it_says_from_how_many_images_on_the_failed_ones_are_judged(project: Project) -> None:
    assert "Judged from 20 images on." in render(make_member(project, "manager"), project.uid)


def test_it_offers_models_that_were_registered_without_a_redeploy(project: Project) -> None:
    version = ModelVersion.objects.create(model_type="mine", base="yolo", version="2", weights="/w.pt", sha256="0" * 64)
    ModelDefault.objects.create(model_type="mine", version=version)

    assert 'value="mine"' in render(make_member(project, "manager"), project.uid)


def test_it_leads_to_the_review_of_the_host_or_where_the_page_says(project: Project) -> None:
    user = make_member(project, "manager")

    assert f"/projects/{project.uid}/review/next/" in render(user, project.uid)
    html = render(user, project.uid, '{% autolabel_button uid review_url="/elsewhere/" %}')
    assert 'data-review-url="/elsewhere/"' in html


def test_it_says_so_when_no_model_is_registered(project: Project, configure: Callable[..., None]) -> None:
    configure(MODELS={})

    assert "No model is registered" in render(make_member(project, "manager"), project.uid)


def test_a_project_of_many_items_costs_no_more_queries(project: Project, django_assert_max_num_queries: Any) -> None:
    user = make_member(project, "manager")

    with django_assert_max_num_queries(8):
        render(user, project.uid)
