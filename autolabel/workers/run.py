"""The processes under the supervisor: `python -m autolabel.workers.run ROLE PARENT_PID NAME MEMORY_BYTES`.

ROLE is worker, reaper or sender.
"""

from __future__ import annotations

import logging
import signal
import sys
import threading

from .process import die_with_parent

logger = logging.getLogger(__name__)


def main(role: str, parent_pid: int, name: str, memory_bytes: int) -> None:
    die_with_parent(parent_pid)
    import django

    django.setup()
    if role == "worker":
        run_worker(name, memory_bytes)
    elif role == "sender":
        run_sender()
    else:
        run_reaper()


def run_worker(name: str, memory_bytes: int) -> None:
    """A warm worker for all queues that the registry names; its model process may use so much memory."""
    import django_rq

    from autolabel.conf import conf
    from autolabel.inference.registry import specs

    from .warm import WarmWorker

    queues = sorted({conf().queue} | {spec.queue for spec in specs().values()})
    # The time to live also bounds how long an idle worker waits before it looks after its horse.
    worker = WarmWorker(queues, name=name, connection=django_rq.get_connection(queues[0]), worker_ttl=60)
    worker.max_jobs_per_horse = conf().lanes_per_process
    worker.watch_memory(memory_bytes)
    worker.ensure_horse()
    worker.work(logging_level="WARNING")


def run_reaper() -> None:
    """Reap in rounds until told to end."""
    from django.db import close_old_connections

    from autolabel.conf import conf
    from autolabel.jobs.reaper import reap_once

    told_to_end = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: told_to_end.set())
    while True:
        close_old_connections()
        try:
            reap_once()
        except Exception:
            logger.exception("This round of the reaper failed; the next one tries again.")
        if told_to_end.wait(conf().reaper_seconds):
            return


def run_sender() -> None:
    """Deliver webhooks until told to end."""
    from .sender import send_until

    told_to_end = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: told_to_end.set())
    send_until(told_to_end)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3], int(sys.argv[4]))
