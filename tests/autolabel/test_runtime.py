"""Which engine computes, what becomes of one that fails, and what is kept of an export."""

from __future__ import annotations

import dataclasses
import json
import multiprocessing
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from autolabel.exceptions import ModelUnavailable
from autolabel.inference import engines, exports, runtime
from autolabel.inference.base import ModelSpec
from autolabel.inference.cache import cache_folder
from autolabel.inference.exports import exported
from autolabel.inference.registry import get_spec
from autolabel.inference.runtime import Exportable, choose_engine
from autolabel.inference.yolo import YoloPredictor

ROOT = Path(__file__).resolve().parents[2]
SIZE = 32


@pytest.fixture(autouse=True)
def cache(configure: Callable[..., None], tmp_path: Path) -> Path:
    configure(CACHE_DIR=tmp_path / "cache")
    return tmp_path / "cache"


def spec(engine: str = "auto") -> ModelSpec:
    return ModelSpec("tiny", "x.Y", None, "ab" * 32, "autolabel", engine=engine)  # type: ignore[arg-type]


def doubled(images: np.ndarray) -> list[np.ndarray]:
    return [images * 2]


def far_apart(outputs: Sequence[np.ndarray], wanted: Sequence[np.ndarray]) -> str:
    return "" if np.allclose(outputs[0], wanted[0]) else "numbers by 1"


class Exports:
    """A network that doubles numbers, exported as a text that says so."""

    def __init__(self) -> None:
        self.made: list[str] = []

    def subject(self, reference: Callable[[np.ndarray], list[np.ndarray]] = doubled) -> Exportable:
        return Exportable(reference, SIZE, {"ultralytics": "8"}, self.export, far_apart)

    def export(self, format_name: str, folder: Path) -> None:
        self.made.append(format_name)
        (folder / f"network.{format_name}").write_text("times 2")


@pytest.fixture
def exports_made() -> Exports:
    return Exports()


@pytest.fixture(autouse=True)
def two_engines(monkeypatch: pytest.MonkeyPatch) -> None:
    """`swift` and `steady` in place of the libraries; tests of the real ones build a YoloPredictor."""

    import torch

    def load(path: Path, threads: int) -> engines.Network:
        assert threads == torch.get_num_threads()
        assert path.read_text() == "times 2"
        return doubled

    named = [
        engines.ExportedEngine(name, name.title(), ("numpy",), name, f"*.{name}", load) for name in ("swift", "steady")
    ]
    monkeypatch.setattr(runtime, "ENGINES", tuple(named))


def replace_engine(monkeypatch: pytest.MonkeyPatch, name: str, **changes: Any) -> None:
    changed = tuple(dataclasses.replace(e, **changes) if e.name == name else e for e in runtime.ENGINES)
    monkeypatch.setattr(runtime, "ENGINES", changed)


# Choosing


def test_auto_takes_the_fastest_engine(exports_made: Exports) -> None:
    running = choose_engine(spec(), "cpu", exports_made.subject())
    assert (running.engine, running.notes) == ("swift", ())
    assert running.network is not None
    assert "numpy" in running.libraries
    assert exports_made.made == ["swift"]


def test_auto_leaves_a_gpu_to_pytorch(exports_made: Exports) -> None:
    running = choose_engine(spec(), "cuda:0", exports_made.subject())
    assert (running.engine, running.network, running.notes) == ("pytorch", None, ())
    assert exports_made.made == []


def test_pytorch_exports_nothing(exports_made: Exports) -> None:
    assert choose_engine(spec("pytorch"), "cpu", exports_made.subject()).network is None
    assert exports_made.made == []


def test_an_engine_can_be_named(exports_made: Exports) -> None:
    assert choose_engine(spec("steady"), "cpu", exports_made.subject()).engine == "steady"


# Falling back


def test_auto_passes_over_an_engine_that_is_not_installed(
    exports_made: Exports, monkeypatch: pytest.MonkeyPatch
) -> None:
    replace_engine(monkeypatch, "swift", packages=("a_library_that_nobody_has",))
    running = choose_engine(spec(), "cpu", exports_made.subject())
    assert running.engine == "steady"
    assert running.notes == ("Swift is not installed (pip install a_library_that_nobody_has).",)


