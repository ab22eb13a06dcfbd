"""Counts: a board's rows per status, as the work process keeps them for every ten minutes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from grist_live.board import Board
from grist_live.change import values

SLOT = 600
"""Seconds from one figure to the next."""
TOTAL, URGENT = "", "\x00urgent"
"""Names that no status has."""
_decode = msgspec.json.decode


def count(board: Board, rows: Iterable[bytes]) -> dict[str, int]:
    """Count row texts: all, those of each status, and those that are urgent and not done."""
    status, priority = board.index("status"), board.index("priority")
    done, urgent = board.values("status", meaning="done"), board.values("priority", urgent=True)
    found: Counter[str] = Counter()
    for text in rows:
        cells = values(text)
        state = str(_decode(cells[status]) or "") if status >= 0 else ""
        found[TOTAL] += 1
        if state:
            found[state] += 1
        if urgent and state not in done and _decode(cells[priority]) in urgent:
            found[URGENT] += 1
    return {TOTAL: 0, **({URGENT: 0} if urgent else {}), **found}


def told(slot: Mapping[str, Any]) -> dict[str, Any]:
    """Write a slot as askers get it: `{"at", "total", "urgent", "counts": {status: rows}}`; urgent may be unknown."""
    per_status = {name: n for name, n in slot["counts"].items() if name not in (TOTAL, URGENT)}
    counts = slot["counts"]
    return {"at": slot["at"], "total": counts.get(TOTAL, 0), "urgent": counts.get(URGENT), "counts": per_status}
