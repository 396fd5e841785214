"""Which models a job can be started with, and by whom: the list says what POST would answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission

from annotation_platform.models import Project
from autolabel.hosts.loader import get_host
from autolabel.jobs.services import JobRequest, create_job, published_models
from autolabel.models import Job, ModelDefault, ModelVersion
from tests.factories import make_member, make_project, make_user

from .builders import make_worker
from .fakes import FAKE, FAKE_LABELS

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("fake_model", "rings")]
NEEDS_WEIGHTS = "tests.autolabel.fakes.NeedsWeightsPredictor"


@pytest.fixture
def project() -> Project:
    return make_project(labels=FAKE_LABELS)


@pytest.fixture
def manager(project: Project) -> Any:
    return make_member(project, "manager")


@pytest.fixture
def start(as_user: Any, project: Project, manager: Any) -> Callable[..., Any]:
    def send(user: Any = None, **options: Any) -> Any:
        url = f"/api/v1/projects/{project.uid}/auto-label/"
        return as_user(user or manager).post(url, {}, format="json", **options)

    return send


@pytest.fixture
def listed(as_user: Any, manager: Any) -> Callable[..., Any]:
    """The first model of the list, as that user sees it."""

    def get(user: Any = None) -> Any:
        return as_user(user or manager).get("/api/v1/auto-label-models/").json()[0]

    return get


def assert_refused(start: Any, listed: Any, reason: str) -> None:
    """By the list and by POST, in the same words."""
    model, answer = listed(), start()
    assert (model["ready"], model["startable"], model["reason"]) == (False, False, reason)
    assert (answer.status_code, answer.json()) == (400, {"model_type": [reason]})
    assert not Job.objects.exists()


# Ready or not


def test_a_model_that_every_live_worker_says_cannot_run_is_refused_with_the_reason(start: Any, listed: Any) -> None:
    for name in ("a", "b"):
        make_worker(name, yolo={"ready": False, "reason": "It needs a GPU."})

    assert_refused(start, listed, "It needs a GPU.")


def test_one_worker_that_can_run_it_is_enough(start: Any, listed: Any) -> None:
    make_worker("a", yolo={"ready": False, "reason": "It needs a GPU."})
    make_worker("b")

    assert (listed()["startable"], start().status_code) == (True, 202)


def test_without_a_worker_a_job_waits_for_one(start: Any, listed: Any) -> None:
    model = listed()

    assert (model["ready"], model["startable"], start().status_code) == (False, True, 202)
    assert "manage.py autolabel_worker" in model["reason"]


@pytest.mark.parametrize(
    ("entry", "how"), [({}, "Ask their owner."), ({"HOW_TO_GET": "See the wiki."}, "See the wiki.")]
)
@pytest.mark.parametrize("workers", [0, 1])
def test_a_model_without_its_weights_says_how_to_get_them(
    start: Any, listed: Any, fake_model: Any, workers: int, entry: dict[str, str], how: str
) -> None:
    fake_model(PREDICTOR=NEEDS_WEIGHTS, **entry)
    if workers:
        make_worker(yolo={"ready": False, "reason": "No weights here."})

    assert_refused(start, listed, f"The model 'yolo' has no weights. {how}")


def test_so_does_one_whose_detector_has_none(start: Any, listed: Any, configure: Any) -> None:
    entries = {"yolo": {"PREDICTOR": FAKE, "DETECTOR": "finder"}, "finder": {"PREDICTOR": NEEDS_WEIGHTS}}
    configure(MODELS=entries)

    assert "Ask their owner." in listed()["reason"]
    assert start().status_code == 400


@pytest.mark.parametrize(
    "path",
    ["tests.autolabel.needs_a_library.Predictor", "tests.autolabel.fakes.NoSuch", "no.such.module.Predictor", "x.y"],
)
def test_a_predictor_that_this_server_cannot_import_is_listed_with_the_reason(
    start: Any, listed: Any, fake_model: Any, path: str
) -> None:
    """A worker may have the library, so that the job is taken, and waits for one."""
    fake_model(PREDICTOR=path)
    model = listed()

    assert (model["ready"], model["startable"], model["takes_boxes"]) == (False, True, False)
    assert f"This server cannot import {path}" in model["reason"]
    assert start().status_code == 202


# Versions


@pytest.fixture
def registered() -> ModelVersion:
    version = ModelVersion.objects.create(
        model_type="yolo", version="2026-11", base="yolo", weights="/w/a.pt", sha256="a" * 64
    )
    ModelDefault.objects.create(model_type="yolo", version=version)
    return version


def test_a_job_records_the_version_that_is_the_default_now(start: Any, listed: Any, registered: ModelVersion) -> None:
    assert listed()["default_version"] == "2026-11"
    assert start().json()["model_version"] == "2026-11"

    ModelDefault.objects.update(version=None)
    assert listed()["default_version"] == ""
    assert Job.objects.get().model_version == "2026-11"


def test_what_a_worker_says_of_another_version_is_not_said_of_the_default(
    start: Any, listed: Any, registered: ModelVersion
) -> None:
    make_worker(yolo={"ready": False, "reason": "Broken.", "registered": "2026-10"})
    model = listed()

    assert (model["ready"], model["startable"], model["labels"]) == (False, True, None)
    assert model["reason"] == "A worker is about to load it."
    assert start().status_code == 202


def test_a_version_that_a_worker_has_tried_in_vain_is_refused(
    start: Any, listed: Any, registered: ModelVersion
) -> None:
    make_worker(yolo={"registered": "", "failed_versions": {"2026-11": "Wrong sha256."}})

    assert_refused(start, listed, "Wrong sha256.")


def test_a_worker_that_has_the_default_loaded_makes_it_ready(start: Any, listed: Any, registered: ModelVersion) -> None:
    facts = {"engine": "openvino", "takes_boxes": True, "notes": ["Agrees with PyTorch."], "registered": "2026-11"}
    make_worker(yolo=facts)

    model = listed()
    assert {name: model[name] for name in ("engine", "takes_boxes", "notes")} == {
        "engine": "openvino",
        "takes_boxes": True,
        "notes": ["Agrees with PyTorch."],
    }
    assert start().status_code == 202


# Who may use it

PERMISSION, GROUP = {"PERMISSION": "autolabel.view_job"}, {"GROUP": "labelers"}


def permitted(user: Any) -> None:
    user.user_permissions.add(Permission.objects.get(content_type__app_label="autolabel", codename="view_job"))


def grouped(user: Any) -> None:
    user.groups.add(Group.objects.get_or_create(name="labelers")[0])


@pytest.mark.parametrize(
    ("entry", "named"),
    [(PERMISSION, "autolabel.view_job"), (GROUP, "labelers"), ({**PERMISSION, **GROUP}, "labelers")],
)
def test_who_may_not_use_a_model_is_told_so_and_starts_nothing(
    start: Any, listed: Any, fake_model: Any, entry: dict[str, str], named: str
) -> None:
    fake_model(**entry)
    make_worker()
    model, answer = listed(), start()

    assert (model["ready"], model["allowed"], model["startable"]) == (True, False, False)
    assert (answer.status_code, list(answer.json())) == (403, ["detail"])
    assert named in model["reason"]
    assert answer.json()["detail"] == model["reason"]
    assert not Job.objects.exists()


@pytest.mark.parametrize(
    ("entry", "given"), [(PERMISSION, [permitted]), (GROUP, [grouped]), ({**PERMISSION, **GROUP}, [permitted, grouped])]
)
def test_who_has_the_permission_or_is_in_the_group_may(
    start: Any, listed: Any, manager: Any, fake_model: Any, entry: dict[str, str], given: list[Callable[..., None]]
) -> None:
    fake_model(**entry)
    for give in given:
        give(manager)

    assert (listed()["allowed"], listed()["startable"], start().status_code) == (True, True, 202)


@pytest.mark.parametrize("given", [permitted, grouped])
def test_where_both_are_named_both_are_needed(
    start: Any, manager: Any, fake_model: Any, given: Callable[..., None]
) -> None:
    fake_model(**PERMISSION, **GROUP)
    given(manager)

    assert start().status_code == 403


def test_superusers_may_always(start: Any, listed: Any, project: Project, fake_model: Any) -> None:
    fake_model(**PERMISSION, **GROUP)
    admin = make_member(project, "manager", make_user(is_superuser=True))

    assert (listed(admin)["allowed"], start(admin).status_code) == (True, 202)


def test_the_permission_does_not_open_a_project(as_user: Any, project: Project, fake_model: Any) -> None:
    fake_model(**PERMISSION)
    viewer, stranger = make_member(project, "viewer"), make_user()
    for user, status in ((viewer, 403), (stranger, 404)):
        permitted(user)
        answer = as_user(user).post(f"/api/v1/projects/{project.uid}/auto-label/", {}, format="json")
        assert answer.status_code == status


def test_an_earlier_jobs_key_is_no_way_around(start: Any, manager: Any, fake_model: Any) -> None:
    key = {"headers": {"Idempotency-Key": "k"}}
    assert start(**key).status_code == 202
    fake_model(**GROUP)

    assert start(**key).status_code == 403


def test_the_command_line_uses_every_model(project: Project, fake_model: Any) -> None:
    fake_model(**GROUP)

    create_job(get_host().get_project_trusted(project.uid), JobRequest())
    assert published_models()[0]["allowed"]


def test_the_list_takes_as_many_queries_for_many_workers(
    as_user: Any, manager: Any, django_assert_max_num_queries: Any
) -> None:
    for number in range(5):
        make_worker(f"worker-{number}")
    client = as_user(manager)

    with django_assert_max_num_queries(5):
        client.get("/api/v1/auto-label-models/")
