"""100 freezes: a model process is stopped until its lease has long run out, and wakes up in the middle of its work."""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from typing import Any

TITLE = "frozen past the lease"
# The lease of the chaos settings, and a little more.
FROZEN_SECONDS = 2.6


def run(open_site: Any, scale: float) -> dict[str, Any]:
    freezes = max(4, round(100 * scale))
    with open_site(CHAOS_SECONDS="0.01") as site:
        site.workers(3)
        # Two of three are frozen at a time; the third goes on, so that what they held is worked by another.
        jobs = site.jobs([site.project(1500) for _ in range(max(2, freezes // 10))])
        frozen = 0
        while frozen < freezes and site.states().get("running", 0) + site.states().get("pending", 0):
            time.sleep(site.rng.uniform(0.2, 0.6))
            pids = site.kill("horse_main", signal.SIGSTOP, at_most=2)
            time.sleep(FROZEN_SECONDS)
            for pid in pids:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGCONT)
            frozen += len(pids)
        ended = site.wait_until_ended(300)
        found = site.audit(jobs)
    exact = not any(found[name] for name in ("lost", "doubled", "missing_drafts", "miscounted", "events", "open"))
    return {"freezes": frozen, "ended": ended, **found, "ok": exact and ended and frozen >= freezes}
