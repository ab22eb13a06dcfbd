"""The viewer door: who somebody is here, and what they do besides looking."""

from __future__ import annotations

import hashlib
import math
from typing import Any

import msgspec
from flask import Blueprint, Response, abort, jsonify, make_response, request

from grist_live.access import Access, DeniedError
from grist_live.admission import Admission, AdmissionError
from grist_live.board import Board
from grist_live.limiter import Limiter
from grist_live.loop import deadline
from grist_live.metrics import Metrics
from grist_live.settings import Settings, origin
from grist_live.take import NAME, TakeError, Takes, why_not
from grist_live.web import bearer, check_viewer, find_board, given_token

MOST_BODY = 8192
BODY_SECONDS = 10.0
TAKES = (30, 60.0)
"""Rows that one token may take from one address, in so many seconds."""
REFUSALS = (60, 60.0)
"""Tokens of Grist's from one address that may be refused, in so many seconds: each costs Grist a look."""


def blueprint(settings: Settings, access: Access, takes: Takes, admission: Admission, metrics: Metrics) -> Blueprint:
    """Make the door."""
    door = Blueprint("viewer", __name__)
    pace, refused = Limiter(*TAKES), Limiter(*REFUSALS)

    @door.get("/boards/<name>/viewer")
    def viewer(name: str) -> Response:
        """Answer the asker's name, what they may do besides looking, and until when."""
        board = find_board(settings.boards, name)
        shown = check_viewer(access, board)
        can = [what for what in shown.can if what != "take" or not why_not(settings, board)]
        answer = jsonify(name=shown.name or None, can=can, expires=shown.expires)
        answer.headers["Cache-Control"] = "no-store"
        return answer

    @door.post("/boards/<name>/rows/<int(min=1, max=9007199254740991):row>/take")
    def take(name: str, row: int) -> Response:
        """Make a row the asker's: Grist gets the active status and their name."""
        board = find_board(settings.boards, name)
        shown = check_viewer(access, board)
        if "take" not in shown.can:
            raise DeniedError("this token may look, and no more: ask for one that may take rows", 403)
        if reason := why_not(settings, board):
            raise DeniedError(f"rows of this board can't be taken: {reason}", 403)
        body = read_body(settings)
        by = shown.name or _name(body)
        if wait := pace.wait(_source(board)):
            return _refuse("that was too often; wait a little", 429, wait)
        try:
            fields = takes.take(board, row, by)
        except TakeError as error:
            metrics.take(board.name, "lost" if error.status == 409 else "failed")
            wait = 2 if error.status == 503 else 0
            more = {"reason": error.reason} | ({"by": error.by} if error.status == 409 else {})
            return _refuse(str(error), error.status, wait, **more)
        metrics.take(board.name, "taken")
        return jsonify(success=True, row=row, fields=fields)

    @door.post("/boards/<name>/token")
    def token(name: str) -> Response:
        """Change a token of Grist's for a viewer token, if its user may read the whole document."""
        board = find_board(settings.boards, name)
        shown = read_body(settings).get("token")
        address = request.remote_addr or ""
        if wait := refused.left(address):
            return _refuse("too many tokens from here were refused; wait a little", 429, wait, reason="busy")
        try:
            given = admission.admit(board, shown if isinstance(shown, str) else "")
        except AdmissionError as error:
            metrics.admission(board.name, error.reason)
            if error.status != 503:
                refused.wait(address)
            return _refuse(str(error), error.status, 5 if error.status == 503 else 0, reason=error.reason)
        metrics.admission(board.name, "given")
        answer = jsonify(success=True, token=given.token, expires=given.expires)
        answer.headers["Cache-Control"] = "no-store"
        return answer

    return door


def read_body(settings: Settings) -> dict[str, Any]:
    """Read a small JSON object that no foreign page can have sent in its reader's name.

    A page of another site can set neither Authorization nor this type without asking first, and then CORS decides.
    """
    if request.mimetype != "application/json":
        abort(415, "send Content-Type: application/json")
    theirs = request.headers.get("Origin")
    ours = {origin(request.host_url), origin(settings.url), *settings.cors_origins}
    if theirs and not bearer() and theirs not in ours and "*" not in ours:
        raise DeniedError(f"pages of {theirs} may not do this: add it to cors_origins", 403)
    if request.content_length is None or request.content_length > MOST_BODY:
        abort(413, f"send at most {MOST_BODY} bytes, and their Content-Length")
    try:
        with deadline(BODY_SECONDS):
            body = msgspec.json.decode(request.get_data() or b"{}")
    except TimeoutError:
        abort(408, f"the body did not come within {BODY_SECONDS:g} s")
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        abort(400, "the body is not JSON")
    if not isinstance(body, dict):
        abort(400, "send a JSON object")
    return body


def _name(body: dict[str, Any]) -> str:
    name = body.get("by")
    name = name.strip() if isinstance(name, str) else ""
    if not NAME.fullmatch(name):
        abort(400, 'say who takes it: {"by": "…"}, 1 to 100 characters, beginning with a letter or a digit')
    return name


def _source(board: Board) -> str:
    token = hashlib.sha256((given_token() or "").encode()).hexdigest()
    return f"{board.name} {token} {request.remote_addr}"


def _refuse(error: str, status: int, wait: float = 0, **more: Any) -> Response:
    answer = make_response(jsonify(success=False, error=error, **more), status)
    if wait:
        answer.headers["Retry-After"] = str(math.ceil(wait))
    return answer
