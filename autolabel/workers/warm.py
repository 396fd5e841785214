"""An RQ worker whose work horse stays alive between jobs, so that a model is loaded once.

RQ's default worker forks for every job: the model would be loaded each time, and a process forked after torch has run
can deadlock. Here the horse is spawned, gets one job id after the other through a pipe, and is replaced after a number
of them. It is still a process of its own: RQ's kill and stop commands work, and a crash takes nothing else with it.
"""

from __future__ import annotations

import contextlib
import logging
import os
import pickle
import random
import select
import signal
import sys
import threading
from typing import TYPE_CHECKING, Any, BinaryIO

from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError
from rq.exceptions import InvalidJobOperation, NoSuchJobError
from rq.executions import Execution
from rq.job import Job as RqJob
from rq.queue import Queue
from rq.worker import SpawnWorker

from . import machine

if TYPE_CHECKING:
    from resource import struct_rusage

    from .publish import Showcase

__all__ = ["WarmWorker", "horse_main"]

logger = logging.getLogger(__name__)

_DONE = b"d"
# What RQ raises where its server is away, or has come back without what it knew.
_QUEUE_LOST = (RedisError, NoSuchJobError, InvalidJobOperation)
# How often the parent looks at the memory of its horse.
_MEMORY_SECONDS = 0.1
# A horse that keeps so much of its memory after a job, and much more than after its first, is replaced.
_FULL, _GROWN = 0.8, 1.3
# How long an idle horse leaves to the next job before it loads a model to describe it.
_GRACE_SECONDS = 0.5


class _Horse:
    """The parent's hold on a work horse: its pid, the pipe that jobs go in by, the pipe that says they are done."""

    def __init__(self, pid: int, jobs_fd: int, done_fd: int, holder: str) -> None:
        self.pid, self.jobs_fd, self.done_fd, self.holder = pid, jobs_fd, done_fd, holder
        self.jobs = 0
        # Its memory after its first job, with the model in it.
        self.settled_bytes = 0
        # How it came to its end, where we know.
        self.note = ""

    def has_ended(self) -> bool:
        return os.waitpid(self.pid, os.WNOHANG)[0] != 0

    def close(self) -> None:
        os.close(self.jobs_fd)
        os.close(self.done_fd)


