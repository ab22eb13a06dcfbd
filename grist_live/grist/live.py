"""A document's own websocket: every action as it happens, with its author, deletions too.

It is what Grist's pages use (grist-core: Comm.ts, DocManager.ts), undocumented: whatever is not as we know it is
counted or refused in one line, and the rest of the system goes on without it.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import time
from collections import Counter
from typing import Any

import msgspec
import websocket
from requests.utils import DEFAULT_CA_BUNDLE_PATH
from websocket import ABNF

from grist_live.actions import Action, State
from grist_live.change import BodyError, compact
from grist_live.errors import UserError

QUERY = "/?clientId=0&counter=0&newClient=1&browserSettings=%7B%7D"
TIMEOUT = 10.0
"""Seconds for connecting, for the first answers, and for the rest of a message that has begun."""
PING_EVERY = 15.0
DEAD_AFTER = 40.0
"""Seconds without a byte, pongs included, after which the connection counts as lost."""
QUIET = {"clientConnect", "docUsage", "docChatter", "docUserPresenceUpdate", "docError"}
"""Messages that tell nothing of rows."""


class LiveError(UserError):
    """The websocket can't be used or was lost. `permanent`: it isn't offered here, so trying often won't help."""

    def __init__(self, message: str, permanent: bool = False) -> None:
        super().__init__(" ".join(message.split()))
        self.permanent = permanent


class _Group(msgspec.Struct, rename="camel"):
    action_num: int
    action_hash: str
    user: str = ""


class _Data(msgspec.Struct, rename="camel"):
    action_group: _Group
    doc_actions: list[list[msgspec.Raw]]


class _Message(msgspec.Struct, rename="camel"):
    type: str = ""
    data: msgspec.Raw = msgspec.Raw(b"null")
    req_id: int | None = None
    seq_id: int | None = None
    error: str | None = None
    error_code: str | None = None


_message = msgspec.json.Decoder(_Message)
_data = msgspec.json.Decoder(_Data)


class Live:
    """One open document. For one thread; `close` when done.

    `address` is that of the server that has the document (`Document.live_address`). Raises `LiveError`.
    """

    def __init__(self, address: str, doc_id: str, api_key: str) -> None:
        self.unknown: Counter[str] = Counter()
        self._seq: int | None = None
        try:
            self._socket = websocket.create_connection(
                address.replace("http", "ws", 1).rstrip("/") + QUERY,
                timeout=TIMEOUT,
                header=[f"Authorization: Bearer {api_key}"],
                suppress_origin=True,  # that of another site would be refused
                redirect_limit=0,
                sslopt=_authorities(),
            )
        except (websocket.WebSocketException, OSError, ValueError) as error:
            if isinstance(error, websocket.WebSocketBadStatusException):
                why = f"the answer is status {error.status_code}; does a proxy let websockets pass (Upgrade)?"
                raise LiveError(f"no websocket at {address}: {why}", permanent=True) from None
            raise LiveError(f"no websocket at {address}: {_first_line(error)}") from None
        try:
            self._open(doc_id)
        except BaseException:
            self.close()
            raise

    def _open(self, doc_id: str) -> None:
        end = self._heard = self._pinged = time.monotonic()
        end += TIMEOUT
        self._await("clientConnect", end)  # what is sent before it is lost
        self._socket.send(json.dumps({"reqId": 1, "method": "openDoc", "args": [doc_id]}))
        answer = self._await("", end)
        if answer.error is not None:
            raise LiveError(f"Grist doesn't open the document: {answer.error} ({answer.error_code})", permanent=True)

    def _await(self, type: str, end: float) -> _Message:
        """Return the next message of a type; "" for the answer to our request."""
        while time.monotonic() < end:
            message = self._next(0.5)
            if message and (message.req_id == 1 if not type else message.type == type):
                return message
        raise LiveError("the websocket doesn't speak as Grist's does: there was no answer", permanent=True)

    def close(self) -> None:
        with contextlib.suppress(websocket.WebSocketException, OSError):
            self._socket.close(timeout=0)
        self._socket.shutdown()  # type: ignore[no-untyped-call]  # close() does nothing once the other side has closed

    def receive(self, timeout: float) -> Action | None:
        """Wait at most so many seconds for an action; None when none came. Raises `LiveError` when the document
        was closed, or the connection lost: then actions may be missing."""
        message = self._next(timeout)
        if message is None or message.type in QUIET or message.req_id is not None:
            return None
        if message.type == "docShutdown":
            raise LiveError("Grist closed the document")
        if message.type != "docUserAction":
            self.unknown[message.type or "?"] += 1
            return None
        try:
            data = _data.decode(message.data)
        except msgspec.DecodeError as error:
            raise LiveError(f"Grist's messages are not as we know them: {error}", permanent=True) from None
        group = data.action_group
        if group.action_num == 0:
            return None  # what Grist computes when it loads a document, and finds to be as it was
        return Action(State(group.action_num, group.action_hash), group.user, data.doc_actions)

    def _next(self, timeout: float) -> _Message | None:
        """Return the next message, or None when none came in time."""
        text = self._frame(timeout)
        if text is None:
            return None
        try:
            message = _message.decode(compact(text))
        except (BodyError, msgspec.DecodeError):
            self.unknown["?"] += 1
            return None
        if message.seq_id is not None:
            if self._seq is not None and message.seq_id != self._seq + 1:
                raise LiveError("a message of Grist is missing")
            self._seq = message.seq_id
        return message

    def _frame(self, timeout: float) -> bytes | None:
        """Return the text of the next frame; keep the connection alive meanwhile."""
        now = time.monotonic()
        try:
            if now - max(self._heard, self._pinged) > PING_EVERY:
                self._socket.ping()
                self._pinged = now
            if not self._readable(timeout):
                if now - self._heard > DEAD_AFTER:
                    raise LiveError("the websocket is silent")
                return None
            kind, frame = self._socket.recv_data_frame(control_frame=True)
        except (websocket.WebSocketException, OSError, ValueError) as error:
            raise LiveError(f"the websocket was lost: {_first_line(error)}") from None
        self._heard = time.monotonic()
        if kind == ABNF.OPCODE_CLOSE:
            raise LiveError("Grist closed the websocket")
        return bytes(frame.data) if kind == ABNF.OPCODE_TEXT else None

    def _readable(self, timeout: float) -> bool:
        """Wait until a frame begins. A time-out inside a frame would lose it."""
        sock: Any = self._socket.sock
        if hasattr(sock, "pending") and sock.pending():
            return True
        poll = select.poll()
        poll.register(sock, select.POLLIN)
        return bool(poll.poll(timeout * 1000))


def _authorities() -> dict[str, str]:
    """Trust for wss what `requests` trusts for https, an administration's own authority included."""
    chosen = os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE") or DEFAULT_CA_BUNDLE_PATH
    return {"ca_cert_path" if os.path.isdir(chosen) else "ca_certs": chosen}


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
