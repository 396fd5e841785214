"""A lane: one pass of one worker over one job. Plans what is unplanned, then claims, works and commits chunks.

A lane may be run any number of times, beside others, and may die anywhere: what counts is in the database.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from functools import partial

from django.db import IntegrityError

from autolabel import queue
from autolabel.conf import conf
from autolabel.exceptions import ModelUnavailable
from autolabel.hosts.base import Host, LabelTarget, Project
from autolabel.hosts.loader import get_host
from autolabel.inference.base import ModelInfo, ModelSpec, Predictor
from autolabel.inference.registry import load_predictor
from autolabel.inference.weights import may_pass
from autolabel.logs import bound
from autolabel.models import Chunk, ItemResult, Job, Worker

from . import leases, lifecycle, planner, turns
from .catalog import VersionGone, spec_for
from .commit import Fenced, JobEnded, commit_batch
from .matching import LabelMatcher, unfindable
from .patience import patiently
from .pipeline import Failure, Outcome, Stopped, StorageStalled, predict_items
from .refusals import kinds_refusal

__all__ = ["run_lane"]

logger = logging.getLogger(__name__)


def run_lane(job_uid: str, should_stop: Callable[[], bool] = lambda: False, holder: str = "") -> None:
    """Work on the job until nothing is left to claim, it ends or is paused, the lane's time is up, or `should_stop()`.

    `holder` is the name of the worker that runs the lane: what it holds can be given back at once when it dies.
    """
    with bound(job=job_uid, worker=holder):
        _run(job_uid, should_stop, holder)


def _run(job_uid: str, should_stop: Callable[[], bool], holder: str) -> None:
    jobs = Job.objects.select_related("created_by").filter(uid=job_uid)
    job = patiently(jobs.first, "a lane begins")
    if job is None or not job.is_active or job.paused_at is not None:
        return
    spec = _spec_of(job)
    if spec is None:
        return
    if not turns.has_room(spec):
        # Before the model is loaded, which may be why so few may run it.
        turns.wait(job)
        return
    host = get_host()
    lifecycle.start(job.pk)
    try:
        with host.worker_context(job.created_by):
            lane = _prepare(job, spec, host, holder)
            if lane is None:
                return
            for open_chunks in planner.plan_slices(job, host, lane.project):
                lane.ring_for_others(open_chunks)
                if should_stop():
                    break
            lane.work(should_stop)
    finally:
        turns.pass_on(job, spec)


def _spec_of(job: Job) -> ModelSpec | None:
    """The model at the job's version, or None where it cannot run here."""
    try:
        return spec_for(job.model_type, job.model_version)
    except VersionGone as error:
        lifecycle.fail(job.pk, str(error))
    except ModelUnavailable as error:
        _not_here(job, error)
    return None


def _not_here(job: Job, error: ModelUnavailable) -> None:
    """Where a live worker may have the model, the job is for that one, and the reaper rings again; else it fails."""
    Worker.objects.mark_unready(job.model_type, str(error), job.model_version, may_pass=may_pass(error))
    if not Worker.objects.can_run(job.model_type, job.model_version):
        lifecycle.fail(job.pk, str(error))


def _prepare(job: Job, spec: ModelSpec, host: Host, holder: str) -> _Lane | None:
    """Everything a lane needs, or None after failing the job because it can never run."""
    try:
        project = host.get_project_trusted(job.project_uid)
        predictor = load_predictor(spec)
    except LookupError:
        lifecycle.fail(job.pk, "The project no longer exists.")
        return None
    except ModelUnavailable as error:
        _not_here(job, error)
        return None
    targets = host.label_targets(project)
    unfit = _unfit(job, targets, predictor.info)
    if unfit:
        lifecycle.fail(job.pk, unfit)
        return None
    Job.objects.filter(pk=job.pk, model_info={}).update(model_info=_as_json(spec, predictor.info))
    job.refresh_from_db(fields=["status", "model_info"])
    matcher = LabelMatcher(
        targets, job.labels, job.confidence_threshold, thresholds=job.thresholds, label_map=job.label_map
    )
    return _Lane(job, host, project, spec, predictor, matcher, holder)


def _unfit(job: Job, targets: Sequence[LabelTarget], info: ModelInfo) -> str:
    """Why the model, as it turned out to be, cannot do what the job asks; empty when it can."""
    if job.boxes_to_masks:
        return "" if info.takes_boxes else f"The model {info.name} makes no masks from boxes."
    unknown = unfindable(job.labels, info.labels, job.label_map)
    if unknown:
        return f"The model {info.name} does not know {', '.join(unknown)}. It knows {', '.join(info.labels or ())}."
    return kinds_refusal(targets, job.labels, info.kinds, info.name)


def _as_json(spec: ModelSpec, info: ModelInfo) -> dict[str, object]:
    registered = {"model_type": spec.model_type, "registered_version": spec.version, "floor": spec.floor}
    return {**registered, **asdict(info)}


