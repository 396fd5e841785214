"""`python -m benchmarks.chaos [--rows 1,8] [--db sqlite|postgres|both]`, SCALE=0.1 for a tenth.

Each row is a module `rows/row_NN_*.py` with `TITLE` and `run(open_site, scale) -> dict`, whose figures hold "ok". All
is real but the model: processes, databases, queue. A line for each row and database, at the end one line of JSON.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import pkgutil
import sys
import tempfile
import time
import traceback
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

from . import rows
from .postgres import Postgres
from .site import open_site

# The soak takes its time; it is asked for by name.
_ONLY_BY_NAME = {13}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.chaos")
    parser.add_argument("--rows", default="", help="numbers, separated by commas; all but the soak (13) by default")
    parser.add_argument("--db", choices=["sqlite", "postgres", "both"], default="both")
    parser.add_argument("--seed", type=int, default=20261124)
    options = parser.parse_args()
    modules = _modules({int(number) for number in options.rows.split(",") if number})
    scale = float(os.environ.get("SCALE", "1"))
    databases = ["sqlite", "postgres"] if options.db == "both" else [options.db]
    figures: dict[str, dict[str, Any]] = {}
    with ExitStack() as stack:
        server = None
        if "postgres" in databases:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="chaos-pg-")))
            server = stack.enter_context(Postgres(folder / "server"))
        for number, module in modules.items():
            for database in databases:
                found = _run(module, partial(open_site, database, server, options.seed + number), scale)
                figures.setdefault(str(number), {})[database] = found
                _print(number, module.TITLE, database, found)
    ok = bool(figures) and all(found["ok"] for by_database in figures.values() for found in by_database.values())
    print(json.dumps({"scale": scale, "rows": figures, "ok": ok}))
    return 0 if ok else 1


def _modules(wanted: set[int]) -> dict[int, Any]:
    names = sorted(module.name for module in pkgutil.iter_modules(rows.__path__))
    numbered = {int(name.split("_")[1]): name for name in names if name.startswith("row_")}
    chosen = wanted or set(numbered) - _ONLY_BY_NAME
    return {number: importlib.import_module(f"{rows.__name__}.{numbered[number]}") for number in sorted(chosen)}


def _run(module: Any, site: Any, scale: float) -> dict[str, Any]:
    began = time.monotonic()
    try:
        found = dict(module.run(site, scale))
    except Exception as error:
        traceback.print_exc()
        found = {"error": f"{type(error).__name__}: {error}"[:300], "ok": False}
    return {**found, "seconds": round(time.monotonic() - began, 1)}


def _print(number: int, title: str, database: str, found: dict[str, Any]) -> None:
    facts = "  ".join(f"{name} {value}" for name, value in found.items() if name != "ok")
    print(f"{'ok  ' if found['ok'] else 'FAIL'} {number:>2} {title:<34} {database:<9} {facts}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
