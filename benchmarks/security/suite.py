"""Tests that are a row of their own: run by pytest, in a process of its own."""

from __future__ import annotations

import os
import re
import subprocess
import sys

from tests.site import REPOSITORY

__all__ = ["passed", "run_tests"]


def run_tests(*arguments: str) -> subprocess.CompletedProcess[str]:
    """`pytest …` as CI runs it, with its figures in the output."""
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", *arguments],
        cwd=REPOSITORY,
        env={**os.environ, "CI": "true", "PRINT_FIGURES": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


def passed(done: subprocess.CompletedProcess[str]) -> int:
    """How many tests have passed; 0 where the run broke off."""
    found = re.search(r'"passed": (\d+)', done.stdout)
    return int(found[1]) if found else 0
