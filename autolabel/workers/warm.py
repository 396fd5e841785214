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
from typing import TYPE_CHECKING, Any, BinaryIO

from rq.executions import Execution
from rq.job import Job as RqJob
from rq.queue import Queue
from rq.worker import SpawnWorker

if TYPE_CHECKING:
    from resource import struct_rusage

    from .publish import Showcase

__all__ = ["WarmWorker", "horse_main"]

_DONE = b"d"
# How long an idle horse leaves to the next job before it loads a model to describe it.
_GRACE_SECONDS = 0.5


class _Horse:
    """The parent's hold on a work horse: its pid, the pipe that jobs go in by, the pipe that says they are done."""

    def __init__(self, pid: int, jobs_fd: int, done_fd: int) -> None:
        self.pid, self.jobs_fd, self.done_fd = pid, jobs_fd, done_fd
        self.jobs = 0

    def has_ended(self) -> bool:
        return os.waitpid(self.pid, os.WNOHANG)[0] != 0

    def close(self) -> None:
        os.close(self.jobs_fd)
        os.close(self.done_fd)


class WarmWorker(SpawnWorker):
    """SpawnWorker with a persistent work horse."""

    max_jobs_per_horse = 500
    _horse: _Horse | None = None
    _keep_warm = False

    def ensure_horse(self) -> _Horse:
        """The running horse, started anew if it has ended or has done its number of jobs."""
        self._keep_warm = True
        horse = self._horse
        if horse and horse.has_ended():
            horse.close()
            horse = None
        if horse and horse.jobs >= self.max_jobs_per_horse:
            self._retire()
            horse = None
        self._horse = horse or self._start()
        return self._horse

    def fork_work_horse(self, job: RqJob, queue: Queue) -> None:
        horse = self.ensure_horse()
        horse.jobs += 1
        self._horse_pid = horse.pid
        assert self.execution is not None
        os.write(horse.jobs_fd, pickle.dumps((job.id, queue.name, self.execution.id)))

    def wait_for_horse(self) -> tuple[int | None, int | None, struct_rusage | None]:
        """Returns when the horse has done its job (status 0) or has ended. RQ's alarm interrupts the read."""
        assert self._horse is not None
        if os.read(self._horse.done_fd, 1) == _DONE:
            return self._horse.pid, 0, None
        pid, status, usage = os.wait4(self._horse.pid, 0)
        self._horse.close()
        self._horse = None
        return pid, status, usage

    def heartbeat(self, *args: Any, **kwargs: Any) -> None:
        """RQ's own heartbeat; while idle it is also the moment to replace a horse that has died."""
        super().heartbeat(*args, **kwargs)
        if self._keep_warm and not self.horse_pid:
            self.ensure_horse()

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
        arguments = (os.getpid(), jobs_read, done_write, self.name, self.queue_names())
        source = (
            f"import sys; sys.path[:] = {sys.path!r}; "
            f"from autolabel.workers.warm import horse_main; horse_main(*{arguments!r})"
        )
        # A process group of its own, which RQ's kill is aimed at.
        pid = os.posix_spawn(sys.executable, [sys.executable, "-c", source], os.environ, setpgroup=0)
        os.close(jobs_read)
        os.close(done_write)
        return _Horse(pid, jobs_write, done_read)


def horse_main(parent_pid: int, jobs_fd: int, done_fd: int, worker_name: str, queues: list[str]) -> None:
    """The work horse: performs the jobs that its worker sends, and publishes the models while none is there."""
    from .process import die_with_parent

    die_with_parent(parent_pid)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    import django

    django.setup()
    from . import publish, tasks

    signal.signal(signal.SIGTERM, lambda *_: tasks.draining.set())
    logging.getLogger("rq.worker").setLevel(logging.WARNING)
    random.seed()
    publish.publish(worker_name, {})
    showcase = publish.Showcase(worker_name, queues)
    publish.start_heartbeat(worker_name, showcase, on_orphaned=lambda: os._exit(1))
    worker = _own_worker(worker_name, queues)
    with os.fdopen(jobs_fd, "rb") as jobs:
        _await_job(jobs, showcase, grace=0)
        while (message := _next(jobs)) is not None:
            _perform(worker, *message)
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
