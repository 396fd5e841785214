"""A PostgreSQL server of one's own: on a free port of the loopback, in a folder of its own, gone at the end."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path
from types import TracebackType

__all__ = ["Postgres", "PostgresMissing"]


class PostgresMissing(Exception):
    """PostgreSQL's programs are not installed."""


class Postgres:
    """`with Postgres(folder) as server: server.url("name")`. As root it runs as the user postgres, who must exist."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._bin = _programs()
        self._process: subprocess.Popen[bytes] | None = None
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]

    def __enter__(self) -> Postgres:
        self._folder.mkdir(parents=True)
        if os.getuid() == 0:
            shutil.chown(self._folder, "postgres")
            for parent in self._folder.parents:
                if parent.name.startswith("chaos"):  # made by mkdtemp for us alone
                    parent.chmod(0o711)
        options = ["-D", str(self._folder / "data"), "-U", "chaos", "--auth=trust", "--no-sync", "-E", "UTF8"]
        self._run("initdb", *options)
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop(signal.SIGQUIT)

    def start(self) -> None:
        options = {
            "listen_addresses": "127.0.0.1",
            "port": str(self.port),
            "unix_socket_directories": str(self._folder),
            "max_connections": "200",
            "fsync": "off",
        }
        arguments = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [self._bin / "postgres", "-D", str(self._folder / "data"), *arguments], stdout=log, stderr=log, **_as()
            )
        ends_at = time.monotonic() + 30
        while time.monotonic() < ends_at:
            if self._run("pg_isready", "-h", "127.0.0.1", "-p", str(self.port), check=False) == 0:
                return
            time.sleep(0.05)
        raise RuntimeError("PostgreSQL does not answer.")

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """SIGINT ends all connections in order; SIGQUIT leaves a crash to recover from."""
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(timeout=30)
            self._process = None

    def url(self, name: str) -> str:
        """Make a database of that name; its DATABASE_URL."""
        self._run("createdb", "-h", "127.0.0.1", "-p", str(self.port), "-U", "chaos", name)
        return f"postgres://chaos@127.0.0.1:{self.port}/{name}"

    def _run(self, program: str, *arguments: str, check: bool = True) -> int:
        done = subprocess.run([self._bin / program, *arguments], capture_output=True, check=False, **_as())
        if check and done.returncode:
            raise RuntimeError(f"{program}: {done.stderr.decode()}")
        return done.returncode


def _as() -> dict[str, object]:
    """PostgreSQL refuses to run as root."""
    return {"user": "postgres", "group": "postgres", "cwd": "/"} if os.getuid() == 0 else {}


def _programs() -> Path:
    if found := shutil.which("initdb"):
        return Path(found).resolve().parent
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not folders:
        raise PostgresMissing("PostgreSQL is not installed: apt-get install postgresql")
    return folders[-1].parent
