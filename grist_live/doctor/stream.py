"""Our public stream, opened as a browser would: does it come through at once, and stay open?"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator
from typing import Any

import requests

from grist_live.doctor.finding import Finding, found
from grist_live.doctor.patient import Patient, Unknown

GRACE = 3.0
"""Seconds that a ping may be late."""


class Listening:
    """A stream that is read in a thread, so that waiting for it has an end, and other checks go on meanwhile."""

    def __init__(self, patient: Patient) -> None:
        self._patient = patient
        self._news = threading.Condition()
        self._at: dict[str, float] = {}
        self._status = 0
        self._type = ""
        self._over = ""
        self._response: requests.Response | None = None
        self._began = time.monotonic()
        threading.Thread(target=self._read, daemon=True).start()

    def findings(self) -> Iterator[Finding]:
        """Wait for the greeting and, unless it is to be quick, for the first ping."""
        try:
            yield from self._judge()
        finally:
            self._stop()

    def _judge(self) -> Iterator[Finding]:
        patient, url = self._patient, f"{self._patient.settings.url}/boards/{self._patient.board.name}/stream"
        self._wait(lambda: bool(self._at or self._over), patient.timeout)
        if self._over and not self._status:
            raise Unknown  # nothing answers there, which has its own finding
        if self._status and (self._status != 200 or self._type != "text/event-stream"):
            yield found("stream-refused", f"{url} answers {self._status} {self._type}")
            return
        if "hello" not in self._at:
            yield found("stream-held", f"nothing came from {url} in {patient.timeout:.0f} s")
            return
        greeted = (self._at["hello"] - self._began) * 1000
        heartbeat = patient.settings.heartbeat
        if not patient.quick:
            self._wait(lambda: "ping" in self._at or bool(self._over), heartbeat * 1.1 + GRACE)
            if "ping" not in self._at:
                after = time.monotonic() - self._at["hello"]
                id = "stream-cut" if self._over else "stream-quiet"
                what = "was cut" if self._over else "was quiet"
                yield found(
                    id, f"the stream {what} after {after:.0f} s, before a ping came (heartbeat {heartbeat:g} s)"
                )
                return
        ping = f", and sent a ping after {self._at['ping'] - self._began:.0f} s" if "ping" in self._at else ""
        yield found("stream", f"the stream greeted in {greeted:.0f} ms{ping}")

    def _read(self) -> None:
        patient = self._patient
        headers = {"Accept": "text/event-stream"} | (
            {"Authorization": f"Bearer {patient.token}"} if patient.token else {}
        )
        over = "ended"
        try:
            with requests.get(
                f"{patient.settings.url}/boards/{patient.board.name}/stream",
                headers=headers,
                stream=True,
                timeout=(patient.timeout, None),
                allow_redirects=False,
            ) as response:
                with self._news:
                    self._response, self._status = response, response.status_code
                    self._type = response.headers.get("Content-Type", "").split(";")[0]
                    if self._status != 200 or self._type != "text/event-stream":
                        return
                for line in response.iter_lines(chunk_size=1):
                    if line.startswith(b"event:"):
                        self._note(line[6:].decode().strip())
        except (requests.RequestException, OSError, ValueError, AttributeError) as error:
            # urllib3 reading a response that was closed meanwhile raises AttributeError or ValueError.
            over = type(error).__name__
        finally:
            with self._news:
                self._over = over
                self._news.notify_all()

    def _note(self, kind: str) -> None:
        with self._news:
            self._at.setdefault(kind, time.monotonic())
            self._news.notify_all()

    def _wait(self, condition: Any, seconds: float) -> None:
        with self._news:
            self._news.wait_for(condition, seconds)

    def _stop(self) -> None:
        """End the reading. To close what another thread reads would wait for its next byte, so the socket is shut."""
        with self._news:
            shutdown = getattr(self._response.raw, "shutdown", None) if self._response else None
        if shutdown:
            with contextlib.suppress(Exception):
                shutdown()
