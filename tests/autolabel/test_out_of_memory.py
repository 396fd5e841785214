"""A model that runs out of memory goes on with smaller batches, and says so."""

from __future__ import annotations

import gc
import sys
import weakref
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import numpy as np
import pytest
import torch

from autolabel.inference import memory
from autolabel.inference.base import ModelSpec
from autolabel.inference.memory import free_memory, is_out_of_memory
from autolabel.jobs.pipeline import Outcome, predict_items
from autolabel.shapes import Shape

from .builders import balanced, make_job, parts_project, results_of, run_to_end
from .fakes import FakePredictor, picture
from .test_pipeline import PROJECT, host_with, spec

SMALL = "tests.autolabel.test_out_of_memory.SmallPredictor"
# What torch says on a GPU.
WORDS = "CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 7.79 GiB"


class SmallPredictor(FakePredictor):
    """Has room for `room` images at once, by the spec's options or as tests set it."""

    room: ClassVar[int | None] = None
    batches: ClassVar[list[int]] = []
    error: ClassVar[Callable[[], Exception]] = staticmethod(lambda: torch.OutOfMemoryError(WORDS))

    def predict_batch(self, images: Sequence[np.ndarray], labels: Sequence[str], floor: float) -> list[list[Shape]]:
        self.batches.append(len(images))
        if self.room is not None and len(images) > self.room:
            raise type(self).error()
        return super().predict_batch(images, labels, floor)


@pytest.fixture(autouse=True)
def forgetful(monkeypatch: pytest.MonkeyPatch) -> None:
    """The limits that this process has learnt are those of one test."""
    monkeypatch.setattr(memory, "_limits", {})
    monkeypatch.setattr(SmallPredictor, "batches", [])


@pytest.fixture
def room(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    return lambda images: monkeypatch.setattr(SmallPredictor, "room", images)


def outcomes(items: int, spec: ModelSpec) -> list[Outcome]:
    host = host_with(*[picture(1)] * items)
    batches = predict_items(
        SmallPredictor(spec), spec, host, PROJECT, list(host.projects["p"].items), ["bolt"], lambda: False
    )
    flat = [outcome for batch in batches for outcome in batch]
    assert sorted(outcome.item_uid for outcome in flat) == sorted(host.projects["p"].items)
    return flat


def incidents(found: list[Outcome]) -> int:
    return sum(outcome.counts.get("incidents", {}).get("out_of_memory_batch_halved", 0) for outcome in found)


def test_the_batch_is_halved_until_it_fits_and_stays_so(room: Callable[[int], None]) -> None:
    room(2)
    found = outcomes(20, spec(batch_size=8))

    assert all(len(outcome.shapes) == 1 and outcome.failure is None for outcome in found)
    assert SmallPredictor.batches == [8, 4, 2, 2, 2, 2, *[2] * 6]
    assert incidents(found) == 2


def test_batches_of_odd_sizes_are_halved_too(room: Callable[[int], None]) -> None:
    room(1)
    found = outcomes(7, spec(batch_size=5))

    assert all(outcome.failure is None for outcome in found)
    assert SmallPredictor.batches == [5, 2, 1, 1, 1, 1, 1, 1, 1]


def test_it_is_remembered_for_the_model_in_this_process_and_for_no_other(room: Callable[[int], None]) -> None:
    room(2)
    outcomes(8, spec(batch_size=8))
    SmallPredictor.batches.clear()

    assert incidents(outcomes(4, spec(batch_size=8))) == 0
    assert SmallPredictor.batches == [2, 2]
    assert memory.batch_limit(spec(batch_size=8)) == 2
    assert memory.batch_limit(spec(batch_size=1)) == 1
    assert memory.batch_limit(spec(batch_size=8, version="2")) == 8


def test_nothing_changes_where_memory_suffices(room: Callable[[int], None]) -> None:
    room(8)

    assert incidents(outcomes(16, spec(batch_size=8))) == 0
    assert SmallPredictor.batches == [8, 8]


def test_an_image_that_does_not_fit_alone_fails_and_names_the_way_out(room: Callable[[int], None]) -> None:
    room(0)
    found = outcomes(3, spec(batch_size=2))

    for outcome in found:
        assert outcome.failure is not None
        assert outcome.failure.reason == "out_of_memory"
        assert all(word in outcome.failure.message for word in ("'yolo'", "IMAGE_SIZE", "DEVICE", "AUTOLABEL"))
        assert len(outcome.failure.message) <= 500


def test_it_gives_the_memory_of_the_failed_batch_back_before_it_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """The traceback of an error holds the frames of the model, and these its tensors."""
    held: list[weakref.ref[Any]] = []
    freed: list[bool] = []

    class Hoarder(SmallPredictor):
        def predict_batch(self, images: Any, labels: Any, floor: float) -> list[list[Shape]]:
            activations = torch.zeros(1000)
            if held:
                freed.append(all(one() is None for one in held))
            held.append(weakref.ref(activations))
            if len(images) > 1:
                raise torch.OutOfMemoryError(WORDS)
            return [[] for _ in images]

    gc.disable()
    try:
        host = host_with(picture(), picture())
        uids = list(host.projects["p"].items)
        list(predict_items(Hoarder(spec()), spec(), host, PROJECT, uids, [], lambda: False))
    finally:
        gc.enable()
    assert freed == [True, True]


class RuntimeException(Exception):
    """As ONNX Runtime names its own."""


def caused() -> Exception:
    error = ValueError("the model failed")
    error.__cause__ = torch.OutOfMemoryError(WORDS)
    return error


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError(WORDS),
        torch.cuda.OutOfMemoryError(""),
        RuntimeError(WORDS),
        RuntimeError("MPS backend out of memory (MPS allocated: 8.00 GB)"),
        RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes."),
        RuntimeException("Non-zero status code. Failed to allocate memory for requested buffer of size 999"),
        RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"),
        MemoryError(),
        caused(),
    ],
    ids=repr,
)
def test_it_recognises_that_memory_ran_out(error: Exception) -> None:
    assert is_out_of_memory(error)


