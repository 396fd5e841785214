"""Leases on chunks: one lane has a chunk, a silent one loses it, and a lane that has lost it knows."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError
from django.db.models.functions import Now

from autolabel.inference.base import ModelSpec
from autolabel.jobs import leases, lifecycle
from autolabel.models import Chunk, Job, ModelDefault
from tests.factories import make_project

from .builders import in_threads, make_job

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def job() -> Job:
    job = make_job(make_project(), status="running")
    Chunk.objects.bulk_create(Chunk(job=job, item_uids=[f"item-{number}"]) for number in range(3))
    return job


def claim(job: Job) -> Chunk:
    chunk = leases.claim(job.pk)
    assert chunk is not None
    return chunk


def expire(chunk: Chunk) -> None:
    Chunk.objects.filter(pk=chunk.pk).update(lease_until=Now() - timedelta(seconds=1))


def wait_for(condition: Callable[[], Any], seconds: float = 5) -> None:
    ends_at = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < ends_at
        time.sleep(0.01)


def test_a_claim_takes_the_next_chunk_under_a_new_token(job: Job) -> None:
    first, second = claim(job), claim(job)

    assert first.pk < second.pk
    assert first.token != second.token
    assert (first.state, first.attempts) == ("leased", 1)
    assert Chunk.objects.leased().count() == 2


def test_nothing_is_claimed_twice_nor_beyond_the_last(job: Job) -> None:
    claimed = {claim(job).pk for _ in range(3)}

    assert len(claimed) == 3
    assert leases.claim(job.pk) is None


def test_lanes_that_claim_at_once_get_different_chunks(job: Job) -> None:
    Chunk.objects.bulk_create(Chunk(job=job, item_uids=["x"]) for _ in range(5))

    chunks = in_threads(*[lambda: leases.claim(job.pk)] * 8)
    # A claim may come back empty-handed when another was faster, but never with another's chunk.
    claimed = [chunk.pk for chunk in chunks if chunk]
    assert len(claimed) == len(set(claimed)) > 0
    assert Chunk.objects.leased().count() == len(claimed)


@pytest.mark.parametrize("status", ["pending", "completed", "failed", "cancelled"])
def test_a_job_that_does_not_run_gives_out_nothing(job: Job, status: str) -> None:
    job = make_job(make_project(), status=status)
    Chunk.objects.create(job=job, item_uids=["a"])

    assert leases.claim(job.pk) is None


def test_an_expired_lease_can_be_claimed_under_another_token(job: Job) -> None:
    first = claim(job)
    expire(first)

    again = claim(job)
    assert again.pk == first.pk
    assert again.token != first.token
    assert again.attempts == 2


def test_a_live_lease_cannot(job: Job) -> None:
    Chunk.objects.filter(job=job).update(state="leased", token="t", lease_until=Now() + timedelta(seconds=2))

    assert leases.claim(job.pk) is None


def test_a_release_gives_back_the_chunk_and_may_give_back_the_attempt(job: Job) -> None:
    chunk = claim(job)
    leases.release(chunk, refund=True)
    chunk.refresh_from_db()
    assert (chunk.state, chunk.token, chunk.attempts, chunk.lease_until) == ("waiting", "", 0, None)

    again = claim(job)
    leases.release(again, refund=False)
    again.refresh_from_db()
    assert (again.state, again.attempts) == ("waiting", 1)


def test_a_release_leaves_alone_what_another_lane_has_claimed_meanwhile(job: Job) -> None:
    stale = claim(job)
    expire(stale)
    current = claim(job)

    leases.release(stale, refund=True)

    stale.refresh_from_db()
    assert (stale.state, stale.token, stale.attempts) == ("leased", current.token, 2)


def test_only_expired_leases_are_released(job: Job) -> None:
    silent, live = claim(job), claim(job)
    expire(silent)

    assert leases.release_expired(job.pk) == 1
    silent.refresh_from_db()
    live.refresh_from_db()
    assert (silent.state, silent.token, silent.attempts) == ("waiting", "", 1)
    assert live.state == "leased"


class TestConcurrency:
    """At most so many lanes run a model at once, over all jobs and workers."""

    SPEC = ModelSpec("yolo", "x", None, "", "autolabel", concurrency=2)

    @pytest.fixture
    def jobs(self, job: Job) -> list[Job]:
        """Four running jobs of that model with many chunks each."""
        jobs = [job, *(make_job(make_project(), status="running") for _ in range(3))]
        Chunk.objects.bulk_create(Chunk(job=each, item_uids=["x"]) for each in jobs for _ in range(6))
        return jobs

    def test_no_lane_gets_a_chunk_beyond_the_limit_until_another_is_done(self, jobs: list[Job]) -> None:
        first, second = leases.claim(jobs[0].pk, self.SPEC), leases.claim(jobs[1].pk, self.SPEC)
        assert first
        assert second
        assert leases.claim(jobs[2].pk, self.SPEC) is None

        leases.release(first, refund=True)
        assert leases.claim(jobs[2].pk, self.SPEC)
        expire(second)  # its worker was killed
        assert leases.claim(jobs[3].pk, self.SPEC)
        assert leases.claim(jobs[0].pk, self.SPEC) is None

    def test_of_lanes_that_claim_at_once_exactly_so_many_get_one(self, jobs: list[Job]) -> None:
        for _ in range(5):
            chunks = in_threads(*[lambda job=each: leases.claim(job.pk, self.SPEC) for each in jobs * 2])
            claimed = [chunk for chunk in chunks if chunk]
            assert len(claimed) == Chunk.objects.leased().count() == 2
            for chunk in claimed:
                leases.release(chunk, refund=True)

    def test_another_model_has_places_of_its_own(self, jobs: list[Job]) -> None:
        Job.objects.filter(pk=jobs[0].pk).update(model_type="sam3")
        assert leases.claim(jobs[0].pk)
        for each in jobs[1:3]:
            assert leases.claim(each.pk, self.SPEC)
        assert leases.claim(jobs[3].pk, self.SPEC) is None

    def test_a_model_without_a_limit_takes_no_lock(self, jobs: list[Job]) -> None:
        leases.claim(jobs[0].pk, replace(self.SPEC, concurrency=None))
        assert not ModelDefault.objects.exists()

        leases.claim(jobs[0].pk, self.SPEC)
        # The row that serves as the lock says nothing about versions.
        assert ModelDefault.objects.get().version is None


class TestWatch:
    @pytest.fixture(autouse=True)
    def fast(self, configure: Callable[..., None]) -> None:
        configure(CANCEL_POLL_SECONDS=0.01, HEARTBEAT_SECONDS=0.02, LEASE_SECONDS=60)

    def test_it_keeps_the_lease_alive(self, job: Job) -> None:
        chunk = claim(job)
        Chunk.objects.filter(pk=chunk.pk).update(lease_until=Now() + timedelta(seconds=5))
        soon = Chunk.objects.get(pk=chunk.pk).lease_until
        assert soon is not None

        with leases.Watch(chunk) as watch:
            wait_for(lambda: Chunk.objects.get(pk=chunk.pk).lease_until > soon + timedelta(seconds=30))
            assert not watch.over.is_set()

    def test_it_notices_a_cancelled_job(self, job: Job) -> None:
        with leases.Watch(claim(job)) as watch:
            lifecycle.cancel(job.pk)
            assert watch.over.wait(5)

    def test_it_notices_a_lost_lease_and_does_not_renew_it(self, job: Job) -> None:
        chunk = claim(job)
        with leases.Watch(chunk) as watch:
            Chunk.objects.filter(pk=chunk.pk).update(token="another", lease_until=None)
            assert watch.over.wait(5)
        assert Chunk.objects.get(pk=chunk.pk).lease_until is None

    def test_it_ends_with_the_work(self, job: Job) -> None:
        with leases.Watch(claim(job)) as watch:
            pass
        assert not watch._thread.is_alive()

    def test_it_outlives_a_database_that_is_away_for_a_moment(self, job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
        """Or else a lane would lose its lease, and no longer hear of a cancel, for one refused connection."""
        chunk = claim(job)
        real, failures = leases.lease_end, [OperationalError("away"), OperationalError("away")]

        def sometimes_away() -> object:
            if failures:
                raise failures.pop()
            return real()

        monkeypatch.setattr(leases, "lease_end", sometimes_away)
        with leases.Watch(chunk) as watch:
            wait_for(lambda: not failures)
            lifecycle.cancel(job.pk)
            assert watch.over.wait(5)
