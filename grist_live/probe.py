"""The probe: one test event through the whole system, each leg with its time."""

from __future__ import annotations

import contextlib
import json
import secrets
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import requests

from grist_live.access import Access
from grist_live.board import Board
from grist_live.settings import Settings

TIMEOUT = 10.0


@dataclass(frozen=True, slots=True)
class Leg:
    """One part of the way: what it is, whether it worked, milliseconds, and what to do when it didn't."""

    name: str
    ok: bool
    ms: float
    detail: str = ""

    def __str__(self) -> str:
        return f"{'ok  ' if self.ok else 'FAIL'} {self.name:<34} {self.ms:8.1f} ms  {self.detail}".rstrip()


def probe(settings: Settings, board: Board, url: str) -> Iterator[Leg]:
    """Open a stream, post a test event through the webhook door, and wait for it; yield each leg.

    The event's id is no row id, so that it is shown to viewers as a test and never stored.
    """
    headers = {"Accept": "text/event-stream"}
    if board.access != "public":
        headers["Authorization"] = f"Bearer {Access((), settings.token_keys).token(board, time.time() + 60)}"
    began = time.perf_counter()
    try:
        stream = requests.get(f"{url}/boards/{board.name}/stream", headers=headers, stream=True, timeout=TIMEOUT)
    except requests.RequestException as error:
        yield Leg("server reached", False, _ms(began), f"{url}: {_short(error)}; is `serve` running there?")
        return
    with stream:
        if stream.status_code != 200:
            yield Leg("stream opened", False, _ms(began), f"HTTP {stream.status_code}: {stream.text[:200]}")
            return
        yield Leg("stream opened", True, _ms(began))
        events = _Events(stream)
        yield events.wait("hello", None, "stream greets", began)
        mark = f"test-{secrets.token_hex(6)}"
        posted = time.perf_counter()
        leg = _post(settings, board, url, mark)
        yield leg
        if leg.ok:
            yield events.wait("test", mark, "webhook → stream", posted)


def _post(settings: Settings, board: Board, url: str, mark: str) -> Leg:
    headers = {}
    if not board.open and settings.webhook_secret:
        headers["Authorization"] = f"Bearer {settings.webhook_secret[0]}"
    fields = {c.id: "grist-test" for c in board.columns if c.role in ("title", "assignee", "place")}
    began = time.perf_counter()
    try:
        body = {"id": mark, "fields": fields}
        answer = requests.post(f"{url}/webhook/{board.name}", json=body, headers=headers, timeout=TIMEOUT)
    except requests.RequestException as error:
        return Leg("webhook answered", False, _ms(began), _short(error))
    ok = answer.status_code == 200
    return Leg("webhook answered", ok, _ms(began), "" if ok else f"HTTP {answer.status_code}: {answer.text[:200]}")


class _Events:
    """Reads a stream in a thread, so that waiting for an event has an end."""

    def __init__(self, stream: requests.Response) -> None:
        self._found: list[tuple[str, Any]] = []
        self._news = threading.Condition()
        threading.Thread(target=self._read, args=(stream,), daemon=True).start()

    def _read(self, stream: requests.Response) -> None:
        kind = "message"
        with contextlib.suppress(Exception):
            for line in stream.iter_lines(chunk_size=1):
                name, _, value = line.decode().partition(":")
                if name == "event":
                    kind = value
                elif name == "data":
                    with self._news:
                        self._found.append((kind, json.loads(value)))
                        self._news.notify()
                elif not line:
                    kind = "message"

    def wait(self, kind: str, row: str | None, name: str, began: float) -> Leg:
        def arrived() -> bool:
            return any(k == kind and (row is None or data.get("row") == row) for k, data in self._found)

        with self._news:
            ok = self._news.wait_for(arrived, TIMEOUT)
        hint = "" if ok else "nothing came: is a proxy holding the stream back, or Redis away?"
        return Leg(name, ok, _ms(began), hint)


def _ms(began: float) -> float:
    return (time.perf_counter() - began) * 1000


def _short(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:200]
