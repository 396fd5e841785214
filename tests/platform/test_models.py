"""What the database itself refuses, whoever writes to it."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.db.models import RestrictedError
from django.utils import timezone

from annotation_platform.models import Annotation, Item, Label
from tests.factories import SQUARE, make_draft, make_item, make_manual, make_project

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "change",
    [
        {"status": "accepted"},
        {"edited": True},
        {"source": "manual"},
        {"score": None},
        {"score": 1.5},
        {"x_max": 10},
        {"x_min": -1},
        {"polygons": SQUARE},
        {"kind": "polygon"},
        {"reviewed_at": timezone.now()},
        {"status": "odd"},
        {"prediction_uid": ""},
    ],
)
def test_a_draft_that_contradicts_itself_is_refused(change: Any) -> None:
    draft = make_draft()

    with pytest.raises(IntegrityError), transaction.atomic():
        Annotation.objects.filter(pk=draft.pk).update(**change)


def test_one_prediction_becomes_at_most_one_annotation_of_an_item() -> None:
    draft = make_draft()

    with pytest.raises(IntegrityError), transaction.atomic():
        make_draft(draft.item, prediction_uid=draft.prediction_uid)


@pytest.mark.parametrize(
    "change",
    [
        {"state": "done"},
        {"finished_at": timezone.now()},
        {"width": 0},
        {"state": "x"},
        {"draft_count": 1},
        {"lowest_score": 0.5},
        {"flag_comment": "?"},
        {"flagged_at": timezone.now()},
    ],
)
def test_an_item_that_contradicts_itself_is_refused(change: Any) -> None:
    make_item()

    with pytest.raises(IntegrityError), transaction.atomic():
        Item.objects.update(**change)


def test_a_label_in_use_is_not_deleted() -> None:
    manual = make_manual()

    with pytest.raises(RestrictedError):
        manual.label.delete()


def test_label_names_are_unique_without_case() -> None:
    project = make_project(labels=["bolt"])

    with pytest.raises(IntegrityError), transaction.atomic():
        Label.objects.create(project=project, name="Bolt", color="#000000")
