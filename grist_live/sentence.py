"""Sentences: the `when` of a rule, read once, and asked of every change. Pure.

    becomes urgent                                  a meaning that the board gives to priorities and statuses
    priority becomes Urgente and place contains 13  a role or a Grist column id, then what must hold of it
    status changes from En attente to En cours
    urgent and waiting for more than 15 min         no change is needed; fires once each time that it comes about

Without a word of change (`becomes`, `was`, `changes`, `added`, `removed`) a sentence fits at the change that makes it
true.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Literal, NamedTuple

from grist_live.board import Board, Column

Cells = Mapping[str, Any]
"""A row: column id → decoded cell."""
Fits = Callable[[Any], bool]
Mode = Literal["is", "was", "becomes", "changes", "added", "removed"]

UNITS = {"s": 1, "sec": 1, "min": 60, "h": 3600, "d": 86_400, "j": 86_400}
MEANINGS = ("waiting", "active", "done", "blocked")
_TOKEN = re.compile(r"\"[^\"]*\"(?!\S)|'[^']*'(?!\S)|\S+")
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*([a-z]+)")


class RuleError(ValueError):
    """A sentence or a value that can't be read; the message says why, `key` of which key of the rule."""

    def __init__(self, message: str, key: str = "when") -> None:
        super().__init__(message)
        self.key = key


class Change(NamedTuple):
    """One logged change as rules see it: `before` is None for a new row, `after` for a removed one."""

    id: str
    row: int
    at: float
    before: Cells | None
    after: Cells | None
    request: str = ""


@dataclass(frozen=True)
class Test:
    """One part of a sentence."""

    mode: Mode
    column: str = ""
    fits: Fits = bool
    fitted: Fits | None = None

    def holds(self, before: Cells | None, after: Cells | None) -> bool:
        if self.mode == "added":
            return before is None
        if self.mode == "removed":
            return after is None
        if self.mode == "was":
            return before is not None and self.fits(before.get(self.column))
        if after is None:
            return False
        now = after.get(self.column)
        if self.mode == "is":
            return self.fits(now)
        if self.mode == "becomes":
            return self.fits(now) and not (before is not None and self.fits(before.get(self.column)))
        if before is None:
            return False
        was = before.get(self.column)
        return was != now and self.fits(now) and (self.fitted is None or self.fitted(was))


class Sentence(NamedTuple):
    """A `when` that has been read; `after` is the time in seconds for which it must hold, None for at once."""

    tests: tuple[Test, ...]
    after: float | None

    def holds(self, cells: Cells | None) -> bool:
        """Tell whether a row is as the sentence says; for sentences without a word of change."""
        return cells is not None and all(t.holds(None, cells) for t in self.tests)

    @property
    def still(self) -> bool:
        """Tell whether it speaks of a state, with no word of change."""
        return all(t.mode == "is" for t in self.tests)

    def fits(self, change: Change) -> bool:
        """Tell whether a change is what the sentence describes."""
        if self.still:
            return self.holds(change.after) and not self.holds(change.before)
        return all(t.holds(change.before, change.after) for t in self.tests)


def seconds(text: str, key: str = "when") -> float:
    """Read a time such as `15 min`. Raises `RuleError`."""
    match = _DURATION.fullmatch(text.strip().lower())
    if not match or match[2] not in UNITS:
        raise RuleError(f"{text!r} is no time: write it as 30 s, 15 min, 2 h or 1 d", key)
    return float(match[1]) * UNITS[match[2]]


def parse(text: str, board: Board) -> Sentence:
    """Read a `when`. Raises `RuleError`, which names what is not understood and what could stand there."""
    tokens = _TOKEN.findall(text)
    after = None
    places = [i for i, token in enumerate(tokens) if token == "for"]
    if places:
        words = tokens[places[-1] + 1 :]
        after = seconds(" ".join(words[2:] if words[:2] == ["more", "than"] else words))
        tokens = tokens[: places[-1]]
    tests = tuple(_test(part, board) for part in _split(tokens, "and"))
    sentence = Sentence(tests, after)
    if after is not None and not sentence.still:
        raise RuleError("what must hold for a time can't be a moment: say `is`, not `becomes`, `was` or `changes`")
    return sentence


def _split(tokens: Sequence[str], word: str) -> list[list[str]]:
    parts: list[list[str]] = [[]]
    for token in tokens:
        if token == word:
            parts.append([])
        else:
            parts[-1].append(token)
    return parts


def _test(words: list[str], board: Board) -> Test:
    if not words:
        raise RuleError("a part of the sentence is empty")
    if words in (["added"], ["removed"]):
        return Test("added" if words == ["added"] else "removed")
    mode: Mode = "is"
    rest = list(words)
    if rest[0] in ("is", "was", "becomes") and len(rest) > 1:
        mode = rest.pop(0)  # type: ignore[assignment]
    negate = rest[0] == "not" and len(rest) == 2
    meaning = _meaning(rest[-1], board) if len(rest) == 1 or negate else None
    if meaning:
        return Test(mode, meaning[0], _not(meaning[1]) if negate else meaning[1])
    if rest != list(words):
        raise RuleError(f"{rest[-1]!r} is no meaning of this board: urgent, {', '.join(MEANINGS)}")
    return _column_test(words, board)


