"""A document's history: what each bundle changed, and GET /compare over it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from .table import Row

Change = tuple[Row | None, Row | None]
Names = list[list[str | None]]
"""Renames as Grist tells them: [old, new], [None, new] for what was made, [old, None] for what was removed."""

INLINE_ROWS = 10
KEPT = 1000


@dataclass
class Bundle:
    """One bundle of actions while it runs: each touched row as it was before (None: it didn't exist), what
    was done in Grist's own words (`doc_actions`), and how to take back what isn't a row's value."""

    before: dict[str, dict[int, Row | None]] = field(default_factory=dict)
    by_hand: dict[str, dict[int, set[str]]] = field(default_factory=dict)
    table_renames: Names = field(default_factory=list)
    renames: dict[str, Names] = field(default_factory=dict)
    doc_actions: list[list[Any]] = field(default_factory=list)
    back: list[Callable[[], object]] = field(default_factory=list)
    group: dict[str, Any] = field(default_factory=dict)

    def touch(self, table: str, row_id: int, row: Row | None) -> None:
        self.before.setdefault(table, {}).setdefault(row_id, dict(row) if row is not None else None)

    def did(self, *action: Any) -> None:
        self.doc_actions.append(list(action))

    def did_to_rows(self, kind: str, table: str, ids: list[int], columns: dict[str, list[Any]]) -> None:
        """Note what was done to rows, as Grist does: one row's action has no lists."""
        if len(ids) == 1:
            self.did(f"{kind}Record", table, ids[0], {name: values[0] for name, values in columns.items()})
        elif ids:
            self.did(f"Bulk{kind}Record", table, ids, columns)

    def rename_table(self, old: str, new: str) -> None:
        self.table_renames.append([old, new])
        for by_table in (self.before, self.by_hand, self.renames):
            _move(by_table, old, new)

    def rename_column(self, table: str, old: str | None, new: str | None) -> None:
        """Note a column's new name; rows as they were before are told under it, too."""
        self.renames.setdefault(table, []).append([old, new])
        for row in self.before.get(table, {}).values():
            if row is not None and old in row and new is not None:
                row[new] = row.pop(old)


@dataclass(frozen=True)
class Entry:
    """A bundle that was applied: its number, its hash, the rows before and after, and what it did."""

    n: int
    h: str
    changes: dict[str, dict[int, Change]] = field(default_factory=dict)
    table_renames: Names = field(default_factory=list)
    renames: dict[str, Names] = field(default_factory=dict)
    doc_actions: list[list[Any]] = field(default_factory=list)
    group: dict[str, Any] = field(default_factory=dict)

    @property
    def state(self) -> dict[str, Any]:
        return {"n": self.n, "h": self.h}


class History:
    """The entries, oldest first. A hash depends on all before it, and on `era`, which each restore raises."""

    def __init__(self, seed: str) -> None:
        self.seed = seed
        self.era = 0
        self.entries: list[Entry] = [Entry(1, self._hash("", 1))]

    def _hash(self, previous: str, n: int) -> str:
        return hashlib.sha256(f"{self.seed}-{self.era}-{previous}-{n}".encode()).hexdigest()

    def add(self, bundle: Bundle, changes: dict[str, dict[int, Change]]) -> Entry:
        last = self.entries[-1]
        n = last.n + 1
        entry = Entry(
            n,
            self._hash(last.h, n),
            changes,
            bundle.table_renames,
            bundle.renames,
            bundle.doc_actions,
            bundle.group,
        )
        self.entries = [*self.entries[1 - KEPT :], entry]
        return entry

    def go_back(self, entries: list[Entry]) -> None:
        """Become the history of an earlier copy: later numbers will be given again, with other hashes."""
        self.era += 1
        self.entries = list(entries)

    def keep(self, count: int) -> None:
        """Forget all but the newest."""
        self.entries = self.entries[-max(count, 1) :]

    def states(self) -> list[dict[str, Any]]:
        return [e.state for e in reversed(self.entries)]

    def find(self, name: str) -> Entry | None:
        """`HEAD`, `HEAD~`, `HEAD~2` or a hash."""
        match = re.fullmatch(r"HEAD((?:~\d*)*)", name)
        if match:
            back = sum(int(part or 1) for part in match[1].split("~")[1:])
            return self.entries[-1 - back] if back < len(self.entries) else None
        return next((e for e in self.entries if e.h == name), None)

    def compare(self, left: Entry, right: Entry, inline_rows: int | None = INLINE_ROWS) -> dict[str, Any]:
        between = [e for e in self.entries if left.n < e.n <= right.n]
        return {
            "left": left.state,
            "right": right.state,
            "parent": left.state,
            "summary": "right" if between else "same",
            "details": {"leftChanges": summary([]), "rightChanges": summary(between, inline_rows)},
        }


def summary(entries: list[Entry], inline_rows: int | None = INLINE_ROWS) -> dict[str, Any]:
    """Return the net effect as Grist's ActionSummary, without its own tables (`_grist_…`).

    A table has its last name, one that was removed its first, after a minus sign.
    """
    net: dict[str, dict[int, Change]] = {}
    columns: dict[str, Names] = {}
    tables: Names = []
    for entry in entries:
        for old, new in entry.table_renames:
            _rename(tables, old, new)
            if old is not None:
                for by_table in (net, columns):
                    _move(by_table, old, new or f"-{old}")
        for table, pairs in entry.renames.items():
            for old, new in pairs:
                _rename(columns.setdefault(table, []), old, new)
                _rename_in_rows(net.get(table, {}), old, new)
        for table, rows in entry.changes.items():
            for row_id, (before, after) in rows.items():
                first = net.setdefault(table, {}).get(row_id, (_copy(before), None))[0]
                net[table][row_id] = (first, _copy(after))
    deltas = {t: _delta(net.get(t, {}), columns.get(t, []), inline_rows) for t in {**net, **columns}}
    return {"tableRenames": tables, "tableDeltas": deltas}


def _move(by_table: dict[str, Any], old: str, new: str) -> None:
    if old in by_table:
        by_table[new] = by_table.pop(old)


def _copy(row: Row | None) -> Row | None:
    return None if row is None else dict(row)


def _rename(names: Names, old: str | None, new: str | None) -> None:
    """Add a rename to those before it: made and renamed is made, made and removed is nothing."""
    earlier = next((pair for pair in names if old is not None and pair[1] == old), None)
    if earlier is None:
        names.append([old, new])
    elif earlier[0] is None and new is None:
        names.remove(earlier)
    else:
        earlier[1] = new


def _rename_in_rows(rows: dict[int, Change], old: str | None, new: str | None) -> None:
    if old is None or new is None:
        return
    for before, after in rows.values():
        for row in (before, after):
            if row is not None and old in row:
                row[new] = row.pop(old)


def _delta(rows: dict[int, Change], renames: Names, inline_rows: int | None) -> dict[str, Any]:
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
    cut = any(inline_rows is not None and len(cells) > inline_rows for cells in columns.values())
    more = {"mayBeIncomplete": True} if cut else {}
    return {
        "updateRows": updated,
        "removeRows": removed,
        "addRows": added,
        "columnDeltas": {c: _cut(cells, inline_rows) for c, cells in columns.items()},
        "columnRenames": renames,
        **more,
    }


def _cell(row: Row | None, column: str) -> list[Any] | None:
    return None if row is None or column not in row else [row[column]]


def _cut(cells: dict[str, Any], inline_rows: int | None) -> dict[str, Any]:
    """Grist keeps the values of 10 rows per column: the first nine and the last."""
    if inline_rows is None or len(cells) <= inline_rows:
        return cells
    keys = list(cells)
    return {k: cells[k] for k in [*keys[: inline_rows - 1], keys[-1]]}
