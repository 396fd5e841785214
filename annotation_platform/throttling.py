"""How much one address, one API key and one guesser of credentials may ask for in a minute, and send at once.

All processes of a site count together: in Redis where there is one, else in a file that they share. A counter that
cannot be reached lets requests pass: a lost Redis must not close the site.
"""

from __future__ import annotations

import hashlib
import ipaddress
import logging
import sqlite3
import threading
import time
import unicodedata
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.core.signals import setting_changed
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from limits import RateLimitItemPerMinute
from limits.errors import StorageError
from limits.storage import MemoryStorage, Storage, storage_from_string
from limits.strategies import FixedWindowRateLimiter

from . import archives
from .api.authentication import sent_key

__all__ = ["SharedFile", "ThrottleMiddleware", "address_of"]

logger = logging.getLogger(__name__)

_API = "/api/"
# After a failure the counters are left alone for so long, so that not every request waits for them.
_PAUSE_SECONDS = 5.0
_TIMEOUT_SECONDS = 0.5
_MINUTE_SECONDS = 60
_WHOSE = {
    "key": "this API key",
    "address": "your address",
    "refused": "your address, with refused API keys",
    "sign-in": "your address, with refused passwords",
    "account": "all together, with refused passwords of this account",
}
# Which setting limits it, and how many times that: one address alone shall not keep a person out of an account.
_SETTING = {"sign-in": ("refused", 1), "account": ("refused", 5)}
# Forms of pages are small; only the API takes files, the largest of which are archives. What is larger is refused
# before anything reads it: looking for the CSRF token, Django would store all of it first.
_MOST_BYTES_OF_A_FORM = 1024 * 1024
# Some of the others cannot even be read; nobody sends them.
_CHARSETS = ("utf-8", "utf8", "us-ascii")
_MOST_BYTES = archives.MOST_BYTES + 1024 * 1024


class SharedFile(Storage):
    """Counters in one SQLite file, for the processes of one machine: `shared-file:///folder/name.sqlite3`."""

    STORAGE_SCHEME = ["shared-file"]
    base_exceptions = sqlite3.Error
    _TABLE = "CREATE TABLE IF NOT EXISTS hits (key TEXT PRIMARY KEY, count INTEGER, ends_at REAL) WITHOUT ROWID"
    _INCREASE = """
        INSERT INTO hits VALUES (:key, :amount, :now + :expiry) ON CONFLICT (key) DO UPDATE SET
            count = CASE WHEN ends_at BETWEEN :now AND :now + :expiry THEN count ELSE 0 END + excluded.count,
            ends_at = CASE WHEN ends_at BETWEEN :now AND :now + :expiry THEN ends_at ELSE excluded.ends_at END
        RETURNING count"""
    _FIND = "SELECT count, ends_at FROM hits WHERE key = ? AND ends_at BETWEEN ? AND ?"
    _SWEEP_EVERY = 1000

    def __init__(self, uri: str, wrap_exceptions: bool = False, **options: Any) -> None:
        super().__init__(uri, wrap_exceptions=wrap_exceptions, **options)
        self._path = uri.partition("://")[2]
        self._local = threading.local()
        self._increased = 0

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        now = time.time()
        self._increased += 1
        if self._increased % self._SWEEP_EVERY == 0:
            self._db.execute("DELETE FROM hits WHERE ends_at <= ?", (now,))
        given = {"key": key, "amount": amount, "now": now, "expiry": expiry}
        return int(self._db.execute(self._INCREASE, given).fetchall()[0][0])

    def get(self, key: str) -> int:
        return int(self._row(key)[0])

    def get_expiry(self, key: str) -> float:
        return float(self._row(key)[1])

    def check(self) -> bool:
        self._db.execute("SELECT 1")
        return True

    def reset(self) -> int | None:
        return self._db.execute("DELETE FROM hits").rowcount

    def clear(self, key: str) -> None:
        self._db.execute("DELETE FROM hits WHERE key = ?", (key,))

    def _row(self, key: str) -> tuple[int, float]:
        now = time.time()
        # What ends later than a minute from now was written by a clock that has been set back since.
        found = self._db.execute(self._FIND, (key, now, now + _MINUTE_SECONDS)).fetchone()
        return found or (0, now)

    @property
    def _db(self) -> sqlite3.Connection:
        """This thread's connection. What a crash of the machine takes away are counts of a minute: no syncing."""
        found: sqlite3.Connection | None = getattr(self._local, "db", None)
        if found is None:
            found = sqlite3.connect(self._path, timeout=_TIMEOUT_SECONDS, isolation_level=None)
            for statement in ("PRAGMA journal_mode=WAL", "PRAGMA synchronous=OFF", self._TABLE):
                found.execute(statement)
            self._local.db = found
        return found


