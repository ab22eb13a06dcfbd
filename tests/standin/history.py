"""A document's history: what each bundle changed, and GET /compare over it."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from typing import Any

from .table import Row

Change = tuple[Row | None, Row | None]
INLINE_ROWS = 10
KEPT = 1000


@dataclass
class Bundle:
    """One bundle of actions while it runs: each touched row as it was before (None: it didn't exist)."""

    before: dict[str, dict[int, Row | None]] = field(default_factory=dict)
    by_hand: dict[str, dict[int, set[str]]] = field(default_factory=dict)
    tables_made: list[str] = field(default_factory=list)
    renames: dict[str, list[list[str | None]]] = field(default_factory=dict)

    def touch(self, table: str, row_id: int, row: Row | None) -> None:
        self.before.setdefault(table, {}).setdefault(row_id, dict(row) if row is not None else None)


@dataclass(frozen=True)
class Entry:
    """A bundle that was applied: its number, its hash, and the rows before and after."""

    n: int
    h: str
    changes: dict[str, dict[int, Change]]
    tables_made: list[str]
    renames: dict[str, list[list[str | None]]]

    @property
    def state(self) -> dict[str, Any]:
        return {"n": self.n, "h": self.h}


class History:
    """The entries, oldest first."""

    def __init__(self, seed: str) -> None:
        self.seed = seed
        self.entries: list[Entry] = [self._entry(1, {}, [], {})]

    def _entry(self, n: int, changes: Any, made: Any, renames: Any) -> Entry:
        return Entry(n, hashlib.sha256(f"{self.seed}-{n}".encode()).hexdigest(), changes, made, renames)

    def add(self, bundle: Bundle, changes: dict[str, dict[int, Change]]) -> Entry:
        entry = self._entry(self.entries[-1].n + 1, changes, bundle.tables_made, bundle.renames)
        self.entries = [*self.entries, entry][-KEPT:]
        return entry

    def states(self) -> list[dict[str, Any]]:
        return [e.state for e in reversed(self.entries)]

    def find(self, name: str) -> Entry | None:
        """`HEAD`, `HEAD~`, `HEAD~2` or a hash."""
        match = re.fullmatch(r"HEAD((?:~\d*)*)", name)
        if match:
            back = sum(int(part or 1) for part in match[1].split("~")[1:])
            return self.entries[-1 - back] if back < len(self.entries) else None
        return next((e for e in self.entries if e.h == name), None)

    def compare(self, left: Entry, right: Entry) -> dict[str, Any]:
        between = [e for e in self.entries if left.n < e.n <= right.n]
        nothing: dict[str, Any] = {"tableRenames": [], "tableDeltas": {}}
        return {
            "left": left.state,
            "right": right.state,
            "parent": left.state,
            "summary": "right" if between else "same",
            "details": {"leftChanges": nothing, "rightChanges": _summary(between)},
        }


def _summary(entries: list[Entry]) -> dict[str, Any]:
    net: dict[str, dict[int, Change]] = {}
    renames: dict[str, list[list[str | None]]] = {}
    for entry in entries:
        for table, rows in entry.changes.items():
            for row_id, (before, after) in rows.items():
                first = net.setdefault(table, {}).get(row_id, (before, after))[0]
                net[table][row_id] = (first, after)
        for table, pairs in entry.renames.items():
            renames.setdefault(table, []).extend(pairs)
    made: list[list[str | None]] = [[None, t] for e in entries for t in e.tables_made]
    deltas = {t: _delta(net.get(t, {}), renames.get(t, [])) for t in {**net, **renames}}
    return {"tableRenames": made, "tableDeltas": deltas}


def _delta(rows: dict[int, Change], renames: list[list[str | None]]) -> dict[str, Any]:
    added = sorted(i for i, (before, after) in rows.items() if before is None and after is not None)
    updated = sorted(i for i, (before, after) in rows.items() if after is not None)
    removed = sorted(i for i, (before, after) in rows.items() if before is not None and after is None)
    columns: dict[str, dict[str, Any]] = {}
    for row_id in sorted({*updated, *removed}):
        before, after = rows[row_id]
        for column in {**(before or {}), **(after or {})}:
            was, now = _cell(before, column), _cell(after, column)
            if was != now and not (before is None and now in ([""], [0], [None], [False])):
                columns.setdefault(column, {})[str(row_id)] = [was, now]
    return {
        "updateRows": updated,
        "removeRows": removed,
        "addRows": added,
        "columnDeltas": {c: _cut(cells) for c, cells in columns.items()},
        "columnRenames": renames,
    }


def _cell(row: Row | None, column: str) -> list[Any] | None:
    return None if row is None or column not in row else [row[column]]


def _cut(cells: dict[str, Any]) -> dict[str, Any]:
    """Grist keeps the values of 10 rows per column: the first nine and the last."""
    if len(cells) <= INLINE_ROWS:
        return cells
    keys = list(cells)
    return {k: cells[k] for k in [*keys[: INLINE_ROWS - 1], keys[-1]]}
