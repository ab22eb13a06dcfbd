"""Reconcile against the stand-in Grist: first fill, what no webhook told, deletions, what is owed."""

from __future__ import annotations

import copy
import json
import threading
import time
from collections.abc import Callable, Collection, Iterator
from typing import Any

import msgspec
import pytest

from grist_live.board import Board, load_preset
from grist_live.bootstrap import bootstrap
from grist_live.change import read_webhook
from grist_live.grist import Document, GristError
from grist_live.journal import Journal
from grist_live.settings import Settings, load
from grist_live.sources.reading import ReadingError
from grist_live.sources.reconcile import pay, reconcile, reread
from grist_live.worker import Worker
from tests.standin_grist import OWNER, StandinDocument, StandinGrist


@pytest.fixture
def board(doc: StandinDocument) -> Board:
    return msgspec.structs.replace(load_preset("interventions"), doc=doc.id)


@pytest.fixture
def table(grist: StandinGrist, doc: StandinDocument) -> Iterator[Document]:
    document = Document(grist.url, doc.id, OWNER)
    yield document
    document.close()


def shown(journal: Journal, board: Board) -> dict[int, Any]:
    position = board.index("assignee")
    return {int(r): json.loads(t.split(b"\t")[position]) for r, t in journal.snapshot(board)[1].items()}


def actions(journal: Journal, board: Board) -> list[tuple[str, int]]:
    return [(json.loads(e.data)["action"], e.row) for e in reversed(journal.history(board)[0])]


def test_the_first_fill_is_silent_and_complete(journal: Journal, board: Board, table: Document) -> None:
    result = reconcile(journal, board, table)
    assert (result.rows, result.first) == (3, True)
    assert shown(journal, board) == {1: "Zoé", 2: "Luc", 3: "Inès"} and actions(journal, board) == []
    assert journal.head(board).complete


def test_a_second_reconcile_finds_nothing(journal: Journal, board: Board, table: Document) -> None:
    reconcile(journal, board, table)
    head = journal.head(board)
    again = reconcile(journal, board, table)
    assert (again.changes, again.first) == (0, False) and journal.head(board) == head


def test_what_no_webhook_told_arrives(journal: Journal, board: Board, table: Document, doc: StandinDocument) -> None:
    reconcile(journal, board, table)
    doc.delete("Interventions", 1)
    doc.update("Interventions", 2, {"Agent": "Lucie"})
    doc.add_records("Interventions", [{"Agent": "Max"}])
    assert reconcile(journal, board, table).changes == 3
    assert shown(journal, board) == {2: "Lucie", 3: "Inès", 4: "Max"}
    assert sorted(actions(journal, board)) == [("add", 4), ("remove", 1), ("update", 2)]


def test_a_deletion_that_is_taken_back_comes_back(
    journal: Journal, board: Board, table: Document, doc: StandinDocument
) -> None:
    reconcile(journal, board, table)
    doc.delete("Interventions", 1)
    reconcile(journal, board, table)
    doc.undo()
    reconcile(journal, board, table)
    assert shown(journal, board)[1] == "Zoé"


def test_single_rows_are_read_again_and_gone_ones_removed(
    journal: Journal, board: Board, table: Document, doc: StandinDocument
) -> None:
    reconcile(journal, board, table)
    doc.update("Interventions", 1, {"Agent": "Zoë"})
    doc.delete("Interventions", 3)
    assert reread(journal, board, table, [1, 3, 99]) == 2
    assert shown(journal, board) == {1: "Zoë", 2: "Luc"}


def test_what_is_owed_is_paid(journal: Journal, board: Board, table: Document, doc: StandinDocument) -> None:
    reconcile(journal, board, table)
    assert not pay(journal, board, table)
    doc.update("Interventions", 1, {"Agent": "Zoë"})
    journal.owe(board, [1])
    assert pay(journal, board, table) and shown(journal, board)[1] == "Zoë"
    doc.update("Interventions", 2, {"Agent": "Lucie"})
    journal.owe(board)
    assert pay(journal, board, table) and shown(journal, board)[2] == "Lucie"
    assert not journal.owed(board)