def test_auto_falls_back_to_pytorch_when_the_export_fails(exports_made: Exports) -> None:
    def export(format_name: str, folder: Path) -> None:
        raise RuntimeError("unknown operator in /srv/secret")

    subject = dataclasses.replace(exports_made.subject(), export=export)
    running = choose_engine(spec(), "cpu", subject)
    assert (running.engine, running.network) == ("pytorch", None)
    assert running.notes == (
        "Swift cannot run it (RuntimeError; the worker's log says more).",
        "Steady cannot run it (RuntimeError; the worker's log says more).",
        "PyTorch runs it, more slowly.",
    )


def test_auto_falls_back_to_pytorch_when_results_differ(exports_made: Exports) -> None:
    running = choose_engine(spec(), "cpu", exports_made.subject(reference=lambda images: [images * 2 + 1]))
    assert running.engine == "pytorch"
    assert "Swift is not used, because its results differ from PyTorch's: numbers by 1." in running.notes


def test_auto_falls_back_to_pytorch_when_the_cache_is_unsafe(exports_made: Exports, cache: Path) -> None:
    cache.mkdir(mode=0o777)
    cache.chmod(0o777)
    running = choose_engine(spec(), "cpu", exports_made.subject())
    assert running.engine == "pytorch"
    assert "CACHE_DIR" in running.notes[0]
    assert exports_made.made == []


@pytest.mark.parametrize(
    ("engine", "device", "reason"),
    [
        ("swift", "cpu", r"ENGINE of 'tiny' is 'swift', but Swift is not installed"),
        ("swift", "cuda:0", r"runs on the CPU, but the model runs on cuda:0"),
        ("abacus", "cpu", r"'abacus'; give one of auto, pytorch, swift, steady"),
    ],
)
def test_an_engine_that_is_named_and_cannot_be_had_is_no_other(
    exports_made: Exports, monkeypatch: pytest.MonkeyPatch, engine: str, device: str, reason: str
) -> None:
    replace_engine(monkeypatch, "swift", packages=("a_library_that_nobody_has",))
    with pytest.raises(ModelUnavailable, match=reason):
        choose_engine(spec(engine), device, exports_made.subject())


# What is kept


def test_an_export_is_made_once(exports_made: Exports) -> None:
    for _ in range(2):
        choose_engine(spec("swift"), "cpu", exports_made.subject())
    assert exports_made.made == ["swift"]


@pytest.mark.parametrize(
    "change",
    [
        lambda spec, subject: (dataclasses.replace(spec, sha256="cd" * 32), subject),
        lambda spec, subject: (spec, dataclasses.replace(subject, image_size=64)),
        lambda spec, subject: (spec, dataclasses.replace(subject, libraries={"ultralytics": "9"})),
        lambda spec, subject: (dataclasses.replace(spec, engine="steady"), subject),
    ],
    ids=["weights", "shape", "library", "engine"],
)
def test_another_key_is_another_export(exports_made: Exports, change: Callable[..., Any]) -> None:
    choose_engine(spec("swift"), "cpu", exports_made.subject())
    changed, subject = change(spec("swift"), exports_made.subject())
    choose_engine(changed, "cpu", subject)
    assert len(exports_made.made) == 2


def test_a_spoiled_export_is_made_anew(exports_made: Exports, cache: Path) -> None:
    choose_engine(spec("swift"), "cpu", exports_made.subject())
    (file,) = cache.glob("engines/*/network.swift")
    file.write_text("times 3")
    assert choose_engine(spec("swift"), "cpu", exports_made.subject()).network is not None
    assert exports_made.made == ["swift", "swift"]
    assert file.read_text() == "times 2"


def test_a_file_that_nobody_exported_makes_it_anew(cache: Path) -> None:
    def make(folder: Path) -> None:
        (folder / "a.bin").write_bytes(b"1")

    folder = exported({"n": 1}, make)
    (folder / "b.bin").write_bytes(b"2")
    assert exported({"n": 1}, make) == folder
    assert sorted(path.name for path in folder.iterdir()) == ["a.bin", "manifest.json"]


def test_an_export_that_breaks_off_leaves_nothing(cache: Path) -> None:
    def broken(folder: Path) -> None:
        (folder / "half").write_text("…")
        raise OSError("No space left on device")

    with pytest.raises(OSError, match="space"):
        exported({"n": 1}, broken)
    assert [path.name for path in (cache / "engines").iterdir() if path.is_dir()] == []


