"""Snapshot + stream equals the Grist table, whatever happens: Hypothesis looks for events that break it."""

from __future__ import annotations

import copy
import json
from collections.abc import Collection
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from grist_live.board import make_board
from grist_live.change import read_webhook
from grist_live.grist import GristError, State
from grist_live.hub import Hub
from grist_live.journal import Journal, connect, parse_id
from grist_live.sources.reconcile import pay, reconcile
from tests.redis_server import RedisServer

BOARD = make_board(
    "p",
    {
        "table": "T",
        "doc": "doc",
        "columns": [{"id": "A"}, {"id": "B"}, {"id": "U", "role": "updated_at", "type": "DateTime"}],
    },
)
ROWS = st.integers(1, 4)
CELLS = st.sampled_from(["x", "y", 'é\n\u2028\t"', None, 0, 1, 1.5, ["L", 1], ["E", "X"]])


class Table:
    """A Grist table as its webhook and its REST tell it; `U` is a trigger column, so undo sets it back."""

    def __init__(self) -> None:
        self.rows: dict[int, dict[str, Any]] = {}
        self.past: list[dict[int, dict[str, Any]]] = []
        self.clock = 0

    def change(self, row: int, fields: dict[str, Any] | None) -> None:
        self.past.append(copy.deepcopy(self.rows))
        self.clock += 1
        if fields is None:
            self.rows.pop(row)
        else:
            self.rows[row] = self.rows.get(row, {"A": None, "B": None}) | fields | {"U": self.clock}

    def undo(self) -> list[int]:
        """Take the last change back; return the rows that the webhook tells of (never the removed ones)."""
        now, self.rows = self.rows, self.past.pop()
        return [row for row, fields in self.rows.items() if now.get(row) != fields]

    def head(self) -> State:
        return State(self.clock, f"{self.clock}-{len(self.past)}")

    doc_id = "doc"

    def tables(self) -> list[dict[str, Any]]:
        return [{"id": "T", "fields": {"tableRef": 1}}]

    def columns(self, table: str) -> list[dict[str, Any]]:
        return [{"id": id, "fields": {"colRef": i + 2, "type": "Any"}} for i, id in enumerate("ABU")]

    def compare(self, left: str, right: str = "HEAD") -> dict[str, Any]:
        """Nobody edits while it is read; what was before is forgotten."""
        head = self.head()
        if left not in ("HEAD", head.h):
            raise GristError("forgotten", status=500, reason="Cannot read hash")
        nothing = {"tableRenames": [], "tableDeltas": {}}
        return {"right": {"n": head.n, "h": head.h}, "details": {"rightChanges": nothing}}

    def records_body(self, table: str, row_ids: Collection[int] | None = None) -> bytes:
        chosen = {r: f for r, f in self.rows.items() if row_ids is None or r in row_ids}
        return json.dumps(
            {"records": [{"id": r, "fields": rest(f), "errors": errors(f)} for r, f in chosen.items()]}
        ).encode()


def rest(fields: dict[str, Any]) -> dict[str, Any]:
    return {c: None if isinstance(v, list) and v[0] == "E" else v for c, v in fields.items()}


def errors(fields: dict[str, Any]) -> dict[str, str]:
    return {c: v[1] for c, v in fields.items() if isinstance(v, list) and v[0] == "E"}


class Viewer:
    """A page: fetches the snapshot when told, applies what the stream says, remembers the last id."""

    def __init__(self, journal: Journal) -> None:
        self.journal = journal
        self.rows: dict[int, dict[str, Any]] = {}
        self.last = ""
        self.on_leave = lambda viewer: None
        self.place = None
        self.fetch()

    def fetch(self) -> None:
        head, rows = self.journal.snapshot(BOARD)
        self.last = str(head.id)
        self.rows = {
            int(row): dict(zip(BOARD.ids, (json.loads(v) for v in text.split(b"\t")[:-1]), strict=True))
            for row, text in rows.items()
        }

    def send(self, data: bytes) -> None:
        for event in data.decode().split("\n\n")[:-1]:
            lines = dict(line.split(":", 1) for line in event.split("\n"))
            if lines.get("event") == "reset":
                self.fetch()
            elif "event" not in lines:
                self._apply(json.loads(lines["data"]), lines["id"])

    def _apply(self, change: dict[str, Any], id: str) -> None:
        last, new = parse_id(self.last), parse_id(id)
        assert last and new
        if new.epoch == last.epoch and new.counter <= last.counter:
            return  # the snapshot that was fetched at a reset was newer
        assert new == (last.epoch, last.counter + 1), f"a hole: {self.last} → {id}"
        row = self.rows.get(change["row"])
        if change["action"] == "remove":
            assert row == change["was"]
            del self.rows[change["row"]]
        elif change["action"] == "add":
            assert row is None
            self.rows[change["row"]] = change["fields"]
        else:
            assert row is not None
            # Only updated_at may have moved without a word: it is no news.
            assert {c: row[c] for c in change["was"] if c != "U"} == {
                c: v for c, v in change["was"].items() if c != "U"
            }
            row |= change["fields"]
        self.last = id

    def close(self) -> None:
        pass


