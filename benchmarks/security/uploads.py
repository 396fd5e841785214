"""The upload corpus, sent to a real server: refused with a reason, and without much memory."""

from __future__ import annotations

import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import requests

from tests.site import Site
from tests.upload_corpus import CORPUS

_MOST_MB = 300


def run(scale: float) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="security-") as folder:
        site = Site(Path(folder) / "site", LOG_LEVEL="CRITICAL")
        try:
            world = site.ask("from benchmarks.security.fuzz_rows import make\nanswer = make()")
            return _send(site, site.serve(), world)
        finally:
            site.stop()


def _send(site: Site, address: str, world: dict[str, Any]) -> dict[str, Any]:
    project, key = world["uids"]["project"][0], world["keys"]["manager"]
    before = site.ask("from annotation_platform.models import Item\nanswer = Item.objects.count()")
    taken, silent, slowest = [], [], 0.0
    with _Memory(site) as memory:
        for bad in CORPUS:
            where, field = ("archives", "archive") if bad.is_archive else ("items", "image")
            began = time.monotonic()
            answer = requests.post(
                f"{address}/api/v1/projects/{project}/{where}/",
                files={field: (bad.name, bad.data)},
                headers={"Authorization": f"Bearer {key}"},
                timeout=120,
            )
            slowest = max(slowest, time.monotonic() - began)
            if not 400 <= answer.status_code < 500:
                taken.append(f"{bad.what}: {answer.status_code}")
            elif bad.reason not in answer.text or not any(answer.json().values()):
                silent.append(bad.what)
    added = site.ask("from annotation_platform.models import Item\nanswer = Item.objects.count()") - before
    return {
        "files": len(CORPUS),
        "taken": taken,
        "without_a_reason": silent,
        "items_added": added,
        "peak_MB": memory.peak_mb,
        "slowest_s": round(slowest, 2),
        "ok": not taken and not silent and not added and memory.peak_mb < _MOST_MB,
    }


class _Memory:
    """The most that one process of the web server had resident."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self.peak_mb = 0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self) -> _Memory:
        self._thread.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._ended.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._ended.wait(0.2):
            for pid in self._site.processes("gunicorn"):
                try:
                    status = Path(f"/proc/{pid}/status").read_text()
                except OSError:
                    continue
                # Its own high-water mark, so that nothing is missed between two looks.
                high = next(line for line in status.splitlines() if line.startswith("VmHWM"))
                self.peak_mb = max(self.peak_mb, int(high.split()[1]) // 1024)
