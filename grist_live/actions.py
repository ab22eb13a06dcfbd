"""A document's actions, as Grist tells them live, and what they mean for the rows of one board."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import NamedTuple

import msgspec

from grist_live.board import Board
from grist_live.change import cell

SCHEMA = {"AddTable", "RemoveTable", "RenameTable", "AddColumn", "RemoveColumn", "RenameColumn", "ModifyColumn"}
WHOLE = {"ReplaceTableData", "TableData"}
DEFAULTS = {"Text": b'""', "Choice": b'""', "Numeric": b"0", "Int": b"0", "Ref": b"0", "Bool": b"false"}
"""What an added record holds where its action says nothing; null for all other types (grist-core: gristTypes.ts)."""

_text = msgspec.json.Decoder(str)
_id = msgspec.json.Decoder(int)
_ids = msgspec.json.Decoder(list[int])
_cells = msgspec.json.Decoder(dict[str, msgspec.Raw])
_columns = msgspec.json.Decoder(dict[str, list[msgspec.Raw]])


class State(NamedTuple):
    """A point in a document's history: `n` is its action number, `h` that action's hash."""

    n: int
    h: str


class Action(NamedTuple):
    """What one bundle did to the document: the state after it, by whom (an e-mail address), and its steps."""

    state: State
    user: str
    steps: Sequence[Sequence[msgspec.Raw]]


class Place(msgspec.Struct, frozen=True):
    """Where a declared column stands in the document: `at` is its id there now, None when it is gone."""

    id: str
    at: str | None = None
    ref: int = 0
    type: str = "Text"

    @property
    def default(self) -> bytes:
        return DEFAULTS.get(self.type.partition(":")[0], b"null") if self.at else b"null"


class Layout(msgspec.Struct, frozen=True, dict=True):
    """How a board's columns stand in its document.

    The numbers (`ref`) stay when somebody renames the table or a column, so that the board goes on.
    """

    doc: str
    table: str | None
    ref: int
    columns: tuple[Place, ...]

    def whole(self, fields: Mapping[str, msgspec.Raw]) -> bytes:
        """Write the row text of a whole record; what it lacks holds its default."""
        return b"".join([(cell(fields[c]) if c in fields else d) + b"\t" for c, d in self._defaults])

    def part(self, fields: Mapping[str, msgspec.Raw]) -> bytes:
        """Write the row text of what is told of a record; b"" when none of it is declared."""
        if not any(c in fields for c, _ in self._defaults):
            return b""
        return b"".join([cell(fields[c]) + b"\t" if c in fields else b"\t" for c, _ in self._defaults])

    @cached_property
    def _defaults(self) -> list[tuple[str, bytes]]:
        return [(place.at or "", place.default) for place in self.columns]

    @cached_property
    def refs(self) -> frozenset[int]:
        return frozenset(place.ref for place in self.columns if place.ref)


def read_action(action: Action, layout: Layout) -> list[tuple[int, bytes]] | None:
    """Return the rows that an action leaves changed: (row id, row text; b"" when it is gone), each row once.

    None when the table itself changed, so that it must be read again. Raises `msgspec.DecodeError` for what is no
    action.
    """
    rows: dict[int, dict[str, msgspec.Raw]] = {}
    whole: set[int] = set()
    gone: set[int] = set()
    for step in action.steps:
        name, table = _text.decode(step[0]), _text.decode(step[1])
        if name in SCHEMA and (layout.table is None or table == layout.table):
            return None
        if table != layout.table or name in SCHEMA:
            continue
        if name in WHOLE:
            return None
        for row, cells in _records(name, step):
            if cells is None:
                rows.pop(row, None)
                whole.discard(row)
                gone.add(row)
            else:
                if name.endswith("AddRecord"):
                    rows[row] = {}
                    whole.add(row)
                    gone.discard(row)
                rows.setdefault(row, {}).update(cells)
    told = [(row, b"") for row in gone]
    for row, fields in rows.items():
        text = layout.whole(fields) if row in whole else layout.part(fields)
        if text:
            told.append((row, text))
    return told


def _records(name: str, step: Sequence[msgspec.Raw]) -> list[tuple[int, dict[str, msgspec.Raw] | None]]:
    """Return the records of one step on a table: (row id, cells; None when it is removed)."""
    if name == "RemoveRecord":
        return [(_id.decode(step[2]), None)]
    if name == "BulkRemoveRecord":
        return [(row, None) for row in _ids.decode(step[2])]
    if name in ("AddRecord", "UpdateRecord"):
        return [(_id.decode(step[2]), _cells.decode(step[3]))]
    if name in ("BulkAddRecord", "BulkUpdateRecord"):
        columns = _columns.decode(step[3])
        return [(row, {c: v[i] for c, v in columns.items()}) for i, row in enumerate(_ids.decode(step[2]))]
    raise msgspec.DecodeError(f"an action that is not known: {name}")


def author(board: Board, user: str) -> str:
    """Say as JSON by whom a change is, as far as the board allows; "" otherwise."""
    if board.authors == "none" or not user:
        return ""
    if board.authors == "name":
        user = user.partition("@")[0].replace(".", " ").replace("_", " ").title()
    return msgspec.json.encode(user).decode()
