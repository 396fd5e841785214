"""`manage.py autolabel_worker`: the workers that run auto-label jobs, and all they need."""

from __future__ import annotations

import signal
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from autolabel.workers.embedded import EmbeddedQueueError
from autolabel.workers.process import die_with_parent
from autolabel.workers.supervisor import Supervisor


class Command(BaseCommand):
    help = (
        "Run auto-label workers until Ctrl-C: N warm workers, the reaper, and the embedded queue "
        "where settings.AUTOLABEL names a folder for it."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("-n", "--workers", type=int, default=1, help="how many workers (default 1)")
        parser.add_argument("--no-reaper", action="store_true", help="another machine runs the reaper")
        parser.add_argument("--parent", type=int, default=0, metavar="PID", help="end when this parent process ends")

    def handle(self, *args: Any, workers: int, no_reaper: bool, parent: int, **options: Any) -> None:
        if workers < 0:
            raise CommandError("--workers must be 0 or more.")
        if parent:
            die_with_parent(parent, signal.SIGTERM)
        self.stdout.write(f"Starting {workers} worker{'s' * (workers != 1)}. Ctrl-C ends them.")
        try:
            Supervisor(workers, reaper=not no_reaper).run()
        except EmbeddedQueueError as error:
            raise CommandError(str(error)) from error
