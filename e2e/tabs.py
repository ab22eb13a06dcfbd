"""Chromium by its own protocol: Playwright's pages are never hidden, and its clicks and scripts count as a reader's."""

from __future__ import annotations

import itertools
import json
import subprocess
import time
from pathlib import Path
from typing import Any

import websocket


class Tab:
    """One page of a browser, or the browser itself."""

    def __init__(self, url: str, id: str = "") -> None:
        self.id = id
        self._socket = websocket.create_connection(url, timeout=30)
        self._numbers = itertools.count(1)

    def __call__(self, method: str, **params: Any) -> dict[str, Any]:
        number = next(self._numbers)
        self._socket.send(json.dumps({"id": number, "method": method, "params": params}))
        while True:
            answer = json.loads(self._socket.recv())
            if answer.get("id") == number:
                assert "error" not in answer, (method, answer)
                result: dict[str, Any] = answer["result"]
                return result

    def evaluate(self, expression: str) -> Any:
        return self("Runtime.evaluate", expression=expression, returnByValue=True)["result"].get("value")

    def until(self, expression: str, wanted: Any = True, seconds: float = 30) -> None:
        deadline = time.monotonic() + seconds
        while (found := self.evaluate(expression)) != wanted:
            assert time.monotonic() < deadline, f"after {seconds} s {expression} is {found!r}, not {wanted!r}"
            time.sleep(0.05)

    def click(self, x: int, y: int) -> None:
        for type in ("mousePressed", "mouseReleased"):
            self("Input.dispatchMouseEvent", type=type, x=x, y=y, button="left", clickCount=1)

    def close(self) -> None:
        self._socket.close()


class Browser:
    """A Chromium of one's own, with tabs of which only the last that was brought forward is seen."""

    def __init__(self, program: str, folder: Path, flags: list[str]) -> None:
        arguments = [
            "--headless=new",
            "--remote-debugging-port=0",
            "--remote-allow-origins=*",
            "--no-first-run",
            "--window-size=1280,800",
        ]
        command = [program, *arguments, *flags, f"--user-data-dir={folder}", "about:blank"]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        port = folder / "DevToolsActivePort"
        deadline = time.monotonic() + 30
        while not (port.exists() and len(lines := port.read_text().split()) == 2):
            assert time.monotonic() < deadline and self._process.poll() is None, "Chromium does not start"
            time.sleep(0.05)
        self._address = f"ws://127.0.0.1:{lines[0]}"
        self._tabs = [Tab(self._address + lines[1])]

    def open(self, before: str = "") -> Tab:
        """Open an empty tab, before all others; `before` runs in each of its pages before their own scripts."""
        id = self._tabs[0]("Target.createTarget", url="about:blank")["targetId"]
        tab = Tab(f"{self._address}/devtools/page/{id}", id)
        self._tabs.append(tab)
        tab("Page.enable")
        if before:
            tab("Page.addScriptToEvaluateOnNewDocument", source=before)
        return tab

    def show(self, tab: Tab) -> None:
        """Bring a tab forward: the others are hidden."""
        self._tabs[0]("Target.activateTarget", targetId=tab.id)

    def close(self) -> None:
        for tab in self._tabs:
            tab.close()
        self._process.terminate()
        self._process.wait(20)
