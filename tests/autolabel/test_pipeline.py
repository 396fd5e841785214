"""From item uids to shapes: batches, and what one bad image or a failing storage costs."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import numpy as np
import pytest

from autolabel.hosts.base import LabelTarget, Project
from autolabel.inference.base import ModelSpec
from autolabel.jobs import pipeline
from autolabel.jobs.pipeline import Outcome, Stopped, StorageStalled, predict_items
from autolabel.shapes import Shape

from .fakes import FAKE, RAISE, FakePredictor, picture
from .memory_host import MemoryHost, MemoryItem, MemoryProject

PROJECT = Project("p", "Parts")


def spec(**keys: Any) -> ModelSpec:
    return ModelSpec("yolo", FAKE, None, "", "autolabel", **keys)


class Recorder(FakePredictor):
    """Notes the sizes of its batches, and the threads it is called from."""

    def __init__(self, spec: ModelSpec) -> None:
        super().__init__(spec)
        self.batches: list[int] = []
        self.threads: set[str] = set()

    def predict_batch(self, images: Sequence[np.ndarray], labels: Sequence[str], floor: float) -> list[list[Shape]]:
        self.batches.append(len(images))
        self.threads.add(threading.current_thread().name)
        return super().predict_batch(images, labels, floor)


def host_with(*pictures: bytes | None) -> MemoryHost:
    host = MemoryHost()
    items = {f"item-{number}": MemoryItem(data) for number, data in enumerate(pictures)}
    host.projects["p"] = MemoryProject("Parts", [LabelTarget("bolt", frozenset({"box"}))], items=items)
    return host


def run(
    host: MemoryHost,
    predictor: FakePredictor | None = None,
    spec: ModelSpec = spec(),  # noqa: B008  (frozen)
    stop: Callable[[], bool] = lambda: False,
) -> Iterator[list[Outcome]]:
    uids = list(host.projects["p"].items)
    return predict_items(predictor or FakePredictor(spec), spec, host, PROJECT, uids, ["bolt"], stop)


def outcomes(host: MemoryHost, **options: Any) -> dict[str, Outcome]:
    """All outcomes by item, each item exactly once."""
    flat = [outcome for batch in run(host, **options) for outcome in batch]
    assert sorted(outcome.item_uid for outcome in flat) == sorted(host.projects["p"].items)
    return {outcome.item_uid: outcome for outcome in flat}


def decoders() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith("decode-")]


class StubbornHost(MemoryHost):
    """A storage that fails `failures` times at each item before it answers."""

    failures = 0

    def __init__(self) -> None:
        super().__init__()
        self.tries: dict[str, int] = {}

    def open_image(self, project: Project, item_uid: str) -> Any:
        self.tries[item_uid] = self.tries.get(item_uid, 0) + 1
        if self.tries[item_uid] <= self.failures:
            raise TimeoutError("the storage is slow")
        return super().open_image(project, item_uid)


@pytest.fixture
def stubborn(monkeypatch: pytest.MonkeyPatch) -> StubbornHost:
    monkeypatch.setattr(pipeline, "_STORAGE_RETRY_SECONDS", (0.0, 0.0, 0.0))
    host = StubbornHost()
    host.projects = host_with(picture(1), picture(2)).projects
    return host


def test_it_yields_every_item_once_with_its_size_and_shapes() -> None:
    found = outcomes(host_with(*[picture(number % 4, size=(40 + number, 30)) for number in range(25)]))

    for number in range(25):
        outcome = found[f"item-{number}"]
        assert (outcome.width, outcome.height) == (40 + number, 30)
        assert len(outcome.shapes) == number % 4
        assert outcome.failure is None


def test_it_yields_nothing_for_no_items() -> None:
    assert list(run(host_with())) == []


def test_a_batch_holds_as_many_images_as_the_model_takes() -> None:
    predictor = Recorder(spec())
    outcomes(host_with(*[picture()] * 10), predictor=predictor, spec=spec(batch_size=4))

    assert predictor.batches == [4, 4, 2]


def test_a_batch_holds_no_more_pixels_than_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline, "_PIXELS_PER_BATCH", 48 * 32 * 2)
    predictor = Recorder(spec())
    outcomes(host_with(*[picture()] * 5), predictor=predictor)

    assert predictor.batches == [2, 2, 1]


def test_an_image_larger_than_a_batch_may_be_goes_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline, "_PIXELS_PER_BATCH", 10)
    predictor = Recorder(spec())
    outcomes(host_with(*[picture()] * 3), predictor=predictor)

    assert predictor.batches == [1, 1, 1]


def test_the_model_is_used_by_one_thread() -> None:
    predictor = Recorder(spec())
    outcomes(host_with(*[picture()] * 20), predictor=predictor)

    assert predictor.threads == {threading.current_thread().name}


def test_an_image_that_the_model_fails_on_fails_alone() -> None:
    found = outcomes(host_with(picture(1), picture(command=RAISE), picture(2)))

    failure = found["item-1"].failure
    assert failure is not None
    assert failure.reason == "prediction_failed"
    assert "this image cannot be predicted" in failure.message
    assert [len(found[uid].shapes) for uid in ("item-0", "item-2")] == [1, 2]


@pytest.mark.parametrize(
    ("data", "message"), [(None, "gone"), (b"", "empty"), (b"no image", "not an image"), (picture()[:-30], "damaged")]
)
def test_an_item_that_cannot_be_read_fails_alone_and_says_why(data: bytes | None, message: str) -> None:
    host = host_with(picture(1), picture(2))
    host.projects["p"].items["item-1"].data = data
    found = outcomes(host)

    failure = found["item-1"].failure
    assert failure is not None
    assert failure.reason == "unreadable"
    assert message in failure.message
    assert len(found["item-0"].shapes) == 1


def test_the_limits_of_the_settings_are_kept(configure: Callable[..., None]) -> None:
    configure(MAX_IMAGE_PIXELS=1000)
    failure = outcomes(host_with(picture(size=(48, 32))))["item-0"].failure

    assert failure is not None
    assert "48 × 32" in failure.message


def test_shapes_are_kept_down_to_the_floor_best_first_and_no_more_than_the_models_limit() -> None:
    class Untidy(FakePredictor):
        def predict_batch(self, images: Any, labels: Any, floor: float) -> list[list[Shape]]:
            scores = (0.2, 0.9, 0.04, 0.5, 0.05)
            return [[Shape("bolt", score, (0.0, 0.0, 5.0, 5.0)) for score in scores] for _ in images]

    def kept(limit: int) -> list[float]:
        found = outcomes(host_with(picture()), predictor=Untidy(spec()), spec=spec(floor=0.05, max_predictions=limit))
        return [shape.score for shape in found["item-0"].shapes]

    assert kept(100) == [0.9, 0.5, 0.2, 0.05]
    assert kept(3) == [0.9, 0.5, 0.2]


def test_a_storage_that_fails_for_a_moment_is_asked_again(stubborn: StubbornHost) -> None:
    stubborn.failures = 3

    assert all(outcome.failure is None for outcome in outcomes(stubborn).values())
    assert set(stubborn.tries.values()) == {4}


def test_a_storage_that_goes_on_failing_stalls_the_job(stubborn: StubbornHost) -> None:
    stubborn.failures = 99

    with pytest.raises(StorageStalled, match="the storage is slow"):
        list(run(stubborn))
    assert max(stubborn.tries.values()) == 4


def test_a_storage_that_fails_while_a_file_is_read_is_asked_again(stubborn: StubbornHost) -> None:
    real, cut = stubborn.open_image, iter([True])

    class Cut:
        def read(self, size: int) -> bytes:
            raise ConnectionResetError("half-way")

    @contextmanager
    def sometimes_cut(project: Project, item_uid: str) -> Iterator[IO[bytes]]:
        with real(project, item_uid) as file:
            yield Cut() if next(cut, False) else file  # type: ignore[misc]

    stubborn.open_image = sometimes_cut  # type: ignore[method-assign]
    assert all(outcome.failure is None for outcome in outcomes(stubborn).values())


def test_it_stops_between_batches_when_told_to() -> None:
    done: list[list[Outcome]] = []

    with pytest.raises(Stopped):
        done.extend(run(host_with(*[picture()] * 12), spec=spec(batch_size=2), stop=lambda: len(done) >= 2))
    assert len(done) == 2


def raise_at_the_first(batches: Iterator[list[Outcome]]) -> None:
    for _ in batches:
        raise ZeroDivisionError


@pytest.mark.parametrize("end", ["finished", "stopped", "abandoned", "stalled", "raised"])
def test_no_thread_outlives_the_work(end: str, stubborn: StubbornHost) -> None:
    host = host_with(*[picture()] * 40)
    if end == "finished":
        list(run(host))
    elif end == "stopped":
        with pytest.raises(Stopped):
            list(run(host, stop=lambda: True))
    elif end == "abandoned":
        batches = run(host)
        next(batches)
        del batches
    elif end == "stalled":
        stubborn.failures = 99
        with pytest.raises(StorageStalled):
            list(run(stubborn))
    else:
        with pytest.raises(ZeroDivisionError):
            raise_at_the_first(run(host))
    assert decoders() == []


def test_only_a_few_images_wait_decoded(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A slow model must not fill the memory with images."""
    opened: list[str] = []
    host = host_with(*[picture()] * 60)
    real = host.open_image
    monkeypatch.setattr(host, "open_image", lambda project, uid: opened.append(uid) or real(project, uid))
    batches = run(host, spec=spec(batch_size=2))

    next(batches)
    threading.Event().wait(0.2)
    assert len(opened) < 15
    batches.close()  # type: ignore[attr-defined]
