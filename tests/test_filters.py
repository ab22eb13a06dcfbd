"""Filters: which rows a viewer asked for."""

from __future__ import annotations

import json

import pytest

from grist_live.board import Board, make_board
from grist_live.filters import FilterError, department, parse


@pytest.mark.parametrize(
    ("place", "code"),
    [
        ("13002 Marseille", "13"), ("Marseille (13 002)", "13"), ("rue du 13 janvier, Lyon", None), ("69001", "69"),
        ("20000 Ajaccio", "2A"), ("20137 Porto-Vecchio", "2A"), ("20200 Bastia", "2B"), ("20620 Biguglia", "2B"),
        ("97400 Saint-Denis", "974"), ("98800 Nouméa", "988"), ("00100", None), ("", None), ("D900 km 12", None),
        ("tél. 0491000000", None), ("01000 Bourg-en-Bresse", "01"), ("1300 Marseille", None), ("INT-130021", None),
    ],
)  # fmt: skip
def test_the_department_comes_from_a_postcode(place: str, code: str | None) -> None:
    assert department(place) == code


def test_no_role_no_filter(board: Board) -> None:
    assert parse(board, [("token", "x"), ("last_event_id", "1-1")]) is None


def test_values_of_one_role_are_alternatives_and_roles_add_up(board: Board) -> None:
    filter = parse(board, [("status", "En cours"), ("status", "Bloqué"), ("priority", "Urgente")])
    same = parse(board, [("priority", "Urgente"), ("status", "Bloqué"), ("status", "En cours")])
    assert filter and same and filter.key == same.key

    def row(status: str | None, priority: str) -> list[bytes]:
        cells = {"Statut": status, "Priorite": priority}
        return [json.dumps(cells.get(c), ensure_ascii=False).encode() for c in board.ids]

    assert filter.matches(row("Bloqué", "Urgente")) and filter.matches(row("En cours", "Urgente"))
    assert not filter.matches(row("Bloqué", "Haute")) and not filter.matches(row(None, "Urgente"))


def test_a_role_that_the_board_lacks_is_told() -> None:
    board = make_board("x", {"table": "T", "columns": [{"id": "A", "role": "title"}]})
    with pytest.raises(FilterError, match="title"):
        parse(board, [("department", "13")])


def test_a_column_with_the_department_wins_over_the_place() -> None:
    columns = [{"id": "P", "role": "place"}, {"id": "D", "role": "department", "type": "Int"}]
    filter = parse(make_board("x", {"table": "T", "columns": columns}), [("department", "83")])
    assert filter and filter.matches([b'"13002 Marseille"', b"83"]) and not filter.matches([b'"83000 Toulon"', b"13"])
