"""The data door: what one asks for instead of waiting: snapshot, history, counts, and the polling address."""

from __future__ import annotations

import functools
import gzip
import time
from typing import Any

import msgspec
from flask import Blueprint, Response, abort, jsonify, request

from grist_live import counts
from grist_live.access import Access
from grist_live.board import Board
from grist_live.change import compat_data, iso, values
from grist_live.filters import Filter, parse
from grist_live.journal import Entry, Id, Journal, parse_id
from grist_live.loop import off_the_loop
from grist_live.settings import Settings
from grist_live.snapshot import Snapshots
from grist_live.web import check_viewer, find_board

MOST_HISTORY = 1000
AT_ONCE, LOOKS = 500, 20
"""Changes that a filter goes through in one step, and how many steps one answer may take."""
STATS_DAYS = 30


def blueprint(settings: Settings, journal: Journal, access: Access, snapshots: Snapshots) -> Blueprint:
    """Make the door; every view checks that the asker may look at the board."""
    door = Blueprint("data", __name__)

    def allowed(name: str) -> Board:
        board = find_board(settings.boards, name)
        check_viewer(access, board)
        return board

    def asked(board: Board, *also: str) -> Filter | None:
        return parse(board, request.args.items(multi=True), also)

    @door.get("/boards/<name>/snapshot")
    def snapshot(name: str) -> Response:
        """Answer the current rows and the event id that they are of."""
        board = allowed(name)
        made = snapshots.get(board, asked(board))
        return _json(made.body, made.gzipped, f'"{made.id}.{made.count}"')

    @door.get("/boards/<name>/history")
    def history(name: str) -> Response:
        """Answer logged changes, newest first: `?row=`, `?before=<event id>`, `?since=<epoch s>`, `?limit=`;
        go on with the `before` of the answer until it is null. With a filter: those of rows that met it before or
        after."""
        board = allowed(name)
        filter = asked(board, "row", "before", "since", "limit")
        limit = _number("limit", 100, 1, MOST_HISTORY)
        since = _number("since", 0, 0, 10**11)
        before = parse_id(request.args.get("before"))
        if before is None and request.args.get("before"):
            abort(400, "before must be an event id: the id of a change, or the before of the last answer")
        row = _number("row", 0, 0, 2**53) or None
        found, more = _look_back(journal, board, filter, before, row, since, limit)
        return _changes(found, str(more) if more else None, filter)

    @door.get("/boards/<name>/stats")
    def stats(name: str) -> Response:
        """Answer the counts per status of every 10 minutes: `?hours=` back, at most 30 days."""
        board = allowed(name)
        hours = _number("hours", 24, 1, STATS_DAYS * 24)
        found = [counts.told(slot) for slot in journal.stats(board, time.time() - hours * 3600)]
        body = msgspec.json.encode({"board": board.name, "every": counts.SLOT, "counts": found})
        return _json(body, gzip.compress(body, 4, mtime=0), None)

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


def _look_back(
    journal: Journal, board: Board, filter: Filter | None, before: Id | None, row: int | None, since: float, limit: int
) -> tuple[list[tuple[Id, bytes]], Id | None]:
    """Return the changes that the asker wants, newest first, and the id to go on before; None: these were the last.

    With a filter few of the log's changes may be wanted: a bounded part of it is looked through.
    """
    found: list[tuple[Id, bytes]] = []
    for _ in range(LOOKS if filter else 1):
        entries, before = journal.history(board, before=before, row=row, limit=AT_ONCE if filter else limit)
        for id, data in off_the_loop(functools.partial(_seen, entries, filter, since)):
            found.append((id, data))
            if len(found) == limit:
                return found, id
        if entries and entries[-1].at < since:
            return found, None  # all that follow are older still
        if before is None:
            break
    return found, before


def _seen(entries: list[Entry], filter: Filter | None, since: float) -> list[tuple[Id, bytes]]:
    return [(e.id, e.data) for e in entries if e.at >= since and (not filter or filter.concerns(e.data, e.text))]


def _changes(shown: list[tuple[Id, bytes]], more: str | None, filter: Filter | None) -> Response:
    parts = [b'{"id":"%s",%s' % (str(id).encode(), data[1:]) for id, data in shown]
    rest = msgspec.json.encode({"before": more, **(filter.facts() if filter else {})})
    body = b'{"changes":[' + b",".join(parts) + b"]," + rest[1:]
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
