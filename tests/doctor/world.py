"""A board in good health: its document in the stand-in Grist, its Redis, and a server that answers as ours does."""

from __future__ import annotations

import dataclasses
import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import msgspec

from grist_live.board import Board
from grist_live.bootstrap import bootstrap
from grist_live.doctor import Finding, Patient, examine
from grist_live.grist import Document
from grist_live.journal import WEB, WORK, Journal
from grist_live.settings import Problem, Settings, load
from tests.standin_grist import OWNER, StandinDocument, StandinGrist

HELLO = b"id: 1-1\nevent: hello\ndata: {}\n\n"
PING = b"event: ping\ndata: {}\n\n"
HEARTBEAT = 0.1


class OurServer:
    """Answers /health and the stream as our server does; `stream` writes the body, `health` is what is told."""

    def __init__(self) -> None:
        self.health: Any = {"status": "healthy", "problems": [], "boards": {"interventions": {}}}
        self.status, self.type = 200, "text/event-stream"
        self.stream: Callable[[Any, threading.Event], None] = _healthy
        self.over = threading.Event()
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        self._http.daemon_threads = True
        self._http.ours = self  # type: ignore[attr-defined]
        self.url = f"http://127.0.0.1:{self._http.server_port}"
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True)

    def __enter__(self) -> OurServer:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.over.set()
        self._http.shutdown()
        self._http.server_close()
        self._thread.join(5)


def _healthy(out: Any, over: threading.Event) -> None:
    out.write(HELLO)
    while not over.wait(HEARTBEAT):
        out.write(PING)


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        ours: OurServer = self.server.ours  # type: ignore[attr-defined]
        self.close_connection = True
        try:
            if self.path == "/health":
                body = json.dumps(ours.health).encode() if ours.health is not None else b"<html>"
                self._head(200, "application/json")
                self.wfile.write(body)
            else:
                self._head(ours.status, ours.type)
                ours.stream(self.wfile, ours.over)
        except OSError:
            pass

    def _head(self, status: int, kind: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        """Stay quiet."""


class World:
    """What the doctor looks at. Tests break a part of it, and ask `ids()` again."""

    def __init__(self, grist: StandinGrist, server: OurServer, redis_url: str, journal: Journal, folder: Path) -> None:
        self.grist, self.server, self.journal = grist, server, journal
        self.doc: StandinDocument = grist.add_document()
        env = {"HOME": str(folder), "GRIST_LIVE_REDIS_URL": redis_url, "GRIST_LIVE_HEARTBEAT": str(HEARTBEAT)}
        file = folder / "grist-live.toml"
        settings, _ = load(None, env, grist_url=grist.url, public_url=server.url, grist_api_key=OWNER)
        settings = dataclasses.replace(settings, path=file)
        document = Document(grist.url, self.doc.id, OWNER)
        bootstrap(settings, settings.board, document, echo=lambda line: None)
        document.close()
        self.settings, self.problems = load(file, env, grist_api_key=OWNER, public_url=server.url, grist_url=grist.url)
        self.board: Board = self.settings.board
        journal.alive(WEB, {})
        self.work_says(source="watch")

    def change(self, **settings: Any) -> None:
        self.settings = dataclasses.replace(self.settings, **settings)

    def change_board(self, **fields: Any) -> None:
        self.board = msgspec.structs.replace(self.board, **fields)
        self.change(boards={self.board.name: self.board})

    def patient(self, **options: Any) -> Patient:
        return Patient(self.settings, self.problems, self.board, **options)

    def examine(self, **options: Any) -> list[Finding]:
        return list(examine(self.settings, self.problems, self.board, **{"timeout": 0.5, **options}))

    def ids(self, **options: Any) -> set[str]:
        return {f.id for f in self.examine(**options)}

    # What may be wrong

    def work_says(self, **state: Any) -> None:
        """Let the work process tell how it goes with the board."""
        self.journal.alive(WORK, {"boards": {"interventions": state}})

    def column(self, name: str) -> Any:
        return self.doc.tables["Interventions"].columns[name]

    def webhook(self) -> dict[str, Any]:
        return next(iter(self.doc.webhooks.all.values()))

    def usage(self, **usage: Any) -> None:
        self.doc.queue.usage[next(iter(self.doc.webhooks.all))] = usage

    def other_webhook(self, url: str, **fields: Any) -> str:
        body = {"url": url, "eventTypes": ["add", "update"], "tableId": "Interventions"} | fields
        return self.doc.webhooks.create({"webhooks": [{"fields": body}]})[0]

    def change_widget(self, **changes: Any) -> None:
        section = next(s for s in self.doc.meta["_grist_Views_section"].values() if s["parentKey"] == "custom")
        options = json.loads(section["options"])
        view = json.loads(options["customView"])
        view["widgetOptions"] |= changes.pop("widgetOptions", {})
        section["options"] = json.dumps(options | {"customView": json.dumps(view | changes)})

    def problem(self, id: str) -> None:
        self.problems = [*self.problems, Problem(id, "error", "something", "Do it.")]


__all__ = ["HEARTBEAT", "HELLO", "PING", "OurServer", "Settings", "World"]
