"""20 items that crash the process and 20 that eat its memory, among 1,000: they fail, the others are done."""

from __future__ import annotations

from collections import Counter
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.chaos.memory import PeakMemory

TITLE = "poison"
WORKERS, SEED = 2, 8
ITEMS, POISON = 1000, 20
MAX_CRASHES = 3
LIMIT_MB = 400
# What may be eaten between two looks of the worker at its model process: the model eats some 100 MB in that time.
OVERSHOOT_MB = 400
_ACTIONS = "from benchmarks.chaos.actions import *\n"


def run(open_site: Any, scale: float) -> dict[str, Any]:
    items, poison = max(100, round(ITEMS * scale)), max(2, round(POISON * scale))
    with open_site(CHAOS_TIMES="default", CHAOS_MEMORY_BYTES=str(LIMIT_MB * 1024**2)) as site:
        job = site.create_job(site.ask(f"{_ACTIONS}answer = poison_project({items}, {poison}, {poison}, {SEED})"))
        site.workers(WORKERS)
        with PeakMemory(partial(site.processes, "horse_main")) as peak:
            ended = site.wait_until_ended(60 + 15 * poison)
        found, audit = site.ask(f"{_ACTIONS}answer = facts({job!r})"), site.audit([job])
        crashes = _crashes(site.data_dir / "trace.log")
    blamed_on_memory = sum(count for text, count in found["messages"].items() if "memory" in text)
    exact = (
        found["reasons"] == {"crashed_the_worker": 2 * poison}
        and found["successful"] == items - 2 * poison
        and blamed_on_memory == poison
        and len(crashes) == 2 * poison
    )
    bounded = max(crashes.values()) <= MAX_CRASHES and peak.bytes <= (LIMIT_MB + OVERSHOOT_MB) * 1024**2
    return {
        "items": items,
        "done": found["successful"],
        "failed": found["failed"],
        "blamed_on_memory": blamed_on_memory,
        "crashes": sum(crashes.values()),
        "most_of_one_item": max(crashes.values()),
        "peak_mb": peak.bytes // 1024**2,
        "limit_mb": LIMIT_MB,
        "lost": audit["lost"],
        "doubled": audit["doubled"],
        "miscounted": audit["miscounted"],
        "status": found["status"],
        "ok": ended and found["status"] == "completed" and exact and bounded and not _faults(audit),
    }


def _crashes(trace: Path) -> Counter[int]:
    """How many processes each poisonous item has ended, by the number in its height."""
    words = (line.split() for line in trace.read_text().splitlines())
    return Counter(int(height) for what, _, height, *_ in words if what in ("kill", "eat"))


def _faults(audit: dict[str, Any]) -> int:
    return sum(audit[name] for name in ("lost", "doubled", "missing_drafts", "miscounted", "events", "open"))
