"""Rules: when something is told, and to whom. Pure: a rule looks at one change and says whether it fits.

A rule is a `[[rules]]` table of a board; its `when` is a sentence. Outlets, and the settings in `do`, belong to the
room `effects`, which checks them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import msgspec

from grist_live.board import NAME, Board, Text
from grist_live.sentence import RuleError, Sentence, parse, seconds

_QUIET = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)\s*-\s*([01]?\d|2[0-3]):([0-5]\d)")


class RuleProblem(NamedTuple):
    """What is wrong with a board's rule: its place among the rules, the key, and why."""

    place: int
    key: str
    message: str


class Quiet(NamedTuple):
    """Hours in which nothing is sent: what comes then waits until they end."""

    start: time
    end: time
    zone: ZoneInfo

    def until(self, at: float) -> float | None:
        """Return when the quiet hours around a moment end (epoch seconds), None outside of them."""
        here = datetime.fromtimestamp(at, self.zone)
        clock = here.time()
        over_midnight = self.start >= self.end
        inside = clock >= self.start or clock < self.end if over_midnight else self.start <= clock < self.end
        if not inside:
            return None
        day = here.date() + timedelta(days=1 if over_midnight and clock >= self.start else 0)
        return datetime.combine(day, self.end, self.zone).timestamp()


@dataclass(frozen=True)
class Rule:
    """A rule that has been read. Times in seconds; `limit` 0 is none; `do` names outlets, each with its settings."""

    name: str
    when: Sentence
    do: tuple[Mapping[str, Any], ...]
    heading: Text = field(default_factory=dict)
    cooldown: float = 0.0
    quiet: Quiet | None = None
    limit: int = 0


class _Given(msgspec.Struct, forbid_unknown_fields=True):
    """A rule as it is written."""

    name: str
    when: str
    do: dict[str, Any] | list[dict[str, Any]]
    heading: Text = {}
    cooldown: str = ""
    quiet: str = ""
    limit: int = 0


def read(board: Board) -> tuple[list[Rule], list[RuleProblem]]:
    """Read a board's rules; return those that can be used, and every problem of the others."""
    rules: list[Rule] = []
    problems: list[RuleProblem] = []
    for index, table in enumerate(board.rules):
        try:
            rule = _rule(table, board)
            if rule.name in [r.name for r in rules]:
                raise RuleError(f"another rule is named {rule.name!r}, too", "name")
        except msgspec.ValidationError as error:
            message, _, path = str(error).partition(" - at `$.")
            key = re.split(r"[.\[`]", path)[0] or (re.findall(r"field `(\w+)`", message) or [""])[0]
            problems.append(RuleProblem(index, key, message))
        except RuleError as error:
            problems.append(RuleProblem(index, error.key, str(error)))
        else:
            rules.append(rule)
    names = {str(table.get("name")) for table in board.rules}
    for index, table in enumerate(board.rules):
        given = table.get("do")
        for do in given if isinstance(given, list) else [given]:
            if isinstance(do, dict) and do.get("thread") and do["thread"] not in names:
                problems.append(
                    RuleProblem(index, "do", f"thread names {do['thread']!r}, which is no rule of this board")
                )
    return rules, problems


def _rule(table: dict[str, Any], board: Board) -> Rule:
    given = msgspec.convert(table, _Given)
    if not NAME.fullmatch(given.name):
        raise RuleError(f"{given.name!r} is no name: lower-case letters, digits, - and _", "name")
    do = tuple(given.do) if isinstance(given.do, list) else (given.do,)
    for one in do:
        if not NAME.fullmatch(str(one.get("outlet", ""))):
            raise RuleError('say where to: do = { outlet = "tchap" }', "do")
        if not isinstance(one.get("thread", ""), str):
            raise RuleError("thread is the name of a rule", "do")
    if given.limit < 0:
        raise RuleError("limit is a number of messages per hour", "limit")
    return Rule(
        given.name,
        parse(given.when, board),
        do,
        given.heading,
        seconds(given.cooldown, "cooldown") if given.cooldown else 0.0,
        _quiet(given.quiet, board) if given.quiet else None,
        given.limit,
    )


def _quiet(text: str, board: Board) -> Quiet:
    match = _QUIET.fullmatch(text.strip())
    if not match or (match[1], match[2]) == (match[3], match[4]):
        raise RuleError(f"{text!r} are no hours: write them as 20:00-07:00", "quiet")
    start, end = time(int(match[1]), int(match[2])), time(int(match[3]), int(match[4]))
    return Quiet(start, end, ZoneInfo(board.timezone))
