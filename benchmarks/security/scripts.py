"""Scripts in every text field, looked at on every page by a real browser."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from typing import Any

from tests.site import REPOSITORY


def run(scale: float) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "tests/browser/test_stored_scripts.py", "-s"],
        cwd=REPOSITORY,
        env={**os.environ, "CI": "true"},
        capture_output=True,
        text=True,
        check=False,
    )
    looked = re.search(r"looked at (\d+) pages with (\d+) payloads", done.stdout)
    return {
        "pages": int(looked[1]) if looked else 0,
        "payloads": int(looked[2]) if looked else 0,
        "said": "" if done.returncode == 0 else done.stdout[-1500:],
        "ok": done.returncode == 0 and looked is not None,
    }
