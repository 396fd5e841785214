"""The predictor that docs/models.md shows, taken from there as it stands, against a real model server."""

from __future__ import annotations

import ast
import importlib
import io
import json
import re
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from autolabel.checks import _MISTAKES, check_settings
from autolabel.exceptions import ModelUnavailable
from autolabel.inference.base import ModelSpec, Predictor
from autolabel.inference.entries import _KEYS
from autolabel.inference.registry import get_spec, load_predictor
from autolabel.shapes import Shape

from .builders import add_items, balanced, drafts_of, make_job, parts_project, results_of, run_to_end
from .predictor_contract import PredictorContract

DOCS = Path(__file__).resolve().parents[2] / "docs" / "models.md"
BLOCKS = re.findall(r"^```python\n(.*?)^```", DOCS.read_text(), re.DOTALL | re.MULTILINE)
CODE = next(block for block in BLOCKS if block.startswith('"""http_predictor.py'))
ENTRY = next(block for block in BLOCKS if "http_predictor.HttpPredictor" in block and block is not CODE)
LABELS = ["washer", "nut"]


class ModelServer(ThreadingHTTPServer):
    """Finds the bright rectangle of an image; `mood` says how it behaves at its next requests."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.moods: list[str] = []
        self.asked: list[str] = []

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that has read enough hangs up; that is no news."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: ModelServer
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._answer(["rectangles", "7", "c" * 64, LABELS])

    def do_POST(self) -> None:
        image = np.asarray(Image.open(io.BytesIO(self.rfile.read(int(self.headers["Content-Length"])))).convert("L"))
        rows, columns = np.nonzero(image > 200)
        if not len(rows):
            return self._answer([])
        box = [int(columns.min()) - 5, int(rows.min()), int(columns.max()) + 1, int(rows.max()) + 1]
        scored = {"nut": 0.6, "washer": 0.9, "gear": 0.01, "bolt": float("nan")}
        return self._answer([{"label": label, "score": score, "box": box} for label, score in scored.items()])

    def _answer(self, body: Any) -> None:
        self.server.asked.append(self.path)
        mood = self.server.moods.pop(0) if self.server.moods else "well"
        if mood == "hang up":
            self.close_connection = True
            return
        data = {"long": b"[" + b" " * 2_000_000 + b"]", "broken": b"<html>"}.get(mood, json.dumps(body).encode())
        self.send_response({"busy": 503, "redirect": 302, "error": 500}.get(mood, 200))
        self.send_header("Location", f"{self.server.url}/elsewhere")
        self.send_header("Retry-After", "3600")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *args: Any) -> None:
        pass


@contextmanager
def model_server() -> Iterator[ModelServer]:
    with ModelServer() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@contextmanager
def documented(folder: Path) -> Iterator[dict[str, Any]]:
    """The documented class as a module, and AUTOLABEL["MODELS"] with the documented entry."""
    (folder / "http_predictor.py").write_text(CODE)
    sys.path.insert(0, str(folder))
    importlib.invalidate_caches()
    yield ast.literal_eval("{" + ENTRY + "}")
    sys.path.remove(str(folder))
    sys.modules.pop("http_predictor", None)


@pytest.fixture
def server() -> Iterator[ModelServer]:
    with model_server() as server:
        yield server


@pytest.fixture
def predictor(
    server: ModelServer, fake_model: Any, configure: Callable[..., None], tmp_path: Path
) -> Iterator[Predictor]:
    """The model of the documented entry; only the address is the test's."""
    with documented(tmp_path) as models:
        models["parts"]["OPTIONS"]["url"] = server.url
        configure(MODELS=models)
        yield load_predictor(get_spec("parts"))


def image(x: int = 30, y: int = 10, size: tuple[int, int] = (80, 60)) -> np.ndarray:
    pixels = np.full((size[1], size[0], 3), 90, np.uint8)
    pixels[y : y + 20, x : x + 25] = 255
    return pixels


def encoded(pixels: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def test_it_has_under_forty_lines() -> None:
    assert sum(bool(line.strip()) for line in CODE.splitlines()) < 40
    assert max(len(line) for line in CODE.splitlines()) <= 120


def test_it_is_a_registered_model_without_mistakes(predictor: Predictor) -> None:
    assert check_settings() == []
    assert (predictor.info.name, predictor.info.version, predictor.info.labels) == ("rectangles", "7", tuple(LABELS))


class TestContract(PredictorContract):
    """The suite that every predictor passes."""

    labels = tuple(LABELS)

    @pytest.fixture(scope="class")
    @classmethod
    def spec(cls, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModelSpec]:
        with model_server() as server, documented(tmp_path_factory.mktemp("docs")):
            yield ModelSpec("parts", "http_predictor.HttpPredictor", None, "", "autolabel", options={"url": server.url})

    def example(self) -> np.ndarray:
        return image()


def test_it_finds_what_the_server_finds_clipped_and_best_first(predictor: Predictor) -> None:
    inside, at_the_edge, nothing = predictor.predict_batch(
        [image(), image(0, 0), np.full((1, 1, 3), 90, np.uint8)], [], 0.05
    )

    assert inside == [Shape("washer", 0.9, (25, 10, 55, 30)), Shape("nut", 0.6, (25, 10, 55, 30))]
    assert at_the_edge[0].bbox_xyxy == (0, 0, 25, 20)
    assert nothing == []


def test_it_asks_again_when_the_server_is_busy_or_hangs_up(predictor: Predictor, server: ModelServer) -> None:
    server.moods = ["busy", "hang up"]

    assert predictor.predict_batch([image()], [], 0.5)[0]
    assert server.asked[-3:] == ["/predict"] * 3


@pytest.mark.parametrize("mood", ["busy", "hang up", "redirect", "error", "long", "broken"])
def test_whatever_else_the_server_does_is_an_error_without_addresses(
    predictor: Predictor, server: ModelServer, mood: str
) -> None:
    server.moods = [mood] * 10

    with pytest.raises(ModelUnavailable, match=r"^The model server fails \(\w+\)\.$"):
        predictor.predict_batch([image()], [], 0.5)
    assert "/elsewhere" not in server.asked


def test_it_uses_no_proxy_of_the_environment(predictor: Predictor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.delenv("NO_PROXY", raising=False)

    assert predictor.predict_batch([image()], [], 0.5)[0]


def test_a_server_that_is_not_there_makes_the_model_not_ready(predictor: Predictor, server: ModelServer) -> None:
    with pytest.raises(ModelUnavailable, match="The model server fails"):
        load_predictor(replace(get_spec("parts"), options={"url": "http://127.0.0.1:1"}))


@pytest.mark.django_db(transaction=True)
def test_a_job_runs_with_it_to_the_end(predictor: Predictor, server: ModelServer, rings: Any) -> None:
    project = parts_project(encoded(image()), labels=LABELS)
    add_items(project, [encoded(image(5, 5)), encoded(np.full((60, 80, 3), 90, np.uint8))])
    job = balanced(run_to_end(make_job(project, model_type="parts", confidence_threshold=0.7)))

    assert job.status == "completed"
    assert [draft.label.name for draft in drafts_of(job)] == ["washer", "washer"]
    assert sorted(row.reason for row in results_of(job).values()) == ["", "", "nothing_found"]
    assert job.summary["model"]["engine"] == "http"


def test_the_page_explains_every_key_and_every_check() -> None:
    page = DOCS.read_text()

    for key in _KEYS:
        assert f"`{key}`" in page
    for identity in {*_MISTAKES.values(), "E005", "E023", "W001"}:
        assert re.search(rf"`(autolabel\.)?{identity}`", page), identity
