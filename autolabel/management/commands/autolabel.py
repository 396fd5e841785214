"""`manage.py autolabel PROJECT_UID`: auto-label a project from a shell."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, ArgumentTypeError
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from autolabel.exceptions import AutolabelError, JobConflict, JobInvalid
from autolabel.hosts.loader import get_host
from autolabel.jobs import lifecycle
from autolabel.jobs.progress import follow
from autolabel.jobs.services import JobRequest, create_job
from autolabel.models import Job
from autolabel.workers.companion import CompanionWorker

# The options by the fields of a request that they give.
_OPTIONS = {
    "model_type": "--model",
    "labels": "--label",
    "thresholds": "--threshold-for",
    "label_map": "--label-map",
    "boxes_to_masks": "--boxes-to-masks",
}
# What else a summary counts, where there is any of it.
_GROUPS = {
    "skipped": "Items without drafts",
    "failed": "Failed items",
    "dropped": "Shapes dropped as poor",
    "incidents": "Incidents",
}


def _threshold(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1
    if not 0 <= value <= 1:
        raise ArgumentTypeError("must be a number from 0.0 to 1.0")
    return value


def _count(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) < 2**31:
        raise ArgumentTypeError("must be a whole number from 1 on")
    return int(text)


def _percent(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= 100:
        raise ArgumentTypeError("must be a whole number from 1 to 100")
    return int(text)


def _pair(text: str) -> tuple[str, str]:
    left, equals, right = text.rpartition("=")
    if not equals or not left.strip() or not right.strip():
        raise ArgumentTypeError("must be two names with = between them")
    return left.strip(), right.strip()


def _threshold_for(text: str) -> tuple[str, float]:
    label, score = _pair(text)
    return label, _threshold(score)


class Command(BaseCommand):
    help = "Run a model on every unlabeled item of a project; drafts are left for review. Ctrl-C cancels the job."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("project_uid")
        parser.add_argument("--model", default="yolo", help="a model of the registry (default yolo)")
        parser.add_argument("--threshold", type=_threshold, default=0.5, help="least score of a draft (default 0.5)")
        parser.add_argument("--label", action="append", default=[], help="only this label; repeat for more")
        parser.add_argument(
            "--threshold-for",
            action="append",
            default=[],
            type=_threshold_for,
            metavar="LABEL=SCORE",
            help="a threshold of that label's own; repeat for more",
        )
        parser.add_argument(
            "--label-map",
            action="append",
            default=[],
            type=_pair,
            metavar="CLASS=LABEL",
            help="the model's CLASS is the project's LABEL; repeat for more",
        )
        parser.add_argument("--boxes-to-masks", action="store_true", help="make masks from boxes that people accepted")
        parser.add_argument("--dry-run", action="store_true", help="count what would become drafts, write none")
        parser.add_argument(
            "--existing-drafts",
            choices=Job.ExistingDrafts.values,
            default=Job.ExistingDrafts.REPLACE.value,
            help="untouched drafts of earlier jobs: replace them, keep them and add what none overlaps, or skip their "
            "items (default replace)",
        )
        parser.add_argument("--max-items", type=_count, metavar="N", help="take so many items at most")
        parser.add_argument("--max-seconds", type=_count, metavar="S", help="fail when it has not ended after that")
        parser.add_argument("--max-failed-pct", type=_percent, metavar="P", help="fail when more of the items failed")

    def handle(self, *args: Any, project_uid: str, **options: Any) -> None:
        request = JobRequest(
            model_type=options["model"],
            confidence_threshold=options["threshold"],
            labels=tuple(options["label"]),
            dry_run=options["dry_run"],
            thresholds=dict(options["threshold_for"]),
            label_map=dict(options["label_map"]),
            boxes_to_masks=options["boxes_to_masks"],
            existing_drafts=options["existing_drafts"],
            max_items=options["max_items"],
            max_seconds=options["max_seconds"],
            max_failed_pct=options["max_failed_pct"],
        )
        try:
            job = create_job(get_host().get_project_trusted(project_uid), request)
        except LookupError:
            raise CommandError(f"There is no project {project_uid}.") from None
        except JobConflict as error:
            raise CommandError(f"{error} Its uid is {error.active_uid}.") from None
        except JobInvalid as error:
            option = _OPTIONS.get(error.field, error.field)
            raise CommandError(f"{option}: {error}") from None
        except AutolabelError as error:
            raise CommandError(str(error)) from None
        self._watch(job)
        self._report(job)

    def _watch(self, job: Job) -> None:
        with CompanionWorker() as worker, progress_bar() as bar:
            try:
                for now in follow(job):
                    worker.ensure()
                    show(bar, now)
            except KeyboardInterrupt:
                lifecycle.cancel(job.pk)
                job.refresh_from_db()

    def _report(self, job: Job) -> None:
        for line in describe(job):
            self.stdout.write(line)
        if job.status != Job.Status.COMPLETED:
            raise CommandError(job.error_message or f"The job was {job.status}.")


def progress_bar() -> tqdm[Any]:
    """A bar on the standard error; where that is no terminal, a line now and then."""
    return tqdm(unit="image", desc="Starting", file=sys.stderr, mininterval=0.2 if sys.stderr.isatty() else 10)


def show(bar: tqdm[Any], job: Job) -> None:
    """Bring a progress bar up to the job's state."""
    if job.planned_at and bar.total != job.total_items:
        bar.reset(total=job.total_items)
    state = job.stalled_reason or {"pending": "Waiting for a worker"}.get(job.status, job.status.title())
    bar.set_description(state, refresh=False)
    bar.update(job.processed_items - bar.n)
    if not job.is_active:
        bar.refresh()


def describe(job: Job) -> list[str]:
    """The result of an ended job, in lines for a terminal."""
    summary = job.summary or {}
    made = "would be made" if job.dry_run else "made"
    return [
        (
            f"{job.status.title()}: {job.processed_items} of {job.total_items} items, "
            f"{job.successful_items} with drafts, {job.skipped_items} without, {job.failed_items} failed."
        ),
        f"Drafts {made}: {_counts(summary.get('drafts'))}.",
        *(f"{title}: {_counts(summary[key])}." for key, title in _GROUPS.items() if summary.get(key)),
        f"{summary.get('seconds', 0):.1f} s, {summary.get('items_per_second') or 0:.1f} items a second.",
    ]


def _counts(counts: dict[str, int] | None) -> str:
    return ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in (counts or {}).items()) or "none"
