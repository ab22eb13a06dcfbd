"""What the tests of alerts share: rows that change, an outlet that remembers, a clock that stands still."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from grist_live.board import Board, make_board
from grist_live.change import row_text
from grist_live.effects.evaluator import Evaluator
from grist_live.effects.message import Words
from grist_live.effects.outlet import Outlet, Receipt
from grist_live.effects.sender import Sender
from grist_live.job import Claim
from grist_live.jobs import Jobs
from grist_live.journal import Journal
from grist_live.outbound import Outbound
from grist_live.rules import read

WAITING = {"ID2": "INT-1", "Statut": "En attente", "Priorite": "Normale", "Localisation": "Marseille"}
URGENT = WAITING | {"Priorite": "Urgente"}
DONE = URGENT | {"Statut": "Terminé"}
ALERT = {"name": "urgent", "when": "becomes urgent", "do": {"outlet": "memory"}}
ANSWER = {"name": "resolved", "when": "was urgent and becomes done", "do": {"outlet": "memory", "thread": "urgent"}}
START = 1_800_000_000.0


def board_with(*rules: dict[str, Any], **keys: Any) -> Board:
    return make_board("interventions", {"preset": "interventions", "rules": list(rules), **keys})


class Clock:
    """Time that passes only when the test says so."""

    def __init__(self, now: float = START) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


class Memory(Outlet):
    """An outlet that remembers what people see: a message once, by its unique name; `fails` are raised first."""

    def __init__(self) -> None:
        super().__init__("memory", None, Words("fr"), Outbound())
        self.seen: dict[str, Claim] = {}
        self.sent: list[str] = []
        self.fails: list[Exception] = []

    def send(self, claim: Claim, board: Board) -> Receipt:
        if self.fails:
            raise self.fails.pop(0)
        self.sent.append(claim.job.unique)
        self.seen.setdefault(claim.job.unique, claim)
        return {"event": f"${claim.job.id}"}

    @property
    def told(self) -> list[tuple[str, int]]:
        """What people see, in order: (rule, row)."""
        return [(claim.job.rule, claim.job.row) for claim in self.seen.values()]


class Lab:
    """A board whose rows change, with its evaluator and its sender, stepped by the test."""

    def __init__(self, journal: Journal, *rules: dict[str, Any], **keys: Any) -> None:
        self.journal, self.clock, self.outlet = journal, Clock(), Memory()
        journal.clock = self.clock
        self.board = board_with(*(rules or (ALERT, ANSWER)), **keys)
        journal.adopt(self.board)
        self.process("one")
        self.evaluator.turn()  # the cursor is at the end now

    def process(self, holder: str) -> None:
        """Begin as another process on another machine, which knows only what Redis does."""
        self.jobs = Jobs(self.journal, f"elsewhere:1:{holder}")
        rules, problems = read(self.board)
        assert not problems, problems
        self.evaluator = Evaluator(self.board, rules, ["memory"], self.jobs, self.clock)
        self.sender = Sender(self.outlet, [self.board], self.jobs, self.clock, lambda: 1.0)

    def change(self, row: int, cells: dict[str, Any] | None, source: str = "webhook") -> None:
        self.journal.commit(self.board, [text_of(self.board, row, cells)], source)

    def settle(self, after: float = 0.0, most: int = 500) -> None:
        """Let time pass, then evaluate and send until there is nothing more to do now."""
        self.clock.now += after
        for _ in range(most):
            if self.evaluator.turn() > 0 and self.sender.step() > 0:
                return
        raise AssertionError("there is always more to do")

    def report(self) -> dict[str, Any]:
        return self.jobs.report(self.board, "memory", self.clock())


def text_of(board: Board, row: int, cells: dict[str, Any] | None) -> tuple[int, bytes]:
    if cells is None:
        return row, b""
    return row, row_text(
        {k: msgspec.Raw(json.dumps(v, ensure_ascii=False).encode()) for k, v in cells.items()}, board.ids
    )


LabMaker = Callable[..., Lab]
Rules = Sequence[dict[str, Any]]
