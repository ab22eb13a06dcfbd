"""The live source on a real Grist server: GRIST_URL and GRIST_API_KEY say which."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from grist_live.board import Board, load_preset
from grist_live.grist import Document
from grist_live.journal import Journal
from grist_live.sources.keeper import Keeper
from grist_live.sources.reconcile import stored_layout
from tests.test_keeper import heard, logged, until

pytestmark = pytest.mark.grist
TABLE = "Interventions"


@pytest.fixture
def board(real_document: Document) -> Board:
    board = msgspec.structs.replace(load_preset("interventions"), doc=real_document.doc_id, authors="email")
    columns = [{"id": c.id, "fields": {"type": c.type, "isFormula": False}} for c in board.columns]
    real_document.add_table(TABLE, columns)
    real_document.add_records(TABLE, [{"Agent": f"agent {n}", "Latitude": n} for n in range(1, 51)])
    return board


@pytest.fixture
def kept(journal: Journal, board: Board, real_document: Document) -> Iterator[Keeper]:
    document = Document(real_document.server, board.doc, real_document._api_key)  # noqa: SLF001
    keeper, stop = Keeper(journal, [board], document), threading.Event()
    thread = threading.Thread(target=keeper.run, args=(stop,))
    thread.start()
    heard(journal, board)
    yield keeper
    stop.set()
    thread.join(20)
    document.close()


def equal(journal: Journal, board: Board, document: Document) -> bool:
    """Tell whether the board holds what Grist's table does, wherever the columns are now."""
    layout = stored_layout(journal, board)
    assert layout
    mine = {
        int(row): [json.loads(v) for v in text.split(b"\t")[:-1]] for row, text in journal.snapshot(board)[1].items()
    }
    theirs: dict[int, list[Any]] = {}
    if layout.table in [table["id"] for table in document.tables()]:
        for record in document.records(str(layout.table)):
            errors = {column: ["E", name] for column, name in record.get("errors", {}).items()}
            fields = record["fields"] | errors
            theirs[record["id"]] = [fields.get(str(place.at)) for place in layout.columns]
    return mine == theirs


def test_every_kind_of_change_arrives(journal: Journal, board: Board, real_document: Document, kept: Keeper) -> None:
    def same() -> bool:
        return equal(journal, board, real_document)

    def apply(*actions: list[Any]) -> None:
        real_document.apply(actions)
        until(lambda: journal.state(board) == real_document.head() and same())

    apply(["UpdateRecord", TABLE, 1, {"Statut": "En cours", "Derniere_MAJ": 1795338000}])
    assert logged(journal, board)[-1]["source"] == "watch" and "@" in logged(journal, board)[-1]["by"]
    apply(["BulkUpdateRecord", TABLE, list(range(1, 51)), {"Latitude": ["bad"] + [n / 3 for n in range(2, 51)]}])
    apply(["RemoveRecord", TABLE, 2], ["BulkRemoveRecord", TABLE, [3, 4]])
    assert logged(journal, board)[-1]["action"] == "remove"
    apply(["BulkAddRecord", TABLE, [None] * 120, {"Agent": [f"new {n}" for n in range(120)]}])
    apply(["ModifyColumn", TABLE, "Commentaire", {"isFormula": True, "formula": "1/0 if $id % 2 else $Agent.upper()"}])
    apply(["RenameColumn", TABLE, "Agent", "Qui"])
    apply(["UpdateRecord", TABLE, 1, {"Qui": "renamed"}])
    apply(["RenameTable", TABLE, "Chantiers"])
    apply(["AddRecord", "Chantiers", None, {"Qui": "after the rename"}])
    apply(["ModifyColumn", "Chantiers", "Latitude", {"type": "Text"}])
    apply(["RemoveColumn", "Chantiers", "Type"])
    apply(["ReplaceTableData", "Chantiers", [7, 9], {"Qui": ["seven", "nine"]}])
    real_document.call("force-reload", {})
    until(lambda: journal.watched(board))
    apply(["UpdateRecord", "Chantiers", 9, {"Qui": "after the reload"}])
    apply(["RemoveTable", "Chantiers"])
    assert journal.rows(board) == 0 and kept.state[board.name]["source"] == "watch"


def test_a_document_that_is_replaced_begins_anew(
    journal: Journal, board: Board, real_document: Document, kept: Keeper
) -> None:
    name = {"documentName": "grist_live copy", "asTemplate": False}
    copy = real_document.call("copy", {**name, "workspaceId": _workspace(real_document)}).json()
    try:
        real_document.apply([["UpdateRecord", TABLE, 1, {"Agent": "lost"}]])
        until(lambda: journal.state(board) == real_document.head())
        epoch = journal.head(board).id.epoch
        real_document.call("replace", {"sourceDocId": copy})
        until(lambda: journal.head(board).id.epoch != epoch and equal(journal, board, real_document), 30)
        until(lambda: journal.watched(board), 30)
        real_document.apply([["UpdateRecord", TABLE, 1, {"Agent": "after"}]])
        until(lambda: equal(journal, board, real_document) and journal.state(board) == real_document.head(), 30)
    finally:
        real_document.call(f"/api/docs/{copy}", method="DELETE", prefix="")


def _workspace(document: Document) -> int:
    return int(document.call("", prefix=f"/api/docs/{document.doc_id}").json()["workspace"]["id"])
