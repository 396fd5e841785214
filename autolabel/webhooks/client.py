"""The one way out: requests to addresses that users have named go through here, and reach no address inside.

The host name is resolved once, that address is judged and then connected to, so that a name which resolves to another
address a moment later wins nothing. No redirects, no proxy and no password of the environment, an answer of 64 kB at
most, and an end after so many seconds, whatever the other side, or a name server, does.
"""

from __future__ import annotations

import ipaddress
import logging
import os
import queue
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import requests
import urllib3
from requests_hardened import Config, HTTPSession
from requests_hardened.ip_filter import InvalidIPAddress
from requests_hardened.ip_filter_adapter import IPFilterAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from autolabel.conf import conf

__all__ = ["RETRY_SECONDS", "Answer", "Busy", "RequestFailed", "check_url", "place", "send"]

logger = logging.getLogger(__name__)

DEADLINE_SECONDS = 20.0
# After the sockets were shut, for the thread to notice.
_TO_CLEAN_UP_SECONDS = 0.5
MOST_BYTES = 64 * 1024
_CONNECT_SECONDS, _READ_SECONDS = 5.0, 15.0
_LONGEST_URL = 2000

# In a web process each such request may take a thread for up to 20 seconds: some have to stay for everybody else.
_AT_ONCE = 3
_places = threading.BoundedSemaphore(_AT_ONCE)
_WAIT_SECONDS = 5.0
# When to come again, where all places are taken.
RETRY_SECONDS = 5


class RequestFailed(Exception):
    """There is no answer; the message says why, and tells nothing of the inside."""


class Busy(Exception):
    """As many requests are on their way as may be; the same one may succeed later."""


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes


def check_url(url: str) -> str:
    """What is wrong with a URL that somebody gives, in words; empty when it may be tried."""
    allowed = ("https", "http") if conf().webhook_allow_http else ("https",)
    try:
        parts = urlsplit(url)
        port_is_sound = parts.port is None or 0 < parts.port < 65536
    except ValueError:
        return "This is no URL."
    if not url.isascii() or not url.isprintable() or " " in url or "\\" in url or len(url) > _LONGEST_URL:
        return f"Give a URL of at most {_LONGEST_URL:,} printable ASCII characters."
    if parts.scheme not in allowed:
        return f"The URL must begin with {' or '.join(f'{name}://' for name in allowed)}."
    if not parts.hostname or not port_is_sound:
        return "The URL names no host."
    if parts.username is not None or parts.password is not None:
        return "Leave user name and password out of the URL."
    return ""


@contextmanager
def place() -> Iterator[None]:
    """One of the places that a web process has for such requests. Raises Busy where none gets free in time."""
    if not _places.acquire(timeout=_WAIT_SECONDS):
        raise Busy("Too many requests to other servers are on their way at the moment.")
    try:
        yield
    finally:
        _places.release()


def send(
    method: str, url: str, body: bytes | None, headers: Mapping[str, str], *, most_bytes: int = MOST_BYTES
) -> Answer:
    """One request; of a longer answer the first `most_bytes`. Raises RequestFailed."""
    wrong = check_url(url)
    if wrong:
        raise RequestFailed(wrong)
    deadline = _Deadline(DEADLINE_SECONDS)
    outcome: queue.SimpleQueue[Answer | RequestFailed] = queue.SimpleQueue()

    def ask() -> None:
        outcome.put(_outcome(deadline, most_bytes, method, url, body, headers))

    # A thread, because nothing can interrupt a name server that does not answer: it is left to itself then.
    threading.Thread(target=ask, name="request", daemon=True).start()
    try:
        found = outcome.get(timeout=DEADLINE_SECONDS + _TO_CLEAN_UP_SECONDS)
    except queue.Empty:
        raise RequestFailed(_too_slow()) from None
    if isinstance(found, RequestFailed):
        raise found
    return found


def _outcome(
    deadline: _Deadline, most_bytes: int, method: str, url: str, body: bytes | None, headers: Mapping[str, str]
) -> Answer | RequestFailed:
    try:
        with (
            deadline,
            _session(deadline) as session,
            session.request(method, url, data=body, headers=dict(headers), stream=True) as answer,
        ):
            data = _read(answer, deadline, most_bytes)
            return Answer(answer.status_code, dict(answer.headers), data)
    except InvalidIPAddress:
        return RequestFailed("The address is inside of this network, and not allowed.")
    except (requests.RequestException, urllib3.exceptions.HTTPError, OSError, ValueError) as error:
        return RequestFailed(_too_slow() if deadline.is_over else _in_words(error))
    except Exception:
        logger.exception("A request failed in a way that nobody has thought of.")
        return RequestFailed("The request failed.")


