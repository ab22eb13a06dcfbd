"""Boards and their presets: what may be written, and what is said when it may not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from grist_live.board import Board, BoardError, load_preset, make_board, preset_names

COLUMNS = [{"id": "A", "role": "title"}, {"id": "B"}]
LINK = "https://grist.example.fr/doc/d/p/3#a3.s6.r{row}"


def _priorities(**delay: float) -> list[dict[str, Any]]:
    return [{"id": "P", "role": "priority", "choices": [{"value": "Urgente", "delay": delay}]}]


def test_the_preset_is_the_seeds_table(board: Board) -> None:
    assert board.table == "Interventions" and board.webhook == "Broadcast Interventions"
    assert board.ids == (
        "ID2", "Agent", "Localisation", "Type", "Statut", "Priorite", "Derniere_MAJ", "Commentaire",
        "Latitude", "Longitude",
    )  # fmt: skip
    assert board.column("status") and [c.value for c in board.columns[board.index("status")].choices] == [
        "En attente", "En cours", "Terminé", "Bloqué",
    ]  # fmt: skip
    assert board.ranks == {"Basse": 0, "Normale": 1, "Haute": 2, "Urgente": 3}
    assert "Derniere_MAJ" not in board.watched and len(board.watched) == 9


def test_every_preset_of_the_package_is_a_board_described_in_both_languages() -> None:
    assert "interventions" in preset_names()
    for name in preset_names():
        described = load_preset(name).describe()
        texts = [described["title"], *(c["label"] for c in described["columns"])]
        texts += [c["label"] for kind in ("statuses", "priorities") for c in described[kind]]
        assert all({"fr", "en"} <= set(text) for text in texts)


def test_each_priority_of_the_preset_tells_when_its_rows_are_late(board: Board) -> None:
    delays = {p["value"]: p["delay"] for p in board.describe()["priorities"]}
    assert delays["Urgente"] == {"amber": 15, "red": 30} and None not in delays.values()
    reds = [p["delay"]["red"] for p in sorted(board.describe()["priorities"], key=lambda p: -p["rank"])]
    assert reds == sorted(reds), "the more pressing, the sooner"
    plain = make_board("x", {"table": "T", "columns": [{"id": "P", "role": "priority", "choices": [{"value": "a"}]}]})
    assert plain.describe()["priorities"][0]["delay"] is None


@pytest.mark.parametrize(
    ("roles", "department"),
    [(["department"], "role"), (["department", "place"], "role"), (["place"], "derived"), (["title"], None)],
)
def test_the_description_tells_where_a_department_comes_from(roles: list[str], department: str | None) -> None:
    columns = [{"id": role.capitalize(), "role": role} for role in roles]
    assert make_board("x", {"table": "T", "columns": columns}).describe()["department"] == department


def test_the_way_to_a_row_in_grist_is_not_told_to_everybody() -> None:
    def link(**given: Any) -> object:
        return make_board("x", {"preset": "interventions", **given}).describe()["link"]

    assert link() is None and link(link=LINK) == LINK
    assert link(link=LINK, access="public") is None
    assert link(link=LINK, access="public", link_public=True) == LINK


def test_the_configuration_goes_over_the_preset() -> None:
    board = make_board("interventions", {"preset": "interventions", "doc": "d", "access": "public"})
    assert (board.doc, board.access, board.table) == ("d", "public", "Interventions")


def test_column_ids_are_those_that_the_document_really_has() -> None:
    board = make_board("x", {"preset": "interventions", "column_ids": {"Statut": "Etat"}})
    assert "Etat" in board.ids and "Statut" not in board.ids and board.column("status").id == "Etat"  # type: ignore[union-attr]


def test_a_preset_may_be_a_file_of_the_user(tmp_path: Path) -> None:
    path = tmp_path / "potholes.toml"
    path.write_text('table = "Trous"\n[[columns]]\nid = "A"\nrole = "title"\n', "utf-8")
    board = load_preset(str(path))
    assert (board.name, board.table, board.ids) == ("potholes", "Trous", ("A",))


@pytest.mark.parametrize(
    ("name", "given", "words"),
    [
        ("Bad Name", {"table": "T", "columns": COLUMNS}, "lower-case"),
        ("health", {"table": "T", "columns": COLUMNS}, "health"),
        ("x", {"table": "T", "columns": []}, "at least one column"),
        ("x", {"table": "T"}, "columns"),
        ("x", {"table": "T", "columns": [{"id": "A"}, {"id": "A"}]}, "two columns have the id A"),
        ("x", {"table": "T", "columns": [{"id": "A", "role": "title"}, {"id": "B", "role": "title"}]}, "role title"),
        ("x", {"table": "T", "columns": [{"id": "ID"}]}, "no Grist column id"),
        ("x", {"table": "T", "columns": [{"id": 'A"\n'}]}, "no Grist column id"),
        ("x", {"table": "T", "columns": COLUMNS, "colour": "red"}, "colour"),
        ("x", {"table": "T", "columns": [{"id": "A", "role": "boss"}]}, "role"),
        ("x", {"table": "T", "columns": COLUMNS, "access": "everybody"}, "access"),
        ("x", {"preset": "interventions", "column_ids": {"Nope": "A"}}, "Nope"),
        ("x", {"preset": "no-such-preset"}, "interventions"),
        ("x", {"table": "T", "columns": _priorities(amber=30, red=15)}, "not after red"),
        ("x", {"table": "T", "columns": _priorities(amber=0, red=15)}, "more than 0"),
        ("x", {"table": "T", "columns": _priorities(amber=1, red=float("inf"))}, "minutes"),
        ("x", {"table": "T", "columns": _priorities(amber=1)}, "red"),
        ("x", {"preset": "interventions", "link": "javascript:alert({row})"}, "http"),
        ("x", {"preset": "interventions", "link": "https://grist.example.fr/doc/d/p/3"}, "{row}"),
    ],
)
def test_a_board_that_can_not_be_used_says_why(name: str, given: dict[str, Any], words: str) -> None:
    with pytest.raises(BoardError, match=words):
        make_board(name, given)
