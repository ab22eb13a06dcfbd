"""Alerts as operators see them: what waits, what is retried, what is dead, and what to do about it."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from grist_live.board import Board
from grist_live.jobs import Jobs
from grist_live.journal import Journal

RECENT = 86_400.0
"""Seconds for which missed changes are called a problem; they are counted for ever."""
LATE = 60.0
"""Seconds after which a change should have been looked at."""
SHOWN = 5


def outlets(journal: Journal, boards: Mapping[str, Board], names: Iterable[str], details: bool) -> dict[str, Any]:
    """Tell how each outlet is: the jobs of all boards by state; with details (rooms and accounts stand in them) the
    last error, and the newest dead with their reasons."""
    jobs, now = Jobs(journal), time.time()
    found = {}
    for name in names:
        reports = {board.name: jobs.report(board, name, now, SHOWN) for board in boards.values()}
        last = max(reports.values(), key=lambda r: r["last_error_at"] or 0.0)
        dead = [{"board": board, **job} for board, report in reports.items() for job in report["dead_jobs"]]
        totals = ("waiting", "retrying", "dead", "sent", "failed")
        found[name] = {
            **{key: sum(report[key] for report in reports.values()) for key in totals},
            "oldest": min((r["oldest"] for r in reports.values() if r["oldest"]), default=None),
            "paused_until": max((r["paused_until"] for r in reports.values() if r["paused_until"]), default=None),
            "last_error_at": last["last_error_at"],
        }
        if details:
            found[name]["last_error"] = last["last_error"]
            found[name]["dead_jobs"] = sorted(dead, key=lambda job: -job["at"])[:SHOWN]
    return found


def rules(journal: Journal, board: Board) -> dict[str, Any]:
    """Tell what became of a board's changes that no message was made of."""
    found = Jobs(journal).rules(board)
    counts = {name: int(found[name]) for name in ("missed", "cooled", "over")}
    return {**counts, "missed_at": found["missed_at"] or None, "next_at": found["next_at"] or None}


def problems(boards: Mapping[str, Any], found: Mapping[str, Any], now: float) -> Iterator[str]:
    """Say in one sentence each what is wrong and what to do."""
    for name, outlet in found.items():
        why = outlet.get("last_error") or "`status` says why"
        if outlet["dead"]:
            reason = outlet["dead_jobs"][0]["reason"] if outlet.get("dead_jobs") else why
            yield f"{outlet['dead']} alerts to {name} are dead ({reason}). Then: `python -m grist_live retry {name}`."
        if outlet["retrying"]:
            yield f"{outlet['retrying']} alerts to {name} are being retried ({why})."
    for name, board in boards.items():
        alerts = board["alerts"]
        if found and alerts["next_at"] and now - alerts["next_at"] > LATE:
            yield f"Rules of board {name} stand still: `python -m grist_live logs work` says why."
        if alerts["missed_at"] and now - alerts["missed_at"] < RECENT:
            yield (
                f"Board {name}: {alerts['missed']} changes were forgotten before rules looked at them: let a work "
                "process run, or raise history_max."
            )
