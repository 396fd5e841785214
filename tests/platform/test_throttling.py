"""429 for who asks too much: per key, per address, per guesser; counted by all processes together."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.test import Client, RequestFactory
from redis import Redis

from annotation_platform import throttling
from annotation_platform.keys import issue_key
from autolabel.workers.embedded import EmbeddedQueue, socket_url
from tests.factories import make_user
from tests.site import REPOSITORY

pytestmark = pytest.mark.django_db
PROJECTS = "/api/v1/users/me/projects/"
Limits = Callable[..., None]


@pytest.fixture
def limits(settings: Any, tmp_path: Path) -> Limits:
    """`limits(key=3)`: these limits, with counters that start at nothing."""

    def start(**limits: int) -> None:
        settings.RATE_LIMITS = limits
        settings.RATE_LIMIT_STORE = f"shared-file://{tmp_path / 'rates.sqlite3'}"

    return start


@pytest.fixture
def redis_url(tmp_path: Path) -> Iterator[str]:
    """A server of this test's own."""
    queue = EmbeddedQueue(tmp_path)
    queue.ensure()
    yield socket_url(tmp_path).replace("unix://", "redis+unix://", 1)
    queue.stop()


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def test_a_key_may_ask_so_often_and_is_told_when_again(limits: Limits) -> None:
    limits(key=2)
    client, key = Client(), issue_key(make_user(), "ci")[1]

    answers = [client.get(PROJECTS, headers=bearer(key)) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert [answer["X-RateLimit-Remaining"] for answer in answers] == ["1", "0", "0"]
    assert {answer["X-RateLimit-Limit"] for answer in answers} == {"2"}
    assert 1 <= int(answers[2]["Retry-After"]) <= 61
    assert "at most 2 a minute from this API key" in answers[2].json()["detail"]
    assert "Retry-After" not in answers[1]


def test_another_key_has_its_own_limit(limits: Limits) -> None:
    limits(key=1)
    client, user = Client(), make_user()
    first, second = issue_key(user, "one")[1], issue_key(user, "two")[1]

    assert client.get(PROJECTS, headers=bearer(first)).status_code == 200
    assert client.get(PROJECTS, headers=bearer(second)).status_code == 200
    assert client.get(PROJECTS, headers={"X-Api-Key": first}).status_code == 429


def test_all_of_an_address_count_together(limits: Limits) -> None:
    limits(address=3)
    client = Client()
    client.force_login(make_user())

    assert [client.get(PROJECTS).status_code for _ in range(4)] == [200, 200, 200, 429]
    assert client.get(PROJECTS, REMOTE_ADDR="10.1.2.3").status_code == 200


def test_pages_and_files_are_not_counted(limits: Limits) -> None:
    limits(address=1)
    client = Client()
    client.force_login(make_user())

    assert [client.get("/").status_code for _ in range(3)] == [200] * 3
    assert "X-RateLimit-Limit" not in client.get("/")


def test_who_guesses_keys_is_stopped_and_others_at_the_address_are_not(limits: Limits) -> None:
    limits(refused=3)
    client, good = Client(), issue_key(make_user(), "ci")[1]

    guesses = [client.get(PROJECTS, headers=bearer(f"guess-{number}")) for number in range(5)]

    assert [guess.status_code for guess in guesses] == [401, 401, 401, 429, 429]
    assert "with refused API keys" in guesses[-1].json()["detail"]
    assert int(guesses[-1]["Retry-After"]) >= 1
    # A forgotten script with an old key keeps nobody else out.
    assert client.get(PROJECTS, headers=bearer(good)).status_code == 200
    assert client.get("/sign-in/").status_code == 200
    assert client.post("/sign-in/", {"username": "x", "password": "y"}).status_code == 200


def test_one_account_is_guarded_whatever_addresses_guess(limits: Limits) -> None:
    limits(refused=1)
    client = Client()

    def guess(name: str, address: int) -> int:
        form = {"username": name, "password": "wrong"}
        return int(client.post("/sign-in/", form, REMOTE_ADDR=f"10.1.2.{address}").status_code)

    names = ("anna", "Anna", " anna", "ａnna", "\tANNA\u00a0", "anna")
    assert [guess(name, at) for at, name in enumerate(names)] == [200] * 5 + [429]
    assert guess("ben", 99) == 200


@pytest.mark.parametrize(
    ("path", "size", "status"),
    [("/sign-in/", 2 << 20, 413), ("/nowhere/", 2 << 20, 413), ("/api/v1/users/me/projects/", 300 << 20, 413)],
)
def test_what_is_too_large_is_refused_before_it_is_read(path: str, size: int, status: int) -> None:
    class Untouched:
        def read(self, *args: int) -> bytes:
            raise AssertionError("read")

        readline = read

    form = {"CONTENT_LENGTH": str(size), "CONTENT_TYPE": "multipart/form-data; boundary=x"}
    answer = Client().generic("POST", path, **form, **{"wsgi.input": Untouched()})  # type: ignore[arg-type]
    assert answer.status_code == status


@pytest.mark.parametrize("charset", ["utf-7", "raw_unicode_escape", "idna", "nonsense"])
def test_text_that_cannot_be_read_is_refused(limits: Limits, charset: str) -> None:
    limits(refused=9)
    body = b'--x\r\nContent-Disposition: form-data; name="username"\r\n\r\n+2AA-\\ud800\r\n--x--\r\n'
    answer = Client().generic("POST", "/sign-in/", body, f"multipart/form-data; boundary=x; charset={charset}")

    assert answer.status_code == 415
    assert "UTF-8" in answer.content.decode()


def test_passwords_are_counted_where_the_store_is_lost_too(limits: Limits, settings: Any, tmp_path: Path) -> None:
    limits(refused=2, address=9)
    settings.RATE_LIMIT_STORE = f"shared-file://{tmp_path / 'no-such-folder' / 'rates.sqlite3'}"
    client = Client()

    statuses = [client.post("/sign-in/", {"username": "x", "password": "y"}).status_code for _ in range(3)]
    assert statuses == [200, 200, 429]
    assert client.get(PROJECTS).status_code == 401


def test_a_clock_that_is_set_back_locks_nobody_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = throttling.SharedFile(f"shared-file://{tmp_path / 'rates.sqlite3'}")
    now = throttling.time.time()
    monkeypatch.setattr(throttling.time, "time", lambda: now + 86_400)
    assert [store.incr("x", 60) for _ in range(3)] == [1, 2, 3]
    monkeypatch.setattr(throttling.time, "time", lambda: now)

    assert store.get("x") == 0
    assert store.incr("x", 60) == 1
    assert store.get_expiry("x") == now + 60


def test_who_guesses_passwords_is_stopped(limits: Limits) -> None:
    limits(refused=2)
    user = make_user("anna")
    user.set_password("right")
    user.save()
    client = Client()

    def sign_in(password: str, **extra: str) -> Any:
        return client.post("/sign-in/", {"username": "anna", "password": password}, **extra)

    assert [sign_in("wrong").status_code for _ in range(3)] == [200, 200, 429]
    refused = sign_in("right")
    assert refused.status_code == 429
    assert "Try again in" in refused.content.decode()
    assert sign_in("right", REMOTE_ADDR="10.1.2.3").status_code == 302


def test_the_admin_s_sign_in_counts_like_the_other(limits: Limits) -> None:
    limits(refused=2)
    client = Client()
    wrong = {"username": "anna", "password": "wrong"}

    assert [client.post(path, wrong).status_code for path in ("/admin/login/", "/sign-in/", "/admin/login/")] == [
        200,
        200,
        429,
    ]


def test_signing_in_is_no_failure(limits: Limits) -> None:
    limits(refused=1)
    user = make_user("anna")
    user.set_password("right")
    user.save()

    for _ in range(3):
        assert Client().post("/sign-in/", {"username": "anna", "password": "right"}).status_code == 302


def test_processes_count_together(settings: Any, tmp_path: Path) -> None:
    """Four of them at once, on one file: no request is lost, and none counted twice."""
    store = f"shared-file://{tmp_path / 'rates.sqlite3'}"
    code = (
        "import django, sys; django.setup()\n"
        "from limits.storage import storage_from_string\n"
        "from annotation_platform import throttling\n"
        f"store = storage_from_string({store!r})\n"
        "for _ in range(250): store.incr('key', 60)\n"
    )
    env = {"DJANGO_SETTINGS_MODULE": "tests.site_settings", "DATA_DIR": str(tmp_path), "PYTHONPATH": str(REPOSITORY)}
    running = [subprocess.Popen([sys.executable, "-c", code], env=env, cwd=REPOSITORY) for _ in range(4)]

    assert [process.wait(60) for process in running] == [0] * 4
    assert throttling.SharedFile(store).get("key") == 1000


def test_a_count_ends_with_its_time(tmp_path: Path, monkeypatch: Any) -> None:
    store = throttling.SharedFile(f"shared-file://{tmp_path / 'rates.sqlite3'}")
    now = 1_000_000.0
    monkeypatch.setattr(throttling.time, "time", lambda: now)
    assert [store.incr("a", 60), store.incr("a", 60)] == [1, 2]
    assert store.get_expiry("a") == now + 60

    now += 61

    assert store.get("a") == 0
    assert store.incr("a", 60) == 1
    assert (store.check(), store.reset(), store.get("a")) == (True, 1, 0)


def test_redis_counts_for_several_machines(limits: Limits, settings: Any, redis_url: str) -> None:
    limits(key=1)
    settings.RATE_LIMIT_STORE = redis_url
    key = issue_key(make_user(), "ci")[1]

    assert Client().get(PROJECTS, headers=bearer(key)).status_code == 200
    throttling._counters.cache_clear()  # as another process
    assert Client().get(PROJECTS, headers=bearer(key)).status_code == 429
    assert Redis.from_url(redis_url.replace("redis+unix", "unix")).keys("*rate*")


def test_without_its_counters_the_site_goes_on(limits: Limits, settings: Any, tmp_path: Path) -> None:
    limits(key=1)
    settings.RATE_LIMIT_STORE = f"redis+unix://{tmp_path / 'nobody.sock'}"
    key = issue_key(make_user(), "ci")[1]

    assert [Client().get(PROJECTS, headers=bearer(key)).status_code for _ in range(3)] == [200] * 3


@pytest.mark.parametrize(
    ("behind_proxy", "sent", "address"),
    [
        (False, {"REMOTE_ADDR": "192.0.2.7", "HTTP_X_FORWARDED_FOR": "1.1.1.1"}, "192.0.2.7"),
        (True, {"REMOTE_ADDR": "10.0.0.1", "HTTP_X_FORWARDED_FOR": "6.6.6.6, 192.0.2.7"}, "192.0.2.7"),
        (True, {"REMOTE_ADDR": "10.0.0.1"}, "10.0.0.1"),
        (False, {"REMOTE_ADDR": "2001:db8:1:2:3:4:5:6"}, "2001:db8:1:2::/64"),
        (False, {"REMOTE_ADDR": "::ffff:192.0.2.7"}, "192.0.2.7"),
        (True, {"REMOTE_ADDR": "10.0.0.1", "HTTP_X_FORWARDED_FOR": "192.0.2.7:4711"}, "192.0.2.7"),
        (True, {"REMOTE_ADDR": "10.0.0.1", "HTTP_X_FORWARDED_FOR": "[2001:db8:1:2::9]:4711"}, "2001:db8:1:2::/64"),
        (False, {"REMOTE_ADDR": ""}, "unknown"),
        (True, {"REMOTE_ADDR": "10.0.0.1", "HTTP_X_FORWARDED_FOR": "<script>"}, "unknown"),
    ],
)
def test_who_asks(settings: Any, behind_proxy: bool, sent: dict[str, str], address: str) -> None:
    settings.BEHIND_PROXY = behind_proxy

    assert throttling.address_of(RequestFactory().get("/", **sent)) == address