class Restless:
    """A table that somebody edits while it is read, as often as told."""

    def __init__(self, table: Document, edit: Callable[[int], None], times: int) -> None:
        self.table, self.edit, self.times, self.read = table, edit, times, 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self.table, name)

    def records_body(self, table: str, row_ids: Collection[int] | None = None) -> bytes:
        body = self.table.records_body(table, row_ids)
        self.read += 1
        if self.read <= self.times:
            self.edit(self.read)
        return body


def test_a_reading_counts_only_when_nothing_changed_meanwhile(
    journal: Journal, board: Board, table: Document, doc: StandinDocument
) -> None:
    restless = Restless(table, lambda n: doc.update("Interventions", 1, {"Agent": f"edit {n}"}), times=1)
    reconcile(journal, board, restless)
    assert restless.read == 2 and shown(journal, board)[1] == "edit 1"


def test_a_reading_is_of_one_state_though_the_table_never_rests(
    journal: Journal, board: Board, table: Document, doc: StandinDocument
) -> None:
    """Each look finds another row touched; those are read again until none was."""
    reconcile(journal, board, table)

    def edit(n: int) -> None:
        doc.update("Interventions", 1 + n % 2, {"Agent": f"edit {n}"})

    reconcile(journal, board, Restless(table, edit, times=7), whole=True)
    assert shown(journal, board) == {1: "edit 6", 2: "edit 7", 3: "Inès"}
    assert journal.state(board) == table.head()


def test_a_table_that_changes_faster_than_it_can_be_read_is_tried_again(
    journal: Journal, board: Board, table: Document, doc: StandinDocument
) -> None:
    restless = Restless(table, lambda n: doc.update("Interventions", 1, {"Agent": f"edit {n}"}), times=999)
    with pytest.raises(ReadingError, match="faster"):
        reconcile(journal, board, restless)
    assert not journal.head(board).complete and shown(journal, board) == {}


def test_only_what_was_touched_is_read(
    journal: Journal, board: Board, table: Document, doc: StandinDocument, grist: StandinGrist
) -> None:
    assert reconcile(journal, board, table).whole
    doc.update("Interventions", 2, {"Agent": "Lucie"})
    doc.delete("Interventions", 3)
    del grist.requests[:]
    result = reconcile(journal, board, table)
    assert (result.whole, result.rows, result.changes) == (False, 2, 2)
    assert [path for _, path, _ in grist.requests if "/records" in path and "filter" not in path] == []
    del grist.requests[:]
    assert reconcile(journal, board, table).changes == 0 and len(grist.requests) == 1
    assert reconcile(journal, board, table, whole=True).whole


def test_a_row_that_a_webhook_changed_is_read_again_with_the_next_comparison(
    journal: Journal, board: Board, table: Document, doc: StandinDocument
) -> None:
    """A webhook may be late: what it says is not of a known state."""
    reconcile(journal, board, table)
    journal.commit(board, read_webhook(b'[{"id": 2, "Agent": "from long ago"}]', board).rows, "webhook")
    assert reconcile(journal, board, table).changes == 1 and shown(journal, board)[2] == "Luc"


def test_a_late_row_is_not_forgotten_when_another_one_is_read_again(
    journal: Journal, board: Board, table: Document, doc: StandinDocument
) -> None:
    reconcile(journal, board, table)
    late = json.dumps([{"id": 3, "Agent": "Inès"}]).encode()
    doc.delete("Interventions", 3)
    reconcile(journal, board, table)
    journal.commit(board, read_webhook(late, board).rows, "webhook")
    assert 3 in shown(journal, board), "a webhook tells no deletions"
    doc.update("Interventions", 1, {"Agent": "Noé"})
    reread(journal, board, table, [1])
    reconcile(journal, board, table)
    assert shown(journal, board) == {1: "Noé", 2: "Luc"}


