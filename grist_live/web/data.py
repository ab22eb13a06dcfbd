"""The data door: what one asks for instead of waiting: snapshot, history, counts, and the polling address."""

from __future__ import annotations

import gzip
import time
from typing import Any

import msgspec
from flask import Blueprint, Response, abort, jsonify, request

from grist_live.access import Access
from grist_live.board import Board
from grist_live.change import compat_data, iso, values
from grist_live.filters import parse
from grist_live.journal import Entry, Journal, parse_id
from grist_live.settings import Settings
from grist_live.snapshot import Snapshots
from grist_live.web import check_viewer, find_board

MOST_HISTORY = 1000
STATS_DAYS = 30


def blueprint(settings: Settings, journal: Journal, access: Access, snapshots: Snapshots) -> Blueprint:
    """Make the door; every view checks that the asker may look at the board."""
    door = Blueprint("data", __name__)

    def allowed(name: str) -> Board:
        board = find_board(settings.boards, name)
        check_viewer(access, board)
        return board

    @door.get("/boards/<name>/snapshot")
    def snapshot(name: str) -> Response:
        """Answer the current rows and the event id that they are of."""
        board = allowed(name)
        made = snapshots.get(board, parse(board, request.args.items(multi=True)))
        return _json(made.body, made.gzipped, f'"{made.id}.{made.count}"')

    @door.get("/boards/<name>/history")
    def history(name: str) -> Response:
        """Answer logged changes, newest first: `?row=`, `?before=<event id>`, `?since=<epoch s>`, `?limit=`;
        go on with the `before` of the answer until it is null."""
        board = allowed(name)
        filter = parse(board, request.args.items(multi=True))
        limit = _number("limit", 100, 1, MOST_HISTORY)
        since = float(_number("since", 0, 0, 10**11))
        before = parse_id(request.args.get("before"))
        row = _number("row", 0, 0, 2**53) or None
        entries, before = journal.history(board, before=before, row=row, limit=limit)
        if entries and entries[-1].at < since:
            before = None  # all that follow are older still
        kept = [e for e in entries if e.at >= since]
        shown = [(e, filter.change(e.data, e.text) if filter else e.data) for e in kept]
        return _changes([(e, data) for e, data in shown if data], str(before) if before else None)

    @door.get("/boards/<name>/stats")
    def stats(name: str) -> Response:
        """Answer the counts per status of every 10 minutes: `?hours=` back, at most 30 days."""
        board = allowed(name)
        hours = _number("hours", 24, 1, STATS_DAYS * 24)
        found = journal.stats(board, time.time() - hours * 3600)
        return jsonify(board=board.name, every=600, counts=found)

    @door.get("/webhook/<name>")
    def poll(name: str) -> Response:
        """Answer all rows in the compatible format, the most urgent first, for clients that poll."""
        board = allowed(name)
        _, rows = journal.snapshot(board)
        polled = [_polled(int(row), text, board) for row, text in rows.items()]
        polled.sort(key=lambda data: (-board.ranks.get(str(data["priorite"]), -1), data["id"]))
        return jsonify({"success": True, "count": len(polled), "timestamp": iso(time.time()), name: polled})

    return door


def _polled(row: int, text: bytes, board: Board) -> dict[str, Any]:
    cells = dict(zip(board.ids, map(msgspec.json.decode, values(text)), strict=True))
    return compat_data(row, cells, board)


def _number(name: str, default: int, least: int, most: int) -> int:
    text = request.args.get(name)
    if text is None:
        return default
    try:
        number = int(float(text))
    except (ValueError, OverflowError):
        abort(400, f"{name} must be a number")
    if not least <= number <= most:
        abort(400, f"{name} must be from {least} to {most}")
    return number


def _changes(shown: list[tuple[Entry, bytes]], more: str | None) -> Response:
    parts = [b'{"id":"%s",%s' % (str(entry.id).encode(), data[1:]) for entry, data in shown]
    body = b'{"changes":[' + b",".join(parts) + b'],"before":' + msgspec.json.encode(more) + b"}"
    return _json(body, gzip.compress(body, 4, mtime=0), None)


def _json(body: bytes, gzipped: bytes, etag: str | None) -> Response:
    packed = "gzip" in request.headers.get("Accept-Encoding", "")
    response = Response(gzipped if packed else body, mimetype="application/json")
    if packed:
        response.headers["Content-Encoding"] = "gzip"
    response.headers["Vary"] = "Accept-Encoding, Authorization"
    response.headers["Cache-Control"] = "no-cache"
    if etag:
        response.headers["ETag"] = "W/" + etag
        response.make_conditional(request)
    return response
