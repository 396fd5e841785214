"""The storage is away for 60 s, its folder is unmounted for a while, and 5 % of its answers are 503: no item fails."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.chaos.storage import Orders

TITLE = "storage faults"
WORKERS, ITEMS, BUSY_PCT = 2, 3000, 5
DOWN_SECONDS, UNMOUNTED_SECONDS = 60.0, 15.0
# Too long to read an image, give up, and be noticed; below that a row would show nothing.
LEAST_DOWN_SECONDS = 6.0
_ACTIONS = "from benchmarks.chaos.actions import *\n"


def run(open_site: Any, scale: float) -> dict[str, Any]:
    items = max(600, round(ITEMS * scale))
    with tempfile.TemporaryDirectory(prefix="chaos-storage-") as folder:
        orders = Orders(Path(folder))
        orders.give(busy_pct=BUSY_PCT)
        with open_site(CHAOS_TIMES="default", CHAOS_STORAGE=folder, CHAOS_SECONDS="0.005") as site:
            job = site.create_job(site.project(items))
            site.workers(WORKERS)
            away = _Away(site, job)
            _until_processed(site, job, items // 4)
            orders.give(down=True)
            away.for_seconds(max(LEAST_DOWN_SECONDS, DOWN_SECONDS * scale))
            orders.give(busy_pct=BUSY_PCT)
            back = _seconds_until_progress(site, job)
            _until_processed(site, job, items // 2)
            media = site.data_dir / "media"
            media.rename(media.with_name("unmounted"))
            away.for_seconds(max(LEAST_DOWN_SECONDS, UNMOUNTED_SECONDS * scale))
            media.with_name("unmounted").rename(media)
            ended = site.wait_until_ended(120 + items * 0.1)
            found, audit = site.ask(f"{_ACTIONS}answer = facts({job!r})"), site.audit([job])
        faults = orders.counts()
    clean = not any(audit[name] for name in ("lost", "doubled", "missing_drafts", "miscounted", "events", "open"))
    exact = found["failed"] == 0 and found["processed"] == items and found["most_attempts"] == 1
    return {
        "items": items,
        "away_s": round(away.seconds, 1),
        "refused": faults["down"],
        "answers_503": faults["busy"],
        "said_while_away": away.said,
        "work_again_after_s": round(back, 1),
        "most_attempts": found["most_attempts"],
        "failed": found["failed"],
        "lost": audit["lost"],
        "doubled": audit["doubled"],
        "status": found["status"],
        "ok": ended
        and exact
        and clean
        and found["status"] == "completed"
        and len(away.said) == 2
        and min(faults.values()) > 0,
    }


class _Away:
    """Sums up the time in which the storage is away, and what the job says of each."""

    def __init__(self, site: Any, job: str) -> None:
        self.seconds, self.said = 0.0, list[str]()
        self._site, self._job = site, job

    def for_seconds(self, seconds: float) -> None:
        said = ""
        began = time.monotonic()
        while time.monotonic() - began < seconds:
            time.sleep(0.2)
            said = said or _facts(self._site, self._job)["stalled"]
        self.seconds += time.monotonic() - began
        if said.startswith("Waits for the storage: "):
            self.said.append(said)


def _until_processed(site: Any, job: str, items: int) -> None:
    site.wait_for(lambda: _facts(site, job)["processed"] >= items, f"{items} items are processed", 120)


def _seconds_until_progress(site: Any, job: str) -> float:
    before, began = _facts(site, job)["processed"], time.monotonic()
    site.wait_for(lambda: _facts(site, job)["processed"] > before, "the job goes on", 60)
    return time.monotonic() - began


def _facts(site: Any, job: str) -> dict[str, Any]:
    return dict(site.ask(f"{_ACTIONS}answer = facts({job!r})"))
