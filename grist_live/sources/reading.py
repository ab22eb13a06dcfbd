"""Readings: a board's rows as they were at exactly one state of its document, read by REST.

Grist gives no number with a table that it returns. So the reading begins at a known state, and what `/compare` says
was touched since then is read again, until nothing was: then the rows are those of the state that it named last.
"""

from __future__ import annotations

import logging
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any, Protocol

import msgspec

from grist_live.actions import Action, Layout, Place, State
from grist_live.board import Board
from grist_live.change import BodyError, read_records
from grist_live.errors import UserError
from grist_live.grist import MAX_IDS, Entry, GristError

log = logging.getLogger(__name__)
ROUNDS = 25
"""Times that touched rows are read again; at 80 edits a second one or two are usual."""
MANY = 2000
"""Touched rows from which reading the whole table is the cheaper way."""


class Table(Protocol):
    """What readings need of a document; `grist.Document` has it."""

    @property
    def doc_id(self) -> str: ...

    def tables(self) -> list[Entry]: ...

    def columns(self, table: str) -> list[Entry]: ...

    def records_body(self, table: str, row_ids: Collection[int] | None = None) -> bytes: ...

    def head(self) -> State: ...

    def compare(self, left: str, right: str = "HEAD") -> dict[str, Any]: ...


class Session(Protocol):
    """An open websocket; `grist.Live` is one."""

    unknown: dict[str, int]

    def receive(self, timeout: float) -> Action | None: ...

    def close(self) -> None: ...


class Source(Table, Protocol):
    """What a keeper needs of a document; `grist.Document` has it."""

    def may_read_all(self) -> bool: ...

    def live(self) -> Session: ...


class ReadingError(UserError):
    """The table can't be read; the message says what to do."""


class LayoutChangedError(RuntimeError):
    """The table or its columns changed: the layout must be read again, and then the whole table."""


@dataclass(slots=True)
class Reading:
    """Rows of one state: row id → row text (b"" = gone). `whole`: rows that aren't named don't exist."""

    state: State
    whole: bool
    rows: dict[int, bytes] = field(default_factory=dict)


def read_layout(board: Board, table: Table, known: Layout | None = None) -> Layout:
    """Find the board's table and columns in the document: by their numbers where those are known, else by their ids.

    Raises `ReadingError` when there never was such a table; a table that was removed has no rows.
    """
    tables = {entry["id"]: int(entry["fields"]["tableRef"]) for entry in table.tables()}
    known = known if known and known.doc == table.doc_id else None
    name = next((id for id, ref in tables.items() if known and ref == known.ref), None)
    name = name or (board.table if board.table in tables else None)
    if name is None:
        if known is None:
            raise ReadingError(f"board {board.name}: the document has no table {board.table!r}: run bootstrap")
        return msgspec.structs.replace(known, table=None)
    refs = {place.id: place.ref for place in known.columns} if known and known.ref == tables[name] else {}
    here = {entry["id"]: entry["fields"] for entry in table.columns(name)}
    by_ref = {int(fields["colRef"]): id for id, fields in here.items()}
    places = []
    for id in board.ids:
        at = by_ref.get(refs.get(id, 0)) or (id if id in here else None)
        if at is not None:
            places.append(Place(id, at, int(here[at]["colRef"]), str(here[at].get("type", "Text"))))
        else:
            places.append(Place(id, None, refs.get(id, 0)))
    return Layout(table.doc_id, name, tables[name], tuple(places))


def read_whole(board: Board, table: Table, layout: Layout, state: State) -> Reading:
    """Read the whole table; `state` was the document's before the layout was read, so that a column that somebody
    renamed since then shows. Raises `LayoutChangedError`, `ReadingError`, `GristError`."""
    reading = Reading(state, True, {} if layout.table is None else _rows(board, table, layout))
    return _settle(board, table, layout, reading)


def read_since(board: Board, table: Table, layout: Layout, state: State, also: Collection[int]) -> Reading | None:
    """Read what was touched since a state, and some rows besides; None when only the whole table can tell.

    Raises `LayoutChangedError`, `ReadingError`, `GristError`.
    """
    reading = Reading(state, False)
    if layout.table is not None and also:
        _read(board, table, layout, reading, also)
    try:
        return _settle(board, table, layout, reading)
    except GristError as error:
        if error.status == 403 or "Cannot read hash" in error.reason:
            return None
        raise


def _settle(board: Board, table: Table, layout: Layout, reading: Reading) -> Reading:
    """Read again what was touched since the reading began, until nothing was."""
    for _ in range(ROUNDS):
        try:
            comparison = table.compare(reading.state.h)
        except GristError as error:
            if error.status != 403 or not reading.whole:
                raise
            return _unnumbered(board, table, layout, reading)
        reading.state = State(comparison["right"]["n"], comparison["right"]["h"])
        touched = _touched(comparison["details"]["rightChanges"], layout)
        if not touched:
            return reading
        if len(touched) > MANY:
            reading.rows, reading.whole = _rows(board, table, layout), True
        else:
            _read(board, table, layout, reading, touched)
    raise ReadingError(f"board {board.name}: the table changes faster than it can be read; it is tried again")


def _unnumbered(board: Board, table: Table, layout: Layout, reading: Reading) -> Reading:
    """Read for a key that may not compare: a reading counts when nothing at all changed meanwhile."""
    for _ in range(ROUNDS):
        state = table.head()
        if state == reading.state:
            return reading
        reading.state, reading.rows = state, _rows(board, table, layout) if layout.table else {}
    raise ReadingError(
        f"board {board.name}: the document changes faster than its table can be read; give us an API key that may "
        "read all of it, so that we can ask what changed"
    )


def _touched(changes: dict[str, Any], layout: Layout) -> set[int]:
    """Return the rows of our table that a comparison names; Grist lists them all, however many."""
    deltas = changes["tableDeltas"]
    if layout.table is None:
        if changes["tableRenames"]:
            raise LayoutChangedError
        return set()
    if any(layout.table in pair for pair in changes["tableRenames"]):
        raise LayoutChangedError
    columns = deltas.get("_grist_Tables_column", {})
    if not layout.refs.isdisjoint([*columns.get("updateRows", ()), *columns.get("removeRows", ())]):
        raise LayoutChangedError
    ours = deltas.get(layout.table, {})
    if ours.get("columnRenames"):
        raise LayoutChangedError
    return {row for kind in ("addRows", "updateRows", "removeRows") for row in ours.get(kind, ())}


def _read(board: Board, table: Table, layout: Layout, reading: Reading, row_ids: Collection[int]) -> None:
    ids = sorted(row_ids)
    for start in range(0, len(ids), MAX_IDS):
        part = ids[start : start + MAX_IDS]
        found = _rows(board, table, layout, part)
        for row in part:
            if row in found or not reading.whole:
                reading.rows[row] = found.get(row, b"")
            else:
                reading.rows.pop(row, None)


def _rows(board: Board, table: Table, layout: Layout, row_ids: Collection[int] | None = None) -> dict[int, bytes]:
    assert layout.table is not None
    try:
        return dict(read_records(table.records_body(layout.table, row_ids), layout.whole))
    except BodyError as error:
        raise ReadingError(f"board {board.name}: {error}") from None
