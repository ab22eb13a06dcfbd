"""One document of the stand-in: tables, pages, history and webhooks, and the face that tests use."""

from __future__ import annotations

import copy
import threading
from collections.abc import Sequence
from typing import Any

from .actions import Refusal, run
from .delivery import Queue
from .history import Bundle, Change, Entry, History
from .table import MANUAL_UPDATES, Column, Row, Table
from .webhooks import Webhooks

SECTION = {
    "title": "", "description": "", "defaultWidth": 100, "borderWidth": 1, "theme": "", "options": "",
    "chartType": "", "layoutSpec": "", "filterSpec": "", "sortColRefs": "", "linkSrcSectionRef": 0,
    "linkSrcColRef": 0, "linkTargetColRef": 0, "embedId": "", "rules": None, "shareOptions": "",
}  # fmt: skip


class StandinDocument:
    """A document. Tests edit it as a user would: `add_records`, `update`, `delete`, `undo`."""

    def __init__(self, id: str, *, wait: float, max_queue: int, allowed_domains: str) -> None:
        self.id = id
        self.tables: dict[str, Table] = {}
        self.meta: dict[str, dict[int, Row]] = {
            "_grist_Views": {}, "_grist_Views_section": {}, "_grist_Pages": {}}  # fmt: skip
        self.corrupt = False
        self.history = History(id)
        self.webhooks = Webhooks(self, allowed_domains)
        self.queue = Queue(wait, max_queue, self.webhooks.target)
        self._refs = {"table": 0, "column": 0}
        self._done: list[Entry] = []
        self.lock = threading.RLock()
        self._writing = threading.RLock()
        self.apply([["AddTable", "Table1", [{"id": c, "isFormula": True} for c in "ABC"]]])

    # What a user does

    def add_records(self, table: str, records: Sequence[Row]) -> list[int]:
        """Add records; one that lacks a field which others have gets null there, as in Grist."""
        names = list(dict.fromkeys(name for r in records for name in r))
        columns = {name: [r.get(name) for r in records] for name in names}
        ids: list[int] = self.apply([["BulkAddRecord", table, [None] * len(records), columns]])["retValues"][0]
        return ids

    def update(self, table: str, row_id: int, fields: Row) -> None:
        self.apply([["UpdateRecord", table, row_id, fields]])

    def delete(self, table: str, *row_ids: int) -> None:
        self.apply([["BulkRemoveRecord", table, list(row_ids)]])

    def undo(self) -> None:
        """Take the last bundle back: rows get exactly their old values, trigger columns too."""
        entry = self._done.pop()
        bundle = Bundle()
        with self.lock:
            for name, rows in entry.changes.items():
                table = self.table(name)
                for row_id, (before, _) in rows.items():
                    bundle.touch(name, row_id, table.rows.get(row_id))
                    if before is None:
                        table.rows.pop(row_id, None)
                    else:
                        table.rows[row_id] = dict(before)
        self._finish(bundle, undo=True)

    def update_current_time(self) -> None:
        """Let an hour pass."""
        self.apply([["UpdateCurrentTime"]])

    def restart(self) -> None:
        """Close and open again: what waits in the queue is lost."""
        old = self.queue
        self.queue = Queue(old.wait, old.limit, self.webhooks.target)
        old.stop()

    def rows(self, table: str) -> dict[int, Row]:
        """Return the rows as GET /records has them."""
        with self.lock:
            shown = [c.id for c in self.table(table).visible()]
            return {i: {c: r[c] for c in shown} for i, r in sorted(self.table(table).rows.items())}

    # What Grist does

    def apply(self, actions: Sequence[Sequence[Any]]) -> dict[str, Any]:
        """Apply one bundle, all or none, and queue its webhook events. Raises `Refusal`."""
        bundle = Bundle()
        with self._writing:
            with self.lock:
                saved = (dict(self.tables), copy.deepcopy({t.id: t.columns for t in self.tables.values()}),
                         copy.deepcopy(self.meta))  # fmt: skip
                try:
                    values = [run(self, bundle, action) for action in actions]
                except Refusal:
                    self._roll_back(bundle, *saved)
                    raise
                self._fire_triggers(bundle)
                if all(a[0] == "Calculate" for a in actions):
                    return {"actionNum": 0, "actionHash": None, "retValues": values, "isModification": False}
            entry = self._finish(bundle)
        return {"actionNum": entry.n, "actionHash": entry.h, "retValues": values, "isModification": True}

    def _roll_back(self, bundle: Bundle, tables: Any, columns: Any, meta: Any) -> None:
        self.tables, self.meta = tables, meta
        for table in self.tables.values():
            table.columns = columns[table.id]
            for row_id, before in bundle.before.get(table.id, {}).items():
                if before is None:
                    table.rows.pop(row_id, None)
                else:
                    table.rows[row_id] = before

    def _fire_triggers(self, bundle: Bundle) -> None:
        for name, rows in bundle.by_hand.items():
            table = self.tables.get(name)
            triggers = [c for c in table.columns.values() if _runs_at_each_change(c)] if table else []
            for row_id, given in rows.items():
                for column in triggers:
                    if table and row_id in table.rows and column.id not in given:
                        table.rows[row_id][column.id] = column.now()

    def _finish(self, bundle: Bundle, undo: bool = False) -> Entry:
        with self._writing:
            with self.lock:
                changes = {name: c for name in bundle.before if (c := self._changes(bundle, name))}
                entry = self.history.add(bundle, changes)
                if not undo and changes:
                    self._done.append(entry)
                events = self.webhooks.events(changes)
            self.queue.put(events)
        return entry

    def _changes(self, bundle: Bundle, name: str) -> dict[int, Change]:
        table = self.tables.get(name)
        if table is None:
            return {}
        changes: dict[int, Change] = {}
        for row_id, before in bundle.before[name].items():
            after = table.rows.get(row_id)
            if before != after:
                changes[row_id] = (before, dict(after) if after is not None else None)
        return changes

    # Metadata

    def next_ref(self, kind: str) -> int:
        self._refs[kind] += 1
        return self._refs[kind]

    def table(self, name: str) -> Table:
        if name not in self.tables:
            raise Refusal(500, f"[Sandbox] KeyError '{name}'")
        return self.tables[name]

    def column(self, ref: int) -> tuple[Table, Column]:
        for table in self.tables.values():
            for column in table.columns.values():
                if column.ref == ref:
                    return table, column
        raise Refusal(500, f"[Sandbox] AssertionError docactions.[Bulk]UpdateRecord for non-existent record #{ref}")

    def add_meta(self, table: str, fields: Row) -> int:
        row_id = max(self.meta[table], default=0) + 1
        self.meta[table][row_id] = fields
        return row_id

    def add_page(self, view: int) -> None:
        position = len(self.meta["_grist_Pages"]) + 1
        fields = {"viewRef": view, "indentation": 0, "pagePos": position, "shareRef": 0, "options": ""}
        self.add_meta("_grist_Pages", fields)

    def add_section(self, table_ref: int, view: int, kind: str) -> int:
        fields = {"tableRef": table_ref, "parentId": view, "parentKey": kind, **SECTION}
        return self.add_meta("_grist_Views_section", fields)


def _runs_at_each_change(column: Column) -> bool:
    return not column.is_formula and column.tells_time and column.recalc_when == MANUAL_UPDATES
