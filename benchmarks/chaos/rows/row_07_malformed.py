"""1,000 malformed images of more than 30 kinds fail one by one, and cost neither the job nor the worker's memory."""

from __future__ import annotations

from functools import partial
from typing import Any

from benchmarks.chaos.malformed import KINDS, ODD
from benchmarks.chaos.memory import PeakMemory

TITLE = "malformed images"
WORKERS, SEED = 2, 7
MALFORMED, SOUND = 1000, 200
# A model process alone has some 90 MB; the decoded half of the largest image that may be decoded has 196 MB, and two
# threads decode.
LIMIT_MB = 640
_ACTIONS = "from benchmarks.chaos.actions import *\n"


def run(open_site: Any, scale: float) -> dict[str, Any]:
    bad, sound = max(2 * len(KINDS), round(MALFORMED * scale)), max(2 * len(ODD), round(SOUND * scale))
    with open_site(CHAOS_TIMES="default", CHAOS_MEMORY_BYTES=str(LIMIT_MB * 1024**2)) as site:
        job = site.create_job(site.ask(f"{_ACTIONS}answer = malformed_project({bad}, {sound}, {SEED})"))
        site.workers(WORKERS)
        with PeakMemory(partial(site.processes, "horse_main")) as peak:
            ended = site.wait_until_ended(60 + 0.2 * bad)
        survivors = set(site.processes("horse_main"))
        found, audit = site.ask(f"{_ACTIONS}answer = facts({job!r})"), site.audit([job])
    exact = found["failed"] == bad and found["processed"] == bad + sound and found["reasons"] == {"unreadable": bad}
    calm = peak.seen == survivors and peak.bytes <= LIMIT_MB * 1024**2
    return {
        "kinds": len(KINDS),
        "malformed": bad,
        "sound": sound,
        "failed": found["failed"],
        "reasons": found["reasons"],
        "peak_mb": peak.bytes // 1024**2,
        "limit_mb": LIMIT_MB,
        "processes_died": len(peak.seen - survivors),
        "lost": audit["lost"],
        "doubled": audit["doubled"],
        "miscounted": audit["miscounted"],
        "status": found["status"],
        "ok": ended and found["status"] == "completed" and exact and calm and not _faults(audit),
    }


def _faults(audit: dict[str, Any]) -> int:
    return sum(audit[name] for name in ("lost", "doubled", "missing_drafts", "miscounted", "events", "open"))
