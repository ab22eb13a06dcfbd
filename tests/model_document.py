"""A Grist document in memory, for tests that look for an order of events that breaks something.

It has the faces that grist_live knows: REST (`tables`, `records_body`, `compare` …), the websocket (`live`), and the
webhook's queue, each of which the test lets go on as it likes. `tests/standin` is the one that speaks HTTP.
"""

from __future__ import annotations

import copy
import json
from collections import deque
from collections.abc import Collection
from typing import Any

import msgspec

from grist_live.actions import Action, State
from grist_live.grist import GristError, LiveError

TABLE = "T"
COLUMNS = ("A", "B", "U")
Rows = dict[int, dict[str, Any]]


class Session:
    """One open websocket: what was pushed waits here until it is received."""

    def __init__(self) -> None:
        self.unknown: dict[str, int] = {}
        self.pushed: deque[Action] = deque()
        self.broken = False

    def receive(self, timeout: float) -> Action | None:
        if self.pushed:
            return self.pushed.popleft()
        if self.broken:
            raise LiveError("the websocket was lost")
        return None

    def close(self) -> None:
        self.broken = True


class Document:
    """One table; every value that a cell ever had is in `seen`, so that a test can ask for it."""

    doc_id = "doc"

    def __init__(self) -> None:
        self.rows: Rows = {}
        self.states: list[tuple[State, Rows]] = [(State(1, "h1"), {})]
        self.by_hash: dict[str, Rows] = {"h1": {}}
        self.seen: set[tuple[int, str, str]] = set()
        self.queue: deque[dict[str, Any]] = deque()
        self.sessions: list[Session] = []
        self.undoable: list[Rows] = []
        self._hashes = self._time = 1

    # ------------------------------------------------------------------------------------------------ what users do

    def edit(self, fields: dict[int, dict[str, Any] | None]) -> None:
        """Add, change (a part) and remove (None) rows, as one bundle."""
        before = copy.deepcopy(self.rows)
        self._time += 1
        for row, cells in fields.items():
            if cells is None:
                self.rows.pop(row, None)
            else:
                self.rows[row] = self.rows.get(row, {"A": "", "B": ""}) | cells | {"U": self._time}
        self.undoable.append(before)
        self._applied(before)

    def undo(self) -> None:
        """Take the last bundle back; trigger columns go back in time with it."""
        before, self.rows = self.rows, self.undoable.pop()
        self._applied(before)

    def restore(self, back: int) -> None:
        """Put the document back: its history ends there, and what follows gets numbers that were used before."""
        self.states = self.states[: max(1, len(self.states) - back)]
        self.rows = copy.deepcopy(self.states[-1][1])
        self.undoable.clear()
        for session in self.sessions:
            session.broken = True

    def _applied(self, before: Rows) -> None:
        self._hashes += 1
        state = State(self.states[-1][0].n + 1, f"h{self._hashes}")
        self.by_hash[state.h] = copy.deepcopy(self.rows)
        self.states.append((state, self.by_hash[state.h]))
        for row, cells in self.rows.items():
            self.seen |= {(row, column, json.dumps(value)) for column, value in cells.items()}
            if cells != before.get(row):
                self.queue.append({"id": row, **cells})
        action = Action(state, "c.martin@example.org", _steps(before, self.rows))
        for session in self.sessions:
            if not session.broken:
                session.pushed.append(action)

    # ---------------------------------------------------------------------------------------- what grist_live asks for

    def tables(self) -> list[Any]:
        return [{"id": TABLE, "fields": {"tableRef": 1}}]

    def columns(self, table: str) -> list[Any]:
        kinds = {"A": "Text", "B": "Text", "U": "DateTime:UTC"}
        return [{"id": id, "fields": {"colRef": i + 2, "type": kinds[id]}} for i, id in enumerate(COLUMNS)]

    def records_body(self, table: str, row_ids: Collection[int] | None = None) -> bytes:
        chosen = [{"id": r, "fields": f} for r, f in self.rows.items() if row_ids is None or r in row_ids]
        return json.dumps({"records": chosen}).encode()

    def head(self) -> State:
        return self.states[-1][0]

    def compare(self, left: str, right: str = "HEAD") -> dict[str, Any]:
        known = {state.h: rows for state, rows in self.states} | {"HEAD": self.rows}
        if left not in known:
            raise GristError("no such state", status=500, reason="Cannot read hash")
        old, head = known[left], self.head()
        # As Grist does it: a row that was changed and changed back is named, too.
        start = next((i for i, (state, _) in enumerate(self.states) if state.h == left), len(self.states) - 1)
        touched = {
            row
            for i in range(start + 1, len(self.states))
            for row in self.states[i][1].keys() | self.states[i - 1][1].keys()
            if self.states[i][1].get(row) != self.states[i - 1][1].get(row)
        }
        delta = {
            "addRows": sorted(touched - old.keys()),
            "updateRows": sorted(touched & self.rows.keys()),
            "removeRows": sorted(touched - self.rows.keys()),
            "columnRenames": [],
        }
        changes = {"tableRenames": [], "tableDeltas": {TABLE: delta} if touched else {}}
        return {"right": {"n": head.n, "h": head.h}, "details": {"rightChanges": changes}}

    def may_read_all(self) -> bool:
        return True

    def live(self) -> Session:
        self.sessions.append(Session())
        return self.sessions[-1]


def _steps(before: Rows, after: Rows) -> list[list[msgspec.Raw]]:
    """Write a bundle as Grist does: adds without what holds its default, updates with what changed."""
    steps: list[list[Any]] = []
    for row in before.keys() - after.keys():
        steps.append(["RemoveRecord", TABLE, row])
    for row, cells in after.items():
        old = before.get(row)
        if old is None:
            steps.append(["AddRecord", TABLE, row, {c: v for c, v in cells.items() if v != ""}])
        elif old != cells:
            changed = {c: v for c, v in cells.items() if old[c] != v}
            steps.append(["BulkUpdateRecord", TABLE, [row], {c: [v] for c, v in changed.items()}])
    return [[msgspec.Raw(msgspec.json.encode(part)) for part in step] for step in steps]
