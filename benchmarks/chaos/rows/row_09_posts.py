"""50 POSTs at once, 20 times: one active job each time."""

from __future__ import annotations

import http.client
import json
import threading
import uuid
from collections import Counter
from typing import Any

TITLE = "POSTs at once"
POSTS, ROUNDS = 50, 20
# Every third round sends one Idempotency-Key with all its POSTs, which are the same request then.
WITH_KEY_EVERY = 3
_ACTIONS = "from benchmarks.chaos.actions import *\n"

Reply = tuple[int, dict[str, Any]]


def run(open_site: Any, scale: float) -> dict[str, Any]:
    rounds = max(WITH_KEY_EVERY, round(ROUNDS * scale))
    answers: Counter[int] = Counter()
    wrong: list[str] = []
    # No worker runs, so that a job which was made stays active; several web processes, so that they do race.
    with open_site(CHAOS_TIMES="default", GUNICORN_CMD_ARGS="--workers 4") as site:
        project = site.project(5)
        key = site.ask(f"{_ACTIONS}answer = make_key({project!r})")
        address = site.serve().removeprefix("http://")
        for number in range(1, rounds + 1):
            same = number % WITH_KEY_EVERY == 0
            replies = _at_once(address, project, key, str(uuid.uuid4()) if same else "")
            answers.update(status for status, _ in replies)
            jobs = site.ask(f"{_ACTIONS}answer = active({project!r})")
            wrong += [f"round {number}: {text}" for text in _judged(replies, jobs, number, same)]
            for uid in jobs["active"]:
                site.ask(f"{_ACTIONS}answer = cancel({uid!r})")
    return {
        "rounds": rounds,
        "posts": rounds * POSTS,
        "answers": {str(status): count for status, count in sorted(answers.items())},
        "wrong": wrong,
        "ok": not wrong,
    }


def _at_once(address: str, project: str, key: str, idempotency_key: str) -> list[Reply]:
    """POSTS requests, each on a connection of its own; all connections are open before the first request is sent."""
    ready = threading.Barrier(POSTS)
    replies: list[Reply] = []
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    if idempotency_key:
        headers["Idempotency-Key"] = idempotency_key

    def post() -> None:
        connection = http.client.HTTPConnection(address, timeout=120)
        try:
            connection.connect()
            ready.wait(60)
            connection.request("POST", f"/api/v1/projects/{project}/auto-label/", "{}", headers)
            reply = connection.getresponse()
            body = reply.read()
            replies.append((reply.status, json.loads(body) if reply.status < 500 else {}))
        except (OSError, ValueError, http.client.HTTPException, threading.BrokenBarrierError) as error:
            replies.append((0, {"detail": repr(error)}))
        finally:
            connection.close()

    threads = [threading.Thread(target=post) for _ in range(POSTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return replies


def _judged(replies: list[Reply], jobs: dict[str, Any], number: int, same: bool) -> list[str]:
    """What is wrong with a round."""
    wrong = []
    statuses = Counter(status for status, _ in replies)
    if statuses != ({202: POSTS} if same else {202: 1, 409: POSTS - 1}):
        odd = next((body for status, body in replies if status not in (202, 409)), "")
        wrong.append(f"answers {dict(statuses)} {odd}")
    named = {body.get("uid") or body.get("job") for status, body in replies if status in (202, 409)}
    if named != set(jobs["active"]) or len(named) != 1:
        wrong.append(f"{len(jobs['active'])} active jobs, and {len(named)} named in the answers")
    if jobs["all"] != number:
        wrong.append(f"{jobs['all']} jobs in all")
    return wrong
