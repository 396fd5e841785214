"""From item uids to shapes: batches, and what one bad image or a failing storage costs."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import numpy as np
import pytest

from autolabel.exceptions import ItemUnreadable
from autolabel.hosts.base import LabelTarget, Project
from autolabel.inference.base import ModelSpec
from autolabel.jobs import pipeline
from autolabel.jobs.pipeline import Outcome, Stopped, StorageStalled, predict_items
from autolabel.shapes import BoxPrompt, Shape

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


def bolt(score: float, x: float = 0.0, label: str = "bolt") -> Shape:
    return Shape(label, score, (x, 0.0, x + 16.0, 16.0))


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
            scores = enumerate((0.2, 0.9, 0.04, 0.5, 0.05))
            return [[Shape("bolt", score, (8.0 * x, 0.0, 8.0 * x + 5, 5.0)) for x, score in scores] for _ in images]

    def kept(limit: int) -> list[float]:
        found = outcomes(host_with(picture()), predictor=Untidy(spec()), spec=spec(floor=0.05, max_predictions=limit))
        return [shape.score for shape in found["item-0"].shapes]

    assert kept(100) == [0.9, 0.5, 0.2, 0.05]
    assert kept(3) == [0.9, 0.5, 0.2]


def test_what_fails_the_quality_gate_is_left_out_and_counted(configure: Callable[..., None]) -> None:
    class Careless(FakePredictor):
        def predict_batch(self, images: Any, labels: Any, floor: float) -> list[list[Shape]]:
            return [[bolt(0.9), bolt(0.7), bolt(0.6, x=200), bolt(0.01, x=200), bolt(0.5, x=20)] for _ in images]

    outcome = outcomes(host_with(picture()), predictor=Careless(spec()))["item-0"]
    assert [shape.score for shape in outcome.shapes] == [0.9, 0.5]
    assert outcome.counts == {"dropped": {"duplicate": 1, "outside": 1}}

    configure(QUALITY={"MIN_AREA": 500})
    outcome = outcomes(host_with(picture(size=(200, 200))), predictor=Careless(spec()))["item-0"]
    assert outcome.shapes == ()
    assert outcome.counts == {"dropped": {"speck": 3, "outside": 1}}


def test_the_limit_of_an_image_counts_what_has_passed_the_gate() -> None:
    class Repeating(FakePredictor):
        def predict_batch(self, images: Any, labels: Any, floor: float) -> list[list[Shape]]:
            return [[bolt(0.9), bolt(0.8), bolt(0.7), bolt(0.6, x=20)] for _ in images]

    found = outcomes(host_with(picture()), predictor=Repeating(spec()), spec=spec(max_predictions=2))
    assert [shape.score for shape in found["item-0"].shapes] == [0.9, 0.6]


def test_classes_that_are_one_label_of_the_project_give_one_shape_of_one_object() -> None:
    class Synonyms(FakePredictor):
        def predict_batch(self, images: Any, labels: Any, floor: float) -> list[list[Shape]]:
            return [[bolt(0.9), bolt(0.8, label="screw")] for _ in images]

    host = host_with(picture())
    batches = predict_items(
        Synonyms(spec()), spec(), host, PROJECT, ["item-0"], [], lambda: False, label_key=lambda name: "bolt"
    )
    assert [shape.label for batch in batches for outcome in batch for shape in outcome.shapes] == ["bolt"]


@pytest.mark.parametrize("answer", [[], [[], [], []], [["no shape"]], None])
def test_an_answer_that_breaks_the_contract_fails_its_item_and_not_the_lane(answer: Any) -> None:
    class Broken(FakePredictor):
        def predict_batch(self, images: Any, labels: Any, floor: float) -> Any:
            return answer

    found = outcomes(host_with(picture()), predictor=Broken(spec()))
    assert found["item-0"].failure is not None
    assert found["item-0"].failure.reason == "prediction_failed"


class Tracer(FakePredictor):
    """Makes of every box a mask of its left half, and notes what it was asked for."""

    def __init__(self, spec: ModelSpec) -> None:
        super().__init__(spec)
        self.asked: list[list[list[str]]] = []

    def predict_batch(self, images: Any, labels: Any, floor: float) -> list[list[Shape]]:
        raise AssertionError("It is to make masks of boxes, not to find objects.")

    def predict_masks(self, images: Sequence[np.ndarray], prompts: Sequence[Sequence[BoxPrompt]]) -> list[list[Shape]]:
        self.asked.append([[prompt.ref for prompt in of_one] for of_one in prompts])
        assert len(images) == len(prompts)
        return [[self._left_half(prompt) for prompt in of_one] for of_one in prompts]

    def _left_half(self, prompt: BoxPrompt) -> Shape:
        x_min, y_min, x_max, y_max = prompt.bbox_xyxy
        half = (x_min, y_min, (x_min + x_max) / 2, y_max)
        ring = ((half[0], half[1]), (half[2], half[1]), (half[2], half[3]), (half[0], half[3]))
        return Shape(prompt.label, 0.7, half, ((ring,),), prompt.ref)


class PromptingHost(MemoryHost):
    """Has accepted boxes on some items; keeps the items that it was asked for at once."""

    boxes: dict[str, list[BoxPrompt]]
    asked: list[list[str]]

    def box_prompts(self, project: Project, item_uids: Sequence[str]) -> Mapping[str, Sequence[BoxPrompt]]:
        self.asked.append(list(item_uids))
        return {uid: self.boxes[uid] for uid in item_uids if uid in self.boxes}


def masks_of(boxes: dict[str, list[BoxPrompt]], items: int, **keys: Any) -> tuple[dict[str, Outcome], Tracer, Any]:
    host = PromptingHost()
    host.projects = host_with(*[picture()] * items).projects
    host.boxes, host.asked = boxes, []
    predictor = Tracer(spec())
    batches = predict_items(
        predictor,
        spec(**keys),
        host,
        PROJECT,
        list(host.projects["p"].items),
        [],
        lambda: False,
        boxes_to_masks=True,
    )
    return {outcome.item_uid: outcome for batch in batches for outcome in batch}, predictor, host


def prompt(ref: str, x: float = 0) -> BoxPrompt:
    return BoxPrompt(ref, "bolt", (x, 2.0, x + 20, 22.0))


def test_boxes_of_people_become_masks() -> None:
    found, _, host = masks_of({"item-0": [prompt("a"), prompt("b", 20)], "item-1": [prompt("c")]}, 2)

    assert [(shape.source, shape.bbox_xyxy) for shape in found["item-0"].shapes] == [
        ("a", (0, 2, 10, 22)),
        ("b", (20, 2, 30, 22)),
    ]
    assert [shape.source for shape in found["item-1"].shapes] == ["c"]
    assert sorted(uid for uids in host.asked for uid in uids) == ["item-0", "item-1"]


def test_boxes_are_asked_for_batch_by_batch() -> None:
    _, predictor, host = masks_of({f"item-{number}": [prompt("a")] for number in range(5)}, 5, batch_size=2)

    assert [len(uids) for uids in host.asked] == [2, 2, 1]
    assert [len(prompts) for prompts in predictor.asked] == [2, 2, 1]


def test_an_item_whose_boxes_are_gone_is_an_outcome_without_shapes_and_not_for_the_model() -> None:
    found, predictor, _ = masks_of({"item-1": [prompt("a")], "item-2": []}, 3)

    assert predictor.asked == [[["a"]]]
    for uid in ("item-0", "item-2"):
        assert found[uid] == Outcome(uid, 48, 32)
    assert masks_of({}, 2)[1].asked == []


def test_each_box_gets_its_mask_however_many_there_are_and_however_alike() -> None:
    found, _, _ = masks_of({"item-0": [prompt(str(number)) for number in range(9)]}, 1, max_predictions=3)

    assert [shape.source for shape in found["item-0"].shapes] == [str(number) for number in range(9)]
    assert found["item-0"].counts == {}


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


def test_an_unreadable_item_holds_none_of_what_was_decoded_of_it() -> None:
    """Its error travels through a queue; a traceback in it would keep the pixels of a large image alive."""
    loader = pipeline._Loader(host_with(picture(1)[:-40]), PROJECT, ["item-0"])
    loaded = loader._load("item-0")

    assert isinstance(loaded.error, ItemUnreadable)
    assert str(loaded.error) == "The image is damaged and cannot be decoded."
    assert (loaded.error.__traceback__, loaded.error.__cause__, loaded.error.__context__) == (None, None, None)
