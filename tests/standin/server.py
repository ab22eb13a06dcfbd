"""The stand-in's HTTP server: who may do what, and what each address answers (grist-core: DocApi)."""

from __future__ import annotations

import base64
import gzip
import json
import re
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from wsproto import ConnectionType, WSConnection
from wsproto.events import AcceptConnection

from . import routes
from .actions import Refusal
from .document import EDITOR_EMAIL, OWNER_EMAIL, VIEWER_EMAIL, StandinDocument
from .live import Live

OWNER, EDITOR, VIEWER, OUTSIDER = "owner-key", "editor-key", "viewer-key", "outsider-key"
USERS = {OWNER: OWNER_EMAIL, EDITOR: EDITOR_EMAIL, VIEWER: VIEWER_EMAIL, OUTSIDER: "outsider@example.com"}
ROLES = {OWNER_EMAIL: "owners", EDITOR_EMAIL: "editors", VIEWER_EMAIL: "viewers"}
ANONYMOUS = "anon@getgrist.com"
PARALLEL = 10


@dataclass
class Fault:
    """What goes wrong with the next requests that match: a status, a pause, or no answer at all."""

    times: int
    match: Callable[[str, str], bool]
    status: int | None = None
    body: bytes = b""
    content_type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)
    pause: float = 0
    after: bool = False
    drop: bool = False


class StandinGrist:
    """A Grist server on 127.0.0.1. `wait` is GRIST_TRIGGER_WAIT_DELAY in seconds, `url` its address.

    Keys: `OWNER`, `EDITOR`, `VIEWER` for every document, `OUTSIDER` for none. `requests` lists what was
    asked. `live` has the websockets.
    """

    def __init__(
        self,
        wait: float = 0.01,
        *,
        allowed_domains: str = "*",
        max_queue: int = 1000,
        parallel: int = PARALLEL,
    ) -> None:
        self.wait, self.allowed_domains, self.max_queue, self.parallel = wait, allowed_domains, max_queue, parallel
        self.documents: dict[str, StandinDocument] = {}
        self.requests: list[tuple[str, str, Any]] = []
        self.partial_readers: set[str] = set()
        self.tokens: dict[str, tuple[str, str]] = {}
        self.faults: list[Fault] = []
        self.running: dict[str, int] = {}
        self.keys = dict(USERS)
        self.roles = dict(ROLES)
        self.live = Live(self)
        self.lock = threading.Lock()
        self._http = _Server(("127.0.0.1", 0), _Handler)
        self._http.grist = self
        self.url = f"http://127.0.0.1:{self._http.server_port}"
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True)

    def __enter__(self) -> StandinGrist:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        for document in self.documents.values():
            document.queue.stop()
        self.live.drop()
        self._http.shutdown()
        self._http.server_close()
        self._thread.join(5)

    def role_of(self, user: str) -> str:
        """Return what a user may do with all documents: owners, editors, viewers or ""."""
        return self.roles.get(user, "")

    @property
    def partial_users(self) -> set[str]:
        """Who may not read everything."""
        return {USERS[key] for key in self.partial_readers}

    def revoke(self, key: str) -> None:
        """Make a key worthless. Connections that it opened aren't told, and go on, as with real Grist."""
        del self.keys[key]

    def take_access(self, key: str) -> None:
        """Let the key's user no longer see anything; `give_access` takes that back."""
        self.roles.pop(USERS[key], None)

    def give_access(self, key: str) -> None:
        self.roles[USERS[key]] = ROLES[USERS[key]]

    def remove_document(self, id: str) -> None:
        """Delete a document for good; who watches it is cut off."""
        self.documents.pop(id).restart()

    def add_document(self, id: str = "") -> StandinDocument:
        id = id or f"standinDocument{len(self.documents) + 1:07d}"
        self.documents[id] = StandinDocument(
            id, wait=self.wait, max_queue=self.max_queue, allowed_domains=self.allowed_domains
        )
        return self.documents[id]

    def flush(self, timeout: float = 10) -> None:
        """Wait until every queue is empty. Raises TimeoutError."""
        end = time.monotonic() + timeout
        while not all(d.queue.idle() for d in self.documents.values()):
            if time.monotonic() > end:
                raise TimeoutError("webhook events still wait")
            time.sleep(0.002)

    def access_token(self, doc: str, seconds: float = 900, key: str = VIEWER) -> str:
        """Make the JWT that a widget of this key's user gets from getAccessToken({readOnly: true}), if it may."""
        now = int(time.time())
        payload = {"readOnly": True, "userId": 7, "docId": doc, "iat": now, "exp": now + int(seconds)}
        parts = [json.dumps(part).encode() for part in ({"alg": "HS256", "typ": "JWT"}, payload)]
        parts.append(secrets.token_bytes(32))
        token = ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts)
        self.tokens[token] = doc, USERS[key]
        return token

    def fail(self, status: int, times: int = 1, path: str = "", method: str = "", **more: Any) -> None:
        """Answer the next requests with this status; `after=True` does the work first, as a proxy might."""
        body = more.pop("body", {"error": f"made to fail with {status}"})
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.faults.append(Fault(times, _matcher(path, method), status, raw, **more))

    def drop(self, times: int = 1, path: str = "", method: str = "", after: bool = False) -> None:
        """Close the connection without an answer."""
        self.faults.append(Fault(times, _matcher(path, method), drop=True, after=after))

    def slow(self, seconds: float, times: int = 1, path: str = "", method: str = "") -> None:
        """Let the next requests wait."""
        self.faults.append(Fault(times, _matcher(path, method), pause=seconds))

    def changes(self) -> list[tuple[str, str, Any]]:
        """Return the requests that weren't a GET."""
        return [r for r in self.requests if r[0] != "GET"]

    def take_fault(self, method: str, path: str) -> Fault | None:
        with self.lock:
            for fault in self.faults:
                if fault.times and fault.match(method, path):
                    fault.times -= 1
                    return fault
        return None


