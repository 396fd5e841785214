"""20 small jobs in a row find the model loaded; one of 5 items behind one of 20,000 ends within 15 s."""

from __future__ import annotations

import time
from collections import Counter
from typing import Any

TITLE = "warm and fair"
SMALL_JOBS, SMALL_ITEMS = 20, 5
# Never scaled: the huge job is cancelled when it has served.
HUGE_ITEMS = 20_000
MAX_SECONDS_BEHIND = 15.0
_ACTIONS = "from benchmarks.chaos.actions import *\n"


def run(open_site: Any, scale: float) -> dict[str, Any]:
    figures: dict[str, Any] = {}
    wrong: list[str] = []
    with open_site(CHAOS_TIMES="default") as site:
        huge, small = site.project(HUGE_ITEMS), site.project(SMALL_ITEMS)
        jobs: list[str] = []
        for workers in (1, 2):
            earlier = _loads(site)
            supervisor = site.workers(workers)
            if workers == 2:
                figures["small_jobs"] = max(4, round(SMALL_JOBS * scale))
                figures["slowest_small_job_s"] = max(
                    _one_after_the_other(site, small, figures["small_jobs"], jobs), default=0.0
                )
            seconds = _behind(site, huge, small, jobs, wrong)
            figures[f"behind_huge_s_{workers}_workers"] = round(seconds, 2)
            supervisor.terminate()
            supervisor.wait(60)
            loads = _loads(site) - earlier
            figures[f"loads_{workers}_workers"] = sum(loads.values())
            if len(loads) > workers or set(loads.values()) != {1}:
                wrong.append(f"{workers} workers have loaded the model {sorted(loads.values())} times")
        audit = site.audit(jobs)
    if audit["jobs"] != {"completed": len(jobs)}:
        wrong.append(f"small jobs: {audit['jobs']}")
    faults = sum(audit[name] for name in ("lost", "doubled", "miscounted", "events", "open"))
    return {**figures, "faults": faults, "wrong": wrong, "ok": not wrong and not faults}


def _one_after_the_other(site: Any, project: str, number: int, jobs: list[str]) -> list[float]:
    """The seconds that each of so many jobs took."""
    took = []
    for _ in range(number):
        began = time.monotonic()
        jobs.append(site.create_job(project))
        _wait(site, jobs[-1], 60)
        took.append(round(time.monotonic() - began, 2))
    return took


def _behind(site: Any, huge: str, small: str, jobs: list[str], wrong: list[str]) -> float:
    """Seconds from the start of a small job to its end, while a huge one has all the workers."""
    blocker = site.create_job(huge)
    site.wait_for(lambda: _is_at_work(site, blocker), "the huge job is at work", 60)
    began = time.monotonic()
    jobs.append(site.create_job(small))
    _wait(site, jobs[-1], 4 * MAX_SECONDS_BEHIND)
    seconds = time.monotonic() - began
    if seconds > MAX_SECONDS_BEHIND:
        wrong.append(f"{seconds:.1f} s behind the huge job")
    if not site.ask(f"{_ACTIONS}answer = cancel({blocker!r})"):
        wrong.append("the huge job had ended before the small one: it was in nobody's way")
    return seconds


def _is_at_work(site: Any, job: str) -> bool:
    found = site.ask(f"{_ACTIONS}answer = facts({job!r})")
    return bool(found["is_planned"] and found["processed"])


def _wait(site: Any, job: str, seconds: float) -> None:
    site.wait_for(lambda: not site.ask(f"{_ACTIONS}answer = facts({job!r})")["is_active"], f"the end of {job}", seconds)


def _loads(site: Any) -> Counter[int]:
    """How often each process has loaded the model so far."""
    log = site.data_dir / "loads.log"
    return Counter(int(pid) for pid in log.read_text().split()) if log.exists() else Counter()
