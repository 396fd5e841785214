"""requirements.lock holds every requirement, in a version that it allows, with hashes."""

from __future__ import annotations

import re
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]


def locked() -> dict[str, tuple[str, int]]:
    """Version and number of hashes by name."""
    text = (ROOT / "requirements.lock").read_text()
    found = {}
    for entry in re.split(r"\n(?=\S)", text):
        if match := re.match(r"([A-Za-z0-9_.-]+)==(\S+)", entry):
            found[canonicalize_name(match[1])] = (match[2], entry.count("--hash=sha256:"))
    return found


def test_every_requirement_is_locked_as_it_allows() -> None:
    lines = [line.partition("#")[0].strip() for line in (ROOT / "requirements.txt").read_text().splitlines()]
    wanted = [Requirement(line) for line in lines if line]
    versions = locked()

    assert len(wanted) > 25
    wrong = [
        str(one)
        for one in wanted
        if (name := canonicalize_name(one.name)) not in versions or not one.specifier.contains(versions[name][0])
    ]
    assert wrong == [], "Run `make lock`."


def test_everything_in_the_lock_has_a_hash_and_names_no_server() -> None:
    versions = locked()

    assert len(versions) > 60
    assert [name for name, (_, hashes) in versions.items() if not hashes] == []
    assert "://" not in (ROOT / "requirements.lock").read_text()
