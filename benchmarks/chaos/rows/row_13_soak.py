"""The soak: 100,000 items with a kill every 30 s; all as under kills, and the workers' memory does not grow."""

from __future__ import annotations

import statistics
import time
from typing import Any

from autolabel.workers.machine import resident_bytes

TITLE = "soak with a kill every 30 s"
JOBS = 10
GROWTH_ALLOWED = 1.10


def run(open_site: Any, scale: float) -> dict[str, Any]:
    items = max(2000, round(100_000 * scale))
    pause = 30 * min(1.0, max(0.1, scale))
    kills, memory = 0, []
    with open_site() as site:
        site.workers(2)
        jobs = site.jobs([site.project(items // JOBS) for _ in range(JOBS)])
        began = last = time.monotonic()
        while site.states().get("running", 0) + site.states().get("pending", 0) and time.monotonic() - began < 3600:
            time.sleep(0.5)
            # The workers and the reaper: they live as long as the soak, the model processes do not.
            memory.append(sum(resident_bytes(pid) or 0 for pid in site.processes("autolabel.workers.run")))
            if time.monotonic() - last > pause:
                kills += len(site.kill("horse_main"))
                last = time.monotonic()
        found = site.audit(jobs)
        seconds = time.monotonic() - began
    tenth = max(1, len(memory) // 10)
    # Not from the very start, where they are still importing.
    early, late = statistics.median(memory[tenth : 2 * tenth] or memory), statistics.median(memory[-tenth:])
    growth = round(late / early, 3)
    exact = not any(found[name] for name in ("lost", "doubled", "missing_drafts", "miscounted", "events", "open"))
    ok = exact and growth <= GROWTH_ALLOWED and found["jobs"] == {"completed": JOBS}
    rate = round(items / seconds)
    return {"items": items, "kills": kills, "items_per_s": rate, "memory_growth": growth, **found, "ok": ok}