def _export_once(log: Path) -> None:
    def make(folder: Path) -> None:
        with log.open("a") as file:
            file.write(f"{os.getpid()}\n")
        (folder / "network").write_text("times 2")

    (exports.exported({"n": 1}, make) / "network").read_text()


def test_several_workers_at_once_export_once(cache: Path, tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    workers = [context.Process(target=_export_once, args=(tmp_path / "log",)) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(30)
    assert [worker.exitcode for worker in workers] == [0, 0, 0, 0]
    assert len((tmp_path / "log").read_text().splitlines()) == 1


# The cache folder


def test_the_cache_folder_is_this_users_alone(cache: Path) -> None:
    folder = cache_folder("engines")
    assert folder == cache / "engines"
    assert [path.stat().st_mode & 0o777 for path in (cache, folder)] == [0o700, 0o700]


def test_without_a_setting_it_is_a_folder_of_this_users(
    configure: Callable[..., None], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    configure(CACHE_DIR=None)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert cache_folder("engines") == tmp_path / f"autolabel-{os.getuid()}" / "engines"


@pytest.mark.parametrize("mode", [0o770, 0o707])
def test_a_folder_that_others_can_write_to_is_refused(cache: Path, mode: int) -> None:
    cache.mkdir()
    cache.chmod(mode)
    with pytest.raises(ModelUnavailable, match="can be written to by other users"):
        cache_folder("engines")


def test_a_folder_of_somebody_else_is_refused(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache_folder("engines")
    monkeypatch.setattr("os.getuid", lambda: 4242)
    with pytest.raises(ModelUnavailable, match="belongs to another user"):
        cache_folder("engines")


def test_a_link_in_a_shared_place_is_refused(
    configure: Callable[..., None], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    configure(CACHE_DIR=None)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / f"autolabel-{os.getuid()}").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ModelUnavailable, match="is a link"):
        cache_folder("engines")


def test_a_folder_that_cannot_be_made_is_said_so(configure: Callable[..., None], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    configure(CACHE_DIR=tmp_path / "file" / "cache")
    with pytest.raises(ModelUnavailable, match="cannot be made"):
        cache_folder("engines")


# The real libraries


@pytest.mark.parametrize("engine", ["openvino", "onnxruntime"])
def test_a_real_engine_runs_the_demos_model(engine: str, monkeypatch: pytest.MonkeyPatch, cache: Path) -> None:
    monkeypatch.setattr(runtime, "ENGINES", engines.ENGINES)
    predictor = YoloPredictor(dataclasses.replace(get_spec("yolo"), device="cpu", engine=engine))  # type: ignore[arg-type]
    assert (predictor.info.engine, predictor.info.notes) == (engine, ())
    assert {engine, "torch"} <= set(predictor.info.libraries)
    assert any(name.startswith("ultralytics") for name in predictor.info.libraries)
    (manifest,) = cache.glob("engines/*/manifest.json")
    assert json.loads(manifest.read_text())["facts"]["weights"] == get_spec("yolo").sha256


# Any connection, even to nowhere, ends the process.
LISTENER = """
import os, socket, sys
def refuse(*_):
    os._exit(77)
socket.socket.connect = socket.getaddrinfo = socket.create_connection = refuse
import django
django.setup()
from dataclasses import replace
from autolabel.inference.registry import build_predictor, get_spec
print(build_predictor(replace(get_spec("yolo"), device="cpu")).info.engine)
import threading
[t.join(5) for t in threading.enumerate() if t is not threading.current_thread()]
"""


def test_an_export_calls_nobody_and_leaves_no_file_in_the_home_folder(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    env = {**os.environ, "DJANGO_SETTINGS_MODULE": "annotation_platform.settings", "DATA_DIR": str(tmp_path / "data")}
    env |= {"HOME": str(home), "TMPDIR": str(tmp_path), "PYTHONPATH": str(ROOT), "REDIS_URL": ""}
    env.pop("CI", None)  # where telemetry holds back by itself
    done = subprocess.run([sys.executable, "-c", LISTENER], env=env, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["openvino"]
    assert [path for path in home.rglob("*") if path.is_file()] == []
