"""The permission matrix, and how long it takes to be told that something is foreign, or not there at all."""

from __future__ import annotations

import random
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import requests

from tests.permission_matrix import MATRIX, VISITORS
from tests.site import Site

from .suite import passed, run_tests

_TRIES = 400
# How far the medians may lie apart; one request differs from the next by more than that.
_APART = 0.1


def run(scale: float) -> dict[str, Any]:
    done = run_tests("tests/platform/test_permission_matrix.py")
    ratios = _ratios(max(100, round(_TRIES * scale)))
    return {
        "requests": len(MATRIX) * len(VISITORS),
        "tests": passed(done) or done.stdout[-500:],
        "foreign_to_unknown": ratios,
        "ok": done.returncode == 0 and all(abs(ratio - 1) <= _APART for ratio in ratios.values()),
    }


def _ratios(tries: int) -> dict[str, float]:
    """Median time of a foreign uid to that of an unknown one, by route, over HTTP."""
    with tempfile.TemporaryDirectory(prefix="security-") as folder:
        site = Site(Path(folder) / "site", RATE_LIMIT_PER_KEY="0", RATE_LIMIT_PER_ADDRESS="0", LOG_LEVEL="CRITICAL")
        try:
            made = "from benchmarks.security.fuzz_rows import make\nanswer = make()"
            world = site.ask(made)
            address = site.serve()
            return {
                name: _steady_ratio(address + path, world["stranger"], world["uids"][name], tries)
                for name, path in (
                    ("project", "/api/v1/users/me/projects/{}/"),
                    ("item", "/api/v1/items/{}/"),
                    ("annotation", "/api/v1/annotations/{}/"),
                    ("job", "/api/v1/auto-label-jobs/{}/"),
                    ("endpoint", "/api/v1/webhooks/{}/"),
                    ("delivery", "/api/v1/webhook-deliveries/{}/"),
                )
            }
        finally:
            site.stop()


def _steady_ratio(url: str, key: str, foreign: list[str], tries: int) -> float:
    """Asked again, four times as often, where the machine was perhaps busy with something else."""
    ratio = _ratio(url, key, foreign, tries)
    return ratio if abs(ratio - 1) <= _APART else _ratio(url, key, foreign, 4 * tries)


def _ratio(url: str, key: str, foreign: list[str], tries: int) -> float:
    unknown = "00000000-0000-4000-8000-{:012x}"
    times: dict[str, list[float]] = {"foreign": [], "unknown": []}
    with requests.Session() as session:
        session.headers["Authorization"] = f"Bearer {key}"
        for number in range(tries * 2):
            kind = ("foreign", "unknown")[number % 2]
            uid = random.choice(foreign) if kind == "foreign" else unknown.format(number)
            began = time.perf_counter()
            answer = session.get(url.format(uid), timeout=30)
            times[kind].append(time.perf_counter() - began)
            assert answer.status_code == 404, answer.text
    return round(statistics.median(times["foreign"]) / statistics.median(times["unknown"]), 3)
