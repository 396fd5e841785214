"""300 events to a receiver that fails, is away for an hour, while the sender is killed: all arrive, signed.

On SQLite and on PostgreSQL, whose senders claim in different ways.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

from standardwebhooks import Webhook, WebhookVerificationError

from benchmarks.chaos.postgres import Postgres
from tests.autolabel.receivers import Receiver, Request, receiver
from tests.site import REPOSITORY, Site

_ROWS = "from benchmarks.security import webhook_rows as rows\n"
_EVENTS, _KILLS = 300, 40
_ERRORS = 0.3
# The receiver is away for an hour of the fake clock, in steps of five minutes.
_STEPS, _STEP_SECONDS = 12, 300
_PATIENCE_SECONDS = 240
_ANSWER_SECONDS = 0.05


class Moody(Receiver):
    """Answers 500 to a share of the requests, and to all while it is away; slowly, so that kills hit what is sent."""

    is_away = False

    def mood(self) -> int:
        time.sleep(_ANSWER_SECONDS)
        return 500 if self.is_away or random.random() < _ERRORS else 200


def run(scale: float) -> dict[str, Any]:
    # A folder that Postgres lets its own user into.
    with tempfile.TemporaryDirectory(prefix="chaos-") as folder, Postgres(Path(folder) / "server") as server:
        databases = {"sqlite": {}, "postgres": {"DATABASE_URL": server.url("security")}}
        found = {name: _run(Path(folder) / name, scale, more) for name, more in databases.items()}
    return {**found, "ok": all(figures["ok"] for figures in found.values())}


def _run(folder: Path, scale: float, more: dict[str, str]) -> dict[str, Any]:
    events, kills = max(30, round(_EVENTS * scale)), max(6, round(_KILLS * scale))
    with receiver(Moody) as server:
        site = Site(folder, WEBHOOK_ALLOW_HTTP="1", WEBHOOK_ALLOW_LOOPBACK="1", **more)
        try:
            return _deliver(site, server, events, kills)
        finally:
            site.stop()


def _deliver(site: Site, server: Moody, events: int, kills: int) -> dict[str, Any]:
    secret = site.ask(f"{_ROWS}answer = rows.make({server.url!r}, {events})")
    sender = _Sender(site)
    killed = 0
    try:
        # Half of the kills while it works, then the hour, then the other half.
        for _ in range(kills // 2):
            killed += sender.kill_soon(0.2)
        server.is_away = True
        for _ in range(_STEPS):
            time.sleep(0.3)
            site.ask(f"{_ROWS}answer = rows.pass_time({_STEP_SECONDS})")
        server.is_away = False
        ends_at = time.monotonic() + _PATIENCE_SECONDS
        waiting = events
        while waiting and time.monotonic() < ends_at:
            if killed < kills:
                killed += sender.kill_soon(0.2)
            waiting = site.ask(f"{_ROWS}answer = rows.pass_time({_STEP_SECONDS})")
            time.sleep(0.1)
        while killed < kills:
            killed += sender.kill_soon(0.2)
    finally:
        sender.stop()
    wanted = set(site.ask(f"{_ROWS}answer = rows.ids()"))
    found = _judge(server.requests, wanted, secret, waiting)
    claims = site.ask(f"{_ROWS}answer = rows.claims_at_once()")
    return found | {"kills": killed, "claims_at_once": claims, "ok": found["ok"] and claims == 1}


def _judge(requests: list[Request], wanted: set[str], secret: str, waiting: int) -> dict[str, Any]:
    bodies: dict[str, set[bytes]] = defaultdict(set)
    accepted = defaultdict(int)
    unverified = 0
    for request in requests:
        headers = {name.lower(): value for name, value in request.headers.items()}
        bodies[headers["webhook-id"]].add(request.body)
        accepted[headers["webhook-id"]] += request.answered == 200
        try:
            Webhook(secret).verify(request.body, headers)
        except WebhookVerificationError:
            unverified += 1
        plain = hmac.new(secret.encode(), request.body, hashlib.sha256).hexdigest()
        unverified += not hmac.compare_digest(plain, headers["x-avala-webhook-signature"])
    missing = len(wanted - {uid for uid, times in accepted.items() if times})
    found = {
        "events": len(wanted),
        "requests": len(requests),
        "missing": missing,
        "waiting": waiting,
        "delivered_twice": sum(times > 1 for times in accepted.values()),
        "unknown_ids": len(set(bodies) - wanted),
        "two_bodies_of_one_id": sum(len(seen) > 1 for seen in bodies.values()),
        "unverified": unverified,
    }
    bad = ("missing", "waiting", "unknown_ids", "two_bodies_of_one_id", "unverified")
    return found | {"ok": not any(found[name] for name in bad)}


class _Sender:
    """The real process, started anew whenever it has been killed."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._process = self._start()

    def _start(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "autolabel.workers.run", "sender", str(os.getpid()), "sender", "0"]
        return subprocess.Popen(command, env=self._site.env, cwd=REPOSITORY, start_new_session=True)

    def kill_soon(self, most_seconds: float) -> int:
        """Let it begin, and a random while later end it as a power cut would."""
        time.sleep(1.2 + random.uniform(0, most_seconds))
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()
        self._process = self._start()
        return 1

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()