class _Counters:
    """The limits of the settings, counted in their store."""

    def __init__(self, uri: str) -> None:
        options = {} if uri.startswith(("shared-file", "memory")) else _redis_options()
        self._limiter = FixedWindowRateLimiter(storage_from_string(uri, wrap_exceptions=True, **options))
        # Passwords go on being counted by each process alone: guessers would wait for a lost store, or see to it.
        self._alone = FixedWindowRateLimiter(MemoryStorage())
        self._resumes_at = 0.0

    def count(self, name: str, whose: str) -> _Window | None:
        return self._ask(name, whose, "hit")

    def look(self, name: str, whose: str) -> _Window | None:
        return self._ask(name, whose, "test")

    def _ask(self, name: str, whose: str, how: str) -> _Window | None:
        """None where there is no such limit, or no counting at the moment."""
        setting, times = _SETTING.get(name, (name, 1))
        limit = settings.RATE_LIMITS.get(setting, 0) * times
        if not limit:
            return None
        if time.monotonic() >= self._resumes_at:
            try:
                return _window(self._limiter, name, limit, whose, how)
            except StorageError as error:
                logger.warning("Requests are not counted for a moment: %s", error)
                self._resumes_at = time.monotonic() + _PAUSE_SECONDS
        return _window(self._alone, name, limit, whose, how) if name in _SETTING else None


def _window(limiter: FixedWindowRateLimiter, name: str, limit: int, whose: str, how: str) -> _Window:
    """Raises StorageError."""
    item = RateLimitItemPerMinute(limit, namespace="rate")
    passes: bool = getattr(limiter, how)(item, name, whose)
    ends_at, remaining = limiter.get_window_stats(item, name, whose)
    return _Window(name, limit, remaining, ends_at, passes)


class _Window:
    """What is left of a limit, until when (Unix time), and whether the request passes."""

    def __init__(self, name: str, limit: int, remaining: int, ends_at: float, passes: bool) -> None:
        self.name, self.limit, self.remaining, self.ends_at, self.passes = name, limit, remaining, ends_at, passes

    @property
    def seconds_left(self) -> int:
        return max(1, round(self.ends_at - time.time() + 0.5))

    @property
    def reason(self) -> str:
        return (
            f"Too many requests: at most {self.limit:,} a minute from {_WHOSE[self.name]}. "
            f"Try again in {self.seconds_left} s."
        )

    def mark(self, response: HttpResponseBase) -> None:
        response["X-RateLimit-Limit"] = str(self.limit)
        response["X-RateLimit-Remaining"] = str(self.remaining)
        response["X-RateLimit-Reset"] = str(round(self.ends_at))
        if not self.passes:
            response["Retry-After"] = str(self.seconds_left)