def test_a_renamed_column_goes_on_as_itself(
    journal: Journal, board: Board, table: Document, doc: StandinDocument
) -> None:
    reconcile(journal, board, table)
    doc.apply([["RenameColumn", "Interventions", "Agent", "Qui"]])
    doc.update("Interventions", 1, {"Qui": "Zoë"})
    assert reconcile(journal, board, table).changes == 1 and shown(journal, board)[1] == "Zoë"


def test_a_column_that_is_renamed_while_the_layout_is_read_is_not_lost(
    journal: Journal, board: Board, table: Document, doc: StandinDocument
) -> None:
    class Renamed(Restless):
        def columns(self, name: str) -> Any:
            found = self.table.columns(name)
            if self.times:
                self.times = 0
                doc.apply([["RenameColumn", "Interventions", "Agent", "Qui"]])
            return found

    reconcile(journal, board, table)
    reconcile(journal, board, Renamed(table, lambda n: None, 1), whole=True)
    assert shown(journal, board) == {1: "Zoé", 2: "Luc", 3: "Inès"}


def test_a_document_put_back_to_an_earlier_state_begins_a_new_epoch(
    journal: Journal, board: Board, table: Document, doc: StandinDocument
) -> None:
    before = copy.deepcopy((doc.tables, doc.history))
    doc.update("Interventions", 1, {"Agent": "Zoë"})
    doc.delete("Interventions", 2)
    reconcile(journal, board, table)
    epoch = journal.head(board).id.epoch
    doc.tables, doc.history = before
    reconcile(journal, board, table)
    assert shown(journal, board) == {1: "Zoé", 2: "Luc", 3: "Inès"}
    assert journal.head(board).id.epoch != epoch and journal.state(board) == table.head()


def test_a_push_during_the_reading_is_not_undone(
    journal: Journal, board: Board, table: Document, doc: StandinDocument
) -> None:
    """The webhook of an edit overtakes the reading from before it; that row is read once more."""
    reconcile(journal, board, table)

    class Overtaken(Restless):
        def records_body(self, name: str, row_ids: Collection[int] | None = None) -> bytes:
            body = self.table.records_body(name, row_ids)
            pushed = json.dumps([{"id": 1, "Agent": "pushed", "Derniere_MAJ": 9.5}]).encode()
            journal.commit(board, read_webhook(pushed, board).rows, "webhook")
            return body

    reconcile(journal, board, Overtaken(table, lambda n: None, 0), whole=True)
    assert shown(journal, board)[1] == "pushed" and list(journal.owed(board)) == ["1"]


def test_flushed_redis_is_filled_again(journal: Journal, board: Board, table: Document) -> None:
    reconcile(journal, board, table)
    journal.redis.flushall()
    assert reconcile(journal, board, table).first and len(shown(journal, board)) == 3


def test_errors_of_rest_and_webhook_are_the_same_value(
    journal: Journal, board: Board, table: Document, doc: StandinDocument
) -> None:
    reconcile(journal, board, table)
    row = {"id": 1, **doc.rows("Interventions")[1], "Commentaire": ["E", "ZeroDivisionError", "division by zero"]}
    journal.commit(board, read_webhook(json.dumps([row]).encode(), board).rows, "webhook")
    body = table.records_body("Interventions", [1])
    record = json.loads(body)["records"][0]
    record["fields"]["Commentaire"], record["errors"] = None, {"Commentaire": "ZeroDivisionError"}

    class WithError(Restless):
        def records_body(self, name: str, row_ids: Collection[int] | None = None) -> bytes:
            return json.dumps({"records": [record]}).encode()

    assert reread(journal, board, WithError(table, lambda n: None, 0), [1]) == 0


# ------------------------------------------------------------------------------------------------- the work process


@pytest.fixture
def work(
    journal: Journal, board: Board, grist: StandinGrist, make_settings: Callable[..., Settings]
) -> Iterator[Worker]:
    settings = make_settings(grist_url=grist.url, grist_api_key=OWNER, reconcile_minutes=0, board={"doc": board.doc})
    worker = Worker(settings, journal)
    worker.start()
    yield worker
    worker.stop()


def until(condition: Callable[[], bool], seconds: float = 15) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.02)


