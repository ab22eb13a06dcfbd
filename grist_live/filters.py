"""Filters: which rows of a board a viewer asks for, `?status=Bloqué&department=13&q=feu tricolore`.

Values of one parameter are alternatives; different parameters must all hold. For a stream, a row that enters the
filter is an `add`, one that leaves it a `remove`; the history keeps changes as they were logged.

The dashboard filters by the same rule (`widget_src/core/filters.js`): `tests/filter_cases.json` is tested on both.
"""

from __future__ import annotations

import difflib
import functools
import re
import unicodedata
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from grist_live.board import ROLES, Board, Column
from grist_live.change import values
from grist_live.department import code, department

SEARCH = "q"
COMMON = ("token", "last_event_id")
"""Parameters of every address that aren't filters. One that begins with `_` is nobody's (a cache's, a proxy's)."""
MOST_VALUES = 100
LONGEST = 200
TEXTS = ("Text", "Choice", "ChoiceList", "Any")
"""Types of the columns that a search looks through."""
_decode = msgspec.json.decode
_MARKS = re.compile(
    "[\u0300-\u036f\u0483-\u0487\u0591-\u05bd\u064b-\u065f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]+"
)
"""Accents and vowel points, once they stand by themselves."""
_SPELT_OUT = str.maketrans({"œ": "oe", "æ": "ae", "’": "'"})
_Change = dict[str, msgspec.Raw]


class FilterError(ValueError):
    """A filter that this board can't apply; the message says what it can."""


_change = msgspec.json.Decoder(_Change)
"""What a change says besides passes through as it came (`by`, `source`)."""


def fold(text: str) -> str:
    """Take case and accents from a text, so that `éteint` is found as `ETEINT`."""
    text = text.casefold()
    if text.isascii():
        return text
    return _MARKS.sub("", unicodedata.normalize("NFKD", text.translate(_SPELT_OUT)))


class Filter:
    """Conditions on a board's rows; `key` is the same for equal filters, and for no others."""

    def __init__(self, board: Board, conditions: Mapping[str, frozenset[str]]) -> None:
        self.board = board
        self.conditions = {name: sorted(wanted) for name, wanted in sorted(conditions.items())}
        self.key = msgspec.json.encode(self.conditions).decode()
        self._wanted = [(board.index(name), wanted) for name, wanted in conditions.items() if name in _PLAIN]
        self._departments = _departments(conditions.get("department", ()))
        self._searched = [fold(text).split() for text in self.conditions.get(SEARCH, ())]
        self._texts = [i for i, c in enumerate(board.columns) if c.type.partition(":")[0] in TEXTS]
        self._labels = [(board.index(c.role), _labels(c)) for c in board.columns if c.role in LABELLED]

    def facts(self) -> dict[str, Any]:
        """Tell what is filtered, and by which parameters only roughly: answers carry it."""
        derived = self._departments and self.board.department == "derived"
        return {"filter": self.conditions, "approximate": ["department"] if derived else []}

    def matches(self, row: list[bytes]) -> bool:
        """Tell whether a row (its JSON values in the board's order) meets every condition."""
        return (
            all(not wanted.isdisjoint(_texts(row[position])) for position, wanted in self._wanted)
            and (not self._departments or not self._departments.isdisjoint(self._codes(row)))
            and (not self._searched or self._found(row))
        )

    def _codes(self, row: list[bytes]) -> list[str]:
        if self.board.department == "role":
            return [code(text) for text in _texts(row[self.board.index("department")])]
        return [department(text) or "" for text in _texts(row[self.board.index("place")])]

    def _found(self, row: list[bytes]) -> bool:
        labels = [labels.get(value, "") for at, labels in self._labels for value in _texts(row[at])]
        text = _searchable(tuple([row[position] for position in self._texts]), tuple(labels))
        return any(all(word in text for word in words) for words in self._searched)

    def change(self, data: bytes, text: bytes) -> bytes | None:
        """Return a change as a viewer with this filter sees it, or None when it sees nothing of it.

        `data` is the change's JSON, `text` the whole row after it (before it, when removed). A row of the time when the
        board had other columns can't be judged.
        """
        change = _change.decode(data)
        before, after = self._sides(change, text)
        was_in = before is not None and self.matches(before)
        is_in = after is not None and self.matches(after)
        if was_in and (is_in or after is None) or (is_in and before is None):
            return data
        if is_in and after is not None:
            return msgspec.json.encode(change | {"action": "add", "fields": self._fields(after), "was": {}})
        if was_in and before is not None:
            return msgspec.json.encode(change | {"action": "remove", "fields": {}, "was": self._fields(before)})
        return None

    def concerns(self, data: bytes, text: bytes) -> bool:
        """Tell whether the row met the conditions before a change, or meets them after it; arguments as of `change`."""
        return any(row is not None and self.matches(row) for row in self._sides(_change.decode(data), text))

    def _sides(self, change: _Change, text: bytes) -> tuple[list[bytes] | None, list[bytes] | None]:
        """Return the row before a change and after it; None where there was none, or it can't be judged."""
        action, row = _decode(change["action"]), values(text)
        if len(row) != len(self.board.ids):
            return None, None
        if action == "update":
            return self._before(row, _change.decode(change["was"])), row
        return (row, None) if action == "remove" else (None, row)

    def _before(self, row: list[bytes], was: Mapping[str, msgspec.Raw]) -> list[bytes]:
        return [bytes(was[c]) if c in was else v for c, v in zip(self.board.ids, row, strict=True)]

    def _fields(self, row: list[bytes]) -> dict[str, msgspec.Raw]:
        return {c: msgspec.Raw(v) for c, v in zip(self.board.ids, row, strict=True)}


