"""The keeper with a document's websocket: what arrives, what is caught up, who keeps, and what happens without."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pytest

from grist_live.board import Board, load_preset
from grist_live.change import read_webhook
from grist_live.chores import Chores
from grist_live.grist import Document
from grist_live.journal import FencedError, GapError, Journal, OldStateError, connect
from grist_live.sources import keeper as keeper_module
from grist_live.sources.keeper import Keeper
from grist_live.sources.reconcile import reconcile, stored_layout
from tests.redis_server import RedisServer
from tests.standin_grist import OWNER, VIEWER, StandinDocument, StandinGrist

TABLE = "Interventions"


@pytest.fixture
def board(doc: StandinDocument) -> Board:
    return msgspec.structs.replace(load_preset("interventions"), doc=doc.id, authors="email")


class Kept:
    """A keeper at work in a thread, as in the work process."""

    def __init__(self, journal: Journal, boards: list[Board], document: Document, lease: float = 3.0) -> None:
        self.keeper = Keeper(journal, boards, document, lease=lease)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self.keeper.run, args=(self._stop,), daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(10)
        assert not self._thread.is_alive()


@pytest.fixture
def keep(grist: StandinGrist, journal: Journal, board: Board) -> Iterator[Callable[..., Kept]]:
    kept: list[Kept] = []

    def start(key: str = OWNER, **board_keys: Any) -> Kept:
        chosen = msgspec.structs.replace(board, **board_keys)
        kept.append(Kept(journal, [chosen], Document(grist.url, board.doc, key, attempts=1)))
        return kept[-1]

    yield start
    for one in kept:
        one.stop()


def until(condition: Callable[[], Any], seconds: float = 15) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.01)


def heard(journal: Journal, board: Board) -> None:
    """Wait until every action is heard, and what happened before was caught up."""
    until(lambda: journal.watched(board) and journal.head(board).complete)
    journal.owe(board, [1])
    until(lambda: not journal.owed(board))


def shown(journal: Journal, board: Board, column: str = "Agent") -> dict[int, Any]:
    position = board.ids.index(column)
    return {int(r): json.loads(t.split(b"\t")[position]) for r, t in journal.snapshot(board)[1].items()}


def logged(journal: Journal, board: Board) -> list[dict[str, Any]]:
    return [json.loads(entry.data) for entry in journal.last(board, 100)]


def test_it_works(journal: Journal, board: Board, doc: StandinDocument, keep: Callable[..., Kept]) -> None:
    """An edit, an addition and a deletion arrive with old values and author, and no webhook at all."""
    keep()
    heard(journal, board)
    doc.update(TABLE, 1, {"Statut": "Terminé"}, user="zoe@example.org")
    doc.add_records(TABLE, [{"Agent": "Max"}], user="luc@example.org")
    doc.delete(TABLE, 2, user="ines@example.org")
    until(lambda: len(logged(journal, board)) == 3)
    update, add, remove = logged(journal, board)
    assert update["fields"]["Statut"] == "Terminé" and update["was"]["Statut"] == "En cours"
    assert {c["source"] for c in (update, add, remove)} == {"watch"}
    assert [c["by"] for c in (update, add, remove)] == ["zoe@example.org", "luc@example.org", "ines@example.org"]
    assert add["fields"]["Agent"] == "Max" and add["fields"]["Latitude"] == 0 and add["row"] == 4
    assert remove["was"]["Agent"] == "Luc"
    assert journal.state(board) == Document(keep().keeper.document.server, board.doc, OWNER).head()  # type: ignore[attr-defined]


def test_undo_and_bulk_edits_are_heard(
    journal: Journal, board: Board, doc: StandinDocument, keep: Callable[..., Kept]
) -> None:
    keep()
    heard(journal, board)
    doc.add_records(TABLE, [{"Agent": f"agent {n}"} for n in range(120)])
    until(lambda: len(shown(journal, board)) == 123)
    doc.undo()
    until(lambda: len(shown(journal, board)) == 3)
    doc.redo()
    until(lambda: shown(journal, board).get(123) == "agent 119")


def test_what_happened_while_nobody_listened_is_caught_up(
    journal: Journal, board: Board, doc: StandinDocument, grist: StandinGrist, keep: Callable[..., Kept]
) -> None:
    first = keep()
    heard(journal, board)
    first.stop()
    doc.update(TABLE, 1, {"Agent": "Zoë"})
    doc.delete(TABLE, 3)
    del grist.requests[:]
    keep()
    until(lambda: shown(journal, board) == {1: "Zoë", 2: "Luc"})
    assert not [path for _, path, _ in grist.requests if path.endswith("/records")], "the whole table was read"


def test_a_broken_connection_is_made_again(
    journal: Journal, board: Board, doc: StandinDocument, grist: StandinGrist, keep: Callable[..., Kept]
) -> None:
    keep()
    for n in range(3):
        heard(journal, board)
        grist.live.wait(doc)
        grist.live.drop()
        doc.update(TABLE, 1, {"Agent": f"after {n}"})
        until(lambda n=n: shown(journal, board)[1] == f"after {n}")  # type: ignore[misc]


def test_a_lost_message_is_noticed_by_its_number(
    journal: Journal, board: Board, doc: StandinDocument, grist: StandinGrist, keep: Callable[..., Kept]
) -> None:
    keep()
    heard(journal, board)
    grist.live.reshape = lambda message: None if message.get("type") == "docUserAction" else message
    doc.update(TABLE, 1, {"Agent": "lost"})
    grist.live.reshape = lambda message: message
    doc.update(TABLE, 2, {"Agent": "told"})
    until(lambda: shown(journal, board) == {1: "lost", 2: "told", 3: "Inès"})


def test_renames_and_removals_of_columns_and_table(
    journal: Journal, board: Board, doc: StandinDocument, keep: Callable[..., Kept]
) -> None:
    keep()
    heard(journal, board)
    doc.apply([["RenameColumn", TABLE, "Agent", "Qui"]])
    doc.apply([["RenameTable", TABLE, "Chantiers"]])
    doc.update("Chantiers", 1, {"Qui": "Zoë"})
    until(lambda: shown(journal, board)[1] == "Zoë")
    layout = stored_layout(journal, board)
    assert layout and layout.table == "Chantiers" and layout.columns[1].at == "Qui"
    doc.apply([["RemoveColumn", "Chantiers", "Qui"]])
    until(lambda: shown(journal, board)[1] is None)
    doc.apply([["RemoveTable", "Chantiers"]])
    until(lambda: shown(journal, board) == {})


def test_a_restored_document_begins_a_new_epoch(
    journal: Journal, board: Board, doc: StandinDocument, keep: Callable[..., Kept]
) -> None:
    keep()
    heard(journal, board)
    before = doc.copy()
    doc.update(TABLE, 1, {"Agent": "Zoë"})
    until(lambda: shown(journal, board)[1] == "Zoë")
    epoch = journal.head(board).id.epoch
    doc.restore(before)
    until(lambda: shown(journal, board)[1] == "Zoé")
    assert journal.head(board).id.epoch != epoch
    doc.update(TABLE, 2, {"Agent": "with a number that was used before"})
    until(lambda: shown(journal, board)[2] == "with a number that was used before")


def test_webhook_rows_wait_while_every_action_is_heard(
    journal: Journal, board: Board, doc: StandinDocument, keep: Callable[..., Kept], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that tells what we know changes nothing; one that is late is dropped once a later time is confirmed."""
    monkeypatch.setattr(keeper_module, "CONFIRM_EVERY", 0.5)
    keep()
    heard(journal, board)
    doc.update(TABLE, 1, {"Agent": "Zoë"})
    until(lambda: shown(journal, board)[1] == "Zoë")
    same = journal.commit(board, read_webhook(b'[{"id": 1, "Agent": "Zo\xc3\xab"}]', board).rows, "webhook")
    late = journal.commit(board, read_webhook(b'[{"id": 1, "Agent": "Zo\xc3\xa9"}]', board).rows, "webhook")
    assert (same.unchanged, same.parked, late.parked, late.new) == (1, 0, 1, 0)
    until(lambda: journal.parked(board) == 0)
    assert shown(journal, board)[1] == "Zoë" and [c["source"] for c in logged(journal, board)] == ["watch"]


