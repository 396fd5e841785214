"""The one way out reaches no address inside, and nothing on the other side can hold it."""

from __future__ import annotations

import re
import socket
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from autolabel.webhooks import client
from autolabel.webhooks.client import RequestFailed, check_url, send

from .inside import INSIDE
from .receivers import Receiver


@pytest.mark.parametrize("url", INSIDE)
def test_no_address_inside_is_reached(server: Receiver, configure: Callable[..., None], url: str) -> None:
    configure(WEBHOOK_ALLOW_LOOPBACK=False)
    with pytest.raises(RequestFailed):
        send("POST", url.format(port=server.server_port), b"{}", {})

    assert server.requests == []


ADDRESSES = [url for url in INSIDE if re.fullmatch(r"http://(\[[0-9a-f:.]+\]|[0-9.]+)(:\{port\})?/[a-z/-]*", url)]


@pytest.mark.parametrize("url", ADDRESSES)
def test_an_address_inside_is_refused_before_anything_is_sent_there(configure: Callable[..., None], url: str) -> None:
    """Not because nobody happens to be there."""
    configure(WEBHOOK_ALLOW_HTTP=True)
    with pytest.raises(RequestFailed, match="inside of this network"):
        send("POST", url.format(port=80), b"{}", {})


def test_a_name_that_means_another_address_a_moment_later_wins_nothing(
    server: Receiver, configure: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """DNS rebinding: what was judged is what is connected to. 192.0.2.1 is nobody's, and is refused, too."""
    configure(WEBHOOK_ALLOW_LOOPBACK=False)
    real, asked = socket.getaddrinfo, list[str]()

    def rebinding(host: str, *args: Any, **options: Any) -> Any:
        if host != "rebind.example.com":
            return real(host, *args, **options)
        asked.append(host)
        return real("93.184.215.14" if len(asked) == 1 else "127.0.0.1", *args, **options)

    def unreachable(address: tuple[str, int], *args: Any, **options: Any) -> Any:
        assert address[0] == "93.184.215.14"
        raise OSError("no way out of here")

    monkeypatch.setattr(socket, "getaddrinfo", rebinding)
    monkeypatch.setattr("urllib3.util.connection.create_connection", unreachable)
    with pytest.raises(RequestFailed, match="could not be reached"):
        send("POST", f"http://rebind.example.com:{server.server_port}/", b"{}", {})

    assert asked == ["rebind.example.com"]


def test_a_redirect_is_an_answer_like_any_other(server: Receiver) -> None:
    server.answer, server.headers = 302, {"Location": "/elsewhere"}

    assert send("POST", server.url, b"{}", {}).status == 302
    assert [request.path for request in server.requests] == ["/hook"]


def test_proxies_and_passwords_of_the_environment_are_not_used(
    server: Receiver, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login me password secret\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1/")
    send("POST", server.url, b"{}", {})

    assert "Authorization" not in server.requests[0].headers


@pytest.mark.parametrize("path", ["/drip", "/drip-head"])
def test_who_answers_without_an_end_is_cut_off(server: Receiver, monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    monkeypatch.setattr(client, "DEADLINE_SECONDS", 1.0)
    began = time.monotonic()
    with pytest.raises(RequestFailed, match="no whole answer within 1 seconds"):
        send("POST", server.url.replace("/hook", path), b"{}", {})

    assert 0.9 < time.monotonic() - began < 5


def test_a_name_server_that_does_not_answer_holds_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "DEADLINE_SECONDS", 0.5)
    released = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **options: released.wait(30))
    began = time.monotonic()
    with pytest.raises(RequestFailed, match="no whole answer within"):
        send("POST", "https://hooks.example.com/", b"{}", {})
    released.set()

    assert time.monotonic() - began < 5


def test_of_a_huge_answer_64_kb_are_read(server: Receiver) -> None:
    assert len(send("POST", server.url.replace("/hook", "/huge"), b"{}", {}).body) == 64 * 1024


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("http://hooks.example.com/", "must begin with https://"),
        ("ftp://hooks.example.com/", "must begin with https://"),
        ("https://", "names no host"),
        ("https://me:secret@hooks.example.com/", "Leave user name and password out"),
        ("https://hooks.example.com:0/", "names no host"),
        ("https://hooks.example.com:port/", "no URL"),
        ("https://hooks.example.com/a b", "printable ASCII"),
        ("https://häuser.example.com/", "printable ASCII"),
        ("https://hooks.example.com/" + "x" * 2000, "at most 2,000"),
    ],
)
def test_a_url_that_cannot_be_is_refused_with_the_way_out(url: str, says: str) -> None:
    assert says in check_url(url)


def test_https_is_taken_and_http_where_the_site_allows_it(configure: Callable[..., None]) -> None:
    assert check_url("https://hooks.example.com:8443/in?key=1") == ""
    configure(WEBHOOK_ALLOW_HTTP=True)
    assert check_url("http://hooks.example.com/") == ""