class WarmWorker(SpawnWorker):
    """SpawnWorker with a persistent work horse, which lives through the absence of its queue server.

    What a dead horse held is given back at once. One that uses more memory than it may is killed.
    """

    max_jobs_per_horse = 500
    # RQ would wait up to a minute between two tries to reach its server.
    max_connection_wait_time = 5.0
    _horse: _Horse | None = None
    _job: RqJob | None = None
    _horses = 0
    _keep_warm = False
    _memory_bytes = 0

    def watch_memory(self, limit_bytes: int) -> None:
        """From now on kill a horse whose resident memory is beyond the limit: it dies here, not at the hands of the
        kernel, which might choose another."""
        self._memory_bytes = limit_bytes
        threading.Thread(target=self._watch_memory, name="memory", daemon=True).start()

    def _watch_memory(self) -> None:
        pause = threading.Event()
        while not pause.wait(_MEMORY_SECONDS):
            horse = self._horse
            used = machine.resident_bytes(horse.pid) if horse else None
            if horse and used and used > self._memory_bytes and not horse.note:
                horse.note = f"used more than {self._memory_bytes // 2**20:,} MB of memory"
                logger.warning("The model process %s %s, and is killed.", horse.pid, horse.note)
                with contextlib.suppress(ProcessLookupError):
                    os.kill(horse.pid, signal.SIGKILL)

    def ensure_horse(self) -> _Horse:
        """The running horse, started anew if it has ended, has done its number of jobs, or has grown too large."""
        self._keep_warm = True
        if self._horse and self._horse.has_ended():
            self._bury(self._horse, None)
        if self._horse and self._is_spent(self._horse):
            self._retire()
        self._horse = self._horse or self._start()
        return self._horse

    def _is_spent(self, horse: _Horse) -> bool:
        if horse.jobs >= self.max_jobs_per_horse:
            return True
        used = machine.resident_bytes(horse.pid) or 0
        if horse.jobs == 1 and not horse.settled_bytes:
            horse.settled_bytes = used
        is_full = self._memory_bytes and used > _FULL * self._memory_bytes
        return bool(is_full and horse.jobs > 1 and used > _GROWN * horse.settled_bytes)

    def _bury(self, horse: _Horse, job: RqJob | None) -> None:
        """The horse has died: what it held is worked on by others, or by its successor."""
        from .bereaved import give_back  # Django is set up here, but not where a horse imports this module

        horse.close()
        self._horse = None
        job_uids = [str(job.args[0])] if job is not None and job.args else []
        give_back(horse.holder, horse.note or "its process was killed, or crashed", self.name, job_uids)

    def execute_job(self, job: RqJob, queue: Queue) -> None:
        try:
            super().execute_job(job, queue)
        except _QUEUE_LOST as error:
            # The lane has run or will be rung again; what RQ notes about it is of no use to us.
            logger.warning("The queue server was away at the end of %s: %s", job.id, error)
            self._horse_pid = 0

    def fork_work_horse(self, job: RqJob, queue: Queue) -> None:
        assert self.execution is not None
        message = pickle.dumps((job.id, queue.name, self.execution.id))
        horse = self.ensure_horse()
        try:
            os.write(horse.jobs_fd, message)
        except BrokenPipeError:  # it has died this very moment
            os.waitpid(horse.pid, 0)
            self._bury(horse, None)
            horse = self.ensure_horse()
            os.write(horse.jobs_fd, message)
        horse.jobs += 1
        self._job = job
        self._horse_pid = horse.pid

    def wait_for_horse(self) -> tuple[int | None, int | None, struct_rusage | None]:
        """Returns when the horse has done its job (status 0) or has ended. RQ's alarm interrupts the read."""
        horse = self._horse
        if horse is None:
            return None, None, None
        if os.read(horse.done_fd, 1) == _DONE:
            return horse.pid, 0, None
        pid, status, usage = os.wait4(horse.pid, 0)
        self._bury(horse, self._job)
        return pid, status, usage

    def monitor_work_horse(self, job: RqJob, queue: Queue, execution: Execution) -> None:
        """RQ's own, but that a server that is away ends nothing: the horse does not need it for its work."""
        while True:
            try:
                super().monitor_work_horse(job, queue, execution)
                return
            except RedisError as error:
                logger.warning("The queue server is away while %s runs: %s", job.id, error)
                if not self._horse_pid:  # it is done
                    raise

    def heartbeat(self, *args: Any, **kwargs: Any) -> None:
        """RQ's own heartbeat; while idle it is also the moment to replace a horse that has died."""
        with contextlib.suppress(RedisError):  # the next command of the loop notices, and waits
            super().heartbeat(*args, **kwargs)
        if self._keep_warm and not self.horse_pid:
            self.ensure_horse()

    def set_state(self, *args: Any, **kwargs: Any) -> None:
        with contextlib.suppress(RedisError):  # ours is set, the server's is for RQ's dashboards
            super().set_state(*args, **kwargs)

    def check_for_suspension(self, burst: bool) -> None:
        with contextlib.suppress(RedisError):
            super().check_for_suspension(burst)

    def run_maintenance_tasks(self) -> None:
        with contextlib.suppress(RedisError):
            super().run_maintenance_tasks()  # type: ignore[no-untyped-call]

    def set_shutdown_requested_date(self) -> None:
        with contextlib.suppress(RedisError):
            super().set_shutdown_requested_date()  # type: ignore[no-untyped-call]

    def register_death(self) -> None:
        with contextlib.suppress(RedisError):
            super().register_death()  # type: ignore[no-untyped-call]

    def _pubsub_exception_handler(self, exc: Exception, pubsub: Any, pubsub_thread: Any) -> None:
        """A server that hangs is no reason to be deaf to its commands for good."""
        if isinstance(exc, RedisError):
            exc = RedisConnectionError(str(exc))
        super()._pubsub_exception_handler(exc, pubsub, pubsub_thread)

    def handle_warm_shutdown_request(self) -> None:
        """Asked to end: the horse stops at its next batch and hands its job over."""
        if self._horse:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._horse.pid, signal.SIGTERM)

    def teardown(self) -> None:
        self._keep_warm = False
        self._retire()
        super().teardown()  # type: ignore[no-untyped-call]

    def _retire(self) -> None:
        """End an idle horse: it exits when its pipe closes."""
        if self._horse:
            horse, self._horse = self._horse, None
            horse.close()
            with contextlib.suppress(ChildProcessError):
                os.waitpid(horse.pid, 0)

    def _start(self) -> _Horse:
        jobs_read, jobs_write = os.pipe()
        done_read, done_write = os.pipe()
        os.set_inheritable(jobs_read, True)
        os.set_inheritable(done_write, True)
        self._horses += 1
        holder = f"{self.name}#{self._horses}"
        arguments = (os.getpid(), jobs_read, done_write, self.name, self.queue_names(), holder)
        source = (
            f"import sys; sys.path[:] = {sys.path!r}; "
            f"from autolabel.workers.warm import horse_main; horse_main(*{arguments!r})"
        )
        # A process group of its own, which RQ's kill is aimed at.
        pid = os.posix_spawn(sys.executable, [sys.executable, "-c", source], os.environ, setpgroup=0)
        os.close(jobs_read)
        os.close(done_write)
        return _Horse(pid, jobs_write, done_read, holder)


