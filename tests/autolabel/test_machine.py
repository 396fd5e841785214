"""What a machine, or a container on it, gives a worker."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from autolabel.workers import machine


@pytest.fixture
def groups(tmp_path: Path) -> Path:
    """The folder of the control groups; `/proc` is beside it."""
    (tmp_path / "proc/self").mkdir(parents=True)
    root = tmp_path / "cgroup"
    root.mkdir()
    return root


def write(root: Path, cgroup: str, **files: str) -> None:
    """`cgroup` is the text of /proc/self/cgroup; in names of files __ stands for / and _ for a dot, at the end."""
    (root.parent / "proc/self/cgroup").write_text(cgroup)
    for name, text in files.items():
        path = root / name.replace("__", "/").replace("_max", ".max").replace("dot", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def cpus(root: Path) -> int:
    return machine.cpus(root, root.parent / "proc")


def memory(root: Path) -> int:
    return machine.memory_bytes(root, root.parent / "proc")


HOST_CPUS = len(os.sched_getaffinity(0))
HOST_MEMORY = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def test_without_control_groups_it_is_the_host(groups: Path) -> None:
    assert cpus(groups) == HOST_CPUS
    assert memory(groups) == HOST_MEMORY


def test_a_quota_is_rounded_up_and_binds(groups: Path) -> None:
    write(groups, "0::/\n", cpu_max="50000 100000\n", memory_max="1073741824\n")
    assert cpus(groups) == 1
    assert memory(groups) == 1 << 30


def test_no_limit_is_the_host(groups: Path) -> None:
    write(groups, "0::/\n", cpu_max="max 100000\n", memory_max="max\n")
    assert cpus(groups) == HOST_CPUS
    assert memory(groups) == HOST_MEMORY


def test_the_smallest_limit_of_the_groups_above_binds(groups: Path) -> None:
    write(
        groups,
        "0::/pod/container\n",
        pod__memory_max="536870912\n",
        pod__container__memory_max="1073741824\n",
        pod__cpu_max="90000 100000\n",
    )
    assert memory(groups) == 1 << 29
    assert cpus(groups) == 1


def test_a_path_of_the_host_that_is_not_in_the_container_leaves_its_top(groups: Path) -> None:
    write(groups, "0::/docker/0123abcd\n", memory_max="268435456\n")
    assert memory(groups) == 1 << 28


def test_version_1_has_a_folder_for_each_controller(groups: Path) -> None:
    write(
        groups,
        "4:memory:/docker/1\n2:cpu,cpuacct:/docker/1\n",
        memory__memorydotlimit_in_bytes="134217728\n",
        cpu__cpudotcfs_quota_us="100000\n",
        cpu__cpudotcfs_period_us="100000\n",
    )
    assert memory(groups) == 1 << 27
    assert cpus(groups) == 1


def test_the_large_number_by_which_version_1_says_none_is_no_limit(groups: Path) -> None:
    write(groups, "4:memory:/\n", memory__memorydotlimit_in_bytes="9223372036854771712\n")
    assert memory(groups) == HOST_MEMORY


def test_the_memory_of_a_process_is_told_until_it_has_ended() -> None:
    script = "print(flush=True); input()"
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    with subprocess.Popen([sys.executable, "-c", script], **pipes) as process:
        assert process.stdout is not None
        process.stdout.readline()
        assert (machine.resident_bytes(process.pid) or 0) > 1 << 20
        process.kill()
        process.wait()
    assert machine.resident_bytes(process.pid) is None
