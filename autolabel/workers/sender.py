"""The sender: a process of its own that delivers webhooks, many endpoints side by side."""

from __future__ import annotations

import logging
import threading
import time
from concurrent.futures import ThreadPoolExecutor

from django.db import close_old_connections, connections

from autolabel.conf import conf
from autolabel.models import WebhookDelivery
from autolabel.webhooks import delivery

__all__ = ["send_until"]

logger = logging.getLogger(__name__)

_LOOK_SECONDS = 0.5
_TIDY_SECONDS = 600.0


def send_until(told_to_end: threading.Event) -> None:
    """Deliver what is due until told to end; what is being tried then is tried to its end."""
    tidies_at = 0.0
    places = threading.Semaphore(conf().webhook_threads)
    with ThreadPoolExecutor(conf().webhook_threads, thread_name_prefix="webhook") as pool:
        while not told_to_end.is_set():
            close_old_connections()
            try:
                delivery.spread()
                if time.monotonic() >= tidies_at:
                    delivery.tidy()
                    tidies_at = time.monotonic() + _TIDY_SECONDS
                while not told_to_end.is_set() and _start_one(pool, places, told_to_end):
                    pass
            except Exception:
                logger.exception("This round of the sender failed; the next one tries again.")
            told_to_end.wait(_LOOK_SECONDS)


def _start_one(pool: ThreadPoolExecutor, places: threading.Semaphore, told_to_end: threading.Event) -> bool:
    """Claim a delivery and start a thread with it; False when no place is free, or nothing is due."""
    if not places.acquire(blocking=False):
        return False
    claimed = None
    try:
        claimed = delivery.claim()
        if claimed is not None:
            pool.submit(_work, claimed, places, told_to_end)
    finally:
        if claimed is None:
            places.release()
    return claimed is not None


def _work(claimed: WebhookDelivery | None, places: threading.Semaphore, told_to_end: threading.Event) -> None:
    """Try this delivery, and others as long as any is due."""
    try:
        while claimed is not None:
            delivery.try_once(claimed)
            claimed = None if told_to_end.is_set() else delivery.claim()
    except Exception:
        logger.exception("A delivery could not be tried; it is tried again after its lease.")
    finally:
        connections.close_all()
        places.release()
