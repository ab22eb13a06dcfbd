"""The report: the system's state as lines for a terminal."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from grist_live.journal import Journal
from grist_live.settings import Settings


def lines(report: dict[str, Any], settings: Settings, journal: Journal) -> Iterator[str]:
    """Write what `health.check` found, and the newest reasons for records set aside."""
    mark = {"healthy": "●", "degraded": "▲", "unhealthy": "■"}[report["status"]]
    yield f"{mark} {report['status']}   grist_live {report['version']}   {settings.url}"
    redis = report["redis"]
    yield f"  Redis   {'answers in ' + str(redis['ping_ms']) + ' ms' if redis['ok'] else 'AWAY: ' + redis['error']}"
    if "web" in report:
        yield f"  web     {_processes(report['web']['processes'])}"
        yield f"  work    {_processes(report['work']['processes'])}"
    for name, board in report.get("boards", {}).items():
        yield f"  board {name}"
        yield f"    rows          {board['rows']}{'' if board['complete'] else _partial(board)}"
        yield f"    last change   {_ago(board['last_change'])}   ({board['changes']} changes, at {board['position']})"
        yield f"    viewers       {board['viewers']}"
        yield f"    set aside     {board['set_aside']}"
        for at, reason in journal.rejected(settings.boards[name])[:3] if board["set_aside"] else ():
            yield f"                  {_ago(at)}: {reason}"
        yield f"    owed          {board['owed']}{' (a reconcile will pay it)' if board['owed'] else ''}"
        yield f"    source        {_source(board['source'])}"
        yield f"    deletions     {board['deletions']}"
        alerts = board["alerts"]
        if any(alerts[key] for key in ("missed", "cooled", "over")):
            yield f"    not alerted   {alerts['cooled']} cooling down, {alerts['over']} over a limit, " + (
                f"{alerts['missed']} MISSED ({_ago(alerts['missed_at'])})" if alerts["missed"] else "0 missed"
            )
    for name, outlet in report.get("outlets", {}).items():
        yield from _outlet(name, outlet)
    for problem in report["problems"]:
        yield f"  ! {problem}"


def _outlet(name: str, outlet: dict[str, Any]) -> Iterator[str]:
    yield f"  outlet {name}"
    paused = f", rests for {outlet['paused_until'] - time.time():.0f} s" if outlet["paused_until"] else ""
    yield f"    waiting       {outlet['waiting']}{paused}"
    yield f"    retrying      {outlet['retrying']}"
    yield f"    dead          {outlet['dead']}"
    for job in outlet["dead_jobs"]:
        yield f"                  {_ago(job['at'])}: {job['board']} {job['id']}: {job['reason']}"
    yield f"    sent          {outlet['sent']}"
    if outlet["last_error"]:
        yield f"    last error    {_ago(outlet['last_error_at'])}: {outlet['last_error']}"


def _source(source: dict[str, Any]) -> str:
    why = f": {source['why']}" if source["why"] else ""
    action = f" (action {source['action']})" if source.get("action") else ""
    return f"{source['kind']}{action}{why}"


def _processes(count: int) -> str:
    return f"{count} process{'es' if count != 1 else ''}" if count else "NOT RUNNING"


def _partial(board: dict[str, Any]) -> str:
    since = time.strftime("%Y-%m-%d %H:%M", time.localtime(board["since"])) if board["since"] else "its start"
    return f" (since {since}, no deletions)"


def _ago(at: float | None) -> str:
    if not at:
        return "never"
    seconds = max(0, int(time.time() - at))
    for size, unit in ((86_400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // size} {unit} ago"
    return f"{seconds} s ago"
