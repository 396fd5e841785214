"""`manage.py autolabel_job UID ACTION`: look after one job from a shell."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Callable
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from autolabel.exceptions import AutolabelError, JobConflict
from autolabel.jobs import drafts, services
from autolabel.jobs.remarks import remarks
from autolabel.jobs.stalls import stalled
from autolabel.models import Job

from .autolabel import describe


class Command(BaseCommand):
    help = "Show a job, cancel, pause or resume it, retry its failed items, take back its drafts or bring them back."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("uid", help="the job's uid")
        actions = parser.add_subparsers(dest="action", required=True)
        actions.add_parser("status", help="how far it is, or what came out of it")
        actions.add_parser("cancel", help="end it; drafts that it has made stay")
        actions.add_parser("pause", help="stop work on it until it is resumed")
        actions.add_parser("resume", help="let work on it go on")
        actions.add_parser("retry", help="start a new job over its failed items")
        discard = actions.add_parser("discard-drafts", help="take back its drafts that nobody has touched")
        discard.add_argument("--yes", action="store_true", help="do not ask")
        actions.add_parser("restore-drafts", help="bring back drafts that were taken back")

    def handle(self, *args: Any, uid: str, action: str, yes: bool = False, **options: Any) -> None:
        job = Job.objects.filter(uid=uid.strip().lower()).first()
        if job is None:
            raise CommandError(f"There is no job {uid}.")
        actions: dict[str, Callable[[Job], None]] = {
            "status": self._status,
            "cancel": self._cancel,
            "pause": self._pause,
            "resume": self._resume,
            "retry": self._retry,
            "discard-drafts": lambda job: self._discard(job, yes),
            "restore-drafts": self._restore,
        }
        try:
            actions[action](job)
        except LookupError:
            raise CommandError("The project of this job no longer exists.") from None
        except JobConflict as error:
            raise CommandError(f"{error} Its uid is {error.active_uid}.") from None
        except AutolabelError as error:
            raise CommandError(str(error)) from None

    def _status(self, job: Job) -> None:
        if not job.is_active:
            self._say(*describe(job), *remarks(job.summary), job.error_message)
            return
        progress = "not planned yet" if job.progress_pct is None else f"{job.progress_pct} %"
        self._say(
            f"{'Paused' if job.paused_at else job.status.title()}: {job.processed_items} of {job.total_items} items, "
            f"{progress}, {job.failed_items} failed.",
            stalled(job),
        )

    def _cancel(self, job: Job) -> None:
        services.cancel_job(None, job)
        self._say("Cancelled; drafts already made stay.")

    def _pause(self, job: Job) -> None:
        services.pause_job(None, job)
        self._say(f"Paused. Go on with: manage.py autolabel_job {job.uid} resume")

    def _resume(self, job: Job) -> None:
        services.resume_job(None, job)
        self._say("It goes on.")

    def _retry(self, job: Job) -> None:
        new = services.retry_job(None, job)
        self._say(f"Started job {new.uid} over {job.failed_items} failed items.")

    def _discard(self, job: Job, yes: bool) -> None:
        found = drafts.count(job)
        self._say(f"{found.drafts} drafts that nobody has touched go; {found.kept} that people have touched stay.")
        if not found.drafts:
            return
        if not yes and input("Take them back? [y/N] ").strip().lower() not in ("y", "yes"):
            raise CommandError("Nothing was taken back.")
        taken_back, remaining = 0, 1
        while remaining:
            done = drafts.discard_drafts(job)
            taken_back, remaining = taken_back + done.drafts, done.remaining
        self._say(f"Took back {taken_back}. Undo with: manage.py autolabel_job {job.uid} restore-drafts")

    def _restore(self, job: Job) -> None:
        restored, left_out, after, remaining = 0, 0, "", 1
        while remaining:
            done = drafts.restore_drafts(job, after=after)
            restored, left_out = restored + done.restored, left_out + done.left_out
            after, remaining = done.after, done.remaining
        self._say(f"Restored {restored} drafts; {left_out} stay away, for their items or labels have changed.")

    def _say(self, *lines: str) -> None:
        for line in filter(None, lines):
            self.stdout.write(line)
