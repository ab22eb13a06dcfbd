"""Health: what is true of the system right now, for operators and load balancers."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import Any

from grist_live import __version__, alerts
from grist_live.board import Board
from grist_live.journal import WEB, WORK, Journal, Unavailable


def check(
    journal: Journal,
    boards: Mapping[str, Board],
    has_key: bool,
    outlets: Iterable[str] = (),
    details: bool = False,
) -> dict[str, Any]:
    """Look at Redis, the processes, each board and each outlet (`details`: with its errors); never raises.

    `status` is `healthy`, `degraded` (something is missing, the stream goes on) or `unhealthy` (Redis is away).
    `problems` says in one sentence each what is wrong and what to do.
    """
    report: dict[str, Any] = {
        "status": "healthy",
        "version": __version__,
        "time": round(time.time(), 3),
        "problems": [],
    }
    try:
        report["redis"] = {"ok": True, "ping_ms": round(journal.ping() * 1000, 2)}
        web, work = journal.living(WEB), journal.living(WORK)
        report["web"] = {"processes": len(web)}
        report["work"] = {"processes": len(work)}
        report["boards"] = {b.name: _board(journal, b, web, work, has_key) for b in boards.values()}
        report["outlets"] = alerts.outlets(journal, boards, outlets, details)
        for board in boards.values():
            report["boards"][board.name]["alerts"] = alerts.rules(journal, board)
    except Unavailable as error:
        report["redis"] = {"ok": False, "error": str(error)}
        report["status"] = "unhealthy"
        report["problems"].append("Redis doesn't answer: start it, or correct redis_url.")
        return report
    if not work:
        report["problems"].append("No work process runs: start `python -m grist_live work` (or `serve`).")
    for name, board in report["boards"].items():
        if board["owed"] and not has_key:
            report["problems"].append(f"Board {name} owes a reconcile, but there is no API key: set GRIST_API_KEY.")
        if board["source"].get("error"):
            report["problems"].append(f"Board {name} can't be read from Grist: {board['source']['error']}")
        elif boards[name].source == "watch" and board["source"]["kind"] == "webhook only":
            report["problems"].append(f"Board {name} isn't heard live: {board['source']['why']}")
    report["problems"] += alerts.problems(report["boards"], report["outlets"], report["time"])
    if report["problems"]:
        report["status"] = "degraded"
    return report


def source(board: Board, work: Mapping[str, Any], has_key: bool) -> dict[str, Any]:
    """Tell how changes come in: `kind` is `watch` (and the webhook beside it), `webhook only` (with `why`), or
    `webhook`, where nothing else is asked for."""
    told = [process.get("boards", {}).get(board.name) or {} for process in work.values()]
    found = next((state for state in told if state), {})  # of those that stand by nothing is told
    kind = found.get("source") or ("webhook" if board.source == "webhook" or not has_key else "webhook only")
    return {"kind": kind, "why": "", **{key: value for key, value in found.items() if key != "source"}}


def _board(
    journal: Journal, board: Board, web: Mapping[str, Any], work: Mapping[str, Any], has_key: bool
) -> dict[str, Any]:
    head = journal.head(board)
    how = source(board, work, has_key and bool(board.doc))
    live = how["kind"] == "watch"
    counters = journal.counters(board)
    return {
        "rows": journal.rows(board),
        "position": str(head.id),
        **head.facts(),
        "viewers": sum(process["viewers"].get(board.name, 0) for process in web.values()),
        "last_change": counters["last_change"] or None,
        "changes": int(counters["changes"]),
        "set_aside": int(counters["rejected"]),
        "owed": len(journal.owed(board)),
        "parked": journal.parked(board),
        "source": how,
        "deletions": "live" if live else "reconcile" if has_key and board.doc else "unseen",
    }
