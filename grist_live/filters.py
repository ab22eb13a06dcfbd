"""Filters: which rows of a board a viewer asks for, `?status=Bloqué&department=13`.

Values of one role are alternatives; different roles must all hold. For a stream, a row that enters the filter is an
`add`, one that leaves it a `remove`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from grist_live.board import ROLES, Board
from grist_live.change import values

POSTCODE = re.compile(r"(?<!\d)(\d{2}) ?(\d{3})(?!\d)")
_decode = msgspec.json.decode


class FilterError(ValueError):
    """A filter that this board can't apply; the message says what it can."""


class _Change(msgspec.Struct, omit_defaults=True):
    action: str
    row: int
    fields: dict[str, msgspec.Raw]
    was: dict[str, msgspec.Raw]
    at: msgspec.Raw
    source: str
    first_seen: bool = False


_change = msgspec.json.Decoder(_Change)


def department(place: str) -> str | None:
    """Derive a French department's code from a postcode in a text: 13, 2A, 974; None without one.

    It is approximate: a few postcodes reach over the border of their department, and Corsica's two are told apart by
    the third digit (200, 201: 2A; 202, 206: 2B).
    """
    match = POSTCODE.search(place)
    if not match:
        return None
    code, rest = match.groups()
    if code == "20":
        return "2A" if rest[0] in "01" else "2B"
    if code in ("97", "98"):
        return code + rest[0]
    return code if code != "00" else None


class Filter:
    """Conditions on a board's rows; `key` is the same for equal filters."""

    def __init__(self, board: Board, conditions: Mapping[str, frozenset[str]]) -> None:
        self.board = board
        self.conditions = [(role, board.index(role), wanted) for role, wanted in sorted(conditions.items())]
        self.key = ";".join(f"{role}={'|'.join(sorted(wanted))}" for role, _, wanted in self.conditions)

    def matches(self, row: list[bytes]) -> bool:
        """Tell whether a row (its JSON values in the board's order) meets every condition."""
        return all(self._value(role, position, row) in wanted for role, position, wanted in self.conditions)

    def _value(self, role: str, position: int, row: list[bytes]) -> str | None:
        if role == "department" and position < 0:
            place = _decode(row[self.board.index("place")])
            return department(place) if isinstance(place, str) else None
        value: Any = _decode(row[position])
        return "" if value is None else value if isinstance(value, str) else str(value)

    def change(self, data: bytes, text: bytes) -> bytes | None:
        """Return a change as a viewer with this filter sees it, or None when it sees nothing of it.

        `data` is the change's JSON, `text` the whole row after it (before it, when removed).
        """
        change = _change.decode(data)
        row = values(text)
        after = row if change.action != "remove" else None
        before = None if change.action == "add" else self._before(row, change)
        was_in = before is not None and self.matches(before)
        is_in = after is not None and self.matches(after)
        if was_in and is_in or (is_in and change.action == "add") or (was_in and change.action == "remove"):
            return data
        if is_in:
            change = msgspec.structs.replace(change, action="add", fields=self._fields(row), was={})
        elif was_in and before is not None:
            change = msgspec.structs.replace(change, action="remove", fields={}, was=self._fields(before))
        else:
            return None
        return msgspec.json.encode(change)

    def _before(self, row: list[bytes], change: _Change) -> list[bytes]:
        ids = self.board.ids
        return [bytes(change.was[c]) if c in change.was else v for c, v in zip(ids, row, strict=True)]

    def _fields(self, row: list[bytes]) -> dict[str, msgspec.Raw]:
        return {c: msgspec.Raw(v) for c, v in zip(self.board.ids, row, strict=True)}


def parse(board: Board, args: Iterable[tuple[str, str]]) -> Filter | None:
    """Read the filter of an address's query; other parameters are no concern of ours. Raises `FilterError`."""
    conditions: dict[str, set[str]] = {}
    for role, value in args:
        if role in ROLES:
            conditions.setdefault(role, set()).add(value)
    for role in conditions:
        derived = role == "department" and board.index("place") >= 0
        if board.index(role) < 0 and not derived:
            known = ", ".join(c.role for c in board.columns if c.role)
            raise FilterError(f"board {board.name} has no column for {role}; it can filter by {known}")
    return Filter(board, {role: frozenset(v) for role, v in conditions.items()}) if conditions else None
