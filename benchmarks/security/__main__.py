"""`python -m benchmarks.security [--rows 1,5]`, SCALE=0.1 for a tenth: what nobody may do, tried on real processes.

A line for each row, at the end one line of JSON. Everything talks to loopback only.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import sys
import tempfile
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from typing import Any

_ROWS = {
    1: ("webhooks arrive", "webhooks"),
    2: ("no address inside is reached", "addresses"),
    3: ("the API under generated requests", "fuzz"),
    4: ("permission matrix", "matrix"),
    5: ("upload corpus", "uploads"),
    6: ("stored scripts do not run", "scripts"),
}
# These mostly wait, so that they run at once; of the others one measures times and one memory.
_WAITING = (1, 2, 6)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.security")
    parser.add_argument("--rows", default="", help="numbers, separated by commas; all by default")
    options = parser.parse_args()
    scale = float(os.environ.get("SCALE", "1"))
    with tempfile.TemporaryDirectory(prefix="security-") as folder:
        _set_django_up(folder)
        return _run_all(options.rows, scale)


def _set_django_up(folder: str) -> None:
    """For the modules that name models; the rows themselves work on sites of their own."""
    os.environ.update(DJANGO_SETTINGS_MODULE="tests.site_settings", DATA_DIR=folder)
    import django

    django.setup()


def _run_all(rows: str, scale: float) -> int:
    wanted = sorted({int(number) for number in rows.split(",") if number} or set(_ROWS))
    figures: dict[int, dict[str, Any]] = {}
    for group in ([number for number in wanted if number in _WAITING], *([n] for n in wanted if n not in _WAITING)):
        with ThreadPoolExecutor(max(1, len(group))) as pool:
            figures.update(zip(group, pool.map(lambda number: _run(_ROWS[number][1], scale), group), strict=True))
        for number in group:
            _print(number, figures[number])
    ok = bool(figures) and all(found["ok"] for found in figures.values())
    print(json.dumps({"scale": scale, "rows": {number: figures[number] for number in wanted}, "ok": ok}))
    return 0 if ok else 1


def _print(number: int, found: dict[str, Any]) -> None:
    facts = "  ".join(f"{name} {value}" for name, value in found.items() if name != "ok")
    print(f"{'ok  ' if found['ok'] else 'FAIL'} {number} {_ROWS[number][0]:<34} {facts}", flush=True)


def _run(module: str, scale: float) -> dict[str, Any]:
    began = time.monotonic()
    try:
        found = dict(importlib.import_module(f"benchmarks.security.{module}").run(scale))
    except Exception as error:
        traceback.print_exc()
        found = {"error": f"{type(error).__name__}: {error}"[:300], "ok": False}
    return {**found, "seconds": round(time.monotonic() - began, 1)}


if __name__ == "__main__":
    sys.exit(main())