def _too_slow() -> str:
    return f"There was no whole answer within {DEADLINE_SECONDS:g} seconds."


def _read(answer: requests.Response, deadline: _Deadline, most_bytes: int) -> bytes:
    """As much of the answer as is kept; the rest is left where it is."""
    data = b""
    while len(data) < most_bytes:
        # Never decoded: a small answer can unpack to gigabytes.
        part = answer.raw.read(most_bytes - len(data), decode_content=False)
        if deadline.is_over:
            raise OSError("cut off")
        if not part:
            break
        data += part
    return data


def _in_words(error: Exception) -> str:
    if isinstance(error, requests.exceptions.SSLError):
        return "The TLS connection failed; is the certificate valid for this name?"
    if isinstance(error, requests.exceptions.Timeout):
        return "There was no answer in time."
    if isinstance(error, requests.exceptions.ConnectionError):
        return "The host could not be reached, or closed the connection."
    return "The request failed."


class _Deadline:
    """While it is open: sockets that are noted are shut once the time is over, in the middle of whatever they do."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._sockets: list[socket.socket] = []
        self._lock = threading.Lock()
        self._ends_at = time.monotonic() + seconds
        self._timer = threading.Timer(seconds, self._cut)
        self._timer.daemon = True

    @property
    def is_over(self) -> bool:
        return time.monotonic() >= self._ends_at

    def note(self, connected: socket.socket) -> None:
        # A descriptor of our own: TLS takes the socket object's away, and this one still ends the same connection.
        mine = socket.socket(fileno=os.dup(connected.fileno()))
        with self._lock:
            self._sockets.append(mine)
        if self.is_over:
            self._cut()

    def __enter__(self) -> _Deadline:
        self._timer.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._timer.cancel()
        with self._lock:
            for one in self._sockets:
                one.close()
            self._sockets.clear()

    def _cut(self) -> None:
        with self._lock:
            for one in self._sockets:
                with suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)


@contextmanager
def _session(deadline: _Deadline) -> Iterator[requests.Session]:
    config = Config(
        ip_filter_enable=True,
        ip_filter_allow_loopback_ips=conf().webhook_allow_loopback,
        never_redirect=True,
        default_timeout=(_CONNECT_SECONDS, _READ_SECONDS),
        user_agent_override="autolabel",
    )
    with HTTPSession(config) as session:
        session.trust_env = False
        for scheme in ("http", "https"):
            session.mount(f"{scheme}://", _Adapter(scheme == "https", config, deadline.note))
        yield session


# Addresses of the Internet are given out of this one, whatever else may be routed somewhere.
_INTERNET_6 = ipaddress.ip_network("2000::/3")
# A cloud's address for what it tells its machines, outside of every range for that.
_OF_A_CLOUD = ipaddress.ip_address("168.63.129.16")


def _is_outside(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    if address.version == 6 and address not in _INTERNET_6:
        return False
    return address.is_global and not address.is_multicast and address != _OF_A_CLOUD


class _Adapter(IPFilterAdapter):
    """The address filter, stricter than the library's own, and whoever wants to know it is told of each socket."""

    def __init__(self, is_https: bool, config: Config, note: Callable[[socket.socket], None]) -> None:
        self._note = note
        super().__init__(is_https, config.ip_filter_allow_loopback_ips, config.ip_filter_tls_sni_support)

    def build_connection_pool_key_attributes(self, *args: Any, **kwargs: Any) -> tuple[Any, Any]:
        """Where to connect to: the address that the name has now. Raises InvalidIPAddress."""
        host, pool = super().build_connection_pool_key_attributes(*args, **kwargs)
        address = ipaddress.ip_address(host["host"].strip("[]"))
        if not (_is_outside(address) or (self._allow_loopback and address.is_loopback)):
            raise InvalidIPAddress(address)
        return host, pool

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        note = self._note

        class Plain(HTTPConnection):
            def _new_conn(self) -> socket.socket:
                connected = super()._new_conn()
                note(connected)
                return connected

        class Secure(HTTPSConnection):
            def _new_conn(self) -> socket.socket:
                connected = super()._new_conn()
                note(connected)
                return connected

        class PlainPool(HTTPConnectionPool):
            ConnectionCls = Plain

        class SecurePool(HTTPSConnectionPool):
            ConnectionCls = Secure

        self.poolmanager.pool_classes_by_scheme = {"http": PlainPool, "https": SecurePool}
