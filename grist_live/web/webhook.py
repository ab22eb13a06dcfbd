"""The webhook door: what Grist posts goes to the journal, and Grist is answered at once.

Grist waits for an answer without a time limit, sends one request at a time per document, and repeats whatever is not
answered 2xx, holding back everything behind it. So nothing slow stands before the answer, and only what the sender
can mend (no secret, no JSON) is refused.
"""

from __future__ import annotations

import logging
import time
from typing import Any

from flask import Blueprint, Response, jsonify, request

from grist_live.access import Access
from grist_live.board import Board
from grist_live.change import BodyError, read_webhook
from grist_live.chores import Chores, summary
from grist_live.journal import Journal, StaleBoardError, Unavailable
from grist_live.loop import deadline
from grist_live.metrics import Metrics
from grist_live.settings import Settings
from grist_live.web import find_board

log = logging.getLogger(__name__)
DONE = "Broadcast envoyé"
BODY_SECONDS = 20.0
"""Time for a body to come in; Grist sends its in one go."""
Answer = tuple[Response, int]


def blueprint(settings: Settings, journal: Journal, access: Access, chores: Chores, metrics: Metrics) -> Blueprint:
    """Make the door: `POST /webhook/grist-realtime` (the default board) and `POST /webhook/<board>`."""
    door = Blueprint("webhook", __name__)

    def receive(name: str = settings.default_board) -> Answer:
        started = time.perf_counter()
        board = find_board(settings.boards, name)
        access.check_webhook(board, request.headers.get("Authorization"))
        if not request.is_json:
            return _refuse("send Content-Type: application/json", 415)
        can_read = bool(settings.grist_api_key and board.doc)
        try:
            with deadline(BODY_SECONDS):
                body = _body(settings.max_body)
        except TimeoutError:
            return _refuse(f"the body did not come within {BODY_SECONDS:g} s", 408, {"Connection": "close"})
        if body is None:
            chores.owe(board)
            return _later(board, f"the body is above {settings.max_body} bytes", can_read)
        try:
            batch = read_webhook(body, board)
        except BodyError as error:
            return _refuse(str(error), 400)
        try:
            commit = journal.commit(board, batch.rows, "webhook", suspect=can_read, want_rows=board.compat)
            for test in batch.tests:
                journal.publish_test(board, test)
        except (*Unavailable, StaleBoardError) as error:
            log.warning("board %s: %s", board.name, error)
            if not can_read:
                return _refuse("Redis is away; send it again", 503, {"Retry-After": "5"})
            chores.owe(board)
            return _later(board, "Redis is away", can_read)
        if commit.suspects:
            chores.owe(board, commit.suspects)
        chores.tell_compat(board, commit, time.time())
        _count(metrics, board, commit, len(batch.rejected), time.perf_counter() - started)
        answer: dict[str, Any] = {"success": True, "message": DONE, **summary(commit)}
        if batch.tests:
            answer["tests"] = len(batch.tests)
        if batch.rejected:
            answer["set_aside"] = batch.rejected[:20]
            chores.set_aside(board, batch.rejected)
            log.warning("board %s: %d records set aside: %s", board.name, len(batch.rejected), batch.rejected[0])
        return jsonify(answer), 200

    door.add_url_rule("/webhook/grist-realtime", "receive_default", receive, methods=["POST"])
    door.add_url_rule("/webhook/<name>", "receive", receive, methods=["POST"])
    return door


def _body(most: int) -> bytes | None:
    """Read the body; None (but read to its end, so that the sender gets the answer) when it is too large."""
    parts, size = [], 0
    while part := request.stream.read(65_536):
        size += len(part)
        if size <= most:
            parts.append(part)
        else:
            parts.clear()
        if size > 4 * most:
            break
    return b"".join(parts) if size <= most else None


def _refuse(reason: str, status: int, headers: dict[str, str] | None = None) -> Answer:
    answer = jsonify(success=False, error=reason)
    answer.headers.update(headers or {})
    return answer, status


def _later(board: Board, reason: str, can_read: bool) -> Answer:
    """Answer 200 for what Grist must not send again: it is read from the document instead."""
    log.warning("board %s: %s; its table will be read instead", board.name, reason)
    how = "the table will be read from Grist" if can_read else "set GRIST_API_KEY, so that the table can be read"
    return jsonify(success=can_read, message=f"{reason}; {how}", owed=True), 200


def _count(metrics: Metrics, board: Board, commit: Any, rejected: int, seconds: float) -> None:
    metrics.webhook_seconds.labels(board.name).observe(seconds)
    counts = {
        "new": commit.new,
        "same": commit.unchanged,
        "stale": len(commit.suspects),
        "rejected": rejected,
    }
    for result, count in counts.items():
        if count:
            metrics.commits.labels(board.name, result).inc(count)
