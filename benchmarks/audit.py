"""`make audit`: asks whether any locked dependency has a known weakness. Without a network it says so, and passes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

_LOCK = Path(__file__).resolve().parents[1] / "requirements.lock"
_SECONDS = 300


def main() -> int:
    # Of the lock alone: nothing is installed, and nothing resolved anew.
    options = ["--requirement", str(_LOCK), "--disable-pip", "--require-hashes", "--format", "json"]
    command = [sys.executable, "-m", "pip_audit", *options, "--progress-spinner", "off", "--timeout", "10"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return _not_asked("it took too long")
    try:
        found = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError):
        return _not_asked((done.stderr.strip().splitlines() or ["no answer"])[-1][:200])
    weak = {one["name"]: [known["id"] for known in one["vulns"]] for one in found if one.get("vulns")}
    for name, ids in weak.items():
        print(f"{name}: {', '.join(ids)}")
    print(json.dumps({"asked": True, "packages": len(found), "weak": weak, "ok": not weak}))
    return 1 if weak else 0


def _not_asked(why: str) -> int:
    print(f"The database of weaknesses could not be asked: {why}", file=sys.stderr)
    print(json.dumps({"asked": False, "why": why, "ok": True}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
