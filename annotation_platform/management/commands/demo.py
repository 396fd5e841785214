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

from annotation_platform.demo.report import is_ok, run_figures, score_figures
from annotation_platform.demo.seed import PASSWORD, USERNAME, ensure_project, ensure_user
from annotation_platform.models import Project
from autolabel.exceptions import AutolabelError
from autolabel.hosts.loader import get_host
from autolabel.jobs import lifecycle
from autolabel.jobs.progress import follow
from autolabel.jobs.services import JobRequest, create_job
from autolabel.management.commands.autolabel import describe, progress_bar, show
from autolabel.models import Job
from autolabel.workers.companion import CompanionWorker

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
        # Both end it in order, also where a shell has started it in the background and SIGINT was ignored.
        for signum in (signal.SIGINT, signal.SIGTERM):
            signal.signal(signum, signal.default_int_handler)
        call_command("migrate", verbosity=0)
        with CompanionWorker() as worker:
            try:
                worker.start()  # it loads its model while the pictures are drawn
                self.stdout.write("Preparing the demo project…")
                user = ensure_user()
                project = ensure_project(user)
                job = self._auto_label(project, user, worker)
                for line in describe(job):
                    self.stdout.write(line)
                figures = run_figures(project, job) | (score_figures(project, job) if score else {})
                ok = is_ok(figures)
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
        earlier = jobs.exclude(status__in=[Job.Status.FAILED, Job.Status.CANCELLED]).order_by("id").first()
        if earlier and not earlier.is_active:
            self.stdout.write("Auto-labeled by an earlier start; nothing is done again.")
            return earlier
        try:
            job = earlier or create_job(get_host().get_project_trusted(project.uid), JobRequest(), user=user)
        except AutolabelError as error:
            raise CommandError(str(error)) from error
        ends_at = time.monotonic() + _JOB_SECONDS
        with progress_bar() as bar:
            for now in follow(job):
                worker.ensure()
                show(bar, now)
                if time.monotonic() > ends_at:
                    lifecycle.cancel(job.pk)
        return job

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