def test_parked_rows_go_first_when_the_watch_ends(
    journal: Journal, board: Board, doc: StandinDocument, keep: Callable[..., Kept]
) -> None:
    reconcile(journal, board, Document(keep().keeper.document.server, board.doc, OWNER))  # type: ignore[attr-defined]
    heard(journal, board)
    journal.redis.persist(journal.keys(board).watching)
    rows = read_webhook(b'[{"id": 7, "Agent": "first"}]', board).rows
    assert journal.commit(board, rows, "webhook").parked == 1
    journal.redis.delete(journal.keys(board).watching)
    rows = read_webhook(b'[{"id": 7, "Agent": "second"}]', board).rows
    assert journal.commit(board, rows, "webhook").new == 2
    seven = [c["fields"].get("Agent") for c in logged(journal, board) if c["row"] == 7]
    assert seven[:2] == ["first", "second"] and journal.parked(board) == 0
    assert "7" in journal.owed(board) or 7 not in shown(journal, board)


def test_parked_rows_of_a_keeper_that_is_no_more_are_looked_after(
    journal: Journal, board: Board, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No other webhook comes, and no work process is left."""
    monkeypatch.setattr("grist_live.chores.PARKED_FOR", 0.2)
    journal.adopt(board)
    fence = journal.keep(board, "a keeper that is killed", 0.6)
    journal.watch(board, fence, 0.6)
    rows = read_webhook(b'[{"id": 7, "Agent": "waits"}]', board).rows
    assert journal.commit(board, rows, "webhook").parked == 1
    Chores(journal).look_after_parked(board)
    until(lambda: shown(journal, board) == {7: "waits"})


def test_too_many_parked_rows_are_owed(journal: Journal, board: Board, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("grist_live.journal.MOST_PARKED", 5)
    journal.adopt(board)
    journal.watch(board, journal.keep(board, "a keeper", 5), 5)
    body = json.dumps([{"id": n, "Agent": "x"} for n in range(1, 9)]).encode()
    assert journal.commit(board, read_webhook(body, board).rows, "webhook").parked == 8
    assert journal.parked(board) == 5 and "*" in journal.owed(board)


def test_another_process_takes_over_when_one_dies(
    journal: Journal, board: Board, doc: StandinDocument, grist: StandinGrist, keep: Callable[..., Kept]
) -> None:
    first = keep()
    heard(journal, board)
    second = keep()
    time.sleep(0.6)
    assert second.keeper.state[board.name] == {} and grist.live.watching(doc) == 1, "only one listens"
    first.keeper.turn = lambda: time.sleep(0.1)  # type: ignore[method-assign]  # it hangs …
    first.keeper.lease.renew = lambda: None  # type: ignore[method-assign]  # … or was killed: nothing is renewed
    until(lambda: second.keeper.state[board.name].get("source") == "watch", 15)
    doc.update(TABLE, 1, {"Agent": "Zoë"})
    until(lambda: shown(journal, board)[1] == "Zoë")


def test_a_holder_that_was_paused_writes_nothing(journal: Journal, board: Board) -> None:
    journal.adopt(board)
    paused = journal.keep(board, "one", 0.05)
    journal.watch(board, paused, 5)
    time.sleep(0.1)
    now = journal.keep(board, "another", 5)
    assert now and now != paused
    rows = read_webhook(b'[{"id": 1, "Agent": "from long ago"}]', board).rows
    for source in ("watch", "reconcile"):
        with pytest.raises(FencedError):
            journal.commit(board, rows, source, fence=paused)
    assert not journal.watch(board, paused, 5) and not journal.confirm(board, paused, journal.now())
    journal.let_go(board, paused)
    assert journal.keep(board, "another", 5) == now and shown(journal, board) == {}


def test_actions_count_in_their_order_only(journal: Journal, board: Board, grist: StandinGrist) -> None:
    document = Document(grist.url, board.doc, OWNER)
    reconcile(journal, board, document)
    fence, state = journal.keep(board, "one", 5), journal.state(board)
    assert state
    journal.watch(board, fence, 5)
    rows = read_webhook(b'[{"id": 1, "Agent": "x"}]', board).rows

    def commit(number: int) -> None:
        then = state._replace(n=state.n + number, h=f"h{number}")
        journal.commit(board, rows, "watch", state=then, kind="next", fence=fence)

    with pytest.raises(OldStateError):
        commit(0)
    with pytest.raises(GapError):
        commit(2)
    commit(1)
    with pytest.raises(OldStateError):
        commit(1)
    commit(2)


@pytest.mark.parametrize("status", [400, 404, 426, 502])
def test_without_websockets_everything_else_goes_on(
    status: int,
    journal: Journal,
    board: Board,
    doc: StandinDocument,
    grist: StandinGrist,
    keep: Callable[..., Kept],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A proxy that lets none pass: one line in the log, the webhook and reconcile as before."""
    grist.live.refuse = status
    caplog.set_level(logging.WARNING)
    kept = keep()
    until(lambda: kept.keeper.state[board.name].get("source") == "webhook only")
    until(lambda: journal.head(board).complete)
    rows = read_webhook(b'[{"id": 1, "Agent": "by webhook"}]', board).rows
    assert journal.commit(board, rows, "webhook").new == 1 and not journal.watched(board)
    doc.update(TABLE, 2, {"Agent": "Lucie"})
    journal.owe(board, [2])
    until(lambda: shown(journal, board)[2] == "Lucie")
    kept.keeper._tried_at = 0.0  # noqa: SLF001
    time.sleep(0.6)
    told = [r.getMessage() for r in caplog.records if "webhook only" in r.getMessage()]
    assert len(told) == 1 and str(status) in told[0]


def test_a_key_that_may_not_read_everything_does_not_listen(
    journal: Journal, board: Board, doc: StandinDocument, grist: StandinGrist, keep: Callable[..., Kept]
) -> None:
    grist.partial_readers.add(VIEWER)
    kept = keep(VIEWER)
    until(lambda: "may not read everything" in kept.keeper.state[board.name].get("why", ""))
    assert grist.live.opened == 0
    until(lambda: journal.head(board).complete)


def test_a_board_that_wants_its_webhook_alone_does_not_listen(
    journal: Journal, board: Board, grist: StandinGrist, keep: Callable[..., Kept]
) -> None:
    keep(source="webhook")
    until(lambda: journal.head(board).complete)
    assert grist.live.opened == 0 and not journal.watched(board)


def test_messages_that_are_not_known_are_counted(
    journal: Journal, board: Board, doc: StandinDocument, grist: StandinGrist, keep: Callable[..., Kept]
) -> None:
    kept = keep()
    heard(journal, board)
    grist.live.wait(doc)
    grist.live.say({"type": "docFireworks", "data": {"colour": "red"}})
    grist.live.say_raw("no JSON at all")
    grist.live.say_raw('["a", "list"]')
    until(lambda: kept.keeper.state[board.name].get("unknown_messages") == {"docFireworks": 1, "?": 2})
    doc.update(TABLE, 1, {"Agent": "Zoë"})
    until(lambda: shown(journal, board)[1] == "Zoë")


def test_actions_of_another_shape_are_given_up_not_guessed(
    journal: Journal, board: Board, doc: StandinDocument, grist: StandinGrist, keep: Callable[..., Kept]
) -> None:
    """A later Grist speaks otherwise: the rows come by the webhook and reconcile, as where there is no websocket."""

    def reshape(message: dict[str, Any]) -> dict[str, Any]:
        if message.get("type") == "docUserAction":
            return {**message, "data": {"actions": message["data"]}}
        return message

    kept = keep()
    heard(journal, board)
    grist.live.reshape = reshape
    doc.update(TABLE, 1, {"Agent": "Zoë"})
    until(lambda: "not as we know" in kept.keeper.state[board.name].get("why", ""))
    assert not journal.watched(board)
    journal.owe(board, [1])
    until(lambda: shown(journal, board)[1] == "Zoë")


def test_a_revoked_key_is_noticed(
    journal: Journal,
    board: Board,
    grist: StandinGrist,
    keep: Callable[..., Kept],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Grist goes on pushing to a connection whose key is no more; only a request tells."""
    monkeypatch.setattr(keeper_module, "LOOK_EVERY", 0.3)
    kept = keep()
    heard(journal, board)
    grist.revoke(OWNER)
    until(lambda: "API key" in kept.keeper.state[board.name].get("error", ""))
    until(lambda: not journal.watched(board))


def test_redis_killed_and_restarted_is_caught_up(
    own_redis: RedisServer, board: Board, doc: StandinDocument, grist: StandinGrist
) -> None:
    journal = Journal(connect(own_redis.url))
    kept = Kept(journal, [board], Document(grist.url, board.doc, OWNER, attempts=1))
    try:
        heard(journal, board)
        own_redis.kill()
        doc.update(TABLE, 1, {"Agent": "Zoë"})
        doc.delete(TABLE, 2)
        time.sleep(0.5)
        own_redis.start()
        until(lambda: _shown_or_none(journal, board) == {1: "Zoë", 3: "Inès"}, 30)
    finally:
        kept.stop()
        journal.close()


def _shown_or_none(journal: Journal, board: Board) -> dict[int, Any] | None:
    try:
        return shown(journal, board)
    except Exception:
        return None
