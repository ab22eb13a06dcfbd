"""What we send to others: what is read, what is refused, and how it is told."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from grist_live import outbound
from grist_live.outbound import Outbound, OutboundError, Reply, check

Answer = Callable[[BaseHTTPRequestHandler], None]


@pytest.fixture
def serve() -> Iterator[Callable[[Answer], str]]:
    """Start a server that answers as a test says; return its address."""
    servers: list[tuple[HTTPServer, threading.Thread]] = []

    def start(answer: Answer) -> str:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                answer(self)

            def log_message(self, *args: object) -> None:
                pass

        server = HTTPServer(("127.0.0.1", 0), Handler)
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        servers.append((server, thread))
        return f"http://127.0.0.1:{server.server_port}"

    yield start
    for server, thread in servers:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def http() -> Iterator[Outbound]:
    one = Outbound()
    yield one
    one.close()


def say(it: BaseHTTPRequestHandler, status: int, body: bytes = b"{}", **headers: str) -> None:
    it.send_response(status)
    for name, value in {"Content-Length": str(len(body)), **headers}.items():
        it.send_header(name.replace("_", "-"), value)
    it.end_headers()
    it.wfile.write(body)


def test_headers_go_as_given_whatever_netrc_says(
    serve: Callable[[Answer], str], http: Outbound, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login somebody password else\n")
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    seen: list[str] = []

    def answer(it: BaseHTTPRequestHandler) -> None:
        seen.append(it.headers["Authorization"])
        say(it, 200, b'{"a": 1}')

    assert http.send("GET", serve(answer), {"Authorization": "Bearer ours"}).json() == {"a": 1}
    assert seen == ["Bearer ours"]


def test_nobody_leads_us_elsewhere(serve: Callable[[Answer], str], http: Outbound) -> None:
    asked: list[str] = []
    target = serve(lambda it: asked.append(it.path))
    reply = http.send("GET", serve(lambda it: say(it, 302, Location=f"{target}/steal?token=x")), {})
    assert reply.status == 302 and asked == []
    with pytest.raises(OutboundError, match="correct the address") as found:
        check(reply, "host")
    assert found.value.permanent and "token" not in str(found.value)


def test_an_endless_answer_is_cut_off(
    serve: Callable[[Answer], str], http: Outbound, monkeypatch: pytest.MonkeyPatch
) -> None:
    def drip(it: BaseHTTPRequestHandler) -> None:
        it.send_response(200)
        it.end_headers()
        for _ in range(100):
            try:
                it.wfile.write(b"x" * 1000)
                it.wfile.flush()
            except OSError:
                return
            time.sleep(0.01)

    monkeypatch.setattr(outbound, "MOST", 20_000)
    with pytest.raises(OutboundError, match="without end"):
        http.send("GET", serve(drip), {})


def test_who_is_silent_is_told(serve: Callable[[Answer], str], http: Outbound, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbound, "SILENCE", 0.2)
    with pytest.raises(OutboundError, match="did not answer") as found:
        http.send("GET", serve(lambda it: time.sleep(0.5)), {})
    assert not found.value.permanent and not found.value.whole, "another message may go through"


@pytest.mark.parametrize(
    ("text", "wait"),
    [("7", 7.0), ("0", 0.0), ("999999999", 3600.0), ("soon", None), ("", None), ("-5", None)],
)
def test_retry_after_is_a_number_of_seconds(text: str, wait: float | None) -> None:
    assert Reply(429, {"Retry-After": text}, b"").wait() == wait


def test_retry_after_may_be_a_date() -> None:
    later, earlier = (formatdate(time.time() + seconds, usegmt=True) for seconds in (1000, -1000))
    wait = Reply(429, {"Retry-After": later}, b"").wait()
    assert wait is not None and 900 < wait <= 1000 and Reply(429, {"Retry-After": earlier}, b"").wait() == 0


@pytest.mark.parametrize(
    ("status", "permanent", "whole", "limited"),
    [
        (400, True, False, False),
        (404, True, False, False),
        (429, False, True, True),
        (500, False, False, False),
        (503, False, True, False),
    ],
)
def test_a_status_says_whether_a_retry_helps(status: int, permanent: bool, whole: bool, limited: bool) -> None:
    with pytest.raises(OutboundError) as found:
        check(Reply(status, {}, b""), "host")
    assert (found.value.permanent, found.value.whole, found.value.limited) == (permanent, whole, limited)
    check(Reply(204, {}, b""), "host")


@pytest.mark.parametrize("body", [b"", b"<html>", b"[1]", b"\xff"])
def test_what_is_no_json_object_is_an_empty_one(body: bytes) -> None:
    assert Reply(200, {}, body).json() == {}
