"""`manage.py autolabel_prune`: forget what is no longer needed of jobs that ended long ago."""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from autolabel.jobs.prune import Pruned, prune


class Command(BaseCommand):
    help = (
        "Delete predictions that no draft and no reviewed annotation stands for, item results and chunks of jobs that "
        "ended long ago, and the jobs of which nothing is left. Drafts of these jobs that were discarded can then no "
        "longer be restored. Safe while jobs run; for cron."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--days", type=float, default=90, help="of jobs that ended more days ago (default 90)")
        parser.add_argument("--batch", type=int, default=1000, help="rows deleted in one transaction (default 1000)")
        parser.add_argument("--dry-run", action="store_true", help="count what would be deleted, delete nothing")

    def handle(self, *args: Any, days: float, batch: int, dry_run: bool, **options: Any) -> None:
        if not 0 <= days <= 36_500:
            raise CommandError("--days must be a number from 0 to 36500.")
        if batch < 1:
            raise CommandError("--batch must be 1 or more.")
        pruned = prune(timezone.now() - timedelta(days=days), batch=batch, dry_run=dry_run)
        self.stdout.write(f"{'Would delete' if dry_run else 'Deleted'} {_counted(pruned)}.")
        self.stdout.write(f"Kept {pruned.kept} predictions that annotations stand for.")
        if pruned.failed:
            raise CommandError(f"{pruned.failed} jobs could not be pruned; the log says why.")


def _counted(pruned: Pruned) -> str:
    return (
        f"{pruned.predictions} predictions, {pruned.results} item results, {pruned.chunks} chunks, "
        f"{pruned.events} webhook events, {pruned.jobs} jobs"
    )
