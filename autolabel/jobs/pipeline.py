"""From item uids to shapes: read and decode in threads, batch, predict. Knows nothing of jobs."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from django.db import connections

from autolabel.conf import conf
from autolabel.exceptions import ItemUnreadable
from autolabel.hosts.base import Host, Project
from autolabel.inference.base import ModelSpec, Predictor
from autolabel.inference.images import DecodedImage, decode_image
from autolabel.shapes import Shape

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
    """What came of one item: the upright size in pixels and the shapes found, or why there are none."""

    item_uid: str
    width: int = 0
    height: int = 0
    shapes: tuple[Shape, ...] = ()
    failure: Failure | None = None


@dataclass(frozen=True, slots=True)
class _Loaded:
    item_uid: str
    image: DecodedImage | None = None
    error: Exception | None = None


def predict_items(
    predictor: Predictor,
    spec: ModelSpec,
    host: Host,
    project: Project,
    item_uids: Sequence[str],
    labels: Sequence[str],
    stop: Callable[[], bool],
) -> Iterator[list[Outcome]]:
    """Yield the outcomes of `item_uids` batch by batch, each item once, while the next images are being decoded.

    An unreadable or unpredictable item is an outcome with a failure. Raises Stopped between batches when `stop()`,
    StorageStalled when the host's storage does not answer after retries.
    """
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
            if batch and (len(batch) >= spec.batch_size or pixels + size > _PIXELS_PER_BATCH):
                yield _predict(predictor, spec, batch, labels)
                batch, pixels = [], 0
                if stop():
                    raise Stopped
            batch.append(loaded)
            pixels += size
        if batch:
            yield _predict(predictor, spec, batch, labels)


def _unreadable(loaded: _Loaded) -> Outcome:
    if isinstance(loaded.error, ItemUnreadable):
        return Outcome(loaded.item_uid, failure=Failure("unreadable", str(loaded.error)))
    raise StorageStalled(str(loaded.error)) from loaded.error


def _predict(predictor: Predictor, spec: ModelSpec, batch: list[_Loaded], labels: Sequence[str]) -> list[Outcome]:
    """One call of the model; if it raises, one call an item, so that one bad image costs only itself."""
    images = [loaded.image for loaded in batch if loaded.image is not None]
    try:
        found = predictor.predict_batch([image.pixels() for image in images], labels, spec.floor)
    except Exception as error:
        if len(batch) > 1:
            return [outcome for loaded in batch for outcome in _predict(predictor, spec, [loaded], labels)]
        logger.exception("The model failed on item %s", batch[0].item_uid)
        return [Outcome(batch[0].item_uid, failure=Failure("prediction_failed", f"The model failed: {error}"))]
    return [
        Outcome(loaded.item_uid, image.width, image.height, _best(shapes, spec))
        for loaded, image, shapes in zip(batch, images, found, strict=True)
    ]


def _best(shapes: Sequence[Shape], spec: ModelSpec) -> tuple[Shape, ...]:
    kept = [shape for shape in shapes if shape.score >= spec.floor]
    return tuple(sorted(kept, key=lambda shape: -shape.score)[: spec.max_predictions])


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
            threading.Thread(target=self._run, name=f"decode-{number}", daemon=True)
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
                self._hand_over(self._load(item_uid))
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
                return _Loaded(item_uid, error=error)
            except Exception as error:
                failed = error
                if pause is None or self._end.wait(pause):
                    break
        return _Loaded(item_uid, error=failed)
