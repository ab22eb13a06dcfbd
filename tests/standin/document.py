"""One document of the stand-in: tables, pages, history and webhooks, and the face that tests use."""

from __future__ import annotations

import copy
import threading
import time
from collections.abc import Sequence
from contextvars import ContextVar
from typing import Any, Protocol

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


OWNER_EMAIL, EDITOR_EMAIL, VIEWER_EMAIL = "you@example.com", "editor@example.com", "viewer@example.com"
AUTHOR: ContextVar[str] = ContextVar("author", default=OWNER_EMAIL)
"""Who sends the request that is being answered."""

GRIST = "grist"
"""Who did what Grist does by itself."""

CALCULATED = Entry(0, "", group={"user": GRIST, "primaryAction": "Calculate", "internal": True})
"""What is pushed after a document was loaded, when no formula had another result: in no history."""


class Watcher(Protocol):
    """Who has the document open."""

    def pushed(self, doc: StandinDocument, entry: Entry) -> None:
        """Tell of a bundle."""

    def shut_down(self, doc: StandinDocument) -> None:
        """Tell that the document closes, and cut."""


class StandinDocument:
    """A document. Tests edit it as a user would: `add_records`, `update`, `delete`, `undo`.

    `watchers` are told of each entry, in order, while the document's lock for writing is held.
    """

    def __init__(self, id: str, *, wait: float, max_queue: int, allowed_domains: str) -> None:
        self.id = id
        self.tables: dict[str, Table] = {}
        self.meta: dict[str, dict[int, Row]] = {
            "_grist_Views": {}, "_grist_Views_section": {}, "_grist_Pages": {}}  # fmt: skip
        self.corrupt = False
        self.loaded = True
        self.history = History(id)
        self.webhooks = Webhooks(self, allowed_domains)
        self.queue = Queue(wait, max_queue, self.webhooks.target)
        self.watchers: list[Watcher] = []
        self._refs = {"table": 0, "column": 0}
        self._done: list[Entry] = []
        self._undone: list[Entry] = []
        self.lock = threading.RLock()
        self.writing = threading.RLock()
        self.apply([["AddTable", "Table1", [{"id": c, "isFormula": True} for c in "ABC"]]])

    # What a user does

    def add_records(self, table: str, records: Sequence[Row], user: str = "") -> list[int]:
        """Add records; one that lacks a field which others have gets null there, as in Grist."""
        names = list(dict.fromkeys(name for r in records for name in r))
        columns = {name: [r.get(name) for r in records] for name in names}
        action = ["BulkAddRecord", table, [None] * len(records), columns]
        ids: list[int] = self.apply([action], user)["retValues"][0]
        return ids

    def update(self, table: str, row_id: int, fields: Row, user: str = "") -> None:
        self.apply([["UpdateRecord", table, row_id, fields]], user)

    def delete(self, table: str, *row_ids: int, user: str = "") -> None:
        self.apply([["BulkRemoveRecord", table, list(row_ids)]], user)

    def undo(self, user: str = "") -> None:
        """Take the last bundle of rows back: they get exactly their old values, trigger columns too.

        Raises ValueError if there is none since the last change of tables or columns.
        """
        if not self._done:
            raise ValueError("nothing to undo")
        entry = self._done.pop()
        self._put(entry, user, undo=True)
        self._undone.append(entry)

    def redo(self, user: str = "") -> None:
        """Do again what was taken back."""
        if not self._undone:
            raise ValueError("nothing to do again")
        entry = self._undone.pop()
        self._put(entry, user, undo=False)
        self._done.append(entry)

    def update_current_time(self) -> None:
        """Let an hour pass."""
        self.apply([["UpdateCurrentTime"]], GRIST)

    def restart(self) -> None:
        """Close and open again: what waits in the queue is lost, who watches is cut off."""
        old = self.queue
        self.queue = Queue(old.wait, old.limit, self.webhooks.target)
        old.stop()
        with self.writing:
            self.loaded = False
            self.corrupt = False
            for watcher in list(self.watchers):
                watcher.shut_down(self)

    def load(self) -> None:
        """What Grist does after the first client came: formula columns with NOW() change, and fire nothing."""
        with self.writing:
            if self.loaded:
                return
            self.loaded = True
            if any(c.is_formula and c.tells_time for t in self.tables.values() if t.rows for c in t.columns.values()):
                self.apply([["UpdateCurrentTime"]], GRIST, at_load=True)
            else:
                for watcher in list(self.watchers):
                    watcher.pushed(self, CALCULATED)

    def copy(self) -> dict[str, Any]:
        """Return all there is now, for `restore`: a snapshot."""
        with self.writing, self.lock:
            return copy.deepcopy({"tables": self.tables, "meta": self.meta, "refs": self._refs}) | {
                "entries": self.history.entries
            }

    def restore(self, saved: dict[str, Any]) -> None:
        """Replace the document by an earlier copy: numbers go back, and later ones will have other hashes."""
        with self.writing:
            with self.lock:
                kept = copy.deepcopy({k: v for k, v in saved.items() if k != "entries"})
                self.tables, self.meta, self._refs = kept["tables"], kept["meta"], kept["refs"]
                self.history.go_back(saved["entries"])
                self._done, self._undone = [], []
            self.restart()

    def rows(self, table: str) -> dict[int, Row]:
        """Return the rows as GET /records has them."""
        with self.lock:
            shown = [c.id for c in self.table(table).visible()]
            return {i: {c: r[c] for c in shown} for i, r in sorted(self.table(table).rows.items())}

    # What Grist does

    def apply(self, actions: Sequence[Sequence[Any]], user: str = "", at_load: bool = False) -> dict[str, Any]:
        """Apply one bundle, all or none, and queue its webhook events. Raises `Refusal`."""
        bundle = Bundle()
        with self.writing:
            with self.lock:
                saved = (dict(self.tables), copy.deepcopy({n: t.columns for n, t in self.tables.items()}),
                         copy.deepcopy(self.meta), dict(self._refs))  # fmt: skip
                began = time.time()
                try:
                    values = [run(self, bundle, action) for action in actions]
                except Refusal:
                    self._roll_back(bundle, *saved)
                    raise
                self._fire_triggers(bundle)
                if all(a[0] == "Calculate" for a in actions):
                    return {"actionNum": 0, "actionHash": None, "retValues": values, "isModification": False}
                first = values[0] if actions[0][0] in ("AddRecord", "BulkAddRecord") else 0
                bundle.group = {
                    "time": int(began * 1000),
                    "user": user or AUTHOR.get(),
                    "rowIdHint": first[0] if isinstance(first, list) and first else first or 0,
                    "primaryAction": "Calculate" if at_load else actions[0][0],
                    "internal": at_load or actions[0][0] == "UpdateCurrentTime",
                }
            entry = self._finish(bundle, fire=not at_load)
            if bundle.table_renames or bundle.renames:
                self._done, self._undone = [], []
            elif entry.changes:
                self._done, self._undone = [*self._done, entry], []
        return {"actionNum": entry.n, "actionHash": entry.h, "retValues": values, "isModification": True}

    def _roll_back(self, bundle: Bundle, tables: Any, columns: Any, meta: Any, refs: Any) -> None:
        for table in {id(t): t for t in (*self.tables.values(), *tables.values())}.values():
            for row_id, before in (bundle.before.get(table.id) or bundle.before.get(f"-{table.id}", {})).items():
                if before is None:
                    table.rows.pop(row_id, None)
                else:
                    table.rows[row_id] = before
        for step in reversed(bundle.back):
            step()
        self.tables, self.meta, self._refs = tables, meta, refs
        for name, table in tables.items():
            table.columns = columns[name]

    def _fire_triggers(self, bundle: Bundle) -> None:
        for name, rows in bundle.by_hand.items():
            table = self.tables.get(name)
            triggers = [c for c in table.columns.values() if _runs_at_each_change(c)] if table else []
            for column in sorted(triggers, key=lambda c: c.id):
                assert table
                ids = sorted(i for i, given in rows.items() if i in table.rows and column.id not in given)
                for row_id in ids:
                    table.rows[row_id][column.id] = column.now()
                bundle.did_to_rows("Update", name, ids, {column.id: [table.rows[i][column.id] for i in ids]})

    def _put(self, done: Entry, user: str, undo: bool) -> None:
        """Give the rows of a bundle the values of before it (undo) or after it, as a bundle of its own."""
        bundle = Bundle()
        with self.writing:
            with self.lock:
                for name, rows in done.changes.items():
                    table = self.table(name)
                    for row_id, (before, after) in rows.items():
                        wanted = before if undo else after
                        was = table.rows.get(row_id)
                        bundle.touch(name, row_id, was)
                        if wanted is None:
                            table.rows.pop(row_id, None)
                            bundle.did("RemoveRecord", name, row_id)
                        else:
                            table.rows[row_id] = dict(wanted)
                            new = {k: v for k, v in wanted.items() if was is None or was.get(k) != v}
                            bundle.did("AddRecord" if was is None else "UpdateRecord", name, row_id, new)
                bundle.group = {
                    "time": int(time.time() * 1000),
                    "user": user or AUTHOR.get(),
                    "otherId": done.n,
                    "isUndo": undo,
                    "primaryAction": "ApplyUndoActions" if undo else done.group["primaryAction"],
                }
            self._finish(bundle)

    def _finish(self, bundle: Bundle, fire: bool = True) -> Entry:
        with self.lock:
            changes = {name: c for name in bundle.before if (c := self._changes(bundle, name))}
            entry = self.history.add(bundle, changes)
            events = self.webhooks.events(changes) if fire else []
        for watcher in list(self.watchers):
            watcher.pushed(self, entry)
        self.queue.put(events)
        return entry

    def _changes(self, bundle: Bundle, name: str) -> dict[int, Change]:
        if name.startswith("-"):
            return {i: (before, None) for i, before in bundle.before[name].items() if before is not None}
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