class System(RuleBasedStateMachine):
    """A table, its webhook, the journal, a hub, a viewer."""

    server: RedisServer
    suspect = False

    def __init__(self) -> None:
        super().__init__()
        client = connect(self.server.url)
        client.flushall()
        self.journal = Journal(client)
        self.table = Table()
        self.waiting: list[bytes] = []
        self.sent: list[bytes] = []
        self.hub = Hub(self.journal, {BOARD.name: BOARD})
        self.feed = self.hub.feeds[BOARD.name]

    @initialize()
    def begin(self) -> None:
        self.listening = self.journal.subscribe([self.journal.keys(BOARD).feed.encode()], 0.002)
        self.messages = self.listening.__enter__()
        self.journal.adopt(BOARD)
        self.hub._catch_up(self.feed)
        self.viewer = Viewer(self.journal)
        self.feed.join(self.viewer, last=parse_id(self.viewer.last))

    def teardown(self) -> None:
        if hasattr(self, "listening"):
            self.listening.__exit__(None, None, None)
        self.journal.close()

    def tell(self, *rows: int) -> None:
        """Let Grist's queue take these rows, as they are now."""
        if rows:
            self.waiting.append(json.dumps([{"id": r, "manualSort": r, **self.table.rows[r]} for r in rows]).encode())

    def deliver(self, body: bytes, hub_is_slow: bool = False) -> None:
        batch = read_webhook(body, BOARD)
        assert not batch.rejected
        commit = self.journal.commit(BOARD, batch.rows, "webhook", suspect=self.suspect)
        if commit.suspects:
            self.journal.owe(BOARD, commit.suspects)
        if not hub_is_slow:
            self.pump()

    def pump(self, lose: int = 0) -> None:
        """Bring the hub what was published; the first `lose` messages are lost on the way."""
        head = self.journal.head(BOARD).id
        while self.feed.position != head:
            found = self.messages.next()
            self.hub._take_all([(self.feed, True, data) for _, data in found[lose:]])
            lose = max(0, lose - len(found))
            if not found:
                self.hub._catch_up(self.feed)

    @rule(rows=st.lists(ROWS, min_size=1, max_size=4), a=CELLS, b=CELLS)
    def edit(self, rows: list[int], a: Any, b: Any) -> None:
        for i, row in enumerate(rows):
            self.table.change(row, {"A": a, "B": [b, i]})
            self.tell(row)

    @precondition(lambda self: self.table.past)
    @rule()
    def undo(self) -> None:
        self.tell(*self.table.undo())

    @precondition(lambda self: self.waiting)
    @rule(batches=st.integers(1, 3), hub_is_slow=st.booleans())
    def webhook(self, batches: int, hub_is_slow: bool) -> None:
        for _ in range(min(batches, len(self.waiting))):
            self.sent.append(self.waiting.pop(0))
            self.deliver(self.sent[-1], hub_is_slow)

    @precondition(lambda self: self.sent)
    @rule()
    def webhook_again(self) -> None:
        """The answer was lost: Grist sends the same batch once more."""
        self.deliver(self.sent[-1])

    @rule()
    def viewer_comes_back(self) -> None:
        self.viewer.on_leave(self.viewer)
        self.feed.join(self.viewer, last=parse_id(self.viewer.last))

    @precondition(lambda self: self.feed.position != self.journal.head(BOARD).id)
    @rule(lose=st.integers(0, 2))
    def hub_wakes(self, lose: int) -> None:
        self.pump(lose)

    @invariant()
    def the_viewer_shows_the_snapshot(self) -> None:
        if hasattr(self, "viewer") and self.feed.position == self.journal.head(BOARD).id:
            _, rows = self.journal.snapshot(BOARD)
            assert news(self.viewer.rows) == news(
                {
                    int(r): dict(zip(BOARD.ids, (json.loads(v) for v in t.split(b"\t")[:-1]), strict=True))
                    for r, t in rows.items()
                }
            )


def news(rows: dict[int, dict[str, Any]]) -> dict[int, dict[str, Any]]:
    return {row: {c: v for c, v in fields.items() if c != "U"} for row, fields in rows.items()}


class InOrder(System):
    """Grist's queue in order, with repeats: equal to the table as soon as all was told (it tells no deletions)."""

    @invariant()
    def the_viewer_shows_the_table_when_all_was_told(self) -> None:
        if not self.waiting and self.feed.position == self.journal.head(BOARD).id:
            shown = {r: f for r, f in news(self.viewer.rows).items() if r in self.table.rows}
            assert shown == news(self.table.rows)


class Anything(System):
    """With an API key: deletions, lost, late and reordered batches. Equal to the table after each reconcile."""

    suspect = True

    @precondition(lambda self: self.table.rows)
    @rule(data=st.data())
    def delete(self, data: st.DataObject) -> None:
        self.table.change(data.draw(st.sampled_from(sorted(self.table.rows))), None)

    @precondition(lambda self: len(self.waiting) > 1)
    @rule()
    def reorder(self) -> None:
        self.waiting.append(self.waiting.pop(0))

    @precondition(lambda self: self.waiting)
    @rule()
    def lose(self) -> None:
        self.waiting.pop(0)

    @rule()
    def pay(self) -> None:
        pay(self.journal, BOARD, self.table)
        self.pump()
        assert not self.journal.owed(BOARD)

    @rule()
    def reconcile(self) -> None:
        reconcile(self.journal, BOARD, self.table)
        self.pump()
        assert news(self.viewer.rows) == news(self.table.rows)

    def teardown(self) -> None:
        if hasattr(self, "viewer"):
            self.reconcile()
        super().teardown()


@pytest.mark.parametrize("machine", [InOrder, Anything])
def test_snapshot_and_stream_equal_the_table(machine: type[System], redis_server: RedisServer) -> None:
    from hypothesis.stateful import run_state_machine_as_test

    machine.server = redis_server
    options = settings(
        max_examples=60,
        stateful_step_count=40,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        derandomize=True,
    )
    run_state_machine_as_test(machine, settings=options)
