"""Grist's webhook queue, with its real rules (grist-core: app/server/lib/WebhookQueue.ts)."""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

BATCH = 100
ATTEMPTS = 20
ATTEMPTS_WHEN_FULL = 5
LONGEST_WAIT = 64

Target = tuple[str, str]
"""Address and Authorization of a webhook."""


class Queue:
    """One document's queue: first in first out, one request at a time, for all webhooks of the document.

    `wait` is GRIST_TRIGGER_WAIT_DELAY in seconds (1 by default in Grist): the pause of the idle loop, and
    the unit of the waits between retries. `limit` is GRIST_MAX_QUEUE_SIZE: from there on writers hang.
    """

    def __init__(self, wait: float, limit: int, target: Callable[[str], Target | None]) -> None:
        self.wait, self.limit, self.target = wait, limit, target
        self.events: list[tuple[str, dict[str, Any]]] = []
        self.usage: dict[str, dict[str, Any]] = {}
        self.sent: list[list[dict[str, Any]]] = []
        self._busy = False
        self._abort = threading.Event()
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def put(self, events: list[tuple[str, dict[str, Any]]]) -> None:
        """Add events; hang while the queue is full, as the write request does."""
        if not events:
            return
        with self._lock:
            self.events += events
            if self._thread is None:
                self._thread = threading.Thread(target=self._loop, daemon=True)
                self._thread.start()
        while len(self.events) >= self.limit and not self._stop.is_set():
            self._stop.wait(self.wait)

    def clear(self, webhook: str | None = None) -> None:
        with self._lock:
            self.events = [e for e in self.events if webhook is not None and e[0] != webhook]
            self.usage = {k: u for k, u in self.usage.items() if webhook is not None and k != webhook}
            self._abort.set()

    def waiting(self, webhook: str) -> int:
        return sum(e[0] == webhook for e in self.events)

    def idle(self) -> bool:
        with self._lock:
            return not self.events and not self._busy

    def stop(self) -> None:
        """End, and lose what waits: Grist's queue is in memory only."""
        self._stop.set()
        self._abort.set()
        if self._thread:
            self._thread.join(5)

    def _loop(self) -> None:
        while not self._stop.is_set():
            self._abort.clear()
            with self._lock:
                events = self.events[:BATCH]
                self._busy = bool(events)
            if not events:
                self._stop.wait(self.wait)
                continue
            webhook = events[0][0]
            count = next((i for i, e in enumerate(events) if e[0] != webhook), len(events))
            self._deliver(webhook, [e[1] for e in events[:count]])
            with self._lock:
                self._busy = False

    def _deliver(self, webhook: str, batch: list[dict[str, Any]]) -> None:
        target = self.target(webhook)
        success = True if target is None else self._try(webhook, target, batch)
        with self._lock:
            if self._abort.is_set():
                return
            taken, self.events = self.events[: len(batch)], self.events[len(batch) :]
            if success:
                self._log(webhook, status="idle")
            elif len(taken) + len(self.events) < self.limit:
                self.events += taken
                self._log(webhook, status="postponed")
            else:
                self._log(webhook, status="error")

    def _try(self, webhook: str, target: Target, batch: list[dict[str, Any]]) -> bool:
        pause = 1
        attempt = 0
        while True:
            attempt += 1
            self._log(webhook, status="sending" if attempt == 1 else "retrying")
            status, text = _post(target, batch)
            if self._abort.is_set():
                return False
            good = status is not None and 200 <= status < 300
            self._log_batch(webhook, good, status, text, len(batch), attempt)
            if good:
                self.sent.append(batch)
                return True
            if attempt >= (ATTEMPTS_WHEN_FULL if len(self.events) >= self.limit else ATTEMPTS):
                return False
            if self._abort.wait(pause * self.wait):
                return False
            pause = min(pause * 2, LONGEST_WAIT)

    def _log(self, webhook: str, **values: Any) -> None:
        now = int(time.time() * 1000)
        empty = {"lastEventBatch": None, "lastSuccessTime": None, "lastFailureTime": None,
                 "lastErrorMessage": None, "lastHttpStatus": None}  # fmt: skip
        self.usage[webhook] = empty | self.usage.get(webhook, {}) | {"updatedTime": now} | values

    def _log_batch(self, webhook: str, good: bool, status: int | None, text: str, size: int, attempt: int) -> None:
        now = int(time.time() * 1000)
        error = None if good else text
        batch = {"status": "success" if good else "failure", "httpStatus": status, "errorMessage": error,
                 "size": size, "attempts": attempt}  # fmt: skip
        values: dict[str, Any] = {"lastEventBatch": batch}
        values |= {"lastSuccessTime": now} if good else {
            "lastFailureTime": now, "lastErrorMessage": text, "lastHttpStatus": status}  # fmt: skip
        self._log(webhook, **values)


def _post(target: Target, batch: list[dict[str, Any]]) -> tuple[int | None, str]:
    """Send as node-fetch does: a redirect is followed as a GET without the body, and counts as a
    success."""
    headers = {"Content-Type": "application/json", "Accept": "*/*", "Connection": "close",
               "User-Agent": "node-fetch/1.0 (+https://github.com/bitinn/node-fetch)",
               "Accept-Encoding": "gzip,deflate"}  # fmt: skip
    url, authorization = target
    if authorization:
        headers["Authorization"] = authorization
    body = json.dumps(batch, ensure_ascii=False, separators=(",", ":")).encode()
    try:
        status, text, location = _request("POST", url, headers, body)
        if status in (301, 302, 303) and location:
            status, text, location = _request("GET", location, headers, None)
        return status, text
    except (OSError, http.client.HTTPException) as error:
        return None, f"request to {url} failed, reason: {error}"


def _request(method: str, url: str, headers: dict[str, str], body: bytes | None) -> tuple[int, str, str | None]:
    parts = urlsplit(url)
    assert parts.scheme == "http", "the stand-in delivers by http only"
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port or 80, timeout=120)
    try:
        path = parts.path or "/"
        connection.request(method, f"{path}?{parts.query}" if parts.query else path, body, headers)
        answer = connection.getresponse()
        return answer.status, answer.read().decode("utf-8", "replace"), answer.getheader("Location")
    finally:
        connection.close()
