"""Filters: which rows a viewer asked for."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grist_live.board import Board, load_preset, make_board
from grist_live.filters import FilterError, parse

CASES = json.loads((Path(__file__).parent / "filter_cases.json").read_text("utf-8"))
"""Rows, queries, and the rows that they find: the dashboard's filters (`filters.test.js`) are held to the same."""


def row_of(board: Board, **cells: object) -> list[bytes]:
    return [json.dumps(cells.get(c), ensure_ascii=False).encode() for c in board.ids]


def test_no_role_no_filter(board: Board) -> None:
    assert parse(board, [("token", "x"), ("last_event_id", "1-1")]) is None


def test_values_of_one_role_are_alternatives_and_roles_add_up(board: Board) -> None:
    filter = parse(board, [("status", "En cours"), ("status", "Bloqué"), ("priority", "Urgente")])
    same = parse(board, [("priority", "Urgente"), ("status", "Bloqué"), ("status", "En cours")])
    assert filter and same and filter.key == same.key

    def row(status: str | None, priority: str) -> list[bytes]:
        return row_of(board, Statut=status, Priorite=priority)

    assert filter.matches(row("Bloqué", "Urgente")) and filter.matches(row("En cours", "Urgente"))
    assert not filter.matches(row("Bloqué", "Haute")) and not filter.matches(row(None, "Urgente"))


def matching(board: Board, query: list[tuple[str, str]], rows: dict[str, dict[str, object]]) -> set[str]:
    filter = parse(board, query)
    assert filter
    return {name for name, cells in rows.items() if filter.matches(row_of(board, **cells))}


@pytest.mark.parametrize("name", CASES)
def test_the_server_filters_as_the_page_does(name: str) -> None:
    case = CASES[name]
    board = make_board(name, case["config"])
    assert board.describe() == case["described"], "the page knows another board than the server"
    rows = {row["id"]: row["fields"] for row in case["rows"]}
    for query, ids in case["cases"]:
        filter = parse(board, parse_qsl(query, keep_blank_values=True))
        assert filter
        assert [id for id, cells in rows.items() if filter.matches(row_of(board, **cells))] == ids, query


def test_a_department_is_a_postcodes_and_never_just_a_13_somewhere(board: Board) -> None:
    rows: dict[str, dict[str, object]] = {
        "Marseille": {"Localisation": "13002 Marseille"},
        "Lyon": {"Localisation": "13 rue Masséna, 69006 Lyon", "ID2": "INT-13"},
        "Toulon": {"Localisation": "83130 La Garde"},
        "Ajaccio": {"Localisation": "20000 Ajaccio"},
        "Bastia": {"Localisation": "20200 Bastia"},
        "Réunion": {"Localisation": "97400 Saint-Denis"},
        "Bourg": {"Localisation": "01000 Bourg-en-Bresse"},
        "nowhere": {"Localisation": None},
    }
    for wanted, found in {
        "13": {"Marseille"}, "69": {"Lyon"}, "83": {"Toulon"}, "2A": {"Ajaccio"}, "2b": {"Bastia"}, "974": {"Réunion"},
        "20": {"Ajaccio", "Bastia"}, "1": {"Bourg"}, "97": set(), "": {"nowhere"},
    }.items():  # fmt: skip
        assert matching(board, [("department", wanted)], rows) == found, wanted


def test_a_derived_department_is_told_to_be_approximate(board: Board) -> None:
    columns = [{"id": "P", "role": "place"}, {"id": "D", "role": "department", "type": "Int"}]
    certain = parse(make_board("x", {"table": "T", "columns": columns}), [("department", "13")])
    derived = parse(board, [("department", "13"), ("status", "Bloqué")])
    assert certain and certain.facts() == {"filter": {"department": ["13"]}, "approximate": []}
    assert derived and derived.facts() == {
        "filter": {"department": ["13"], "status": ["Bloqué"]},
        "approximate": ["department"],
    }
    plain = parse(board, [("status", "Bloqué")])
    assert plain and plain.facts()["approximate"] == []


