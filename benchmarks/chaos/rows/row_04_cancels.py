"""500 cancels at random moments, 100 of them within 20 ms of completion: one terminal state, and nothing after it."""

from __future__ import annotations

from collections import Counter
from typing import Any

TITLE = "cancels"
WORKERS = 2
CANCELS, NEAR = 500, 100
# Some that aim at the end miss it.
TRIES_A_HIT = 6
MAX_IDLE_SECONDS = 1.0
# Three chunks, so that two lanes are at work; for the end, one, so that there is one last batch.
ITEMS, ITEMS_NEAR_END = 96, 16
# From the commit before the last batch to that of the last one.
MAX_PAUSE_NEAR_END = 0.012
_CANCELS = "from benchmarks.chaos.cancels import *\n"


def run(open_site: Any, scale: float) -> dict[str, Any]:
    near_wanted = max(5, round(NEAR * scale))
    at_random = max(20, round(CANCELS * scale)) - near_wanted
    found: list[dict[str, Any]] = []
    with open_site(CHAOS_TIMES="default") as site:
        places = {near: _place(site, ITEMS_NEAR_END if near else ITEMS) for near in (False, True)}
        site.workers(WORKERS)
        # So that some come before it has begun, most in its midst, and some after its end.
        whole = max(site.ask(f"{_CANCELS}answer = seconds_of_a_job(*{places[False]!r})") for _ in range(3))
        found += [_cancel(site, places[False], whole, False) for _ in range(at_random)]
        near = 0
        for _ in range(near_wanted * TRIES_A_HIT):
            found.append(_cancel(site, places[True], MAX_PAUSE_NEAR_END, True))
            near += found[-1]["is_near"]
            if near >= near_wanted:
                break
        wrong = [text for one in found for text in one["wrong"]]
        wrong += site.ask(f"{_CANCELS}answer = later({found!r})")
    idle = sorted(one["idle_s"] for one in found if one["answer"] == 204)
    near = sum(one["is_near"] for one in found)
    return {
        "cancels": len(found),
        "near_completion": near,
        "of_these_won": sum(one["is_near"] and one["answer"] == 204 for one in found),
        "answers": dict(Counter(str(one["answer"]) for one in found)),
        "idle_median_s": round(idle[len(idle) // 2], 3) if idle else None,
        "idle_max_s": round(idle[-1], 3) if idle else None,
        "wrong": wrong[:5],
        "ok": not wrong and near >= near_wanted and bool(idle) and idle[-1] <= MAX_IDLE_SECONDS,
    }


def _place(site: Any, items: int) -> tuple[str, str]:
    """A project and the API key of one of its managers."""
    project = site.project(items)
    return project, site.ask(f"from benchmarks.chaos.actions import *\nanswer = make_key({project!r})")


def _cancel(site: Any, place: tuple[str, str], max_pause: float, near_end: bool) -> dict[str, Any]:
    trace, pause = str(site.data_dir / "trace.log"), site.rng.uniform(0, max_pause)
    return dict(site.ask(f"{_CANCELS}answer = cancel_one(*{place!r}, {trace!r}, {pause}, {near_end})"))
