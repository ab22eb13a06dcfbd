"""A viewer whose host vanished without a word: a cable pulled between two hosts of the test's own (network namespaces).

Making them needs root and iproute2; where either is missing the test is not collected.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import tomlkit

from grist_live.embedded import EmbeddedRedis
from grist_live.journal import WEB, Journal, connect

SERVER, CLIENT = "grist-live-a", "grist-live-b"
ADDRESS, PORT = "10.213.7.1", 8484


def ip(*arguments: str) -> bool:
    return subprocess.run(["ip", *arguments], capture_output=True).returncode == 0


def may_make_hosts() -> bool:
    """Tell whether this user may make network namespaces."""
    return os.geteuid() == 0 and bool(shutil.which("ip")) and ip("netns", "add", SERVER) and ip("netns", "del", SERVER)


@pytest.fixture
def hosts() -> Iterator[None]:
    """Two hosts with a cable between them."""
    ip("netns", "del", SERVER), ip("netns", "del", CLIENT)
    assert ip("netns", "add", SERVER) and ip("netns", "add", CLIENT)
    assert ip("link", "add", "gl-a", "netns", SERVER, "type", "veth", "peer", "name", "gl-b", "netns", CLIENT)
    for space, device, address in ((SERVER, "gl-a", ADDRESS), (CLIENT, "gl-b", "10.213.7.2")):
        assert ip("-n", space, "addr", "add", f"{address}/24", "dev", device)
        assert ip("-n", space, "link", "set", device, "up") and ip("-n", space, "link", "set", "lo", "up")
    yield
    assert ip("netns", "del", SERVER) and ip("netns", "del", CLIENT)


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    """A Redis on a unix socket: the namespaces share the file system, and nothing else."""
    redis = EmbeddedRedis(tmp_path / "redis")
    redis.start()
    journal = Journal(connect(redis.url))
    journal.url = redis.url  # type: ignore[attr-defined]
    yield journal
    journal.close()
    redis.stop()


@pytest.fixture
def server(hosts: None, journal: Journal, tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    table = {
        "redis_url": journal.url,  # type: ignore[attr-defined]
        "log_dir": str(tmp_path),
        "heartbeat": 5.0,
        "boards": {"interventions": {"preset": "interventions", "access": "public", "open": True}},
    }
    (tmp_path / "grist-live.toml").write_text(tomlkit.dumps(table), "utf-8")
    command = [sys.executable, "-m", "gunicorn", "-c", "python:grist_live.gunicorn_conf", "-b", f"{ADDRESS}:{PORT}"]
    process = subprocess.Popen(
        ["ip", "netns", "exec", SERVER, *command, "grist_live.wsgi:app"],
        env={**os.environ, "GRIST_LIVE_CONFIG": str(tmp_path / "grist-live.toml")},
        stderr=subprocess.DEVNULL,
    )
    yield process
    process.terminate()
    process.wait()


def viewers(journal: Journal) -> int:
    return sum(state["viewers"].get("interventions", 0) for state in journal.living(WEB).values())


def until(condition: Callable[[], bool], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.2)


VIEWER = f"""
import socket
s = socket.create_connection(("{ADDRESS}", {PORT}))
s.sendall(b"GET /boards/interventions/stream HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n")
while s.recv(4096): pass
"""

if may_make_hosts():

    def test_a_viewer_whose_host_vanished_is_freed_within_a_minute(
        server: subprocess.Popen[bytes], journal: Journal
    ) -> None:
        until(lambda: bool(journal.living(WEB)), 20)
        viewer = subprocess.Popen(["ip", "netns", "exec", CLIENT, sys.executable, "-c", VIEWER])
        try:
            until(lambda: viewers(journal) == 1, 20)
            assert ip("-n", CLIENT, "link", "set", "gl-b", "down"), "the cable could not be pulled"
            began = time.monotonic()
            until(lambda: viewers(journal) == 0, 60)
            assert time.monotonic() - began > 5, "it left by itself"
        finally:
            viewer.kill()
            viewer.wait()
