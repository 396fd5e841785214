"""1,000 kill -9 at random moments, of model processes, workers, and both, over 30 jobs of 1,000 items."""

from __future__ import annotations

import time
from typing import Any

TITLE = "kill -9 at random"
WORKERS = 3


def run(open_site: Any, scale: float) -> dict[str, Any]:
    kills, jobs_count, items = max(10, round(1000 * scale)), max(2, round(30 * scale)), 1000
    with open_site() as site:
        jobs = site.jobs([site.project(items) for _ in range(jobs_count)])
        site.workers(WORKERS)
        killed = _kill(site, kills, jobs_count * items)
        ended = site.wait_until_ended(300)
        found = site.audit(jobs)
    exact = not any(found[name] for name in ("lost", "doubled", "missing_drafts", "miscounted", "events", "open"))
    return {"kills": killed, "ended": ended, **found, "ok": exact and ended and killed >= 0.9 * kills}


def _kill(site: Any, kills: int, items: int) -> int:
    """Spread over the work: each kill waits for its share of the items, so that the last one comes before the end."""
    killed, last = 0, 0.0
    while killed < kills:
        states = site.states()
        if not states.get("running") and not states.get("pending"):
            break
        due = states["processed"] >= killed * 0.9 * items / kills
        # Where work has come to a stand under so many kills, it gets the time to begin again.
        if due and time.monotonic() - last > site.rng.uniform(0.1, 0.6):
            what = site.rng.choice(["child", "worker", "both"])
            if what in ("child", "both"):
                killed += len(site.kill("horse_main"))
            if what in ("worker", "both"):
                killed += len(site.kill("autolabel.workers.run worker"))
            last = time.monotonic()
        time.sleep(0.02)
    return killed
