"""URLs that lead inside, to the client of webhooks and of remote images: no request reaches a server on loopback."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.autolabel.inside import INSIDE
from tests.autolabel.receivers import receiver
from tests.site import REPOSITORY, Site

from .suite import passed, run_tests

_TRY = """
import json, sys, time, tracemalloc
from concurrent.futures import ThreadPoolExecutor
import django; django.setup()
from autolabel.webhooks import client
port, paths = json.loads(sys.argv[1])

def reaches(url):
    for method, body, most in (("POST", b"{}", client.MOST_BYTES), ("GET", None, 50 << 20)):
        try:
            client.send(method, url.replace("{port}", str(port)), body, {}, most_bytes=most)
            return True
        except client.RequestFailed:
            pass
    return False

def ask(path):
    began = time.monotonic()
    try:
        size = len(client.send("POST", f"http://127.0.0.1:{port}{path}", b"{}", {}).body)
    except client.RequestFailed:
        size = 0
    return round(time.monotonic() - began, 1), size

urls = json.loads(sys.argv[2])
with ThreadPoolExecutor(16) as pool:
    found = {"reached": [url for url, is_in in zip(urls, pool.map(reaches, urls)) if is_in]}
    tracemalloc.start()
    found |= dict(zip(paths, pool.map(ask, paths)))
found["memory_kB"] = tracemalloc.get_traced_memory()[1] // 1024
print(json.dumps(found))
"""
_DEADLINE, _LATE = 20.0, 1.5


def run(scale: float) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="security-") as folder, receiver() as server:
        site = Site(Path(folder) / "site", WEBHOOK_ALLOW_HTTP="1")
        tried = _ask(site, server.server_port, INSIDE, [])
        hits = len(server.requests)
        site.env["WEBHOOK_ALLOW_LOOPBACK"] = "1"
        slow = _ask(site, server.server_port, [], ["/drip", "/drip-head", "/huge"])
    # Rebinding, redirects, proxies, and that addresses are refused as such.
    client = run_tests("tests/autolabel/test_webhook_client.py")
    drip = max(slow["/drip"][0], slow["/drip-head"][0])
    _, read = slow["/huge"]
    return {
        "urls": len(INSIDE),
        "requests": 2 * len(INSIDE),
        "hits": hits,
        "answered": len(tried["reached"]),
        "drip_cut_s": drip,
        "read_of_300_MB": read,
        "memory_kB": slow["memory_kB"],
        "client_tests": passed(client) if client.returncode == 0 else client.stdout[-300:],
        "ok": not hits
        and not tried["reached"]
        and drip <= _DEADLINE + _LATE
        and read <= 64 * 1024
        and client.returncode == 0
        and len(INSIDE) >= 40,
    }


def _ask(site: Site, port: int, urls: list[str], paths: list[str]) -> dict[str, Any]:
    command = [sys.executable, "-c", _TRY, json.dumps([port, paths]), json.dumps(urls)]
    done = subprocess.run(command, env=site.env, cwd=REPOSITORY, capture_output=True, text=True, check=True)
    return dict(json.loads(done.stdout.splitlines()[-1]))