_PLAIN = frozenset(ROLES) - {"department"}


LABELLED = ("status", "priority")
"""Roles whose values a search also finds by their labels."""


def _labels(column: Column) -> dict[str, str]:
    """Return what one may call each value of a column."""
    return {choice.value: "\n".join([choice.value, *choice.label.values()]) for choice in column.choices}


def _texts(cell: bytes) -> list[str]:
    """Return what a cell says: one text, or each of a list; an empty cell is an empty text."""
    value: Any = _decode(cell)
    items = value[1:] if isinstance(value, list) and value[:1] == ["L"] else [value]
    return [text for item in items if (text := _text(item))] or [""]


@functools.lru_cache(256)
def _searchable(cells: tuple[bytes, ...], labels: tuple[str, ...]) -> str:
    """Return all that these cells say, folded; kept, because many filters look at the same row."""
    return fold("\n".join([*labels, *(text for cell in cells for text in _texts(cell))]))


def _text(value: Any) -> str:
    """Write a value as the dashboard shows it; a list in a list by its items, an error by its name."""
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        items = [_text(item) for item in value[1:]]
        if value[:1] == ["E"]:
            return f"#{items[0] if items else ''}"
        return ", ".join(filter(None, items)) if value[:1] == ["L"] else ""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return "" if value is None or isinstance(value, dict) else str(value)


def _departments(wanted: Iterable[str]) -> frozenset[str]:
    """Return department codes as rows have them; 20 is all of Corsica."""
    codes = {code(text) for text in wanted}
    return frozenset(codes | {"2A", "2B"} if "20" in codes else codes)


def parse(board: Board, args: Iterable[tuple[str, str]], also: Iterable[str] = ()) -> Filter | None:
    """Read the filter of an address's query; `also` are the parameters that the address has itself.

    Raises `FilterError`: a filter that is misspelt would show everything, as if nothing were filtered.
    """
    conditions: dict[str, set[str]] = {}
    others = {*COMMON, *also}
    for name, value in args:
        if name in others or name.startswith("_"):
            continue
        _check(board, name, value)
        if name != SEARCH or value.strip():
            conditions.setdefault(name, set()).add(value.strip())
    if sum(map(len, conditions.values())) > MOST_VALUES:
        raise FilterError(f"these are more than {MOST_VALUES} values: ask for all rows, or for fewer values")
    return Filter(board, {name: frozenset(v) for name, v in conditions.items()}) if conditions else None


def _check(board: Board, name: str, value: str) -> None:
    """Refuse what can't be a filter of this board. Raises `FilterError`."""
    known: list[str] = [c.role for c in board.columns if c.role and c.role != "department"]
    known += ["department"] if board.department else []
    known.append(SEARCH)
    if name not in known:
        lacks = f"board {board.name} has no column for {name}" if name in ROLES else f"{name} is no filter"
        raise FilterError(f"{lacks}{_meant(board, name, known)}; it can filter by {', '.join(known)}")
    if len(value) > LONGEST:
        raise FilterError(f"the value of {name} is longer than {LONGEST} characters")


def _meant(board: Board, name: str, known: list[str]) -> str:
    """Guess the role that somebody means who writes a column's id or label, or misspells."""
    for column in board.columns:
        if column.role and fold(name) in {fold(column.id), *map(fold, column.label.values())}:
            return f" (the column {column.id} is {column.role})"
    near = difflib.get_close_matches(name, known, 1)
    return f" ({near[0]}?)" if near else ""
