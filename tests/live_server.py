"""The real program in a process of its own, on a free port; its output is shown when it dies."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import requests
import tomlkit

from tests.redis_server import free_port


class LiveServer:
    """`web` is plain gunicorn, `serve` is both processes; settings come from a configuration file."""

    def __init__(self, redis_url: str, folder: Path, command: str, settings: dict[str, Any]) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.command = command
        board = {"preset": "interventions", "access": "public", "open": True} | settings.pop("board", {})
        table = {
            "host": "127.0.0.1",
            "port": self.port,
            "redis_url": redis_url,
            "log_dir": str(folder / "log"),
            "boards": {"interventions": board},
            **settings,
        }
        self.config = folder / f"grist-live-{self.port}.toml"
        self.config.write_text(tomlkit.dumps(table), "utf-8")
        self.output = folder / f"output-{self.port}.txt"
        self.workers = int(settings.get("workers", 1))
        self.process: subprocess.Popen[bytes] | None = None
        self.env = {**os.environ, "GRIST_LIVE_CONFIG": str(self.config), "HOME": str(folder)}
        self.env.pop("GRIST_API_KEY", None)

    def start(self, wait: bool = True) -> None:
        gunicorn = ["-m", "gunicorn", "-c", "python:grist_live.gunicorn_conf", "-b", f"127.0.0.1:{self.port}"]
        arguments = {
            "web": [*gunicorn, "-w", str(self.workers), "grist_live.wsgi:app"],
            "serve": ["-m", "grist_live", "serve"],
        }[self.command]
        with self.output.open("ab") as out:
            self.process = subprocess.Popen(
                [sys.executable, *arguments], env=self.env, stdout=out, stderr=out, start_new_session=True
            )
        if wait:
            self.wait_ready()

    def wait_ready(self, seconds: float = 20) -> None:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            assert self.process and self.process.poll() is None, self.output.read_text()
            with contextlib.suppress(requests.RequestException):
                if requests.get(f"{self.url}/readyz", timeout=2).ok:
                    return
            time.sleep(0.05)
        raise AssertionError("the server did not get ready: " + self.output.read_text())

    def kill(self) -> None:
        """SIGKILL the whole group, as when the machine loses power."""
        assert self.process
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def stop(self) -> None:
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.kill()
                raise AssertionError("the server did not end: " + self.output.read_text()) from None

    def post(self, *records: dict[str, Any], **options: Any) -> requests.Response:
        return requests.post(f"{self.url}/webhook/grist-realtime", json=list(records), timeout=10, **options)

    def snapshot(self) -> dict[str, Any]:
        answer = requests.get(f"{self.url}/boards/interventions/snapshot", timeout=10)
        answer.raise_for_status()
        found: dict[str, Any] = answer.json()
        return found

    def stream(self, last: str = "", path: str = "/boards/interventions/stream", **options: Any) -> Stream:
        return Stream(self.url + path, last, **options)


class Event(dict[str, Any]):
    """One server-sent event: `type`, `id`, `data` (decoded JSON)."""


class Stream:
    """A viewer: reads a stream in a thread, keeps what came."""

    def __init__(self, url: str, last: str = "", **options: Any) -> None:
        headers = {"Last-Event-ID": last} if last else {}
        headers |= options.pop("headers", {})
        self.response = requests.get(url, headers=headers, stream=True, timeout=30, **options)
        self._socket: socket.socket = self.response.raw._fp.fp.raw._sock
        self.events: list[Event] = []
        self.ended = False
        self._news = threading.Condition()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _lines(self) -> Iterator[str]:
        rest = b""
        while part := self.response.raw.read1(65_536):
            *lines, rest = (rest + part).split(b"\n")
            yield from (line.decode() for line in lines)

    def _read(self) -> None:
        event = Event(type="message", data="")
        lines: list[str] = []
        with contextlib.suppress(Exception):
            for line in self._lines():
                name, _, value = line.partition(":")
                if line == "":
                    if lines:
                        event["text"] = "\n".join(lines)
                        with contextlib.suppress(ValueError):
                            event["data"] = json.loads(event["text"])
                        with self._news:
                            self.events.append(event)
                            self._news.notify_all()
                    event, lines = Event(type="message", data=""), []
                elif name == "data":
                    lines.append(value.removeprefix(" "))
                elif name in ("event", "id", "retry"):
                    event["type" if name == "event" else name] = value
        with self._news:
            self.ended = True
            self._news.notify_all()

    def wait(self, count: int = 1, type: str = "message", seconds: float = 10) -> list[Event]:
        """Wait for so many events of a type, and return all of them that came."""
        with self._news:
            ok = self._news.wait_for(lambda: len(self.of(type)) >= count or self.ended, seconds)
            found = self.of(type)
        assert ok and len(found) >= count, f"{len(found)} of {count} {type} events came: {self.events}"
        return found

    def of(self, type: str) -> list[Event]:
        return [e for e in self.events if e["type"] == type]

    def wait_end(self, seconds: float = 10) -> None:
        with self._news:
            assert self._news.wait_for(lambda: self.ended, seconds), "the stream goes on"

    def close(self) -> None:
        """Leave at once: closing alone would wait for the thread that reads."""
        if not self.ended:
            with contextlib.suppress(AttributeError, OSError):
                self._socket.shutdown(socket.SHUT_RDWR)
        self.wait_end()
        self._thread.join()
        self.response.close()

    def __enter__(self) -> Stream:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def __iter__(self) -> Iterator[Event]:
        return iter(self.events)