class ThrottleMiddleware:
    """Answers 429 to who asks too much; every answer of the API says in X-RateLimit-* what is left."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        is_api = request.path_info.startswith(_API)
        if _bytes_of(request) > (_MOST_BYTES if is_api else _MOST_BYTES_OF_A_FORM):
            return _refused(is_api, 413, "The request is too large.")
        if request.content_params and request.content_params.get("charset", "utf-8").lower() not in _CHARSETS:
            return _refused(is_api, 415, "Send text as UTF-8.")
        is_sign_in = request.method == "POST" and request.path in (reverse("sign-in"), reverse("admin:login"))
        if not (is_sign_in or is_api):
            return self._get_response(request)
        counters, address = _counters(settings.RATE_LIMIT_STORE), address_of(request)
        if is_sign_in:
            return self._signed_in(request, counters, address)
        return self._asked(request, counters, address)

    def _asked(self, request: HttpRequest, counters: _Counters, address: str) -> HttpResponseBase:
        key = sent_key(request)
        windows = [counters.count("address", address)]
        if key is not None and _all_pass(windows):
            windows.append(counters.count("key", hashlib.sha256(key.encode("utf-8", "replace")).hexdigest()))
        if not _all_pass(windows):
            return _refusal(request, windows)
        response = self._get_response(request)
        if key is not None and response.status_code == 401:
            # Only these are refused for it: a key cannot be guessed, and others at the address have done nothing.
            guesses = counters.count("refused", address)
            if not _all_pass([guesses]):
                return _refusal(request, [guesses])
        if counted := [window for window in windows if window is not None]:
            min(counted, key=lambda window: window.remaining / window.limit).mark(response)
        return response

    def _signed_in(self, request: HttpRequest, counters: _Counters, address: str) -> HttpResponseBase:
        tried = (("sign-in", address), ("account", _account_of(request)))
        windows = [counters.count("address", address), *(counters.look(name, whose) for name, whose in tried)]
        if not _all_pass(windows):
            return _refusal(request, windows)
        response = self._get_response(request)
        # A page that shows the form once more is a sign-in that was refused.
        if response.status_code == 200:
            for name, whose in tried:
                counters.count(name, whose)
        return response


def address_of(request: HttpRequest) -> str:
    """Who asks, as far as the network tells; of IPv6 the part that one customer has.

    Behind a proxy it is the last address of X-Forwarded-For, which that proxy has put there.
    """
    given = request.META.get("REMOTE_ADDR", "")
    if settings.BEHIND_PROXY:
        given = request.META.get("HTTP_X_FORWARDED_FOR", "").rpartition(",")[2].strip() or given
    if given.startswith("["):  # IPv6 and perhaps its port, as some proxies write them
        given = given[1:].partition("]")[0]
    elif given.count(":") == 1:
        given = given.partition(":")[0]
    try:
        address = ipaddress.ip_address(given)
    except ValueError:
        return "unknown"
    if address.version == 6:
        mapped = address.ipv4_mapped
        return str(mapped or ipaddress.ip_network((address, 64), strict=False))
    return str(address)


def _all_pass(windows: list[_Window | None]) -> bool:
    return all(window is None or window.passes for window in windows)


def _refusal(request: HttpRequest, windows: list[_Window | None]) -> HttpResponse:
    """For the first of them that is closed."""
    closed = next(window for window in windows if window is not None and not window.passes)
    if request.path_info.startswith(_API):
        response: HttpResponse = JsonResponse({"detail": closed.reason}, status=429)
    else:
        response = render(request, "429.html", {"reason": closed.reason}, status=429)
    closed.mark(response)
    return response


def _bytes_of(request: HttpRequest) -> int:
    given = request.META.get("CONTENT_LENGTH") or "0"
    return int(given) if given.isdecimal() else 0


def _account_of(request: HttpRequest) -> str:
    """Whoever is meant, however that is written: the form strips and normalises names, too."""
    name = unicodedata.normalize("NFKC", request.POST.get("username", "").strip()).casefold()
    return hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()


def _refused(is_api: bool, status: int, text: str) -> HttpResponse:
    return JsonResponse({"detail": text}, status=status) if is_api else HttpResponse(text, "text/plain", status=status)


def _redis_options() -> dict[str, Any]:
    return {"socket_timeout": _TIMEOUT_SECONDS, "socket_connect_timeout": _TIMEOUT_SECONDS}


@lru_cache(maxsize=4)
def _counters(uri: str) -> _Counters:
    return _Counters(uri)


def _forget(*, setting: str, **kwargs: object) -> None:
    if setting == "RATE_LIMIT_STORE":
        _counters.cache_clear()


setting_changed.connect(_forget)
