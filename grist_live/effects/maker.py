"""The maker: from what fits a rule to the jobs that tell it, as far as cooldowns, limits and quiet hours let it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any, NamedTuple

import msgspec

from grist_live.board import Board
from grist_live.change import values
from grist_live.job import Job, Outcome
from grist_live.jobs import Jobs
from grist_live.rules import Rule
from grist_live.sentence import Change

HOUR = 3600.0
SUMMARY = 0
"""The row (there is none of this number) of the timer of a summary."""
GATHER = 20.0
"""Seconds from the first change beyond a limit to the summary: a flood comes at once."""
NAMED = 10
"""Rows that a summary names."""


class Match(NamedTuple):
    """A change that a rule wants to tell."""

    rule: Rule
    change: Change


class Hour(msgspec.Struct, omit_defaults=True):
    """What a rule told within an hour: since when, how many matches there were, the first beyond its limit."""

    start: float = 0.0
    count: int = 0
    change: str = ""
    at: float = 0.0
    rows: list[int] = []


class Maker:
    """Makes the jobs of one board."""

    def __init__(self, board: Board, rules: Iterable[Rule], outlets: Collection[str], jobs: Jobs) -> None:
        self.board, self.jobs = board, jobs
        self._rules = {rule.name: rule for rule in rules}
        self._outlets = set(outlets)
        self._threads = {
            (do["thread"], do["outlet"]) for rule in self._rules.values() for do in rule.do if do.get("thread")
        }

    def make(self, matches: Sequence[Match], outcome: Outcome, now: float) -> None:
        """Add jobs for matches to the outcome of a turn."""
        cooling = list(dict.fromkeys((m.rule.name, m.change.row) for m in matches if m.rule.cooldown))
        limited = list(dict.fromkeys(m.rule.name for m in matches if m.rule.limit))
        cooldowns, texts = self.jobs.recall(self.board, cooling, limited)
        hours = {name: msgspec.json.decode(text, type=Hour) for name, text in texts.items()}
        for rule, change in matches:
            key = (rule.name, change.row)
            if rule.cooldown and change.at < cooldowns.get(key, 0.0):
                outcome.cooled += 1
                continue
            if rule.limit:
                hour = hours.setdefault(rule.name, Hour())
                if self._is_over(rule, change, hour, outcome, now):
                    continue
            if rule.cooldown:
                outcome.cooldowns[key] = cooldowns[key] = change.at + rule.cooldown
            self._add(rule, change, outcome, now)
        outcome.hours |= {name: msgspec.json.encode(hours[name]).decode() for name in limited if name in hours}

    def _is_over(self, rule: Rule, change: Change, hour: Hour, outcome: Outcome, now: float) -> bool:
        """Count a match in the rule's hour, which begins with its first; the first one beyond its limit orders the
        summary."""
        if now >= hour.start + HOUR:
            hour.start, hour.count, hour.rows = now, 0, []
        hour.count += 1
        if hour.count <= rule.limit:
            return False
        outcome.over += 1
        if hour.count == rule.limit + 1:
            hour.change, hour.at = change.id, change.at
            outcome.timers[rule.name, SUMMARY] = (now + GATHER, change.id)
        if len(hour.rows) < NAMED and change.row not in hour.rows:
            hour.rows.append(change.row)
        return True

    def summaries(self, names: Sequence[str], outcome: Outcome, now: float) -> None:
        """Add the one message that tells of what is beyond the limit of an hour."""
        rules = [self._rules[name] for name in names if name in self._rules and self._rules[name].limit]
        _, texts = self.jobs.recall(self.board, [], [rule.name for rule in rules])
        for rule in rules:
            hour = msgspec.json.decode(texts.get(rule.name, "{}"), type=Hour)
            if not hour.change:
                continue
            rows = self.jobs.rows(self.board, hour.rows)
            others = [(row, cells_of(rows[row], outcome.columns) or {}) for row in hour.rows if row in rows]
            facts = {
                "about": "summary",
                "count": hour.count - rule.limit,
                "limit": rule.limit,
                "until": hour.start + HOUR,
                "others": [(row, self._titles(cells)) for row, cells in others],
            }
            self._add(rule, Change(hour.change, SUMMARY, hour.at, None, {}), outcome, now, facts)

    def _titles(self, cells: dict[str, Any]) -> dict[str, Any]:
        column = self.board.column("title")
        return {column.id: cells.get(column.id)} if column else {}

    def _add(
        self, rule: Rule, change: Change, outcome: Outcome, now: float, summary: dict[str, Any] | None = None
    ) -> None:
        """Add the jobs of one match, or those of a summary."""
        after, before = change.after, change.before
        cells = dict(after if after is not None else before or {})
        was = {c: v for c, v in before.items() if v != cells.get(c)} if after is not None and before else {}
        due = (rule.quiet.until(now) if rule.quiet else None) or now
        places: dict[str, int] = {}
        for do in rule.do:
            outlet = do["outlet"]
            place = places[outlet] = places.get(outlet, 0) + 1
            if outlet not in self._outlets:
                continue
            thread = "" if summary else do.get("thread", "")
            begins = not summary and (rule.name, outlet) in self._threads
            extra = (str(place) if place > 1 else "", "more" if summary else "")
            parts = [_sortable(change.id), rule.name, outlet, *extra]
            facts = summary or {"about": "answer" if thread else "alert", "cells": cells, "was": was}
            job = Job(
                id=".".join(filter(None, parts)),
                board=self.board.name,
                rule=rule.name,
                outlet=outlet,
                change=change.id,
                request=change.request,
                at=change.at,
                row=change.row,
                heading=rule.heading,
                do={k: v for k, v in do.items() if k not in ("outlet", "thread")},
                begins=begins,
                **facts,
            )
            key = f"\t{change.row}\t{outlet}"
            outcome.jobs.append((job, due, thread + key if thread else "", rule.name + key if begins else ""))


def cells_of(text: bytes, columns: str) -> dict[str, Any] | None:
    """Read a row text that was written with these columns; None when it was not."""
    ids, cells = columns.split("\t")[:-1], values(text)
    if len(ids) != len(cells):
        return None
    return {id: cell_of(cell) for id, cell in zip(ids, cells, strict=True)}


def cell_of(raw: bytes) -> Any:
    """Read a cell; what is JSON, but beyond what can be read (1e400, a thousand nested lists), stays text."""
    try:
        return msgspec.json.decode(raw or b"null")
    except (msgspec.DecodeError, RecursionError):
        return raw.decode("utf-8", "replace")


def _sortable(id: str) -> str:
    """Write an event id so that texts sort as the changes came: jobs that are due at once are sent in that order."""
    epoch, _, counter = id.partition("-")
    return f"{epoch}-{counter:0>12}"
