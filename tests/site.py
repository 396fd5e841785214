"""A whole site in processes of its own: database, embedded queue, workers, web server.

For tests that kill things, and for those that look at the product from outside.
"""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from autolabel.workers.embedded import socket_path

REPOSITORY = Path(__file__).resolve().parents[1]
# Lives as long as its site: starting Django anew for each question would take seconds.
_ANSWERER = """
import json, sys, traceback
import django
django.setup()
from django.db import connections
answers, sys.stdout = sys.stdout, sys.stderr
for line in sys.stdin:
    names = {}
    try:
        exec(json.loads(line), names)
        reply = {"answer": names["answer"]}
    except Exception:
        reply = {"error": traceback.format_exc()}
    connections.close_all()
    print(json.dumps(reply), file=answers, flush=True)
"""
_ANSWER_SECONDS = 120


class Site:
    """One data folder and the processes that work on it; they all name the folder in their environment."""

    def __init__(self, data_dir: Path, **env: str) -> None:
        self.data_dir = data_dir
        self.env = {
            **os.environ,
            "DATA_DIR": str(data_dir),
            "DATABASE_URL": f"sqlite:///{data_dir / 'db.sqlite3'}",
            "REDIS_URL": "",
            "DJANGO_SETTINGS_MODULE": "tests.site_settings",
            "PYTHONPATH": str(REPOSITORY),
            **env,
        }
        # A long path of the data folder has its socket elsewhere.
        self._folders = (str(data_dir), str(socket_path(data_dir).parent))
        self._started: list[subprocess.Popen[bytes]] = []
        self._answerer: subprocess.Popen[str] | None = None
        self.run("migrate", "--verbosity", "0")

    def run(self, *arguments: str, timeout: float = 60) -> str:
        """`manage.py …`, to its end; its output. Raises when it fails."""
        done = subprocess.run(
            self._manage(*arguments), env=self.env, cwd=REPOSITORY, capture_output=True, text=True, timeout=timeout
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def start(self, *arguments: str, stderr: int | None = None) -> subprocess.Popen[bytes]:
        """`manage.py …` in the background, in a session of its own."""
        process = subprocess.Popen(
            self._manage(*arguments),
            env=self.env,
            cwd=REPOSITORY,
            start_new_session=True,
            stdout=subprocess.DEVNULL,
            stderr=stderr,
            preexec_fn=_hear_ctrl_c,
        )
        self._started.append(process)
        return process

    def ask(self, code: str) -> Any:
        """Run Python with Django set up, in a process of the site; the value of `answer` at its end."""
        if self._answerer is None or self._answerer.poll() is not None:
            self._answerer = subprocess.Popen(
                [sys.executable, "-c", _ANSWERER],
                env=self.env,
                cwd=REPOSITORY,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                start_new_session=True,
            )
        assert self._answerer.stdin
        assert self._answerer.stdout
        self._answerer.stdin.write(json.dumps(code) + "\n")
        self._answerer.stdin.flush()
        assert select.select([self._answerer.stdout], [], [], _ANSWER_SECONDS)[0], f"No answer: {code}"
        reply = json.loads(self._answerer.stdout.readline())
        assert "answer" in reply, reply["error"]
        return reply["answer"]

    def make_project(self, items: int) -> str:
        """A project of small images that ask the fake model for zero to three boxes; its uid."""
        return str(self.ask(f"from tests.site_rows import make_project\nanswer = make_project({items})"))

    def create_job(self, project_uid: str) -> str:
        return str(
            self.ask(
                "from autolabel.hosts.loader import get_host\n"
                "from autolabel.jobs.services import JobRequest, create_job\n"
                f"answer = create_job(get_host().get_project_trusted({project_uid!r}), JobRequest()).uid"
            )
        )

    def outcome(self, job_uid: str, seconds: float = 60) -> dict[str, Any]:
        """Wait for the job's end, then everything about it that must be exact."""
        return dict(self.ask(f"from tests.site_rows import outcome\nanswer = outcome({job_uid!r}, {seconds})"))

    def serve(self, port: int = 0) -> str:
        """Start the web server, on a free port if none is given; its address, once it answers."""
        with socket.socket() as free:
            free.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            free.bind(("127.0.0.1", port))
            port = free.getsockname()[1]
        command = [sys.executable, "-m", "gunicorn", "annotation_platform.wsgi"]
        options = ["--bind", f"127.0.0.1:{port}", "--threads", "8", "--log-level", "warning"]
        self._started.append(
            subprocess.Popen([*command, *options], env=self.env, cwd=REPOSITORY, start_new_session=True)
        )
        self.wait_for(lambda: _answers(port), "the web server answers")
        return f"http://127.0.0.1:{port}"

    def processes(self, word: str = "") -> list[int]:
        """The pids of this site's living processes whose command line holds `word`; not the one that answers us."""
        marker = f"DATA_DIR={self.data_dir}".encode()
        found = []
        for folder in Path("/proc").iterdir():
            if not folder.name.isdigit() or (self._answerer and int(folder.name) == self._answerer.pid):
                continue
            try:
                environment = (folder / "environ").read_bytes().split(b"\0")
                command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            except OSError:
                continue
            # The queue server writes its title over its environment, but names its socket there.
            ours = marker in environment or any(folder in command for folder in self._folders)
            if ours and command and word in command:
                found.append(int(folder.name))
        return found

    def wait_for(self, condition: Callable[[], Any], what: str, seconds: float = 30) -> Any:
        ends_at = time.monotonic() + seconds
        while time.monotonic() < ends_at:
            if value := condition():
                return value
            time.sleep(0.05)
        raise AssertionError(f"Not within {seconds} s: {what}")

    def predicting_pids(self) -> set[int]:
        """The processes that have predicted something so far."""
        log = self.data_dir / "predictions.log"
        return {int(line) for line in log.read_text().split()} if log.exists() else set()

    def stop(self) -> None:
        for pid in self.processes():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        for process in self._started:
            process.wait(timeout=10)
        if self._answerer:
            self._answerer.kill()
            self._answerer.communicate()
            self._answerer = None

    @staticmethod
    def _manage(*arguments: str) -> list[str]:
        return [sys.executable, "manage.py", *arguments]


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _hear_ctrl_c() -> None:
    """What a shell starts in the background ignores it, and so would all that the tests start from there."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
