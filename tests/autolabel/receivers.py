"""A real HTTP server on loopback that takes webhooks, in whatever mood it is told to be."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TypeVar

R = TypeVar("R", bound="Receiver")

__all__ = ["Receiver", "Request", "receiver"]


@dataclass(frozen=True, slots=True)
class Request:
    path: str
    headers: dict[str, str]
    body: bytes
    # The status of the answer.
    answered: int = 0


class Receiver(ThreadingHTTPServer):
    """`answer`, `headers` and `body` are those of the next answers; `requests` are those so far."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answer = 200
        self.headers: dict[str, str] = {}
        self.body = b"heard"
        self.requests: list[Request] = []

    def mood(self) -> int:
        """The status of the next answer."""
        return self.answer

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that has read enough hangs up; that is no news."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/hook"


class _Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        status = self.server.mood()
        self.server.requests.append(Request(self.path, dict(self.headers.items()), body, status))
        if self.path == "/drip":
            return self._drip()
        if self.path == "/drip-head":
            return self._drip(head=True)
        if self.path == "/huge":
            return self._huge()
        self.send_response(status)
        for name, value in self.server.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(self.server.body)))
        self.end_headers()
        self.wfile.write(self.server.body)

    do_GET = do_POST  # noqa: N815  (the name is http.server's)

    def _drip(self, *, head: bool = False) -> None:
        """An answer that never ends, in bytes that come often enough for every timeout of a single read."""
        self.wfile.write(b"HTTP/1.1 200 OK\r\n" + (b"X-Slow: " if head else b"Content-Length: 100000\r\n\r\n"))
        for _ in range(600):
            self.wfile.write(b"x")
            time.sleep(0.05)

    def _huge(self) -> None:
        self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 300000000\r\n\r\n")
        for _ in range(300):
            self.wfile.write(b"x" * 1_000_000)

    def log_message(self, *args: object) -> None:
        """Quiet."""


@contextmanager
def receiver(kind: type[R] = Receiver) -> Iterator[R]:  # type: ignore[assignment]
    server = kind()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