class _Lane:
    def __init__(
        self,
        job: Job,
        host: Host,
        project: Project,
        spec: ModelSpec,
        predictor: Predictor,
        matcher: LabelMatcher,
        holder: str,
    ) -> None:
        self._job, self._host, self.project = job, host, project
        self._spec, self._predictor, self._matcher = spec, predictor, matcher
        self._holder = holder

    def ring_for_others(self, open_chunks: int) -> None:
        """Ring for as many lanes as can be of use beside this one."""
        wanted = turns.useful_lanes(self._job, self._spec, open_chunks) - 1
        try:
            missing = wanted - queue.queued_lanes(self._job.uid, self._spec.queue)
            if missing > 0:
                queue.ring(self._job.uid, self._spec.queue, missing)
        except queue.QueueDown as error:
            logger.warning("No other lanes for job %s for now: %s", self._job.uid, error)

    def work(self, should_stop: Callable[[], bool]) -> None:
        ends_at = time.monotonic() + conf().lane_seconds
        while not should_stop():
            if time.monotonic() >= ends_at:
                if self._is_awaited():
                    return self._hand_over()
                ends_at = time.monotonic() + conf().lane_seconds
            chunk = patiently(lambda: leases.claim(self._job.pk, self._spec, self._holder), "claiming a chunk")
            if chunk is None:
                # Covers a planner that was killed between its last commit and its look at the open chunks.
                patiently(lambda: lifecycle.finish_if_done(self._job.pk), "looking whether a job is done")
                return None
            try:
                self._work_chunk(chunk, should_stop)
            except Fenced:
                logger.info("Lost the lease of %s; another lane has it.", chunk)
            except JobEnded:
                # A lease that nobody uses would hold a place of the model until it runs out.
                _release(chunk, refund=True)
                return None
            except Stopped:
                _release(chunk, refund=True)
            except StorageStalled as error:
                _release(chunk, refund=True)
                return self._stall(error)
            except BaseException:
                _release(chunk, refund=False)
                raise
        return self._hand_over()

    def _work_chunk(self, chunk: Chunk, should_stop: Callable[[], bool]) -> None:
        """Work the items of the chunk that have no result yet, one commit a batch; after a crash, one an item."""
        done = ItemResult.objects.filter(job=self._job, item_uid__in=chunk.item_uids)
        finished = set(patiently(lambda: list(done.values_list("item_uid", flat=True)), "reading what is done"))
        todo = [item_uid for item_uid in chunk.item_uids if item_uid not in finished]
        if not todo or chunk.attempts > conf().chunk_attempts:
            given_up = Failure("crashed_the_worker", f"Given up: its chunk failed {chunk.attempts - 1} times.")
            return self._commit(chunk, [Outcome(item_uid, failure=given_up) for item_uid in todo], close=True)
        left = len(todo)
        with leases.Watch(chunk) as watch:

            def stop() -> bool:
                return watch.over.is_set() or should_stop()

            began = time.monotonic()
            for outcomes in self._one_by_one(chunk, todo, stop) if chunk.attempts > 1 else self._predict(todo, stop):
                left -= len(outcomes)
                self._commit(chunk, outcomes, close=left == 0, seconds=time.monotonic() - began)
                began = time.monotonic()
        return None

    def _predict(self, item_uids: Sequence[str], stop: Callable[[], bool]) -> Iterator[list[Outcome]]:
        return predict_items(
            self._predictor,
            self._spec,
            self._host,
            self.project,
            item_uids,
            self._matcher.names(),
            stop=stop,
            boxes_to_masks=self._job.boxes_to_masks,
            label_key=self._matcher.label_of,
        )

    def _one_by_one(self, chunk: Chunk, todo: list[str], stop: Callable[[], bool]) -> Iterator[list[Outcome]]:
        """An attempt at the chunk has died: each item alone now, behind a mark that outlives this process.

        After `item_crashes` an item fails, and first of all: what is known of the chunk's last crash is of that item.
        Others that a worker has crashed on come last, so that the rest gets done.
        """
        given_up = [uid for uid in todo if chunk.crashes.get(uid, 0) >= conf().item_crashes]
        for item_uid in given_up:
            yield [Outcome(item_uid, failure=_crashed(chunk, item_uid))]
        rest = [uid for uid in todo if uid not in given_up]
        for item_uid in sorted(rest, key=lambda uid: chunk.crashes.get(uid, 0)):
            if stop():
                raise Stopped
            if not patiently(partial(leases.mark_in_flight, chunk, item_uid), "marking an item"):
                raise Fenced
            yield from self._predict([item_uid], stop)

    def _commit(self, chunk: Chunk, outcomes: list[Outcome], *, close: bool, seconds: float = 0) -> None:
        tries = 0

        def commit() -> None:
            nonlocal tries
            tries += 1
            try:
                commit_batch(self._job, chunk, outcomes, self._host, self._matcher, close=close, seconds=seconds)
            except IntegrityError as error:
                if tries == 1:
                    raise
                # The connection was lost after the server had committed: the results are there already.
                leases.release(chunk, refund=True)
                raise Fenced from error

        patiently(commit, "committing a batch")

    def _is_awaited(self) -> bool:
        """Whether another lane waits for this worker; a model that few may run always makes room."""
        if self._spec.concurrency is not None:
            return True
        try:
            return queue.depth(self._spec.queue) > 0
        except queue.QueueDown:
            return False  # whoever rings later finds us at the next look

    def _hand_over(self) -> None:
        """Ring for a successor, which stands in line behind the other jobs."""
        turns.pass_on(self._job, self._spec)
        try:
            if patiently(self._job.chunks.claimable().exists, "looking for more chunks"):
                queue.ring(self._job.uid, self._spec.queue)
        except queue.QueueDown as error:
            logger.warning("No successor for job %s; the reaper rings it: %s", self._job.uid, error)

    def _stall(self, error: StorageStalled) -> None:
        logger.warning("Job %s waits for the storage: %s", self._job.uid, error)
        Job.objects.active().filter(pk=self._job.pk).update(stalled_reason=f"Waits for the storage: {error}"[:200])


def _release(chunk: Chunk, *, refund: bool) -> None:
    patiently(lambda: leases.release(chunk, refund=refund), "giving a chunk back")


def _crashed(chunk: Chunk, item_uid: str) -> Failure:
    times = chunk.crashes[item_uid]
    note = f" Last: {chunk.crash_note}." if chunk.crash_note else ""
    return Failure("crashed_the_worker", f"The worker ended {times} times while it had only this item in hand.{note}")
