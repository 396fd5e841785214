"""The doorbell: tells workers that a job has something to do. The only place that enqueues; ids out, nothing else.

Redis may lose every ring, repeat it or be away: the rows in the database say what is to be done, a lane that finds
nothing ends at once, and the reaper rings again.
"""

from __future__ import annotations

import logging
from functools import lru_cache

import django_rq
from django.core.signals import setting_changed
from django.db import router, transaction
from redis import ConnectionPool, Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry
from rq import Queue
from rq.command import send_stop_job_command
from rq.exceptions import NoSuchJobError
from rq.job import Job as RqJob
from rq.job import JobStatus

from autolabel.models import Job

__all__ = ["QueueDown", "depth", "queued_lanes", "ring", "ring_on_commit", "stop_lanes"]

logger = logging.getLogger(__name__)

TASK = "autolabel.workers.tasks.run_lane"
# A web request must not wait for a frozen server.
_TIMEOUT_SECONDS = 0.5


class QueueDown(Exception):
    """The queue server did not answer."""


def ring_on_commit(job_uid: str, queue: str, lanes: int = 1) -> None:
    """Ring once the current transaction is committed; a queue that is down is left to the reaper."""

    def ring_or_log() -> None:
        try:
            ring(job_uid, queue, lanes)
        except QueueDown as error:
            logger.info("Job %s is stored, but the queue does not answer (%s); the reaper rings it.", job_uid, error)

    transaction.on_commit(ring_or_log, using=router.db_for_write(Job), robust=True)


def ring(job_uid: str, queue: str, lanes: int = 1) -> None:
    """Enqueue `lanes` lanes of the job. Raises QueueDown."""
    try:
        rq_queue = _queue(queue)
        last = int(rq_queue.connection.incrby(f"autolabel:lanes:{job_uid}", lanes))
        rq_queue.connection.expire(f"autolabel:lanes:{job_uid}", 7 * 24 * 3600)
        for number in range(last - lanes + 1, last + 1):
            rq_queue.enqueue_call(
                TASK,
                args=(job_uid,),
                job_id=_lane_id(job_uid, number),
                timeout=-1,  # our leases are the timeout
                result_ttl=0,
                failure_ttl=24 * 3600,
                description=f"lane {number} of job {job_uid}",
            )
    except RedisError as error:
        raise QueueDown(str(error)) from error


def queued_lanes(job_uid: str, queue: str) -> int:
    """How many lanes of the job wait in the queue. Raises QueueDown."""
    try:
        return sum(rq_id.startswith(_lane_id(job_uid, "")) for rq_id in _queue(queue).job_ids)
    except RedisError as error:
        raise QueueDown(str(error)) from error


def depth(queue: str) -> int:
    """How many lanes, of whichever jobs, wait in the queue. Raises QueueDown."""
    try:
        return int(_queue(queue).count)
    except RedisError as error:
        raise QueueDown(str(error)) from error


def stop_lanes(job_uid: str, queue: str) -> int:
    """Kill the model processes that still run lanes of the job; returns how many. Raises QueueDown."""
    try:
        connection = _queue(queue).connection
        started = _queue(queue).started_job_registry
        stopped = 0
        for rq_id in started.get_job_ids(cleanup=False):
            if not rq_id.startswith(_lane_id(job_uid, "")):
                continue
            try:
                if RqJob.fetch(rq_id, connection=connection).get_status() == JobStatus.STARTED:
                    send_stop_job_command(connection, rq_id)
                    stopped += 1
            except (NoSuchJobError, ValueError):
                continue  # it has ended by itself meanwhile
        return stopped
    except RedisError as error:
        raise QueueDown(str(error)) from error


def _lane_id(job_uid: str, number: int | str) -> str:
    return f"al-{job_uid}-{number}"


@lru_cache(maxsize=16)
def _queue(name: str) -> Queue:
    """The queue on a connection of its own: short timeouts, no retries, rung outside of transactions by us."""
    pool = django_rq.get_connection(name).connection_pool
    kwargs = {
        **pool.connection_kwargs,
        "socket_timeout": _TIMEOUT_SECONDS,
        "socket_connect_timeout": _TIMEOUT_SECONDS,
        "retry": Retry(NoBackoff(), 0),
    }
    return Queue(name, connection=Redis(connection_pool=ConnectionPool(pool.connection_class, **kwargs)))


def _forget(*, setting: str, **kwargs: object) -> None:
    if setting == "RQ_QUEUES":
        _queue.cache_clear()


setting_changed.connect(_forget)
