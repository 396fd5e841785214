"""Who works on a chunk: claims with a fencing token, renewals, releases. All times are the database's."""

from __future__ import annotations

import logging
import threading
from datetime import timedelta
from types import TracebackType

from django.db import DatabaseError, connections, router, transaction
from django.db.models import F, Q
from django.db.models.functions import Now

from autolabel.conf import conf
from autolabel.inference.base import ModelSpec
from autolabel.models import Chunk, Job
from autolabel.models.job import new_uid

from . import turns

__all__ = ["Watch", "claim", "lease_end", "mark_in_flight", "release", "release_expired", "release_of"]

logger = logging.getLogger(__name__)


def lease_end() -> object:
    """An expression for the end of a lease that begins now, by the database's clock."""
    return Now() + timedelta(seconds=conf().lease_seconds)


def claim(job_id: int, spec: ModelSpec | None = None, holder: str = "") -> Chunk | None:
    """Claim the next chunk of a running job nobody works on, under a new token; None when there is none.

    Also None while the job is paused, and while as many lanes as its model, `spec`, may have are working, on whichever
    jobs. `holder` is the name of the worker that claims; see `release_of`.

    An item that the last holder had in flight, alone, is what that one has crashed on: it is counted against the item,
    and not against the chunk.
    """
    alias = router.db_for_write(Chunk)
    with transaction.atomic(using=alias):
        if spec is not None and spec.concurrency is not None:
            turns.lock(spec)
            if not turns.has_room(spec):
                return None
        candidates = Chunk.objects.claimable().filter(
            job_id=job_id, job__status=Job.Status.RUNNING, job__paused_at=None
        )
        if connections[alias].features.has_select_for_update_skip_locked:
            candidates = candidates.select_for_update(skip_locked=True, of=("self",))
        chunk = candidates.order_by("id").first()
        if chunk is None:
            return None
        token = new_uid()
        # Conditional on the old token, for databases that cannot skip locked rows.
        Chunk.objects.filter(pk=chunk.pk, token=chunk.token).update(
            state=Chunk.State.LEASED,
            token=token,
            holder=holder,
            lease_until=lease_end(),
            in_flight="",
            crashes=_with_suspect(chunk),
            # How a holder ended whose lease just ran out nobody knows.
            crash_note=chunk.crash_note if chunk.state == Chunk.State.WAITING else "",
            attempts=F("attempts") + (0 if chunk.in_flight else 1),
        )
    return Chunk.objects.filter(pk=chunk.pk, token=token).first()


def _with_suspect(chunk: Chunk) -> dict[str, int]:
    crashes: dict[str, int] = chunk.crashes
    suspect = chunk.in_flight
    return {**crashes, suspect: crashes.get(suspect, 0) + 1} if suspect else crashes


def mark_in_flight(chunk: Chunk, item_uid: str) -> bool:
    """Note durably that the item is now worked alone; the commit or the release takes it back. False: lease lost."""
    held = Chunk.objects.filter(pk=chunk.pk, token=chunk.token, state=Chunk.State.LEASED)
    return held.update(in_flight=item_uid, lease_until=lease_end()) == 1


def release(chunk: Chunk, *, refund: bool) -> None:
    """Give the chunk back at once. `refund` takes back the attempt, where the chunk itself is not to blame."""
    Chunk.objects.filter(pk=chunk.pk, token=chunk.token, state=Chunk.State.LEASED).update(
        state=Chunk.State.WAITING,
        token="",
        holder="",
        in_flight="",
        lease_until=None,
        attempts=F("attempts") - (1 if refund else 0),
    )


def release_of(holder: str, note: str = "") -> set[str]:
    """Give back all that a worker held which is known to have died; `note` says how. Returns the uids of its jobs.

    `holder` is one model process, "worker#1", or a worker with all its processes, "worker". What it had in flight stays
    noted, for it may have died of that.
    """
    if not holder:
        return set()
    mine = Q(holder=holder) | Q(holder__startswith=f"{holder}#")
    held = Chunk.objects.filter(mine, state=Chunk.State.LEASED)
    jobs = set(held.values_list("job__uid", flat=True))
    held.update(state=Chunk.State.WAITING, token="", holder="", lease_until=None, crash_note=note[:200])
    return jobs


def release_expired(job_id: int) -> int:
    """Put chunks whose lease has run out back to waiting; returns how many."""
    expired = Chunk.objects.filter(job_id=job_id, state=Chunk.State.LEASED, lease_until__lt=Now())
    return expired.update(state=Chunk.State.WAITING, token="", holder="", lease_until=None, crash_note="")


class Watch:
    """Beside a lane that works on `chunk`: keeps the lease alive and notices when the work has become pointless.

    A thread, because inference may hold the lane for longer than a lease. `over` is set once the job is paused or no
    longer running, or the lease is lost; the commit's fence would refuse the work then anyway, but for the pause.
    """

    def __init__(self, chunk: Chunk) -> None:
        self.over = threading.Event()
        self._chunk = chunk
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"watch-{chunk.pk}", daemon=True)

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._end.set()
        self._thread.join()

    def _run(self) -> None:
        settings = conf()
        since_renewal = 0.0
        try:
            while not self._end.wait(settings.cancel_poll_seconds):
                since_renewal += settings.cancel_poll_seconds
                renew = since_renewal >= settings.heartbeat_seconds
                try:
                    over = self._look(renew=renew)
                except DatabaseError as error:
                    # The database may be restarting; the next look is made on a fresh connection.
                    logger.warning("No look after the lease of %s for now: %s", self._chunk, error)
                    connections.close_all()
                    continue
                if over:
                    self.over.set()
                    return
                since_renewal = 0.0 if renew else since_renewal
        finally:
            connections.close_all()

    def _look(self, *, renew: bool) -> bool:
        """Renew the lease if it is time to; whether the work has become pointless."""
        held = Chunk.objects.filter(pk=self._chunk.pk, token=self._chunk.token, state=Chunk.State.LEASED)
        if renew:
            held.update(lease_until=lease_end())
        return not held.filter(job__status=Job.Status.RUNNING, job__paused_at=None).exists()
