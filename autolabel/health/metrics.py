"""The figures for Prometheus, read from the database at each scrape: right in every process, after every restart."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric, SummaryMetricFamily
from prometheus_client.registry import Collector

from autolabel.jobs.status import Status, jobs_by_status, status, work_by_model

__all__ = ["exposition"]


def exposition() -> bytes:
    """The text that Prometheus reads."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Rows())
    return bytes(generate_latest(registry))


class _Rows(Collector):
    """Gauges of what is on record: pruning old jobs makes them smaller."""

    def collect(self) -> Iterator[Metric]:
        now = status()
        yield _gauge("autolabel_jobs", "Jobs on record by status.", ["status"], _one(jobs_by_status()))
        yield _gauge("autolabel_jobs_stalled", "Active jobs that make no progress.", [], {(): now.stalled})
        yield _gauge("autolabel_jobs_paused", "Active jobs that are paused.", [], {(): now.paused})
        yield from _work()
        yield from _queues(now)
        yield _gauge("autolabel_workers_alive", "Workers with a recent heartbeat.", [], {(): len(now.workers)})
        yield _gauge("autolabel_workers_ready", "Of those, by model that they run.", ["model_type"], _one(_ready(now)))
        yield _gauge(
            "autolabel_webhook_backlog", "Webhook deliveries that have not arrived.", [], {(): now.webhook_backlog}
        )


def _work() -> Iterator[Metric]:
    work = work_by_model()
    items = {(name, outcome): count for name, one in work.items() for outcome, count in one.items.items()}
    yield _gauge("autolabel_items", "Items of the jobs on record by outcome.", ["model_type", "outcome"], items)
    seconds = SummaryMetricFamily(
        "autolabel_item_seconds", "What workers have spent on an item, decoding to commit.", labels=["model_type"]
    )
    for name, one in work.items():
        seconds.add_metric([name], count_value=sum(one.items.values()), sum_value=one.seconds)
    yield seconds


def _queues(now: Status) -> Iterator[Metric]:
    up = {(one.name,): int(one.is_up) for one in now.queues}
    lanes = {(one.name,): one.lanes for one in now.queues if one.lanes is not None}
    chunks = {(one.name,): one.chunks_waiting for one in now.queues}
    ages = {(one.name,): one.age_seconds for one in now.queues}
    yield _gauge("autolabel_queue_up", "Whether the queue's server answers.", ["queue"], up)
    yield _gauge("autolabel_queue_lanes", "Lanes that wait in the queue.", ["queue"], lanes)
    yield _gauge("autolabel_chunks_waiting", "What workers could take now; scale by it.", ["queue"], chunks)
    yield _gauge("autolabel_queue_age_seconds", "How long the oldest job waits that nobody works on.", ["queue"], ages)


def _ready(now: Status) -> dict[str, int]:
    models: Counter[str] = Counter()
    for worker in now.workers:
        models.update({name: int(facts["ready"]) for name, facts in worker.served_models.items()})
    return dict(models)


def _one(values: dict[str, int]) -> dict[tuple[str], int]:
    return {(name,): value for name, value in values.items()}


def _gauge(name: str, text: str, labels: list[str], values: Mapping[Any, float]) -> GaugeMetricFamily:
    """`values` by the labels' values, as a tuple."""
    family = GaugeMetricFamily(name, text, labels=labels)
    for key, value in values.items():
        family.add_metric(list(key), value)
    return family
