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
        report["boards"] = {b.name: _board(journal, b, web, has_key) for b in boards.values()}
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
    report["problems"] += alerts.problems(report["boards"], report["outlets"], report["time"])
    if report["problems"]:
        report["status"] = "degraded"
    return report


def _board(journal: Journal, board: Board, web: Mapping[str, Any], has_key: bool) -> dict[str, Any]:
    head = journal.head(board)
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
        "deletions": "reconcile" if has_key and board.doc else "unseen",
    }
