"""The stand-in's websocket: who has a document open, what is pushed to it, and what may go wrong.

It says what the recorded sessions say (`tests/payloads/websocket`). It leaves out: what a client missed
while it was away (`needReload`, `missedMessages`), changes of Grist's own tables in `actionSummary`, and
the 5 s for which a server keeps access that was taken away.
"""

from __future__ import annotations

import json
import queue
import secrets
import socket
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from wsproto import WSConnection
from wsproto.events import CloseConnection, Event, Ping, TextMessage
from wsproto.utilities import LocalProtocolError, RemoteProtocolError

from .actions import Refusal
from .document import StandinDocument
from .history import Entry, summary
from .metadata import table_data, tables_of

if TYPE_CHECKING:
    from .server import StandinGrist

Message = dict[str, Any]
VERSION = "standin"
USAGE = {
    "dataLimitInfo": {"status": None}, "rowCount": "hidden", "dataSizeBytes": "hidden",
    "attachmentsSizeBytes": "hidden", "usageRecommendations": {},
}  # fmt: skip
RECENT = 100
AGAIN = 0.25
"""After so many seconds clientConnect comes again."""
CUT = object()


class Live:
    """The websockets of one server, and the switches by which tests make them fail.

    `delay`: each message waits so many seconds, in order. `refuse`: an upgrade is answered by this status,
    as by a proxy that knows no websockets. `silent`: connections are accepted, and nothing is ever said, not even
    a pong. `reshape`: changes each message before it is sent; None sends nothing. `hides`: which actions a
    partial reader doesn't get. `received` lists what came.
    """

    def __init__(self, grist: StandinGrist) -> None:
        self.grist = grist
        self.delay: float = 0
        self.refuse: int | None = None
        self.silent = False
        self.reshape: Callable[[Message], Message | None] = lambda message: message
        self.hides: Callable[[list[Any]], bool] = lambda action: False
        self.connections: list[Connection] = []
        self.received: list[Message] = []
        self.opened = 0
        self._changed = threading.Condition()

    def watching(self, doc: StandinDocument) -> int:
        """Return how many have the document open."""
        return sum(c.has_open(doc) for c in self.connections)

    def wait(self, doc: StandinDocument, count: int = 1, timeout: float = 10) -> None:
        """Wait until so many have the document open. Raises TimeoutError."""
        with self._changed:
            if not self._changed.wait_for(lambda: self.watching(doc) == count, timeout):
                raise TimeoutError(f"{self.watching(doc)} have the document open, not {count}")

    def drop(self) -> None:
        """Cut all connections, without a closing frame."""
        for connection in list(self.connections):
            connection.cut()

    def close(self, code: int = 1001, reason: str = "") -> None:
        """Close all connections in good order."""
        for connection in list(self.connections):
            connection.put(CloseConnection(code, reason))
            connection.put(CUT)

    def say(self, message: Message) -> None:
        """Send something to all, whatever it is."""
        for connection in list(self.connections):
            connection.say(dict(message))

    def say_raw(self, text: str) -> None:
        """Send a text that needn't be JSON."""
        for connection in list(self.connections):
            connection.put(TextMessage(text))

    def changed(self) -> None:
        with self._changed:
            self._changed.notify_all()

    def serve(self, sock: socket.socket, frames: WSConnection, user: str | None) -> None:
        """Talk with one client, whose handshake is done, until it goes. A bad key (None): cut at once."""
        connection = Connection(self, sock, frames, user or "")
        if user is None:
            connection.cut()
            return
        self.opened += 1
        self.connections.append(connection)
        try:
            connection.run()
        finally:
            self.connections.remove(connection)
            connection.end()
            self.changed()