def test_a_column_with_the_department_wins_over_the_place() -> None:
    columns = [{"id": "P", "role": "place"}, {"id": "D", "role": "department", "type": "Any"}]
    board = make_board("x", {"table": "T", "columns": columns})
    rows: dict[str, dict[str, object]] = {
        "text": {"D": "83", "P": "13002 Marseille"}, "number": {"D": 83.0}, "other": {"D": "13", "P": "83000 Toulon"},
        "ain": {"D": 1}, "corsica": {"D": "2a"}, "empty": {"D": None, "P": "83000 Toulon"},
    }  # fmt: skip
    assert matching(board, [("department", "83")], rows) == {"text", "number"}
    assert matching(board, [("department", "01")], rows) == {"ain"}
    assert matching(board, [("department", "2A")], rows) == {"corsica"}


def test_search_finds_every_word_whatever_its_case_and_accents(board: Board) -> None:
    rows: dict[str, dict[str, object]] = {
        "lights": {"Commentaire": "Feu tricolore ÉTEINT", "Agent": "Zoé", "Type": "Signalisation"},
        "works": {"Commentaire": "feu de chantier", "Localisation": "Vieux-Port", "ID2": "INT-0007"},
        "sister": {"Commentaire": "sœur de l’agent", "Latitude": 43.5},
    }
    for text, found in {
        "eteint": {"lights"}, "FEU": {"lights", "works"}, "feu zoe": {"lights"}, "  chantier   vieux-port ": {"works"},
        "signal": {"lights"}, "int-0007": {"works"}, "SOEUR": {"sister"}, "l'agent": {"sister"}, "43.5": set(),
        "feu nulle": set(), "éte\u0301int": {"lights"}, "E\u0301TEINT": {"lights"}, "ﬀ": set(),
    }.items():  # fmt: skip
        assert matching(board, [("q", text)], rows) == found, text
    assert matching(board, [("q", "eteint"), ("q", "chantier")], rows) == {"lights", "works"}
    assert matching(board, [("q", "feu"), ("assignee", "Zoé")], rows) == {"lights"}
    assert parse(board, [("q", "  ")]) is None


def test_a_list_matches_by_any_of_its_values() -> None:
    board = make_board("x", {"table": "T", "columns": [{"id": "K", "role": "kind", "type": "ChoiceList"}]})
    rows: dict[str, dict[str, object]] = {
        "both": {"K": ["L", "Voirie", "Réseau"]}, "one": {"K": ["L", "Réseau"]}, "none": {"K": None}, "L": {"K": ["L"]},
    }  # fmt: skip
    assert matching(board, [("kind", "Voirie")], rows) == {"both"}
    assert matching(board, [("kind", "")], rows) == {"none", "L"}
    assert matching(board, [("q", "reseau")], rows) == {"both", "one"}


def test_different_filters_have_different_keys(board: Board) -> None:
    keys = [
        parse(board, query).key  # type: ignore[union-attr]
        for query in (
            [("status", "a|b")], [("status", "a"), ("status", "b")], [("status", "a;place=b")],
            [("status", "a"), ("place", "b")], [("q", "a")], [("status", "")],
        )
    ]  # fmt: skip
    assert len(set(keys)) == len(keys)


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ([("statut", "x")], r"column Statut is status\); it can filter by title, assignee, .*department, q"),
        ([("Priorité", "x")], "is priority"),
        ([("stauts", "x")], r"stauts is no filter \(status\?\)"),
        ([("limit", "5")], "limit is no filter"),
        ([("q", "x" * 201)], "longer than 200"),
        ([("status", str(i)) for i in range(101)], "more than 100"),
    ],
)
def test_what_is_no_filter_is_told(board: Board, query: list[tuple[str, str]], words: str) -> None:
    with pytest.raises(FilterError, match=words):
        parse(board, query)


def test_parameters_of_the_address_and_of_caches_are_none(board: Board) -> None:
    assert parse(board, [("limit", "5"), ("_", "123"), ("token", "x")], also=("limit",)) is None


@pytest.mark.parametrize("role", ["department", "status"])
def test_a_role_that_the_board_lacks_is_told(role: str) -> None:
    board = make_board("x", {"table": "T", "columns": [{"id": "A", "role": "title"}]})
    with pytest.raises(FilterError, match=f"no column for {role}; it can filter by title, q"):
        parse(board, [(role, "13")])


