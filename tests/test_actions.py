"""What a document's actions mean for a board's rows: Grist's recorded sessions, and cases of our own."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from grist_live.actions import Action, Layout, Place, State, author, read_action
from grist_live.board import Board, load_preset
from grist_live.change import read_records, values
from tests.test_recorded_sessions import SESSIONS, TYPES, WHOLE

OTHERS = {"Debut": "Date", "Heure": "DateTime:UTC", "Tags": "ChoiceList", "Lieux_vus": "RefList:Lieux", "Libre": "Any"}
SCHEMA = {
    "add-column", "change-formula", "change-type", "remove-column", "rename-and-edit", "rename-column",
    "rename-label", "rename-table", "rename-table-by-title", "replace-table", "undo-remove-table", "remove-table",
}  # fmt: skip
"""Sessions whose table itself changes: its rows are read again."""


def layout_of(session: dict[str, Any]) -> Layout:
    columns = session["before"][0]["fields"] if session["before"] else session["after"][0]["fields"]
    table = "Chantiers" if "rename-table" in session["name"] and session["name"].startswith("update") else "T"
    types = TYPES | OTHERS
    places = [Place(c, c, i + 1, types.get(c, "Any")) for i, c in enumerate(columns) if c != "manualSort"]
    return Layout("doc", _table(session) or table, 1, tuple(places))


def _table(session: dict[str, Any]) -> str | None:
    steps = [a for action in actions(session) for a in action.steps]
    names = [json.loads(bytes(step[1])) for step in steps]
    return next((n for n in names if not n.startswith(("_grist", "Grist")) and n != "Lieux"), None)


def actions(session: dict[str, Any]) -> list[Action]:
    found = []
    for step in session["steps"]:
        message = step.get("recv", {})
        if message.get("type") == "docUserAction":
            group = message["data"]["actionGroup"]
            raw = [[msgspec.Raw(msgspec.json.encode(p)) for p in a] for a in message["data"]["docActions"]]
            found.append(Action(State(group["actionNum"], group["actionHash"]), group["user"], raw))
    return found


def stored(records: list[dict[str, Any]], layout: Layout) -> dict[int, bytes]:
    return dict(read_records(json.dumps({"records": records}).encode(), layout.whole))


@pytest.mark.parametrize("name", [n for n in WHOLE if n not in SCHEMA])
def test_recorded_actions_lead_to_the_rows_that_rest_answers(name: str) -> None:
    """All kinds of cells, errors of formulas, bulk edits, undo and redo: byte by byte what a reading gives."""
    session = SESSIONS[name]
    layout = layout_of(session)
    rows = stored(session["before"], layout)
    for action in actions(session):
        told = read_action(action, layout)
        assert told is not None
        for row, text in told:
            if not text:
                rows.pop(row, None)
            elif row in rows:
                parts = zip(values(text), values(rows[row]), strict=True)
                rows[row] = b"".join((new or old) + b"\t" for new, old in parts)
            else:
                assert b"\t\t" not in b"\t" + text, "an added row is told whole"
                rows[row] = text
    assert rows == stored(session["after"], layout)


@pytest.mark.parametrize("name", [n for n in sorted(SCHEMA) if SESSIONS[n].get("before")])
def test_a_table_that_itself_changes_is_read_again(name: str) -> None:
    session = SESSIONS[name]
    layout = layout_of(session)
    assert any(read_action(action, layout) is None for action in actions(session))


def small(*steps: list[Any], table: str | None = "T") -> list[tuple[int, bytes]] | None:
    layout = Layout("doc", table, 1, (Place("A", "A", 2), Place("B", None, 3), Place("C", "Ville", 4, "Numeric")))
    raw = [[msgspec.Raw(msgspec.json.encode(p)) for p in step] for step in steps]
    return read_action(Action(State(2, "h"), "", raw), layout)


def test_an_added_row_has_its_columns_defaults() -> None:
    assert small(["AddRecord", "T", 5, {"A": "x"}]) == [(5, b'"x"\tnull\t0\t')]


def test_a_renamed_column_keeps_its_place() -> None:
    assert small(["UpdateRecord", "T", 5, {"Ville": 7}]) == [(5, b"\t\t7\t")]


def test_columns_that_are_not_declared_are_no_change() -> None:
    assert small(["UpdateRecord", "T", 5, {"Secret": 7}], ["UpdateRecord", "Other", 5, {"A": "x"}]) == []


def test_a_bundle_tells_each_row_once_as_it_is_at_its_end() -> None:
    told = small(
        ["BulkAddRecord", "T", [1, 2], {"A": ["a", "b"]}],
        ["BulkUpdateRecord", "T", [1, 3], {"A": ["c", "d"]}],
        ["RemoveRecord", "T", 2],
        ["BulkRemoveRecord", "T", [3]],
        ["AddRecord", "T", 3, {"A": "again"}],
    )
    assert sorted(told or []) == [(1, b'"c"\tnull\t0\t'), (2, b""), (3, b'"again"\tnull\t0\t')]


def test_a_table_that_was_removed_may_come_back_with_any_schema_action() -> None:
    assert small(["AddTable", "Other", []], table=None) is None
    assert small(["UpdateRecord", "Other", 1, {}], table=None) == []


def test_an_action_that_is_not_known_is_an_error() -> None:
    with pytest.raises(msgspec.DecodeError, match="FancyRecord"):
        small(["FancyRecord", "T", 1, {}])


@pytest.mark.parametrize(
    ("authors", "said"), [("none", ""), ("name", '"Jean-Luc Martin"'), ("email", '"jean-luc.martin@x.fr"')]
)
def test_the_author_is_told_as_far_as_the_board_allows(authors: str, said: str) -> None:
    board = msgspec.structs.replace(load_preset("interventions"), authors=authors)
    assert isinstance(board, Board) and author(board, "jean-luc.martin@x.fr") == said
