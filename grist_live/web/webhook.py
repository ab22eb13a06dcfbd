"""The webhook door: what Grist posts goes to the journal, and Grist is answered at once.

Grist waits for an answer without a time limit, sends one request at a time per document, and repeats whatever is not
answered 2xx, holding back everything behind it. So nothing slow stands before the answer, and only what the sender
can mend (no secret, no JSON) is refused.

The door stands before Flask, whose way to a view costs as much as all the rest (docs: performance). A browser's post
goes through Flask all the same, which knows about origins.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Iterable
from secrets import token_hex
from typing import Any, NamedTuple

import msgspec
from flask import Blueprint, Response, request
from werkzeug.http import HTTP_STATUS_CODES
from werkzeug.wsgi import get_input_stream

from grist_live.access import Access, DeniedError
from grist_live.board import Board
from grist_live.change import Batch, BodyError, read_webhook
from grist_live.chores import Chores, summary
from grist_live.journal import Commit, Journal, StaleBoardError, Unavailable
from grist_live.loop import deadline
from grist_live.metrics import Metrics
from grist_live.settings import Settings
from grist_live.web import find_board

log = logging.getLogger(__name__)
DONE = "Broadcast envoyé"
REQUEST = re.compile(r"[A-Za-z0-9._:-]{1,64}")
BODY_SECONDS = 10.0
"""Time for a body to come in; Grist sends its in one go."""


class Door:
    """Takes webhooks by their WSGI environ; as a middleware, those that no browser sent."""

    def __init__(self, settings: Settings, journal: Journal, access: Access, chores: Chores, metrics: Metrics) -> None:
        self._settings, self._journal, self._access = settings, journal, access
        self._chores, self._metrics = chores, metrics
        self._follow = bool(settings.outlets)  # a line costs a tenth of a webhook: for edits that become messages
        self._boards = {f"/webhook/{name}": board for name, board in settings.boards.items()}
        self._boards["/webhook/grist-realtime"] = settings.board

    def before(self, app: Any) -> Any:
        """Put the door before a WSGI application."""

        def wsgi(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
            board = self._boards.get(environ.get("PATH_INFO", ""))
            if board is None or environ["REQUEST_METHOD"] != "POST" or "HTTP_ORIGIN" in environ:
                return app(environ, start_response)  # type: ignore[no-any-return]
            body, status, headers = self.take(board, environ).parts()
            start_response(status, headers)
            return [body]

        return wsgi

    def blueprint(self) -> Blueprint:
        """Make the same door for browsers: `POST /webhook/grist-realtime` (the default board), `/webhook/<board>`."""
        door = Blueprint("webhook", __name__)

        def receive(name: str = self._settings.default_board) -> Response:
            return Response(*self.take(find_board(self._settings.boards, name), request.environ).parts())

        door.add_url_rule("/webhook/grist-realtime", "receive_default", receive, methods=["POST"])
        door.add_url_rule("/webhook/<name>", "receive", receive, methods=["POST"])
        return door

    def take(self, board: Board, environ: dict[str, Any]) -> Answer:
        """Take a webhook, and tell the log under which request, so that an edit can be followed to its message."""
        given = environ.get("HTTP_X_REQUEST_ID", "")
        request = given if REQUEST.fullmatch(given) else token_hex(6)
        began = time.perf_counter()
        answer = self._take(board, environ, began, request)
        news = answer.status != 200 or (self._follow and (answer.changes or answer.parked))
        level = logging.INFO if news else logging.DEBUG
        if log.isEnabledFor(level):
            facts: dict[str, Any] = {"board": board.name, "request": request, "status": answer.status}
            facts |= {"changes": answer.changes, **({"parked": answer.parked} if answer.parked else {})}
            log.log(level, "webhook", extra={**facts, "ms": round((time.perf_counter() - began) * 1000, 2)})
        return answer._replace(headers=(*answer.headers, ("X-Request-Id", request)))

    def _take(self, board: Board, environ: dict[str, Any], started: float, request: str) -> Answer:
        """Read, check, commit, answer."""
        try:
            self._access.check_webhook(board, environ.get("HTTP_AUTHORIZATION"))
        except DeniedError as error:
            return _refuse(str(error), error.status)
        if not environ.get("CONTENT_TYPE", "").partition(";")[0].strip().lower() == "application/json":
            return _refuse("send Content-Type: application/json", 415)
        try:
            with deadline(BODY_SECONDS):
                body = _body(environ, self._settings.max_body)
        except TimeoutError:
            return _refuse(f"the body did not come within {BODY_SECONDS:g} s", 408, ("Connection", "close"))
        if body is None:
            self._chores.owe(board)
            return self._later(board, f"the body is above {self._settings.max_body} bytes")
        try:
            batch = read_webhook(body, board)
        except BodyError as error:
            return _refuse(str(error), 400)
        try:
            commit = self._commit(board, batch, request)
        except (*Unavailable, StaleBoardError) as error:
            log.warning("board %s: %s", board.name, error)
            if not self._can_read(board):
                return _refuse("Redis is away; send it again", 503, ("Retry-After", "5"))
            self._chores.owe(board)
            return self._later(board, "Redis is away")
        self._count(board, commit, len(batch.rejected), time.perf_counter() - started)
        return _done(commit, batch)

    def _can_read(self, board: Board) -> bool:
        """Tell whether what is missed here can be read from the document instead."""
        return bool(self._settings.grist_api_key and board.doc)

    def _commit(self, board: Board, batch: Batch, request: str) -> Commit:
        journal, chores, suspect = self._journal, self._chores, self._can_read(board)
        commit = journal.commit(board, batch.rows, "webhook", suspect=suspect, want_rows=board.compat, request=request)
        for test in batch.tests:
            journal.publish_test(board, test)
        if commit.suspects:
            chores.owe(board, commit.suspects)
        if commit.parked:
            chores.look_after_parked(board)
        if batch.rejected:
            log.warning("board %s: %d records set aside: %s", board.name, len(batch.rejected), batch.rejected[0])
            chores.set_aside(board, batch.rejected)
        chores.tell_compat(board, commit, time.time())
        return commit

    def _later(self, board: Board, reason: str) -> Answer:
        """Answer 200 for what Grist must not send again: it is read from the document instead."""
        log.warning("board %s: %s; its table will be read instead", board.name, reason)
        can_read = self._can_read(board)
        how = "the table will be read from Grist" if can_read else "set GRIST_API_KEY, so that the table can be read"
        return Answer({"success": can_read, "message": f"{reason}; {how}", "owed": True})

    def _count(self, board: Board, commit: Commit, rejected: int, seconds: float) -> None:
        self._metrics.webhook(board.name, seconds)
        self._metrics.rows(board.name, commit.new, commit.unchanged, len(commit.suspects), commit.parked, rejected)


class Answer(NamedTuple):
    """What the door answers: a JSON object, what HTTP says of it, the ids of the first and the last change, and how
    many rows wait until the watcher has seen them."""

    body: dict[str, Any]
    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    changes: tuple[str, ...] = ()
    parked: int = 0

    def parts(self) -> tuple[bytes, str, list[tuple[str, str]]]:
        """Write body, status line and headers."""
        body = msgspec.json.encode(self.body) + b"\n"
        usual = [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
        headers = [*usual, ("X-Content-Type-Options", "nosniff"), *self.headers]
        return body, f"{self.status} {HTTP_STATUS_CODES[self.status].upper()}", headers


def _done(commit: Commit, batch: Batch) -> Answer:
    answer: dict[str, Any] = {"success": True, "message": DONE, **summary(commit)}
    if batch.tests:
        answer["tests"] = len(batch.tests)
    if batch.rejected:
        answer["set_aside"] = batch.rejected[:20]
    return Answer(answer, changes=commit.span(), parked=commit.parked)


def _refuse(reason: str, status: int, *headers: tuple[str, str]) -> Answer:
    return Answer({"success": False, "error": reason}, status, headers)


def _body(environ: dict[str, Any], most: int) -> bytes | None:
    """Read the body; None (but read to its end, so that the sender gets the answer) when it is too large."""
    stream = get_input_stream(environ)
    parts, size = [], 0
    while part := stream.read(65_536):
        size += len(part)
        if size <= most:
            parts.append(part)
        else:
            parts.clear()
        if size > 4 * most:
            break
    return b"".join(parts) if size <= most else None
