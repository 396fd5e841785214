"""Work within one image in chunks that fit the memory: boxes through a decoder, words through a detector."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import TypeVar

from .memory import free_memory, is_out_of_memory

__all__ = ["Chunks"]

logger = logging.getLogger(__name__)

Result = TypeVar("Result")


class Chunks:
    """Runs work in chunks of at most `size`. Where memory runs out the size is halved, for all that follows too."""

    def __init__(self, size: int, what: str) -> None:
        self.size = size
        self._what = what  # for the log

    def run(self, count: int, work: Callable[[slice], Result]) -> Iterator[Result]:
        """Yield what `work` makes of each part of `range(count)`, in order. A chunk of one that does not fit raises."""
        start = 0
        while start < count:
            part = slice(start, min(count, start + self.size))
            done = self._try(part, work)
            if done is None:
                # Here the error is gone, and with it what its traceback held.
                free_memory()
                continue
            yield done[0]
            start = part.stop

    def _try(self, part: slice, work: Callable[[slice], Result]) -> tuple[Result] | None:
        length = part.stop - part.start
        try:
            return (work(part),)
        except Exception as error:
            if length == 1 or not is_out_of_memory(error):
                raise
        self.size = (length + 1) // 2
        logger.warning("Out of memory with %s %s at once; going on with %s.", length, self._what, self.size)
        return None