def test_the_work_process_fills_pays_and_tells_that_it_lives(
    work: Worker, journal: Journal, board: Board, doc: StandinDocument
) -> None:
    until(lambda: journal.head(board).complete)
    assert len(journal.living("grist-live:work")) == 1
    doc.update("Interventions", 1, {"Agent": "Zoë"})
    journal.owe(board, [1])
    until(lambda: shown(journal, board)[1] == "Zoë" and not journal.owed(board))
    until(lambda: bool(journal.stats(board, 0)))
    work.stop()
    assert journal.living("grist-live:work") == {}


def test_the_work_process_fills_again_what_redis_lost(work: Worker, journal: Journal, board: Board) -> None:
    until(lambda: journal.head(board).complete)
    journal.redis.flushall()
    until(lambda: journal.head(board).complete and len(shown(journal, board)) == 3)


def test_grist_away_for_a_while_is_waited_for(
    grist: StandinGrist, journal: Journal, board: Board, make_settings: Callable[..., Settings]
) -> None:
    grist.fail(500, times=2)
    settings = make_settings(grist_url=grist.url, grist_api_key=OWNER, board={"doc": board.doc})
    document = Document(grist.url, board.doc, OWNER, attempts=1)
    worker = Worker(settings, journal, lambda board: document)
    worker.start()
    until(lambda: "error" in worker.state["boards"].get("interventions", {}))
    until(lambda: journal.head(board).complete, 60)
    worker.stop()
    document.close()


def test_the_next_work_process_need_not_wait(work: Worker, journal: Journal, board: Board) -> None:
    until(lambda: journal.head(board).complete)
    work.stop()
    assert not journal.redis.exists(journal.keys(board).keeper)


def test_one_of_two_work_processes_keeps_the_board(work: Worker, journal: Journal, board: Board) -> None:
    until(lambda: journal.head(board).complete)
    assert not journal.keep(board, "another process", 1)


def test_a_whole_path_from_grist_to_the_stream(
    grist: StandinGrist, live_server: Callable[..., Any], journal: Journal, tmp_path: Any
) -> None:
    """Bootstrap an empty document, serve it, edit, undo and delete in Grist: all of it is on the stream at once."""
    document = grist.add_document()
    secret = "a-secret-for-the-whole-path"
    server = live_server(
        command="serve",
        grist_url=grist.url,
        grist_api_key=OWNER,
        webhook_secret=[secret],
        board={"doc": document.id, "open": False},
    )
    settings, _ = load(server.config, {})
    rest = Document(grist.url, document.id, OWNER)
    result = bootstrap(settings, settings.board, rest, echo=lambda line: None)
    assert not result.left
    until(lambda: journal.watched(result.board))
    with server.stream() as stream:
        stream.wait(type="hello")
        document.add_records("Interventions", [{"Agent": "Zoé", "Statut": "En attente"}])
        document.update("Interventions", 1, {"Statut": "En cours"})
        add, update = stream.wait(2)
        assert add["data"]["fields"]["Agent"] == "Zoé" and update["data"]["fields"]["Statut"] == "En cours"
        document.undo()
        undone = stream.wait(3)[2]
        assert undone["data"]["fields"]["Statut"] == "En attente" and undone["data"]["source"] == "watch"
        document.delete("Interventions", 1)
        assert stream.wait(4)[3]["data"]["action"] == "remove"
    rest.close()


def test_errors_of_grist_are_one_line(journal: Journal, board: Board, grist: StandinGrist) -> None:
    with pytest.raises(GristError) as error:
        reconcile(journal, board, Document(grist.url, board.doc, "wrong-key"))
    assert "\n" not in str(error.value)


def test_threads_that_reconcile_at_once_agree(journal: Journal, board: Board, grist: StandinGrist) -> None:
    def run() -> None:
        document = Document(grist.url, board.doc, OWNER)
        reconcile(journal, board, document)
        document.close()

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert shown(journal, board) == {1: "Zoé", 2: "Luc", 3: "Inès"} and actions(journal, board) == []
