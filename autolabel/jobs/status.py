"""How things stand: workers, queues and active jobs. For the status page, the metrics and the admin alike."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, QuerySet, Sum
from django.utils import timezone

from autolabel import queue
from autolabel.conf import conf
from autolabel.exceptions import ModelUnavailable
from autolabel.models import Chunk, Job, WebhookDelivery, WebhookEvent, Worker

from .catalog import catalog, spec_for
from .stalls import stalled_jobs

__all__ = ["ActiveJob", "QueueState", "Status", "Work", "jobs_by_status", "status", "work_by_model"]


@dataclass(frozen=True, slots=True)
class ActiveJob:
    """`stalled` says why it makes no progress, empty while it does; `waiting` and `held` are chunks."""

    job: Job
    queue: str
    stalled: str
    waiting: int
    held: int


@dataclass(frozen=True, slots=True)
class QueueState:
    """`lanes` wait in it, None where its server does not answer. `chunks_waiting` are what workers could take now;
    `age_seconds` is how long the oldest job has waited that nobody works on."""

    name: str
    lanes: int | None
    chunks_waiting: int
    age_seconds: float

    @property
    def is_up(self) -> bool:
        return self.lanes is not None


@dataclass(frozen=True, slots=True)
class Status:
    workers: Sequence[Worker]
    queues: Sequence[QueueState]
    jobs: Sequence[ActiveJob]
    webhook_backlog: int

    @property
    def stalled(self) -> int:
        return sum(bool(one.stalled) for one in self.jobs)

    @property
    def paused(self) -> int:
        return sum(one.job.paused_at is not None for one in self.jobs)

    @property
    def is_well(self) -> bool:
        """Whether nothing needs a person: no queue is away, no job stalled, and jobs have workers."""
        return all(one.is_up for one in self.queues) and not self.stalled and bool(self.workers or not self.jobs)


@dataclass(frozen=True, slots=True)
class Work:
    """What the jobs on record of a model have done: items by outcome, and the seconds that lanes spent on them."""

    items: Mapping[str, int]
    seconds: float


def status() -> Status:
    """A handful of queries, whatever there is of jobs and items; at most half a second for each queue that is away."""
    jobs = _active_jobs()
    return Status(
        workers=list(Worker.objects.live().order_by("name")),
        queues=[_queue_state(name, jobs) for name in _queues(jobs)],
        jobs=jobs,
        webhook_backlog=_webhook_backlog(),
    )


def jobs_by_status() -> dict[str, int]:
    """How many jobs on record have which status, with every status there."""
    counts = dict(Job.objects.order_by().values_list("status").annotate(Count("pk")))
    return {value: counts.get(value, 0) for value in Job.Status.values}


def work_by_model() -> dict[str, Work]:
    sums = (
        Job.objects.order_by()
        .values("model_type")
        .annotate(
            successful=Sum("successful_items"),
            skipped=Sum("skipped_items"),
            failed=Sum("failed_items"),
            seconds=Sum("work_seconds"),
        )
    )
    return {
        row["model_type"]: Work({name: row[name] for name in ("successful", "skipped", "failed")}, row["seconds"])
        for row in sums
    }


def _webhook_backlog() -> int:
    """Events that nobody has looked at yet, and deliveries that have not arrived."""
    waiting = WebhookDelivery.objects.filter(status=WebhookDelivery.Status.PENDING)
    return WebhookEvent.objects.filter(spread_at=None).count() + waiting.count()


def _active_jobs() -> list[ActiveJob]:
    jobs = list(Job.objects.active().select_related("created_by").order_by("id"))
    reasons = stalled_jobs(jobs)
    waiting, held = _chunks(Chunk.objects.claimable(), jobs), _chunks(Chunk.objects.leased(), jobs)
    return [ActiveJob(job, _queue_of(job), reasons.get(job.pk, ""), waiting[job.pk], held[job.pk]) for job in jobs]


def _chunks(chunks: QuerySet[Chunk], jobs: Iterable[Job]) -> Counter[int]:
    rows = chunks.filter(job__in=jobs).order_by().values_list("job").annotate(Count("pk"))
    return Counter(dict(rows))


def _queue_of(job: Job) -> str:
    try:
        return spec_for(job.model_type, job.model_version).queue
    except ModelUnavailable:
        return conf().queue


def _queues(jobs: Iterable[ActiveJob]) -> list[str]:
    return sorted({conf().queue, *(spec.queue for spec in catalog().values()), *(one.queue for one in jobs)})


def _queue_state(name: str, jobs: Iterable[ActiveJob]) -> QueueState:
    mine = [one for one in jobs if one.queue == name and one.job.paused_at is None]
    try:
        lanes: int | None = queue.depth(name)
    except queue.QueueDown:
        lanes = None
    now = timezone.now()
    ages = [(now - _since(one.job)).total_seconds() for one in mine if not one.held]
    return QueueState(name, lanes, sum(one.waiting for one in mine), max([0.0, *ages]))


def _since(job: Job) -> datetime:
    return max(moment for moment in (job.created_at, job.progressed_at) if moment)
