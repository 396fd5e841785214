"""PostgreSQL restarted in mid-job; on SQLite a writer that holds the database for 10 s."""

from __future__ import annotations

import signal
import time
from typing import Any

TITLE = "database away"
HELD_SECONDS = 10


def run(open_site: Any, scale: float) -> dict[str, Any]:
    times = max(1, round(5 * scale))
    with open_site(CHAOS_SECONDS="0.01") as site:
        site.workers(2)
        jobs = site.jobs([site.project(1500 * times) for _ in range(2)])
        for number in range(times):
            done = site.states()["processed"]
            site.wait_for(lambda done=done: site.states()["processed"] > done + 100, "work goes on", 60)
            if site.database == "postgres":
                # In order, and as a crash leaves it, in turn.
                site.server.stop(signal.SIGINT if number % 2 == 0 else signal.SIGQUIT)
                time.sleep(1.5)
                site.server.start()
            else:
                site.ask(
                    "import time\nfrom django.db import transaction\nfrom autolabel.models import Worker\n"
                    "with transaction.atomic():\n"
                    "    Worker.objects.filter(name='nobody').update(pid=0)\n"
                    f"    time.sleep({HELD_SECONDS})\n"
                    "answer = None"
                )
        ended = site.wait_until_ended(300)
        found = site.audit(jobs)
        locked = site.ask(
            "from django.db.models import Q\nfrom autolabel.models import ItemResult, Job\n"
            "answer = (ItemResult.objects.filter(message__contains='locked').count()"
            " + Job.objects.filter(Q(error_message__contains='locked') | Q(stalled_reason__contains='locked')).count())"
        )
    exact = not any(found[name] for name in ("lost", "doubled", "missing_drafts", "miscounted", "events", "failed"))
    ok = ended and exact and locked == 0 and found["jobs"] == {"completed": len(jobs)}
    return {"times": times, "said_locked": locked, **found, "ok": ok}
