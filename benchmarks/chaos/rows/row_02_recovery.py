"""How soon what a dead process held is worked on again: a model process, a worker, a whole host."""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

TITLE = "time to recover"
LIMITS = {"child": 1.0, "worker": 10.0, "host": 45.0}


def run(open_site: Any, scale: float) -> dict[str, Any]:
    repeats = {
        "child": max(2, round(10 * scale)),
        "worker": max(2, round(10 * scale)),
        "host": max(1, round(3 * scale)),
    }
    # The product's own times.
    with open_site(CHAOS_TIMES="default", CHAOS_SECONDS="0.01") as site:
        site.workers(1)
        site.workers(1)
        jobs = site.jobs([site.project(60_000)])
        site.wait_for(lambda: site.states()["processed"] > 50, "the job is under way", 60)
        waits = {what: [_recovery(site, what) for _ in range(count)] for what, count in repeats.items()}
        site.ask(
            "from autolabel.jobs import lifecycle\nfrom autolabel.models import Job\n"
            "answer = [lifecycle.cancel(pk) for pk in Job.objects.active().values_list('pk', flat=True)]"
        )
        found = site.audit(jobs)
    exact = not any(found[name] for name in ("doubled", "missing_drafts", "miscounted", "events", "failed"))
    worst = {what: round(max(seconds), 2) for what, seconds in waits.items()}
    return {"worst_s": worst, **found, "ok": exact and all(worst[what] <= LIMITS[what] for what in worst)}


def _recovery(site: Any, what: str) -> float:
    """Kill what holds a chunk; the seconds until somebody else has that chunk."""
    chunk, pids = _victim(site, what)
    began = time.monotonic()
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    again = (
        "from autolabel.models import Chunk\n"
        f"others = Chunk.objects.exclude(token={chunk['token']!r})\n"
        f"answer = others.filter(pk={chunk['pk']}).exclude(state='waiting').exists()"
    )
    site.wait_for(lambda: site.ask(again), f"the chunk of a dead {what} is worked on", 90)
    seconds = time.monotonic() - began
    if what == "host":
        site.workers(1)
    # Two kills over one chunk within a second are for the row of random kills: an item that was alone in hand in both
    # is taken for their cause.
    done = f"from autolabel.models import Chunk\nanswer = Chunk.objects.get(pk={chunk['pk']}).state == 'done'"
    site.wait_for(lambda: site.ask(done), "that chunk is done", 60)
    # The next victim shall hold something, and the one before be back.
    site.wait_for(lambda: len(site.processes("horse_main")) == 2 and len(_held(site)) == 2, "both work", 60)
    return seconds


def _held(site: Any) -> list[dict[str, Any]]:
    """The chunks that are worked on, each with the pid of its model process."""
    return list(
        site.ask(
            "from autolabel.models import Chunk, Worker\n"
            "pids = dict(Worker.objects.values_list('name', 'pid'))\n"
            "rows = Chunk.objects.leased().values('pk', 'token', 'holder')\n"
            "answer = [{**row, 'child': pids.get(row['holder'].split('#')[0])} for row in rows]"
        )
    )


def _victim(site: Any, what: str) -> tuple[dict[str, Any], list[int]]:
    chunk = site.wait_for(lambda: next((one for one in _held(site) if one["child"]), None), "somebody works", 60)
    child = int(chunk["child"])
    worker = _parent(child)
    supervisor = _parent(worker)
    if what == "child":
        return chunk, [child]
    if what == "worker":
        return chunk, [worker]
    family = [
        pid for pid in site.processes() if supervisor in (pid, _parent(pid)) or _parent(_parent(pid)) == supervisor
    ]
    # The queue server is not of that host: one that dies with it is another row's matter.
    queue = set(site.processes("valkey-server"))
    return chunk, [supervisor, *(pid for pid in family if pid not in queue)]


def _parent(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except (OSError, ValueError):
        return 0
