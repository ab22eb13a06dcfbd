"""Somebody whom webhooks are sent to: keeps what came, and answers as it is told."""

from __future__ import annotations

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Receiver:
    """An HTTP server on 127.0.0.1. `statuses` are answered in turn, the last for ever."""

    def __init__(self, *statuses: int, pause: float = 0) -> None:
        self.statuses, self.pause = list(statuses) or [200], pause
        self.bodies: list[Any] = []
        self.headers: list[dict[str, str]] = []
        self.times: list[float] = []
        self.paths: list[str] = []
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        self._http.daemon_threads = True
        self._http.receiver = self  # type: ignore[attr-defined]
        self.url = f"http://127.0.0.1:{self._http.server_port}/hook"
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True)

    def __enter__(self) -> Receiver:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join(5)

    @property
    def records(self) -> list[dict[str, Any]]:
        """All records that came, in order."""
        return [record for body in self.bodies if body for record in body]


class _Handler(BaseHTTPRequestHandler):
    def _take(self) -> None:
        receiver: Receiver = self.server.receiver  # type: ignore[attr-defined]
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        receiver.times.append(time.monotonic())
        receiver.bodies.append(json.loads(raw) if raw else None)
        receiver.headers.append(dict(self.headers))
        receiver.paths.append(self.path)
        time.sleep(receiver.pause)
        status = receiver.statuses.pop(0) if len(receiver.statuses) > 1 else receiver.statuses[0]
        self.send_response(status)
        if status == 302:
            self.send_header("Location", receiver.url)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"no")

    do_GET = do_POST = _take

    def log_message(self, format: str, *args: Any) -> None:
        """Stay quiet."""