def _column_test(words: list[str], board: Board) -> Test:
    column = _column(words[0], board)
    verbs = "is, was, becomes, changes, contains, above, below"
    if len(words) < 2:
        raise RuleError(f"what of {words[0]}? After it comes one of: {verbs}")
    mode, rest = words[1], words[2:]
    if mode == "changes":
        return _change_test(column, rest)
    if mode in ("contains", "above", "below"):
        mode, rest = "is", words[1:]
    if mode not in ("is", "was", "becomes"):
        raise RuleError(f"after {words[0]} comes one of: {verbs}; not {mode!r}")
    if rest[:1] == ["not"]:
        return Test(mode, column.id, _not(_fits(column, rest[1:])))  # type: ignore[arg-type]
    return Test(mode, column.id, _fits(column, rest))  # type: ignore[arg-type]


def _change_test(column: Column, words: list[str]) -> Test:
    """Read what stands after `changes`: nothing, `from …`, `to …`, or both."""
    old, new = words, []
    if "to" in words:
        old, new = words[: words.index("to")], words[words.index("to") + 1 :]
    if old and old[0] != "from":
        raise RuleError(f"after `changes` comes `from …` or `to …`, not {old[0]!r}")
    fits = _fits(column, new) if new else lambda _: True
    return Test("changes", column.id, fits, _fits(column, old[1:]) if old else None)


def _column(word: str, board: Board) -> Column:
    column = board.column(word)
    renamed = board.column_ids.get(word, word)
    column = column or next((c for c in board.columns if c.id == renamed), None)
    if column is None:
        known = [c.role or c.id for c in board.columns]
        raise RuleError(f"{word!r} is no column of this board{_near(word, known)}")
    return column


def _meaning(word: str, board: Board) -> tuple[str, Fits] | None:
    """Read `urgent`, `waiting`, …: the column's id, and what fits; None when the word is none of them."""
    if word not in ("urgent", *MEANINGS):
        return None
    column = board.column("priority" if word == "urgent" else "status")
    if column is None or not (values := _meant(column, word)):
        raise RuleError(f"no choice of this board's {'priority' if word == 'urgent' else 'status'} is {word}")
    return column.id, lambda cell: any(_equal(cell, value) for value in values)


def _meant(column: Column, word: str) -> list[str]:
    if column.role == "priority":
        return [c.value for c in column.choices if c.urgent] if word == "urgent" else []
    return [c.value for c in column.choices if (c.meaning or "active") == word] if column.role == "status" else []


def _fits(column: Column, words: list[str]) -> Fits:
    """Read what a cell is compared with: `empty`, `above 3`, `contains x`, or values joined by `or`."""
    if not words:
        raise RuleError(f"what should {column.id} be? A value is missing")
    if words == ["empty"]:
        return lambda cell: cell in (None, "", [], ["L"])
    text = " ".join(_plain(word) for word in words[1:])
    if words[0] == "contains" and text:
        return lambda cell: text.casefold() in str(cell if cell is not None else "").casefold()
    if words[0] in ("above", "below") and text:
        limit = _number(text)
        if limit is None:
            raise RuleError(f"{text!r} is no number")
        return _beyond(limit, 1 if words[0] == "above" else -1)
    wanted = [value for part in _split(words, "or") for value in _values(column, part)]
    return lambda cell: any(_equal(cell, value) for value in wanted)


def _values(column: Column, words: list[str]) -> list[str]:
    """Read one value; a meaning stands for all choices that have it."""
    value = " ".join(_plain(word) for word in words)
    choices = [c.value for c in column.choices]
    if not choices or value in choices:
        return [value]
    if meant := _meant(column, value):
        return meant
    raise RuleError(f"{value!r} is no choice of {column.id}{_near(value, choices)}")


def _beyond(limit: float, sign: int) -> Fits:
    def fits(cell: Any) -> bool:
        number = _number(cell)
        return number is not None and (number - limit) * sign > 0

    return fits


def _equal(cell: Any, value: str) -> bool:
    """Compare a cell with a written value; a choice list holds it among others."""
    if isinstance(cell, bool) or cell is None:
        return value.lower() == str(cell).lower() if cell is not None else False
    if isinstance(cell, list):
        return value in cell[1:]
    if isinstance(cell, int | float):
        return _number(value) == float(cell)
    return bool(cell == value)


def _number(value: Any) -> float | None:
    try:
        return None if isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        return None


def _not(fits: Fits) -> Fits:
    return lambda cell: not fits(cell)


def _plain(word: str) -> str:
    return word[1:-1] if len(word) > 1 and word[0] == word[-1] and word[0] in "\"'" else word


def _near(word: str, known: Sequence[str]) -> str:
    close = get_close_matches(word, known, 1, 0.5)
    return f"; did you mean {close[0]!r}?" if close else f"; there is: {', '.join(known)}"
