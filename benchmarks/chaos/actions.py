"""What rows 4 and 7 to 11 run inside their site's own process, with Django set up; see `ChaosSite.ask`."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from typing import Any

from django.db.models import Max

from annotation_platform.keys import issue_key
from annotation_platform.models import Annotation, Membership, Project
from autolabel.jobs import lifecycle
from autolabel.models import Chunk, Job, Prediction, Worker
from tests.autolabel.builders import add_items
from tests.autolabel.fakes import KILL, picture
from tests.factories import make_project as make_bare_project
from tests.factories import make_user

from .malformed import KINDS, ODD, malformed, odd
from .model import EAT

__all__ = ["active", "cancel", "facts", "make_key", "malformed_project", "manager", "poison_project", "traces", "used"]

LABELS = ("washer", "nut", "bolt")
# From here on an image's height is its number; see the model's trace.
FIRST_HEIGHT = 40
# Of the kinds that are large, or take long to make, so many files are different.
_LARGE_BYTES, _DIFFERENT_LARGE = 100_000, 2


def poison_project(items: int, kills: int, meals: int, seed: int) -> str:
    """Images with one box each; on so many of them the model kills its process, on so many it eats memory."""
    commands = [KILL] * kills + [EAT] * meals
    pictures = [picture(1)] * (items - len(commands))
    pictures += [
        picture(1, command=command, size=(48, FIRST_HEIGHT + number)) for number, command in enumerate(commands)
    ]
    random.Random(seed).shuffle(pictures)
    return _project(pictures).uid


def malformed_project(bad: int, sound: int, seed: int) -> str:
    """So many malformed images of all kinds in turn, and sound ones, of which the first are odd."""
    rng = random.Random(seed)
    made: dict[str, list[bytes]] = {kind: [] for kind in KINDS}
    pictures = []
    for kind in (list(KINDS)[index % len(KINDS)] for index in range(bad)):
        known = made[kind]
        if len(known) < _DIFFERENT_LARGE or len(known[0]) < _LARGE_BYTES:
            known.append(malformed(kind, rng))
            pictures.append(known[-1])
        else:
            pictures.append(rng.choice(known))
    pictures += [odd(number) if number < len(ODD) else picture(1) for number in range(sound)]
    rng.shuffle(pictures)
    return _project(pictures).uid


def _project(pictures: Sequence[bytes]) -> Project:
    project: Project = make_bare_project(labels=LABELS)
    add_items(project, pictures)
    return project


def manager(project_uid: str) -> Any:
    """A user who may run and cancel jobs of the project."""
    user = make_user(f"manager-{project_uid[:8]}")
    Membership.objects.create(project=Project.objects.get(uid=project_uid), user=user, role="manager")
    return user


def make_key(project_uid: str) -> str:
    """An API key of such a user."""
    return issue_key(manager(project_uid), "chaos")[1]


def facts(job_uid: str) -> dict[str, Any]:
    """How far a job is, and why items failed: "reasons" by number, "messages" the different ones by number."""
    job = Job.objects.get(uid=job_uid)
    failed = job.item_results.filter(outcome="failed")
    return {
        "status": job.status,
        "is_active": job.is_active,
        "error": job.error_message,
        "stalled": job.stalled_reason,
        "is_planned": job.planned_at is not None,
        "total": job.total_items,
        "processed": job.processed_items,
        "successful": job.successful_items,
        "failed": job.failed_items,
        "reasons": dict(Counter(failed.values_list("reason", flat=True))),
        "messages": dict(Counter(failed.values_list("message", flat=True))),
        "most_attempts": job.chunks.aggregate(most=Max("attempts"))["most"] or 0,
    }


def active(project_uid: str) -> dict[str, Any]:
    """The active jobs of a project, and how many it has had in all."""
    jobs = Job.objects.filter(project_uid=project_uid)
    return {"active": [job.uid for job in jobs.filter(status__in=Job.ACTIVE)], "all": jobs.count()}


def cancel(job_uid: str) -> bool:
    return lifecycle.cancel(Job.objects.get(uid=job_uid).pk)


def used(job_uid: str) -> dict[str, int]:
    """What an ended job still has in hand: chunks under lease, and workers whose row names it."""
    return {
        "chunks": Chunk.objects.filter(job__uid=job_uid, state=Chunk.State.LEASED).count(),
        "workers": Worker.objects.filter(job_uid=job_uid).count(),
    }


def traces(job_uid: str) -> dict[str, int]:
    """What a job has written so far, which must not grow once it has ended."""
    job = Job.objects.get(uid=job_uid)
    return {
        "drafts": Annotation.objects.filter(job_uid=job_uid).count(),
        "predictions": Prediction.objects.filter(job=job).count(),
        "results": job.item_results.count(),
        "processed": job.processed_items,
    }
