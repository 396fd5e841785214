"""The queue server restarted, killed, flushed, and away for 60 s in mid-job: jobs complete, a POST is never a 500."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import requests

TITLE = "queue server lost"


def run(open_site: Any, scale: float) -> dict[str, Any]:
    times, away = max(4, round(20 * scale)), 60 * min(1.0, max(0.1, scale))
    answers: Counter[int] = Counter()
    with open_site(CHAOS_SECONDS="0.01") as site:
        key = site.manager_key()
        address = site.serve()
        site.workers(2)
        jobs = []
        ways: list[Callable[[], Any]] = [
            lambda: _signal(site, signal.SIGTERM),
            lambda: _signal(site, signal.SIGKILL),
            lambda: _flush(site),
            lambda: _frozen(site, away),
        ]
        for number in range(times):
            project = site.project_of(key["user"], 300)
            jobs.append(_post(address, project, key["key"], answers))
            time.sleep(site.rng.uniform(0.3, 1.5))
            ways[number % len(ways)]()
            # In the very moment in which it is away, or back and empty.
            jobs.append(_post(address, site.project_of(key["user"], 20), key["key"], answers))
        ended = site.wait_until_ended(240)
        found = site.audit([job for job in jobs if job])
    exact = not any(found[name] for name in ("lost", "doubled", "missing_drafts", "miscounted", "events", "open"))
    ok = ended and exact and found["jobs"] == {"completed": 2 * times} and set(answers) == {202}
    return {"times": times, "away_s": away, "posts": dict(answers), **found, "ok": ok}


def _post(address: str, project: str, key: str, answers: Counter[int]) -> str:
    headers = {"Authorization": f"Bearer {key}"}
    answer = requests.post(f"{address}/api/v1/projects/{project}/auto-label/", json={}, headers=headers, timeout=30)
    answers[answer.status_code] += 1
    return str(answer.json().get("uid", "")) if answer.status_code == 202 else ""


def _signal(site: Any, signum: signal.Signals) -> None:
    site.kill("valkey-server", signum)


def _flush(site: Any) -> None:
    site.ask("import django_rq\nanswer = bool(django_rq.get_connection('autolabel').flushall())")


def _frozen(site: Any, seconds: float) -> None:
    """Away, and holding all its connections: worse than dead, for nothing says so."""
    pids = site.kill("valkey-server", signal.SIGSTOP)

    def wake() -> None:
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)

    threading.Timer(seconds, wake).start()
    time.sleep(min(seconds, 2))