def _matcher(path: str, method: str) -> Callable[[str, str], bool]:
    return lambda m, p: path in p and method in ("", m)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    grist: StandinGrist

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away is no news."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # one packet an answer: else each costs 40 ms (Nagle and delayed acknowledgement)
    server: _Server

    def _handle(self) -> None:
        grist = self.server.grist
        if self.headers.get("Upgrade", "").lower() == "websocket":
            self._upgrade()
            return
        length = int(self.headers.get("Content-Length") or 0)
        raw = self.rfile.read(length)
        body = json.loads(raw) if raw else None
        grist.requests.append((self.command, self.path, body))
        fault = grist.take_fault(self.command, self.path)
        if fault and fault.pause:
            time.sleep(fault.pause)
            fault = None
        if fault and fault.after:
            self._answer(body)
        if fault and fault.drop:
            self.close_connection = True
            return
        if fault and fault.status:
            self._send(fault.status, fault.body, fault.content_type, fault.headers)
            return
        status, answer = self._answer(body)
        self._send(status, json.dumps(answer, ensure_ascii=False, separators=(",", ":")).encode())

    do_GET = do_POST = do_PATCH = do_DELETE = do_PUT = _handle

    def _upgrade(self) -> None:
        """Make this a websocket; the key decides only then, as with real Grist."""
        self.close_connection = True
        live = self.server.grist.live
        origin = self.headers.get("Origin")
        if live.refuse or (origin and urlsplit(origin).hostname != urlsplit(self.server.grist.url).hostname):
            self._send(live.refuse or 403, b"forbidden", "text/plain")
            return
        frames = WSConnection(ConnectionType.SERVER)
        headers = [(k.lower().encode(), v.encode()) for k, v in self.headers.items()]
        frames.initiate_upgrade_connection(headers, self.path)
        self.connection.sendall(frames.send(AcceptConnection()))
        try:
            user: str | None = self._user()
        except Refusal:
            user = None
        live.serve(self.connection, frames, user)

    def _answer(self, body: Any) -> tuple[int, Any]:
        """Check the key and the role, count requests per document, then let the route do its work."""
        parts = urlsplit(self.path)
        match = re.fullmatch(r"(?:/o/[^/]+)?/api/docs/([^/]+)(?:/(.*))?", parts.path)
        try:
            auth = parse_qs(parts.query).get("auth", [""])[0]
            user = self._token_user(auth, match[1] if match else "") if auth else self._user()
            role = self.server.grist.role_of(user)
            if parts.path.startswith("/api/worker/"):
                return 200, {"docWorkerUrl": None, "docWorkerId": None, "selfPrefix": "/dw/self/v/standin"}
            doc = self.server.grist.documents.get(match[1]) if match else None
            if match is None or doc is None:
                raise Refusal(404, "document not found" if match else f"not found: {parts.path}")
            if not role:
                raise Refusal(403, "access denied" if match[2] is None else "No view access")
            if match[2] is None:
                return 200, {"name": "Stand-in", "id": doc.id, "urlId": doc.id[:12], "access": role}
            return 200, self._run(doc, user, unquote(match[2]), parse_qs(parts.query), body)
        except Refusal as refusal:
            more = {"details": {"userError": refusal.details}} if refusal.details else {}
            return refusal.status, {"error": refusal.error, **more}

    def _run(self, doc: StandinDocument, user: str, path: str, query: dict[str, list[str]], body: Any) -> Any:
        grist = self.server.grist
        with grist.lock:
            if grist.running.get(doc.id, 0) >= grist.parallel:
                text = f"Too many backlogged requests for document {doc.id} - try again later?"
                raise Refusal(429, text)
            grist.running[doc.id] = grist.running.get(doc.id, 0) + 1
        try:
            who = routes.Who(user, grist.role_of(user), user in grist.partial_users)
            return routes.answer(doc, self.command, path, query, body, who)
        finally:
            with grist.lock:
                grist.running[doc.id] -= 1

    def _token_user(self, auth: str, doc: str) -> str:
        """Tell whose an access token is (grist-core: Authorizer.ts, AccessTokens.ts)."""
        if auth.count(".") != 2:
            raise Refusal(401, "Broken token")
        theirs, user = self.server.grist.tokens.get(auth, ("", ""))
        if not theirs:
            raise Refusal(401, "Cannot verify token")
        if theirs != doc or theirs not in self.server.grist.documents:
            raise Refusal(403, "Document access denied")
        return user

    def _user(self) -> str:
        given = self.headers.get("Authorization")
        if given is None:
            return ANONYMOUS
        scheme, _, key = given.partition(" ")
        if scheme != "Bearer":
            text = "Bad request: unsupported Authorization scheme, expected 'Bearer'"
            raise Refusal(401, text)
        if key not in self.server.grist.keys:
            raise Refusal(401, "Bad request: invalid API key")
        return self.server.grist.keys[key]

    def _send(
        self, status: int, body: bytes, kind: str = "application/json", headers: dict[str, str] | None = None
    ) -> None:
        self.send_response(status)
        if len(body) > 1000 and "gzip" in self.headers.get("Accept-Encoding", ""):
            body = gzip.compress(body, 1)
            self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Stay quiet."""
