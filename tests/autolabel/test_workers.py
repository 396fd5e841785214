"""Real workers on a real queue, as processes; and what is left when they are killed."""

from __future__ import annotations

import hashlib
import os
import signal
import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.site import Site

ITEMS = 160
# A cycle of four images asks for 0, 1, 2 and 3 boxes.
DRAFTS = ITEMS // 4 * 6


@pytest.fixture
def site(make_site: Callable[..., Site]) -> Site:
    return make_site()


@pytest.fixture
def slow_site(make_site: Callable[..., Site]) -> Site:
    """A site whose model takes long enough for something to happen meanwhile: about 5 s for all items."""
    return make_site(FAKE_SECONDS="0.03")


def assert_exactly_once(outcome: dict[str, Any]) -> None:
    assert outcome["status"] == "completed", outcome
    assert outcome["total"] == ITEMS
    assert outcome["counted"] == outcome["results"] == [ITEMS // 4 * 3, ITEMS // 4, 0]
    assert outcome["drafts"] == outcome["drafts_of_results"] == outcome["drafts_in_summary"] == DRAFTS
    assert outcome["wrong_items"] == outcome["open_chunks"] == 0
    assert outcome["events"] == 1


def test_a_job_created_while_the_queue_is_down_runs_when_it_comes_up(site: Site) -> None:
    job = site.create_job(site.make_project(ITEMS))
    site.start("autolabel_worker")
    assert_exactly_once(site.outcome(job))


def test_ctrl_c_leaves_no_process_behind(slow_site: Site) -> None:
    project = slow_site.make_project(ITEMS)
    supervisor = slow_site.start("autolabel_worker", "--workers", "2")
    slow_site.wait_for(lambda: len(slow_site.processes("horse_main")) == 2, "two model processes")
    job = slow_site.create_job(project)
    slow_site.wait_for(slow_site.predicting_pids, "the job runs")
    supervisor.send_signal(signal.SIGINT)
    assert supervisor.wait(timeout=25) == 0
    assert slow_site.processes() == []
    # What it left half done is done by the next start.
    slow_site.start("autolabel_worker")
    assert_exactly_once(slow_site.outcome(job))


def test_a_killed_supervisor_leaves_no_process_behind(slow_site: Site) -> None:
    supervisor = slow_site.start("autolabel_worker")
    slow_site.wait_for(lambda: slow_site.processes("horse_main"), "the model process")
    supervisor.kill()
    supervisor.wait()
    slow_site.wait_for(lambda: not slow_site.processes(), "every process has ended", seconds=10)


@pytest.mark.parametrize("victim", ["horse_main", "autolabel.workers.run worker"])
def test_a_worker_killed_in_the_middle_loses_and_doubles_nothing(slow_site: Site, victim: str) -> None:
    project = slow_site.make_project(ITEMS)
    slow_site.start("autolabel_worker")
    slow_site.wait_for(lambda: slow_site.processes("horse_main"), "the model process")
    job = slow_site.create_job(project)
    slow_site.wait_for(slow_site.predicting_pids, "the job runs")
    time.sleep(0.5)
    for pid in slow_site.processes(victim):
        os.kill(pid, signal.SIGKILL)
    assert_exactly_once(slow_site.outcome(job))
    assert len(slow_site.predicting_pids()) == 2


def test_a_second_worker_started_meanwhile_takes_part(make_site: Callable[..., Site]) -> None:
    site = make_site(FAKE_SECONDS="0.1")  # the job shall outlast the start of a worker on a busy machine
    project = site.make_project(ITEMS)
    site.start("autolabel_worker")
    job = site.create_job(project)
    site.wait_for(site.predicting_pids, "the job runs")
    site.start("autolabel_worker", "--no-reaper")
    assert_exactly_once(site.outcome(job))
    assert len(site.predicting_pids()) == 2


def test_a_killed_queue_server_is_replaced_and_the_job_completes(slow_site: Site) -> None:
    project = slow_site.make_project(ITEMS)
    slow_site.start("autolabel_worker")
    job = slow_site.create_job(project)
    slow_site.wait_for(slow_site.predicting_pids, "the job runs")
    (server,) = slow_site.processes("valkey-server")
    os.kill(server, signal.SIGKILL)
    assert_exactly_once(slow_site.outcome(job))


def test_the_model_is_loaded_once_for_many_jobs(site: Site) -> None:
    project = site.make_project(8)
    site.start("autolabel_worker")
    for _ in range(3):
        assert site.outcome(site.create_job(project))["status"] == "completed"
    assert len(site.predicting_pids()) == 1


def test_a_model_registered_while_the_worker_runs_becomes_known_and_runs(site: Site) -> None:
    site.start("autolabel_worker")
    site.wait_for(lambda: "yolo" in ready_models(site), "the model of the settings is ready")
    project = site.make_project(8)
    data = b"weights"
    (site.data_dir / "screws.pt").write_bytes(data)
    place = ["--weights", str(site.data_dir / "screws.pt"), "--sha256", hashlib.sha256(data).hexdigest()]
    site.run("autolabel_model", "add", "screws", "--like", "yolo", "--version", "1", *place)

    site.wait_for(lambda: "screws" in ready_models(site), "the registered model is ready")
    output = site.run("autolabel", project, "--model", "screws")
    assert "Completed: 8 of 8 items" in output
    assert site.ask("from autolabel.models import Job\nanswer = Job.objects.get().model_version") == "1"


def ready_models(site: Site) -> list[str]:
    """What live workers have published as ready."""
    return list(
        site.ask(
            "from autolabel.models import Worker\n"
            "answer = [name for worker in Worker.objects.live()"
            " for name, facts in worker.served_models.items() if facts['ready']]"
        )
    )


def test_no_more_lanes_run_a_model_than_it_may_have(make_site: Callable[..., Site]) -> None:
    site = make_site(FAKE_SECONDS="0.01", FAKE_CONCURRENCY="1")
    projects = [site.make_project(ITEMS) for _ in range(2)]
    site.start("autolabel_worker", "--workers", "3")
    site.wait_for(lambda: len(ready_models(site)) == 3, "three workers are ready")
    jobs = [site.create_job(project) for project in projects]

    at_work = "from autolabel.models import Chunk\nanswer = Chunk.objects.leased().count()"
    seen = [site.ask(at_work)]
    ended = "from autolabel.models import Job\nanswer = not Job.objects.active().exists()"
    site.wait_for(lambda: seen.append(site.ask(at_work)) or site.ask(ended), "both jobs end", seconds=60)
    assert max(seen) == 1
    for job in jobs:
        assert_exactly_once(site.outcome(job))


def test_the_command_brings_its_own_worker_and_takes_it_away(site: Site) -> None:
    project = site.make_project(20)
    output = site.run("autolabel", project)
    assert "Completed: 20 of 20 items, 15 with drafts, 5 without, 0 failed." in output
    assert site.processes() == []


def test_ctrl_c_on_the_command_cancels_the_job_and_takes_the_worker_away(slow_site: Site) -> None:
    project = slow_site.make_project(ITEMS)
    command = slow_site.start("autolabel", project)
    slow_site.wait_for(slow_site.predicting_pids, "the job runs")
    command.send_signal(signal.SIGINT)
    assert command.wait(timeout=30) == 1
    assert slow_site.processes() == []
    last_job = "from autolabel.models import Job\nanswer = Job.objects.get().status"
    assert slow_site.ask(last_job) == "cancelled"