@pytest.mark.parametrize("error", [RuntimeError("shape mismatch"), ValueError("memory"), KeyError("boxes")], ids=repr)
def test_it_takes_no_other_error_for_it(error: Exception) -> None:
    assert not is_out_of_memory(error)


def test_a_real_allocation_that_fails_is_recognised() -> None:
    with pytest.raises(RuntimeError) as raised:
        torch.empty(1 << 50, dtype=torch.uint8)
    assert is_out_of_memory(raised.value)


def test_memory_is_freed_without_loading_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "torch")
    free_memory()
    assert "torch" not in sys.modules


def test_torchs_own_cache_of_gpu_memory_is_emptied(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "empty_cache", lambda: calls.append("emptied"))
    free_memory()
    assert calls == ["emptied"]


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("rings")
def test_a_job_goes_on_and_its_summary_records_it(fake_model: Callable[..., None], room: Callable[[int], None]) -> None:
    fake_model(PREDICTOR=SMALL, BATCH_SIZE=8)
    room(2)
    job = balanced(run_to_end(make_job(parts_project(*[picture(1)] * 20))))

    assert (job.status, job.successful_items) == ("completed", 20)
    assert job.summary["incidents"] == {"out_of_memory_batch_halved": 2}


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("rings")
def test_a_job_in_which_nothing_fits_fails_and_says_why(
    fake_model: Callable[..., None], room: Callable[[int], None]
) -> None:
    fake_model(PREDICTOR=SMALL, BATCH_SIZE=8)
    room(0)
    job = run_to_end(make_job(parts_project(*[picture(1)] * 2)))

    assert job.status == "failed"
    assert {(row.outcome, row.reason) for row in results_of(job).values()} == {("failed", "out_of_memory")}
    assert job.summary["failed"] == {"out_of_memory": 2}
