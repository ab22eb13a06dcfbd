"""What no page of ours may do, whatever the test is about: fail, break its own CSP, open a dialog, go elsewhere."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from playwright.sync_api import ConsoleMessage, Dialog, Error, Page, Request

# Grist's plugin API puts in two style elements, which our CSP refuses, as it should.
KNOWN = ("grist-plugin-api.js", "inline style violates the following Content Security Policy directive 'style-src")


class Guard:
    """Watches pages; `faults` is what went wrong. A test says beforehand what it provokes."""

    def __init__(self) -> None:
        self._faults: list[str] = []
        self._expected: list[str] = []
        self._not_ours: set[str] = set()

    def watch(self, page: Page) -> None:
        page.on("console", self._console)
        page.on("pageerror", self._error)
        page.on("dialog", self._dialog)
        page.on("request", self._request)
        page.on("crash", lambda _: self._faults.append("the page crashed"))

    def expect(self, *patterns: str) -> None:
        """These errors are provoked by the test."""
        self._expected += patterns

    def not_ours(self, origin: str) -> None:
        """What this site's scripts say is not ours to answer for: Grist's own page."""
        self._not_ours.add(origin)

    @property
    def faults(self) -> list[str]:
        return [f for f in self._faults if not any(re.search(pattern, f) for pattern in self._expected)]

    def _console(self, message: ConsoleMessage) -> None:
        url, text = str(message.location.get("url", "")), message.text
        if message.type not in ("error", "warning", "assert"):
            return
        if "Content Security Policy" in text:
            if not (url.endswith(KNOWN[0]) and KNOWN[1] in text):
                self._faults.append(f"CSP: {text} ({url})")
        elif origin(url) not in self._not_ours and message.type != "warning":
            self._faults.append(f"console: {text} ({url})")

    def _error(self, error: Error) -> None:
        stack = str(error.stack or error)
        if not any(origin in stack for origin in self._not_ours):
            self._faults.append(f"page error: {stack}")

    def _dialog(self, dialog: Dialog) -> None:
        self._faults.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def _request(self, request: Request) -> None:
        parts = urlsplit(request.url)
        if parts.scheme in ("http", "https", "ws", "wss") and parts.hostname != "127.0.0.1":
            self._faults.append(f"a request leaves this machine: {request.url}")


def origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