def horse_main(parent_pid: int, jobs_fd: int, done_fd: int, worker_name: str, queues: list[str], holder: str) -> None:
    """The work horse: performs the jobs that its worker sends, and publishes the models while none is there."""
    from .process import die_with_parent

    die_with_parent(parent_pid)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    import django

    django.setup()
    from . import publish, tasks

    signal.signal(signal.SIGTERM, lambda *_: tasks.draining.set())
    tasks.identity.worker, tasks.identity.holder = worker_name, holder
    logging.getLogger("rq.worker").setLevel(logging.WARNING)
    random.seed()
    publish.publish(worker_name, {})
    showcase = publish.Showcase(worker_name, queues)
    publish.start_heartbeat(worker_name, showcase, on_orphaned=lambda: os._exit(1))
    worker = _own_worker(worker_name, queues)
    with os.fdopen(jobs_fd, "rb") as jobs:
        _await_job(jobs, showcase, grace=0)
        while (message := _next(jobs)) is not None:
            try:
                _perform(worker, *message)
            except _QUEUE_LOST as error:
                logger.warning("The queue server was away: %s", error)
            os.write(done_fd, _DONE)
            showcase.after_job()
            _await_job(jobs, showcase, grace=_GRACE_SECONDS)
    publish.withdraw(worker_name)
    os._exit(0)  # without waiting for threads that libraries have left behind


def _await_job(jobs: BinaryIO, showcase: Showcase, grace: float) -> None:
    """Returns when a job has come or the pipe is closed; works on the showcase meanwhile.

    Models are loaded in this thread, which also performs the jobs: two that load or run at once would share the
    memory, and libraries are not made for it. `grace` is left to a job that is on its way, which goes first.
    """
    from .tasks import draining

    pause = grace
    while not select.select([jobs], [], [], pause)[0]:
        # Nothing long is begun by a process that is about to end.
        pause = _GRACE_SECONDS if draining.is_set() else showcase.step()


def _next(jobs: BinaryIO) -> tuple[str, str, str] | None:
    try:
        # One message is in the pipe at most, so that nothing hides from `select` in the buffer.
        message: tuple[str, str, str] = pickle.load(jobs)  # noqa: S301  (our parent's pipe)
    except EOFError:
        return None
    return message


def _own_worker(name: str, queues: list[str]) -> WarmWorker:
    """The worker as this process needs it, to perform jobs in its name; connected through the settings."""
    import django_rq

    connection = django_rq.get_connection(queues[0])
    worker = WarmWorker(queues, name=name, connection=connection, prepare_for_work=False)
    worker._is_horse = True
    return worker


def _perform(worker: WarmWorker, rq_id: str, queue_name: str, execution_id: str) -> None:
    from django.db import close_old_connections

    connection = worker.connection
    job = RqJob.fetch(rq_id, connection=connection)
    execution = Execution.fetch(execution_id, rq_id, connection=connection)
    execution._job = job
    worker.execution = execution
    close_old_connections()
    try:
        worker.perform_job(job, Queue(queue_name, connection=connection), execution)
    finally:
        worker.executions.clear()
        close_old_connections()
