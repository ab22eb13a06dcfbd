"""The benchmark's own parts: the load generator must count right, or every figure is worth nothing."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench import servers
from bench.report import Report

pytestmark = pytest.mark.skipif(not shutil.which("cc"), reason="the load generator needs a C compiler")


@pytest.fixture
def live(tmp_path: Path) -> Iterator[servers.GristLive]:
    server = servers.GristLive(tmp_path)
    try:
        server.start()
        yield server
    finally:
        server.stop()


def test_it_works(live: servers.GristLive) -> None:
    """Twenty viewers for a second: nothing lost, nothing doubled, and every post was committed."""
    found = live.load("--viewers", 20, "--rate", 50, "--seconds", 1)
    assert found["connected"] == 20
    assert found["posts"] >= 45
    assert found["deliveries"] == 20 * found["posts"]
    assert (found["lost"], found["doubled"], found["errors"], found["closed"]) == (0, 0, 0, 0)
    assert 0 < found["latency_ms"]["p50"] < 1000
    assert 250 < found["bytes_each"] < 350
    assert live.redis.xlen("grist-live:{interventions}:log") == found["posts"] + 3  # three to warm up


def test_a_batch_changes_all_its_rows(live: servers.GristLive) -> None:
    found = live.load("--viewers", 0, "--flood", "--conns", 2, "--seconds", 0.3, body=live.body(records=100))
    assert found["answers"] == found["posts"] > 0
    assert live.redis.xlen("grist-live:{interventions}:log") == 100 * (found["posts"] + 3)


def test_the_generator_sees_what_is_lost_and_doubled(tmp_path: Path) -> None:
    """A server that drops every third message, doubles every fourth, and cuts marks into two writes."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=_bad_server, args=(listener,), daemon=True)
        thread.start()
        command = [servers.generator(), "--port", listener.getsockname()[1], "--viewers", 1, "--rate", 50]
        command += ["--seconds", 1, "--settle", 0.1, "--drain", 0.3]
        done = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=20, check=True)
    found = json.loads(done.stdout)
    posts = found["posts"]
    assert found["lost"] == posts // 3
    assert found["doubled"] == posts // 4 - posts // 12


def _bad_server(listener: socket.socket) -> None:
    viewer, _ = listener.accept()
    viewer.recv(65_536)
    viewer.sendall(b"HTTP/1.1 200 OK\r\n\r\n: hello\n\n")
    poster, _ = listener.accept()
    while body := poster.recv(65_536):
        mark = body[body.index(b"@@T") :][:30]
        number = int(mark[20:28], 16)
        # The old value stands behind the new one, in the same line: it must not count.
        event = b'data: {"new":"%s","was":"%s"}\n\n' % (mark, mark)
        times = 0 if number and number % 3 == 0 else 2 if number and number % 4 == 0 else 1
        for _ in range(times):
            viewer.sendall(event[:20])
            threading.Event().wait(0.001)
            viewer.sendall(event[20:])
        poster.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
    viewer.close()
    poster.close()


def test_a_report_says_what_was_not_met(capsys: pytest.CaptureFixture[str]) -> None:
    report = Report()
    report.number("memory", 1.5, "kB", most=1, digits=1)
    report.ratio("speed", 30.0, least=25)
    text = report.markdown("make bench", {"Python": "3"})
    assert "1 of 2 targets met" in text
    assert text.index("| speed | 30.00 × | ≥ 25 × | met |") < text.index("| memory | 1.5 kB | ≤ 1 kB | **not met** |")
    assert "✗ memory" in capsys.readouterr().out
