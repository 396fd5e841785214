"""Scripts in every text field, looked at on every page by a real browser."""

from __future__ import annotations

import re
from typing import Any

from .suite import run_tests


def run(scale: float) -> dict[str, Any]:
    done = run_tests("tests/browser/test_stored_scripts.py", "-s")
    looked = re.search(r"looked at (\d+) pages with (\d+) payloads", done.stdout)
    return {
        "pages": int(looked[1]) if looked else 0,
        "payloads": int(looked[2]) if looked else 0,
        "said": "" if done.returncode == 0 else done.stdout[-1500:],
        "ok": done.returncode == 0 and looked is not None,
    }
