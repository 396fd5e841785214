"""`manage.py demo`: the whole product on one machine, from nothing: project, queue, worker, job, web server."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from argparse import ArgumentParser
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from annotation_platform.demo.score import Found, Score, score_image
from annotation_platform.demo.seed import PASSWORD, USERNAME, ensure_project, ensure_user
from annotation_platform.models import Annotation, Item, Project
from autolabel.hosts.loader import get_host
from autolabel.jobs import lifecycle
from autolabel.jobs.progress import follow
from autolabel.jobs.services import JobRequest, create_job
from autolabel.management.commands.autolabel import describe, progress_bar, show
from autolabel.models import Job
from autolabel.workers.companion import CompanionWorker

_MIN_SCORE = 0.9
_JOB_SECONDS = 600
# gunicorn, ended by the kernel if the demo is killed before it can end it.
_WEB_SERVER = """
import signal, sys
from autolabel.workers.process import die_with_parent
die_with_parent(int(sys.argv.pop(1)), signal.SIGTERM)
from gunicorn.app.wsgiapp import run
run()
"""


class Command(BaseCommand):
    help = "Make the demo project, auto-label it with a real worker, and serve it until Ctrl-C."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--once", action="store_true", help="end after the job instead of serving")
        parser.add_argument(
            "--score", action="store_true", help="compare the drafts with the ground truth; implies --once"
        )
        parser.add_argument("--port", type=int, default=8000, help="the first port to try (default 8000)")

    def handle(self, *args: Any, once: bool, score: bool, port: int, **options: Any) -> None:
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        call_command("migrate", verbosity=0)
        user = ensure_user()
        self.stdout.write("Preparing the demo project…")
        project = ensure_project(user)
        with CompanionWorker() as worker:
            try:
                job = self._auto_label(project, user, worker)
                for line in describe(job):
                    self.stdout.write(line)
                figures = self._figures(project, job) | (_score_figures(project, job) if score else {})
                ok = _is_ok(figures)
                if once or score:
                    self._print_figures(figures, ok)
                else:
                    self._serve(port, figures, ok)
            except KeyboardInterrupt:
                self.stdout.write("\nStopping…")
                return
        if not ok:
            raise CommandError("The demo did not come out as it should; see the figures above.")

    def _auto_label(self, project: Project, user: Any, worker: CompanionWorker) -> Job:
        """The project's job; a finished one of an earlier start is kept, an interrupted one goes on."""
        jobs = Job.objects.filter(project_uid=project.uid, dry_run=False)
        earlier = jobs.active().first() or jobs.filter(status=Job.Status.COMPLETED).order_by("id").last()
        worker.start()
        if earlier and not earlier.is_active:
            self.stdout.write("Auto-labeled by an earlier start; nothing is done again.")
            return earlier
        job = earlier or create_job(get_host().get_project_trusted(project.uid), JobRequest(), user=user)
        ends_at = time.monotonic() + _JOB_SECONDS
        with progress_bar() as bar:
            for now in follow(job):
                worker.ensure()
                show(bar, now)
                if time.monotonic() > ends_at:
                    lifecycle.cancel(job.pk)
        return job

    def _figures(self, project: Project, job: Job) -> dict[str, Any]:
        drafts = Annotation.objects.filter(job_uid=job.uid)
        return {
            "job": job.status,
            "images": project.items.count(),
            "auto_labeled": job.total_items,
            "images_with_drafts": job.successful_items,
            "images_with_an_object_but_no_draft": _undrafted_with_objects(project, drafts),
            "failed": job.failed_items,
            "drafts": sum((job.summary or {}).get("drafts", {}).values()),
            "seconds": (job.summary or {}).get("seconds"),
            "items_per_second": (job.summary or {}).get("items_per_second"),
        }

    def _print_figures(self, figures: dict[str, Any], ok: bool) -> None:
        self.stdout.write(json.dumps({**figures, "ok": ok}))
        self.stdout.flush()

    def _serve(self, first_port: int, figures: dict[str, Any], ok: bool) -> None:
        port = _free_port(first_port)
        self.stdout.write(
            f"\nOpen http://127.0.0.1:{port}/ and sign in as {USERNAME} with the password {PASSWORD}"
            " (this machine only).\nCtrl-C ends it; your work is kept for the next start.\n"
        )
        server = subprocess.Popen(
            [
                *(sys.executable, "-c", _WEB_SERVER, str(os.getpid()), "annotation_platform.wsgi"),
                *("--bind", f"127.0.0.1:{port}", "--threads", "8", "--log-level", "warning"),
            ],
            stdin=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C is for us; we end it in order
        )
        try:
            _wait_for(port, server)
            self._print_figures({**figures, "url": f"http://127.0.0.1:{port}/"}, ok)
            raise CommandError(f"The web server ended by itself ({server.wait()}).")
        finally:
            if server.poll() is None:
                server.terminate()
                server.wait(timeout=35)


def _is_ok(figures: dict[str, Any]) -> bool:
    return (
        figures["job"] == Job.Status.COMPLETED
        and not figures["failed"]
        and not figures["images_with_an_object_but_no_draft"]
        and figures["drafts"] > 0
        and figures.get("precision", 1.0) >= _MIN_SCORE
        and figures.get("recall", 1.0) >= _MIN_SCORE
    )


def _truths(project: Project) -> dict[str, list[Found]]:
    """What the scenes really show, by the name of the item."""
    from annotation_platform.demo.scenes import demo_scenes

    return {scene.name: [Found(thing.label, thing.bbox_xyxy) for thing in scene.objects] for scene in demo_scenes()}


def _undrafted_with_objects(project: Project, drafts: Any) -> int:
    """Auto-labeled images that show an object and yet got no draft."""
    drafted = set(drafts.values_list("item__name", flat=True))
    waiting = project.items.exclude(annotations__source=Annotation.Source.MANUAL).values_list("name", "state")
    truths = _truths(project)
    return sum(bool(truths.get(name)) and name not in drafted for name, state in waiting if state != Item.State.DONE)


def _score_figures(project: Project, job: Job) -> dict[str, Any]:
    """Precision and recall of the job's drafts, as they lie in the database."""
    found: dict[str, list[Found]] = {}
    rows = Annotation.objects.filter(job_uid=job.uid).select_related("item", "label")
    for row in rows:
        found.setdefault(row.item.name, []).append(Found(row.label.name, row.bbox_xyxy, row.score or 0.0))
    seen = set(job.item_results.values_list("item_uid", flat=True))
    names = project.items.filter(uid__in=seen).values_list("name", flat=True)
    truths = _truths(project)
    total = sum((score_image(found.get(name, []), truths[name]) for name in names), Score())
    return {
        "threshold": job.confidence_threshold,
        "precision": round(total.precision, 4),
        "recall": round(total.recall, 4),
        "true_positives": total.true_positives,
        "false_positives": total.false_positives,
        "missed": total.missed,
    }


def _free_port(first: int) -> int:
    for port in range(first, first + 50):
        with socket.socket() as candidate:
            candidate.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                candidate.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise CommandError(f"No free port from {first} on; name another with --port.")


def _wait_for(port: int, server: subprocess.Popen[bytes]) -> None:
    for _ in range(300):
        if server.poll() is not None:
            raise CommandError("The web server did not start.")
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise CommandError("The web server does not answer.")
