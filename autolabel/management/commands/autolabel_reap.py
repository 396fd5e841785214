"""`manage.py autolabel_reap`: one round of the reaper, for cron or by hand."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand

from autolabel.jobs.reaper import reap_once


class Command(BaseCommand):
    help = "One round of the reaper: rings for jobs without workers, releases expired leases, closes what is done."

    def handle(self, *args: Any, **options: Any) -> None:
        reaped = asdict(reap_once())
        self.stdout.write(", ".join(f"{name} {count}" for name, count in reaped.items()))