def test_a_change_that_enters_a_filter_keeps_what_else_it_says(board: Board) -> None:
    filter = parse(board, [("status", "Bloqué")])
    text = b"".join(v + b"\t" for v in row_of(board, Statut="Bloqué", Agent="Zoé"))
    data = '{"action":"update","row":4,"fields":{"Statut":"Bloqué"},"was":{"Statut":"En cours"},"at":1.5,'
    data += '"source":"watch","by":"Inès"}'
    assert filter
    seen = json.loads(filter.change(data.encode(), text) or b"{}")
    assert (seen["action"], seen["by"], seen["source"], seen["was"]) == ("add", "Inès", "watch", {})
    assert seen["fields"]["Agent"] == "Zoé" and list(seen["fields"]) == list(board.ids)


def test_history_keeps_a_change_as_it_was_of_a_row_that_met_the_filter_before_or_after(board: Board) -> None:
    was, now = {"Statut": "En cours"}, {"Statut": "Bloqué"}
    text = b"".join(v + b"\t" for v in row_of(board, **now))
    changes = {"update": (now, was), "add": (now, {}), "remove": ({}, now)}
    for wanted, found in {"En cours": ["update"], "Bloqué": ["update", "add", "remove"], "Terminé": []}.items():
        filter = parse(board, [("status", wanted)])
        assert filter
        for action, (fields, before) in changes.items():
            data = {"action": action, "row": 4, "fields": fields, "was": before, "at": 1.5, "source": "watch"}
            assert filter.concerns(json.dumps(data).encode(), text) == (action in found), (wanted, action)


def test_a_change_of_a_time_with_other_columns_is_left_out(board: Board) -> None:
    filter = parse(board, [("status", "Bloqué")])
    data = b'{"action":"update","row":4,"fields":{"Statut":"x"},"was":{"Statut":"y"},"at":1.5,"source":"webhook"}'
    assert filter and filter.change(data, b'"a"\t"b"\t') is None and not filter.concerns(data, b'"a"\t"b"\t')


CELLS = {
    "Statut": st.sampled_from(["En cours", "Bloqué", None]),
    "Localisation": st.sampled_from(["13002 Marseille", "20200 Bastia", "lot 13", None]),
    "Commentaire": st.sampled_from(["Feu éteint", "rien", 7, ["L", "Feu"], None]),
}
QUERIES = [
    [("status", "Bloqué")],
    [("department", "13")],
    [("q", "feu")],
    [("q", "feu"), ("department", "20"), ("status", "")],
]


@given(st.lists(st.tuples(st.integers(1, 3), st.none() | st.fixed_dictionaries(CELLS)), max_size=25))
def test_a_filtered_stream_ends_in_the_filtered_table(edits: list[tuple[int, dict[str, object] | None]]) -> None:
    """Whatever is edited, added and removed: who follows the stream sees the rows that the filter lets through."""
    board = load_preset("interventions")
    for query in QUERIES:
        filter = parse(board, query)
        assert filter
        table: dict[int, dict[str, object]] = {}
        seen: dict[int, dict[str, object]] = {}
        for row, cells in edits:
            before = table.pop(row, None)
            after = None if cells is None else {**dict.fromkeys(board.ids), **cells}
            if after is not None:
                table[row] = after
            if change := _change(row, before, after):
                text = b"".join(v + b"\t" for v in row_of(board, **(after or before or {})))
                told = filter.change(json.dumps(change).encode(), text)
                _follow(seen, json.loads(told) if told else None)
        assert seen == {row: c for row, c in table.items() if filter.matches(row_of(board, **c))}, query


def _change(row: int, before: dict[str, object] | None, after: dict[str, object] | None) -> dict[str, object] | None:
    """Write a change as the journal does; None when nothing changed."""
    changed = [c for c in (before or after or {}) if (before or {}).get(c) != (after or {}).get(c)]
    if before is None and after is None or (before is not None and after is not None and not changed):
        return None
    action = "add" if before is None else "remove" if after is None else "update"
    names = changed if action == "update" else list(before or after or {})
    fields = {c: after[c] for c in names} if after is not None else {}
    was = {c: before[c] for c in names} if before is not None else {}
    return {"action": action, "row": row, "fields": fields, "was": was, "at": 1.5, "source": "webhook"}


def _follow(seen: dict[int, dict[str, object]], change: dict[str, object] | None) -> None:
    """Do what a viewer does with a change; an update of a row that it doesn't have is an error."""
    if change is None:
        return
    row, fields = int(str(change["row"])), change["fields"]
    assert isinstance(fields, dict)
    if change["action"] == "remove":
        del seen[row]
    elif change["action"] == "add":
        assert row not in seen
        seen[row] = fields
    else:
        seen[row] = seen[row] | fields