class Connection:
    """One client. What is said goes through a queue, so that a slow client delays nobody and keeps the order."""

    def __init__(self, live: Live, sock: socket.socket, frames: WSConnection, user: str) -> None:
        self.live, self.sock, self.user, self._frames = live, sock, user, frames
        self.id = secrets.token_hex(8)
        self.docs: list[StandinDocument] = []
        self._greeted = False
        self._lock = threading.Lock()
        self._seq = 0
        self._out: queue.SimpleQueue[tuple[float, Event | object]] = queue.SimpleQueue()
        self._writer = threading.Thread(target=self._write, daemon=True)

    def has_open(self, doc: StandinDocument) -> bool:
        return doc in self.docs

    def run(self) -> None:
        self._writer.start()
        hello: Message = {"serverVersion": VERSION, "settings": {}, "type": "clientConnect", "clientId": self.id}
        hello["needReload"] = False
        self.put(hello)
        self.put(hello | {"dup": True}, AGAIN)
        text = ""
        while data := self._read():
            try:
                self._frames.receive_data(data)
                events = list(self._frames.events())
            except RemoteProtocolError:
                break
            for event in events:
                if isinstance(event, CloseConnection):
                    self.put(event.response())
                    self.put(CUT)
                elif isinstance(event, Ping) and not self.live.silent:
                    self.put(event.response())
                elif isinstance(event, TextMessage):
                    text += event.data
                    if event.message_finished:
                        self._take(text)
                        text = ""

    def _read(self) -> bytes:
        try:
            return self.sock.recv(65_536)
        except OSError:
            return b""

    def _take(self, text: str) -> None:
        """Answer; what isn't JSON, a heartbeat and what came before clientConnect was sent have no answer."""
        try:
            request = json.loads(text)
        except ValueError:
            return
        self.live.received.append(request)
        if request.get("beat") or not self._greeted:
            return
        answer: Message = {"reqId": request.get("reqId")}
        try:
            if request["method"] not in METHODS:
                raise Refusal(0, f"Unknown method {request['method']}")
            answer["data"] = METHODS[request["method"]](self, *request.get("args", []))
        except Refusal as refusal:
            answer["error"] = refusal.error
            if refusal.status == 403:
                details = {"status": 403, "accessMode": "default"}
                answer |= {"errorCode": "AUTH_NO_VIEW", "details": details}
            if refusal.status:
                answer["status"] = refusal.status
        self.say(answer)
        if request.get("method") == "openDoc" and "error" not in answer:
            self.docs[-1].load()
            self.live.changed()

    # What it may ask

    def open_doc(self, doc_id: str, *_: Any) -> Message:
        doc = self.live.grist.documents.get(doc_id)
        if doc is None:
            raise Refusal(404, "document not found")
        self._check(doc)
        with doc.writing:
            if doc not in self.docs:
                self.docs.append(doc)
                doc.watchers.append(self)
            log = [_minimal(e) for e in doc.history.entries[-RECENT:]]
            return {
                "docFD": self.docs.index(doc), "clientId": self.id, "doc": tables_of(doc), "log": log,
                "recoveryMode": False, "user": self._user(), "docUsage": USAGE, "isTimingOn": False,
            }  # fmt: skip

    def fetch_table(self, fd: int, name: str, *_: Any) -> Message:
        if not 0 <= fd < len(self.docs):
            raise Refusal(0, f"Invalid docFD {fd}")
        doc = self.docs[fd]
        self._check(doc)
        with doc.lock:
            return {"tableData": table_data(doc, name)}

    def _check(self, doc: StandinDocument) -> None:
        if not self.live.grist.role_of(self.user):
            raise Refusal(403, "No view access")

    def _user(self) -> Message:
        return {
            "Name": None, "UserID": 7, "Access": self.live.grist.role_of(self.user), "Origin": None, "LinkKey": {},
            "Email": self.user, "SessionID": "u7", "UserRef": "user-ref", "ShareRef": None, "Type": None,
            "IsLoggedIn": True,
        }  # fmt: skip

    # What it is told

    def pushed(self, doc: StandinDocument, entry: Entry) -> None:
        if not self.live.grist.role_of(self.user):
            self._shut(doc)
            return
        actions = entry.doc_actions
        partial = self.user in self.live.grist.partial_users
        if partial:
            actions = [a for a in actions if not self.live.hides(a)]
            if entry.doc_actions and not actions:
                return
        group = _minimal(entry) | {
            "actionSummary": summary([] if partial else [entry]),
            "time": entry.group.get("time", int(time.time() * 1000)),
            "user": entry.group.get("user", ""),
            "primaryAction": entry.group.get("primaryAction", ""),
            "internal": entry.group.get("internal", False),
        }
        data = {"actionGroup": group, "docActions": actions, "docUsage": USAGE}
        self._tell(doc, "docUserAction", data)

    def shut_down(self, doc: StandinDocument) -> None:
        self._shut(doc)
        self.put(CUT)

    def _shut(self, doc: StandinDocument) -> None:
        self._tell(doc, "docShutdown", None)

    def _tell(self, doc: StandinDocument, type: str, data: Any) -> None:
        self.say({"type": type, "data": data, "docFD": self.docs.index(doc), "fromSelf": False})

    # How it is said

    def say(self, message: Message) -> None:
        with self._lock:
            self.put(message | {"seqId": self._seq})
            self._seq += 1

    def put(self, what: Message | Event | object, later: float = 0) -> None:
        if later:
            timer = threading.Timer(later, self.put, (what,))
            timer.daemon = True
            timer.start()
            return
        if isinstance(what, dict):
            if self.live.silent or (changed := self.live.reshape(what)) is None:
                return
            what = TextMessage(json.dumps(changed, ensure_ascii=False, separators=(",", ":")))
        self._out.put((time.monotonic() + self.live.delay, what))

    def cut(self) -> None:
        """End without a closing frame."""
        try:
            self.sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass

    def end(self) -> None:
        for doc in self.docs:
            with doc.writing:
                doc.watchers.remove(self)
        self.docs = []
        self._out.put((0, CUT))

    def _write(self) -> None:
        while True:
            due, what = self._out.get()
            time.sleep(max(0.0, due - time.monotonic()))
            if what is CUT:
                self.cut()
                return
            assert isinstance(what, Event)
            self._greeted = True
            try:
                self.sock.sendall(self._frames.send(what))
            except (OSError, LocalProtocolError):
                return


def _minimal(entry: Entry) -> Message:
    known = {"fromSelf": False, "linkId": 0, "otherId": 0, "rowIdHint": 0, "isUndo": False}
    given = {k: v for k, v in entry.group.items() if k in known}
    return {"actionNum": entry.n, "actionHash": entry.h, **known, **given}


METHODS: dict[str, Callable[..., Message]] = {"openDoc": Connection.open_doc, "fetchTable": Connection.fetch_table}
