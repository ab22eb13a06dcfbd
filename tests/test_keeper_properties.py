"""Webhook, watch and reconcile agree, in any order of events: Hypothesis looks for one that breaks it."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from grist_live.board import make_board
from grist_live.change import read_webhook
from grist_live.journal import Id, Journal, connect
from grist_live.sources.keeper import Keeper
from grist_live.sources.reconcile import reconcile
from tests.model_document import COLUMNS, Document
from tests.redis_server import RedisServer

COLUMN_TABLE = [{"id": "A"}, {"id": "B"}, {"id": "U", "role": "updated_at", "type": "DateTime:UTC"}]
BOARD = make_board("p", {"table": "T", "doc": "doc", "columns": COLUMN_TABLE})
ROWS = st.integers(1, 4)
SOME = st.lists(ROWS, min_size=1, max_size=4, unique=True)
TURNS = st.sampled_from([(), (), (0,), (1,), (0, 1), (0, 0, 1)])
"""Which of the two work processes go on."""


class Clock:
    """Time that passes when the test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def without_time(row: dict[str, Any] | None) -> dict[str, Any] | None:
    return row and {"A": row["A"], "B": row["B"]}


class Sources(RuleBasedStateMachine):
    """A document, its webhook, two work processes, and the journal that all of them write to."""

    server: RedisServer

    def __init__(self) -> None:
        super().__init__()
        client = connect(self.server.url)
        client.flushall()
        self.journal = Journal(client)
        self.journal.adopt(BOARD)
        self.document, self.clock = Document(), Clock()
        self.keepers = [self._keeper(), self._keeper()]
        self.delivered: list[dict[str, Any]] = []
        self.values = 0
        self.looked = Id("0", 0)

    def _keeper(self) -> Keeper:
        return Keeper(self.journal, [BOARD], self.document, clock=self.clock)  # type: ignore[arg-type]

    def _value(self) -> str:
        self.values += 1
        return f"v{self.values}"

    # ------------------------------------------------------------------------------------------------ what users do

    @rule(rows=SOME, column=st.sampled_from("AB"), turns=TURNS, lost=st.sampled_from([False, False, False, True]))
    def edit(self, rows: list[int], column: str, turns: tuple[int, ...], lost: bool) -> None:
        self.document.edit({row: {column: self._value()} for row in rows})
        for session in self.document.sessions:
            if lost and session.pushed:
                session.pushed.pop()
        self.turns(turns, 0.0)

    @rule(rows=SOME, turns=TURNS)
    def remove(self, rows: list[int], turns: tuple[int, ...]) -> None:
        here = [row for row in rows if row in self.document.rows]
        self.document.edit(dict.fromkeys(here))
        self.turns(turns, 0.0)

    @precondition(lambda self: self.document.undoable)
    @rule(turns=TURNS)
    def undo(self, turns: tuple[int, ...]) -> None:
        self.document.undo()
        self.turns(turns, 0.0)

    # -------------------------------------------------------------------------------------------------- the webhook

    @rule(count=st.integers(1, 3))
    def deliver(self, count: int) -> None:
        batch = [self.document.queue.popleft() for _ in range(min(count, len(self.document.queue)))]
        self._post(batch)

    @precondition(lambda self: self.delivered)
    @rule(data=st.data())
    def deliver_again(self, data: st.DataObject) -> None:
        """Grist repeats what it has no answer of, and puts it behind what came later."""
        self._post([data.draw(st.sampled_from(self.delivered))])

    @rule()
    def lose_the_queue(self) -> None:
        """Grist does, when it closes the document."""
        self.document.queue.clear()

    def _post(self, records: list[dict[str, Any]]) -> None:
        if records:
            body = json.dumps(records).encode()
            commit = self.journal.commit(BOARD, read_webhook(body, BOARD).rows, "webhook", suspect=True)
            self.journal.owe(BOARD, commit.suspects) if commit.suspects else None
            self.delivered += records

    # ------------------------------------------------------------------------------------------- the work processes

    @rule(which=TURNS, later=st.sampled_from([0.0, 0.0, 4.0, 400.0]))
    def turns(self, which: tuple[int, ...], later: float) -> None:
        self.clock.now += later
        for number in which:
            self._turn(self.keepers[number])

    def _turn(self, keeper: Keeper) -> None:
        try:
            keeper.turn()
        except Exception as error:
            keeper.failed(error)

    @rule(what=st.sampled_from(["lease ends", "watch ends", "killed", "broken", "restored"]), many=SOME)
    def mishap(self, what: str, many: list[int]) -> None:
        keys, redis = self.journal.keys(BOARD), self.journal.redis
        if what == "lease ends":  # its holder was paused, and doesn't know it yet
            redis.delete(keys.keeper, keys.watching)
        elif what == "watch ends":
            redis.delete(keys.watching)
        elif what == "killed":
            self.keepers[many[0] % 2] = self._keeper()
        elif what == "restored":
            self.document.restore(len(many))
        for session in self.document.sessions:
            session.broken = session.broken or what == "broken"

    @rule(whole=st.booleans())
    def an_operator_reconciles(self, whole: bool) -> None:
        reconcile(self.journal, BOARD, self.document, whole=whole)

    # ----------------------------------------------------------------------------------------------- what must hold

    def teardown(self) -> None:
        self._every_value_was_in_the_table()
        self.document.queue.clear()
        self.mishap("lease ends", [])
        for _ in range(3):
            self.clock.now += 400
            for keeper in self.keepers:
                self._turn(keeper)
        assert self._rows() == self.document.rows
        assert self.journal.state(BOARD) == self.document.head()
        assert not self.journal.owed(BOARD) and not self.journal.parked(BOARD)
        self._every_value_was_in_the_table()
        self.journal.close()

    def _rows(self) -> dict[int, dict[str, Any]]:
        _, rows = self.journal.snapshot(BOARD)
        return {
            int(row): dict(zip(COLUMNS, map(json.loads, text.split(b"\t")[:-1]), strict=True))
            for row, text in rows.items()
        }

    @invariant()
    def rows_are_those_of_the_state_that_they_claim(self) -> None:
        """All but those that a webhook brought since, and those that are owed."""
        state, pushed = self.journal.state(BOARD), self.journal.pushed(BOARD)
        owed = self.journal.owed(BOARD)
        if state is None or pushed is None or "*" in owed:
            return
        mine, theirs = self._rows(), self.document.by_hash[state.h]
        for row in (mine.keys() | theirs.keys()) - pushed - set(map(int, owed)):
            assert without_time(mine.get(row)) == without_time(theirs.get(row)), f"row {row} at {state}"

    def _every_value_was_in_the_table(self) -> None:
        for entry in self.journal.last(BOARD, 10_000):
            change = json.loads(entry.data)
            for cells in (change["fields"], change["was"]):
                for column, value in cells.items():
                    assert (entry.row, column, json.dumps(value)) in self.document.seen, change


def test_three_sources_agree(redis_server: RedisServer, request: pytest.FixtureRequest) -> None:
    """No value is shown that the table didn't have, and the rows end as the table's."""
    Sources.server = redis_server
    random.seed(0)

    class Case(Sources.TestCase):  # type: ignore[name-defined,misc]
        settings = settings(
            max_examples=200,
            stateful_step_count=40,
            phases=[Phase.generate],
            deadline=None,
            suppress_health_check=list(HealthCheck),
        )

    Case().runTest()
