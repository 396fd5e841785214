"""All workers are restarted in order, one host after the other, 20 times in mid-job: no attempt, no wait, no double."""

from __future__ import annotations

import signal
import threading
import time
from typing import Any

TITLE = "rolling restart"
LONGEST_WAIT_SECONDS = 5.0


def run(open_site: Any, scale: float) -> dict[str, Any]:
    restarts = max(3, round(20 * scale))
    # The product's own times: a lease that nobody gives back would be waited for.
    with open_site(CHAOS_TIMES="default", CHAOS_SECONDS="0.01") as site:
        hosts = [site.workers(1), site.workers(1)]
        jobs = site.jobs([site.project(20_000)])
        site.wait_for(lambda: site.states()["processed"] > 50, "the job is under way", 60)
        with _Pauses(site) as pauses:
            for number in range(restarts):
                host = hosts[number % 2]
                host.send_signal(signal.SIGTERM)
                if host.wait(timeout=30) != 0:
                    raise AssertionError(f"A supervisor ended with {host.returncode}.")
                hosts[number % 2] = site.workers(1)
        attempts = site.ask(
            "from autolabel.models import Chunk\n"
            "answer = Chunk.objects.filter(attempts__gt=1).count() + Chunk.objects.exclude(crashes={}).count()"
        )
        # What is left of the job is of no interest any more.
        site.ask(
            "from autolabel.jobs import lifecycle\nfrom autolabel.models import Job\n"
            "answer = [lifecycle.cancel(pk) for pk in Job.objects.active().values_list('pk', flat=True)]"
        )
        found = site.audit(jobs)
    exact = not any(found[name] for name in ("doubled", "missing_drafts", "miscounted", "events", "failed"))
    wait = round(pauses.longest, 1)
    ok = exact and attempts == 0 and wait <= LONGEST_WAIT_SECONDS
    return {"restarts": restarts, "attempts_counted": attempts, "longest_wait_s": wait, **found, "ok": ok}


class _Pauses:
    """While it is open: the longest time without an item done."""

    def __init__(self, site: Any) -> None:
        self.longest = 0.0
        self._site = site
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> _Pauses:
        self._thread.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._end.set()
        self._thread.join()

    def _run(self) -> None:
        done, since = 0, time.monotonic()
        while not self._end.wait(0.05):
            now_done = self._site.states()["processed"]
            if now_done > done:
                done, since = now_done, time.monotonic()
            self.longest = max(self.longest, time.monotonic() - since)
