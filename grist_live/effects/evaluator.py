"""The evaluator: the journal's second reader. It looks at each logged change once and makes jobs of those that fit.

One process has a board's lease. A turn reads on from the cursor, decides, and writes jobs, timers and the new cursor
in one step, which fails as a whole when another process has taken over since: so a change is told once, whoever is
killed or paused in between.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any

import msgspec

from grist_live.board import Board
from grist_live.effects.maker import SUMMARY, Maker, Match, cell_of, cells_of
from grist_live.job import Due, Outcome, Turn
from grist_live.jobs import Jobs
from grist_live.journal import Unavailable, parse_id
from grist_live.rules import Rule
from grist_live.sentence import Change

log = logging.getLogger(__name__)
LEASE = 10.0
POLL = 1.0
AT_ONCE = 200
"""Changes that one turn looks at."""


class Evaluator:
    """Makes the jobs of one board."""

    def __init__(
        self,
        board: Board,
        rules: Sequence[Rule],
        outlets: Collection[str],
        jobs: Jobs,
        clock: Callable[[], float] = time.time,
        made: Callable[[str], None] = lambda outlet: None,
    ) -> None:
        self.board, self.jobs, self._clock, self._made = board, jobs, clock, made
        self._rules = {rule.name: rule for rule in rules if any(do["outlet"] in outlets for do in rule.do)}
        self._maker = Maker(board, self._rules.values(), outlets, jobs)
        self.news = threading.Event()

    def run(self, stop: threading.Event) -> None:
        """Evaluate until `stop`; wait for news in between."""
        while not stop.is_set():
            try:
                wait = self.turn()
            except Unavailable as error:
                log.warning("Redis is away: %s", error)
                wait = POLL
            except Exception:
                log.exception("board %s: rules can't be evaluated", self.board.name)
                wait = POLL
            if wait > 0:
                self.news.wait(min(wait, POLL))
                self.news.clear()

    def turn(self) -> float:
        """Look at what came since the cursor, and at timers that have run out; return the seconds until the next."""
        now = self._clock()
        turn = self.jobs.take(self.board, now, LEASE, AT_ONCE)
        if turn is None:
            return POLL
        outcome, changes = self._read(turn)
        matches = list(self._matches(changes, outcome))
        if not turn.entries:  # all that could end an episode has been seen
            matches += self._ripe(turn.due, turn.columns_now, outcome)
            self._maker.summaries([timer.rule for timer in turn.due if timer.row == SUMMARY], outcome, now)
        if (outcome.position, outcome.seen, outcome.columns) == (turn.position, turn.seen, turn.columns) and not (
            outcome.timers or outcome.missed
        ):
            return POLL if turn.next_timer is None else max(0.0, turn.next_timer - now)
        self._maker.make(matches, outcome, now)
        if self.jobs.write(self.board, now, turn.number, outcome):
            self._tell(outcome)
        return 0.0

    def _read(self, turn: Turn) -> tuple[Outcome, list[Change]]:
        """Read the entries of a turn, and count what the log had forgotten before it was read.

        The journal counts all changes that it ever logged; whatever of that number was not seen is missing.
        """
        outcome = Outcome(turn.position, turn.seen, turn.columns)
        changes = []
        for id, fields in turn.entries:
            there = parse_id(id)
            new = there and there.epoch == turn.head.partition("-")[0]
            try:
                change = _change(id, fields, turn.columns_now if new else turn.columns)
            except Exception:
                log.exception("a change can't be read", extra={"board": self.board.name, "change": id})
                change = None
            if change:
                changes.append(change)
            else:
                outcome.missed += 1
            outcome.position = id
        outcome.seen += len(turn.entries)
        if len(turn.entries) < AT_ONCE:
            outcome.missed += max(0, turn.changes - outcome.seen)
            outcome.seen, outcome.columns = turn.changes, turn.columns_now
        return outcome, changes

    def _matches(self, changes: Sequence[Change], outcome: Outcome) -> Iterator[Match]:
        for change in changes:
            for rule in self._rules.values():
                try:
                    fits = self._look(rule, change, outcome)
                except Exception:  # ours: it must not keep all others from being told
                    log.exception("rule %s can't look at a change", rule.name, extra={"change": change.id})
                    outcome.missed += 1
                    continue
                if fits:
                    yield Match(rule, change)

    def _look(self, rule: Rule, change: Change, outcome: Outcome) -> bool:
        """Tell whether a change fits a rule; for one that waits, begin or end its time instead."""
        if rule.when.after is None:
            return rule.when.fits(change)
        was, holds = rule.when.holds(change.before), rule.when.holds(change.after)
        if holds and not was:
            outcome.timers[rule.name, change.row] = (change.at + rule.when.after, change.id)
        elif was and not holds:
            outcome.timers[rule.name, change.row] = None
        return False

    def _ripe(self, timers: Sequence[Due], columns: str, outcome: Outcome) -> Iterator[Match]:
        """Yield what has held for its time; the row itself is asked, in case a change was missed."""
        for timer in timers:
            outcome.timers[timer.rule, timer.row] = None
            rule = self._rules.get(timer.rule)
            cells = cells_of(timer.text, columns) if timer.text else None
            if rule and rule.when.after is not None and rule.when.holds(cells):
                yield Match(rule, Change(timer.change, timer.row, timer.due, cells, cells))

    def _tell(self, outcome: Outcome) -> None:
        if outcome.missed:
            log.error(
                "%d changes were forgotten before rules could look at them: is no work process running for days, or "
                "history_max too small?",
                outcome.missed,
                extra={"board": self.board.name},
            )
        for job, due, *_ in outcome.jobs:
            facts: dict[str, Any] = {"board": job.board, "change": job.change, "request": job.request}
            facts |= {"rule": job.rule, "job": job.id}
            log.info("job made", extra={**facts, "outlet": job.outlet, "row": job.row, "due": round(due, 3)})
        for outlet in {job.outlet for job, *_ in outcome.jobs}:
            self._made(outlet)


class _Data(msgspec.Struct):
    """What a rule needs of an event's JSON."""

    action: str
    was: dict[str, msgspec.Raw] = {}


_data = msgspec.json.Decoder(_Data)


def _change(id: str, fields: dict[bytes, bytes], columns: str) -> Change | None:
    """Read a log entry; None when its row has other columns than those that it is read with."""
    data = _data.decode(fields[b"d"])
    cells = cells_of(fields[b"v"], columns)
    if cells is None:
        return None
    row, at = int(fields[b"r"]), float(fields[b"t"])
    request = fields.get(b"q", b"").decode()
    if data.action == "remove":
        return Change(id, row, at, cells, None, request)
    was = {column: cell_of(bytes(raw)) for column, raw in data.was.items()}
    return Change(id, row, at, None if data.action == "add" else {**cells, **was}, cells, request)
