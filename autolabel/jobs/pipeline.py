"""From item uids to shapes: read and decode in threads, batch, predict, sort out. Knows nothing of jobs."""

from __future__ import annotations

import logging
import queue
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextvars import copy_context
from dataclasses import dataclass, field, replace
from typing import cast

from django.db import connections

from autolabel.conf import conf
from autolabel.exceptions import ItemUnreadable
from autolabel.hosts.base import Host, Project
from autolabel.inference import memory
from autolabel.inference.base import BoxPredictor, ModelSpec, Predictor
from autolabel.inference.images import DecodedImage, decode_image
from autolabel.inference.quality import Limits, gate, limits
from autolabel.logs import bound
from autolabel.shapes import BoxPrompt, Shape

__all__ = ["Failure", "Outcome", "Stopped", "StorageStalled", "predict_items"]

logger = logging.getLogger(__name__)

# Pixels that one batch may hold: two images of the largest size, or many small ones.
_PIXELS_PER_BATCH = 100_000_000
_STORAGE_RETRY_SECONDS = (0.2, 1.0, 3.0)


class Stopped(Exception):
    """The work was told to end before its next batch."""


class StorageStalled(Exception):
    """The host's storage fails in a way that may pass."""


@dataclass(frozen=True, slots=True)
class Failure:
    reason: str  # of ItemResult.Reason
    message: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one item: the upright size in pixels and the shapes found, or why there are none.

    `counts` go into the job's tally: group ("dropped", "incidents"; see jobs.tally) to reason to number.
    """

    item_uid: str
    width: int = 0
    height: int = 0
    shapes: tuple[Shape, ...] = ()
    failure: Failure | None = None
    counts: Mapping[str, Mapping[str, int]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Loaded:
    item_uid: str
    image: DecodedImage | None = None
    error: Exception | None = None
    # The boxes that people have accepted on it, for a job that makes masks of them.
    prompts: Sequence[BoxPrompt] = ()


@dataclass(frozen=True, slots=True)
class _Work:
    """What is done to every batch."""

    predictor: Predictor
    spec: ModelSpec
    labels: Sequence[str]
    boxes_to_masks: bool
    limits: Limits
    label_key: Callable[[str], str]


def predict_items(
    predictor: Predictor,
    spec: ModelSpec,
    host: Host,
    project: Project,
    item_uids: Sequence[str],
    labels: Sequence[str],
    stop: Callable[[], bool],
    *,
    boxes_to_masks: bool = False,
    label_key: Callable[[str], str] = str.casefold,
) -> Iterator[list[Outcome]]:
    """Yield the outcomes of `item_uids` batch by batch, each item once, while the next images are being decoded.

    With `boxes_to_masks` the model, which must be a BoxPredictor, makes masks of the boxes that the host has accepted
    on the items, and an item without any has no shapes; otherwise it finds objects, `labels` being what to look for.
    What fails the quality gate is left out and counted; `label_key` gives the name under which classes of the model
    are one label there.

    An unreadable or unpredictable item is an outcome with a failure. Raises Stopped between batches when `stop()`,
    StorageStalled when the host's storage does not answer after retries.
    """
    work = _Work(predictor, spec, labels, boxes_to_masks, limits(), label_key)

    def predict(batch: list[_Loaded]) -> list[Outcome]:
        return _predict(work, _with_prompts(batch, host, project) if boxes_to_masks else batch)

    with _Loader(host, project, item_uids) as loader:
        batch: list[_Loaded] = []
        pixels = 0
        for loaded in loader:
            if stop():
                raise Stopped
            if loaded.image is None:
                yield [_unreadable(loaded)]
                continue
            size = loaded.image.width * loaded.image.height
            if batch and (len(batch) >= memory.batch_limit(spec) or pixels + size > _PIXELS_PER_BATCH):
                yield predict(batch)
                batch, pixels = [], 0
                if stop():
                    raise Stopped
            batch.append(loaded)
            pixels += size
        if batch:
            yield predict(batch)


def _unreadable(loaded: _Loaded) -> Outcome:
    if isinstance(loaded.error, ItemUnreadable):
        return Outcome(loaded.item_uid, failure=Failure("unreadable", str(loaded.error)))
    raise StorageStalled(str(loaded.error)) from loaded.error


def _with_prompts(batch: list[_Loaded], host: Host, project: Project) -> list[_Loaded]:
    prompts = host.box_prompts(project, [loaded.item_uid for loaded in batch])
    return [replace(loaded, prompts=prompts.get(loaded.item_uid, ())) for loaded in batch]


def _predict(work: _Work, batch: list[_Loaded]) -> list[Outcome]:
    """One call of the model; if it raises, one call an item, so that one bad image costs only itself."""
    try:
        return _outcomes(work, batch)
    except Exception as error:
        # Nothing of the error leaves this block: its traceback holds all that the model had in memory.
        out_of_memory = memory.is_out_of_memory(error)
        message = f"The model failed: {error}"
        if len(batch) == 1 and not out_of_memory:
            with bound(item=batch[0].item_uid):
                logger.exception("The model failed on item %s", batch[0].item_uid)
    if out_of_memory:
        return _after_out_of_memory(work, batch)
    if len(batch) > 1:
        return [outcome for loaded in batch for outcome in _predict(work, [loaded])]
    return [Outcome(batch[0].item_uid, failure=Failure("prediction_failed", message))]


def _after_out_of_memory(work: _Work, batch: list[_Loaded]) -> list[Outcome]:
    """Go on with half the batch, now and from now on; an image that does not fit alone fails."""
    memory.free_memory()
    if len(batch) == 1:
        logger.warning("The model %s ran out of memory on item %s", work.spec.model_type, batch[0].item_uid)
        return [Outcome(batch[0].item_uid, failure=_does_not_fit(work.spec))]
    half = len(batch) // 2
    logger.warning(
        "The model %s ran out of memory on %d images; from now on %d", work.spec.model_type, len(batch), half
    )
    memory.lower_batch_limit(work.spec, half)
    outcomes: list[Outcome] = []
    rest = batch
    while rest:
        size = memory.batch_limit(work.spec)
        outcomes += _predict(work, rest[:size])
        rest = rest[size:]
    return [_with_incident(outcomes[0], "out_of_memory_batch_halved"), *outcomes[1:]]


def _does_not_fit(spec: ModelSpec) -> Failure:
    message = (
        f"The model ran out of memory on this image alone. Give {spec.model_type!r} a smaller IMAGE_SIZE or a DEVICE "
        'with more memory in settings.AUTOLABEL["MODELS"], or free memory that other programs hold; then label this '
        "item again."
    )
    return Failure("out_of_memory", message)


def _with_incident(outcome: Outcome, incident: str) -> Outcome:
    incidents = Counter(outcome.counts.get("incidents", {})) + Counter([incident])
    return replace(outcome, counts={**outcome.counts, "incidents": incidents})


def _outcomes(work: _Work, batch: list[_Loaded]) -> list[Outcome]:
    # An item without boxes, or with none any more, is not for the model.
    asked = [loaded for loaded in batch if loaded.prompts] if work.boxes_to_masks else batch
    found = dict(zip((loaded.item_uid for loaded in asked), _ask(work, asked) if asked else [], strict=True))
    return [_outcome(work, loaded, found.get(loaded.item_uid, [])) for loaded in batch]


def _ask(work: _Work, batch: list[_Loaded]) -> list[list[Shape]]:
    images = [loaded.image.pixels() for loaded in batch if loaded.image is not None]
    if work.boxes_to_masks:
        return cast(BoxPredictor, work.predictor).predict_masks(images, [loaded.prompts for loaded in batch])
    return work.predictor.predict_batch(images, work.labels, work.spec.floor)


def _outcome(work: _Work, loaded: _Loaded, found: Sequence[Shape]) -> Outcome:
    assert loaded.image is not None
    width, height = loaded.image.width, loaded.image.height
    # A predictor of somebody's own may give numpy's numbers, or a little more than 1: no database takes either.
    exact = (replace(shape, score=min(1.0, float(shape.score))) for shape in found)
    confident = [shape for shape in exact if shape.score >= work.spec.floor]
    shapes, dropped = gate(confident, width, height, work.limits, work.label_key)
    if not work.boxes_to_masks:  # each of a person's boxes gets its mask, however many there are
        shapes = shapes[: work.spec.max_predictions]
    return Outcome(loaded.item_uid, width, height, tuple(shapes), counts={"dropped": dropped} if dropped else {})


class _Loader:
    """Reads and decodes items in threads, a bounded number ahead; iterating yields each item once, in any order."""

    def __init__(self, host: Host, project: Project, item_uids: Sequence[str]) -> None:
        self._host, self._project = host, project
        self._count = len(item_uids)
        self._todo: queue.SimpleQueue[str] = queue.SimpleQueue()
        for item_uid in item_uids:
            self._todo.put(item_uid)
        self._loaded: queue.Queue[_Loaded] = queue.Queue(maxsize=2 * conf().decode_threads)
        self._end = threading.Event()
        self._threads = [
            # In our context, so that what is logged there is about our job, too.
            threading.Thread(target=copy_context().run, args=(self._run,), name=f"decode-{number}", daemon=True)
            for number in range(min(conf().decode_threads, self._count))
        ]

    def __enter__(self) -> _Loader:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._end.set()
        for thread in self._threads:
            thread.join()

    def __iter__(self) -> Iterator[_Loaded]:
        for _ in range(self._count):
            yield self._loaded.get()

    def _run(self) -> None:
        try:
            while not self._end.is_set():
                try:
                    item_uid = self._todo.get_nowait()
                except queue.Empty:
                    return
                with bound(item=item_uid):
                    loaded = self._load(item_uid)
                self._hand_over(loaded)
        finally:
            connections.close_all()

    def _hand_over(self, loaded: _Loaded) -> None:
        while not self._end.is_set():
            try:
                return self._loaded.put(loaded, timeout=0.1)
            except queue.Full:
                continue

    def _load(self, item_uid: str) -> _Loaded:
        settings = conf()
        for pause in (*_STORAGE_RETRY_SECONDS, None):
            try:
                with self._host.open_image(self._project, item_uid) as file:
                    image = decode_image(file, max_pixels=settings.max_image_pixels, max_bytes=settings.max_image_bytes)
                    return _Loaded(item_uid, image=image)
            except ItemUnreadable as error:
                # A new one: the traceback of this one holds what was decoded, 200 MB of a large image that was cut.
                return _Loaded(item_uid, error=ItemUnreadable(*error.args))
            except Exception as error:
                failed = error
                if pause is None or self._end.wait(pause):
                    break
        return _Loaded(item_uid, error=failed)
