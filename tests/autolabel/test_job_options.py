"""POST projects/{uid}/auto-label/: thresholds, the label map and masks of boxes, taken and refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from annotation_platform.models import Project
from autolabel.hosts.base import Project as ProjectRef
from autolabel.jobs.requests import JobRequest, fingerprint
from autolabel.models import Job
from autolabel.webhooks.events import job_body
from tests.factories import make_member, make_project

from .builders import make_worker
from .fakes import FAKE_LABELS

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("fake_model", "rings")]
MASKING = "tests.autolabel.fakes.MaskingPredictor"


@pytest.fixture
def project() -> Project:
    return make_project(labels=(*FAKE_LABELS, "Car"))


@pytest.fixture
def post(project: Project, as_user: Any) -> Callable[..., Any]:
    client = as_user(make_member(project, "manager"))

    def send(body: Any, **options: Any) -> Any:
        url = f"/api/v1/projects/{project.uid}/auto-label/"
        return client.post(url, json.dumps(body), content_type="application/json", **options)

    return send


def refusal(answer: Any, field: str) -> str:
    """The one message about that one field."""
    assert (answer.status_code, list(answer.json())) == (400, [field])
    assert not Job.objects.exists()
    (message,) = answer.json()[field]
    return str(message)


@pytest.mark.parametrize(
    ("field", "value"),
    [("thresholds", {"bolt": 0.2, " bolt": 0.9}), ("label_map", {"ring": "nut", "ring ": "gear"})],
)
def test_a_name_given_twice_but_for_space_is_refused(post: Any, field: str, value: Any) -> None:
    assert "is given twice" in refusal(post({field: value}), field)


# What a client gets


def test_the_job_keeps_what_was_asked_for_in_the_projects_spelling(post: Any) -> None:
    answer = post({"thresholds": {"CAR": 0.7, "bolt": 0}, "label_map": {" Automobile ": "car", "van": "Car"}})

    assert answer.status_code == 202
    job = Job.objects.get()
    assert job.thresholds == answer.json()["thresholds"] == {"Car": 0.7, "bolt": 0.0}
    assert job.label_map == answer.json()["label_map"] == {"Automobile": "Car", "van": "Car"}
    assert answer.json()["boxes_to_masks"] is False


def test_a_webhook_carries_it_too(post: Any) -> None:
    body = {"thresholds": {"bolt": 0.25}, "label_map": {"nut": "bolt"}}
    post(body)

    assert {name: job_body(Job.objects.get())[name] for name in body} == body


@pytest.mark.parametrize("score", [0, 1, 0.0, 1.0])
def test_the_ends_of_a_threshold_are_included(post: Any, score: float) -> None:
    assert post({"thresholds": {"bolt": score}}).json()["thresholds"] == {"bolt": score}


def test_a_thousand_entries_are_taken_and_no_more(as_user: Any) -> None:
    labels = [f"label {number}" for number in range(1001)]
    project = make_project(labels=labels)
    client = as_user(make_member(project, "manager"))

    def send(number: int) -> Any:
        body = {"thresholds": dict.fromkeys(labels[:number], 0.5)}
        return client.post(f"/api/v1/projects/{project.uid}/auto-label/", body, format="json")

    assert "1,000" in refusal(send(1001), "thresholds")
    assert send(1000).status_code == 202


# Values that are wrong by themselves


@pytest.mark.parametrize("field", ["thresholds", "label_map"])
@pytest.mark.parametrize("value", [None, [], ["bolt"], "bolt", 0.5, True])
def test_only_an_object_will_do(post: Any, field: str, value: Any) -> None:
    assert "object" in refusal(post({field: value}), field)


@pytest.mark.parametrize("score", [-0.1, 1.1, "0.5", "", True, False, None, [], {}, 10**400])
def test_a_threshold_is_a_number_from_0_to_1(post: Any, score: Any) -> None:
    message = refusal(post({"thresholds": {"bolt": score}}), "thresholds")

    assert '"bolt"' in message
    assert "0.0 to 1.0" in message


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_a_threshold_that_is_no_number_is_refused(as_user: Any, project: Project, number: str) -> None:
    client = as_user(make_member(project, "manager"))
    answer = client.generic(
        "POST",
        f"/api/v1/projects/{project.uid}/auto-label/",
        f'{{"thresholds": {{"bolt": {number}}}}}',
        content_type="application/json",
    )

    assert "0.0 to 1.0" in refusal(answer, "thresholds")


@pytest.mark.parametrize("label", [1, True, None, "", [], {}, "x" * 201])
def test_a_class_is_mapped_to_a_word(post: Any, label: Any) -> None:
    assert '"nut"' in refusal(post({"label_map": {"nut": label}}), "label_map")


@pytest.mark.parametrize("field", ["thresholds", "label_map"])
@pytest.mark.parametrize("name", ["", "  ", "x" * 201, "a\x00b", "\ud800"])
def test_a_name_that_can_be_none_is_refused(post: Any, field: str, name: str) -> None:
    assert "cannot be a name" in refusal(post({field: {name: 0.5 if field == "thresholds" else "bolt"}}), field)


@pytest.mark.parametrize("value", [1, 0, "true", None, [], {}])
def test_masks_are_asked_for_with_true_or_false(post: Any, value: Any) -> None:
    refusal(post({"boxes_to_masks": value}), "boxes_to_masks")


# What the project does not have


@pytest.mark.parametrize("field", ["thresholds", "label_map"])
def test_a_label_that_the_project_has_not_is_named(post: Any, field: str) -> None:
    body = {"thresholds": {"bolt": 0.5, "unicorn": 0.5}, "label_map": {"nut": "unicorn"}}

    message = refusal(post({field: body[field]}), field)

    assert message.startswith('"unicorn": not a label of this project. Allowed: washer, nut, bolt')


@pytest.mark.parametrize(
    "body", [{"thresholds": {"Car": 0.5, "car": 0.6}}, {"label_map": {"Van": "Car", " van": "bolt"}}]
)
def test_a_name_is_given_only_once_without_case(post: Any, body: dict[str, Any]) -> None:
    (field,) = body

    assert "mean the same" in refusal(post(body), field)


# What the model does not know


def test_a_class_that_the_model_has_not_is_named(post: Any) -> None:
    make_worker()

    message = refusal(post({"label_map": {"nut": "Car", "automobile": "Car"}}), "label_map")

    assert message.startswith('"automobile": not a class of this model. Allowed: washer, nut')


def test_any_word_can_be_mapped_for_a_model_that_takes_words(post: Any) -> None:
    make_worker(yolo={"labels": None})

    assert post({"label_map": {"automobile": "Car"}, "labels": ["Car"]}).status_code == 202


def test_a_label_is_fine_when_a_class_is_mapped_to_it(post: Any) -> None:
    make_worker()

    assert '"Car"' in refusal(post({"labels": ["Car"]}), "labels")
    assert post({"labels": ["Car"], "label_map": {"NUT": "car"}}).status_code == 202


def test_a_label_whose_own_class_is_mapped_away_is_not(post: Any) -> None:
    make_worker()

    assert '"nut"' in refusal(post({"labels": ["nut"], "label_map": {"nut": "Car"}}), "labels")


# Kinds of shapes


@pytest.mark.parametrize(
    ("shapes", "kinds", "taken"),
    [
        ("any", ["box"], True),
        ("any", ["polygon"], True),
        ("boxes", ["box"], True),
        ("boxes", ["polygon"], True),  # as their bounds
        ("polygons", ["polygon"], True),
        ("polygons", ["box", "polygon"], True),
        ("polygons", ["box"], False),
    ],
)
def test_the_models_shapes_must_fit_the_project(
    post: Any, project: Project, shapes: str, kinds: list[str], taken: bool
) -> None:
    Project.objects.update(shapes=shapes)
    make_worker(yolo={"kinds": kinds})

    answer = post({})

    if taken:
        assert answer.status_code == 202
    else:
        assert refusal(answer, "model_type") == (
            "This project takes only polygons; the model yolo gives boxes. Choose a model that gives polygons."
        )


# Masks of boxes


@pytest.fixture
def masking(fake_model: Callable[..., None]) -> None:
    fake_model(PREDICTOR=MASKING)


@pytest.mark.usefixtures("masking")
@pytest.mark.parametrize("facts", [None, {"takes_boxes": True, "kinds": ["polygon"]}])
def test_masks_of_boxes_are_made_by_a_model_that_takes_boxes(post: Any, facts: dict[str, Any] | None) -> None:
    if facts:
        make_worker(yolo=facts)
    answer = post({"boxes_to_masks": True, "thresholds": {"bolt": 0.9}, "labels": ["bolt", "Car"]})

    assert (answer.status_code, answer.json()["boxes_to_masks"]) == (202, True)
    assert Job.objects.get().boxes_to_masks


@pytest.mark.parametrize("workers", [0, 1])
def test_a_model_that_takes_no_boxes_is_refused_with_or_without_a_worker(post: Any, workers: int) -> None:
    if workers:
        make_worker()

    message = refusal(post({"boxes_to_masks": True}), "model_type")

    assert message == "The model yolo finds objects, but makes no masks of boxes. Choose another one."


@pytest.mark.usefixtures("masking")
def test_masks_have_no_place_in_a_project_of_boxes(post: Any, project: Project) -> None:
    Project.objects.update(shapes="boxes")

    assert "only boxes" in refusal(post({"boxes_to_masks": True}), "boxes_to_masks")


@pytest.mark.usefixtures("masking")
def test_boxes_keep_their_labels_so_that_nothing_is_mapped(post: Any) -> None:
    assert "keep their labels" in refusal(post({"boxes_to_masks": True, "label_map": {"nut": "Car"}}), "label_map")


# The same request again

CHANGES = [{"thresholds": {"bolt": 0.7}}, {"label_map": {"nut": "bolt"}}, {"boxes_to_masks": True}]


@pytest.mark.usefixtures("masking")
@pytest.mark.parametrize("body", CHANGES, ids=lambda body: next(iter(body)))
def test_the_same_key_and_options_answer_with_the_same_job_and_others_are_422(post: Any, body: dict[str, Any]) -> None:
    key = {"Idempotency-Key": "k"}
    first, again, other = post(body, headers=key), post(body, headers=key), post({}, headers=key)

    assert (first.status_code, again.status_code, other.status_code) == (202, 202, 422)
    assert first.json() == again.json()
    assert Job.objects.count() == 1


def test_the_order_of_entries_and_what_is_left_out_make_no_other_request(post: Any) -> None:
    key = {"Idempotency-Key": "k"}
    post({"thresholds": {"bolt": 0.7, "nut": 1}}, headers=key)
    again = {"thresholds": {"nut": 1.0, "bolt": 0.7}, "label_map": {}, "boxes_to_masks": False}

    assert post(again, headers=key).status_code == 202


def test_a_request_from_before_these_options_keeps_its_fingerprint() -> None:
    """A release without them has stored this one, whose key may come again within a day of the upgrade."""
    stored = "31c402e8af4964afc79c933ef61b7aabcfa137574d62b4b74e913c0b122957a4"

    assert fingerprint(ProjectRef("p-1", "Parts"), JobRequest(labels=("bolt",), sample=3, seed=2)) == stored
