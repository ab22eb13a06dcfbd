"""Departments: what a postcode tells, and what is none."""

from __future__ import annotations

import pytest

from grist_live.department import code, department


@pytest.mark.parametrize(
    ("place", "found"),
    [
        ("13002 Marseille", "13"), ("Marseille (13 002)", "13"), ("13 002 Marseille", "13"), ("69001", "69"),
        ("01000 Bourg-en-Bresse", "01"), ("95000 Cergy", "95"), ("F-13002 Marseille", "13"),
        ("12 rue X, 13001 MARSEILLE", "13"), ("Éguilles 13510", "13"), ("13510, Éguilles", "13"),
        ("20000 Ajaccio", "2A"), ("20137 Porto-Vecchio", "2A"), ("20200 Bastia", "2B"), ("20620 Biguglia", "2B"),
        ("97100 Basse-Terre", "971"), ("97200 Fort-de-France", "972"), ("97300 Cayenne", "973"),
        ("97400 Saint-Denis", "974"), ("97500 Saint-Pierre", "975"), ("97600 Mamoudzou", "976"),
        ("97133 Gustavia", "977"), ("97150 Marigot", "978"), ("98714 Papeete", "987"), ("98800 Nouméa", "988"),
        ("94390 Paray-Vieille-Poste", "91"),
        ("lot 12345, 13001 Marseille", "13"), ("Marseille 13001, lot 12345", "13"),
        ("rue du 13 janvier, Lyon", None), ("13", None), ("dép. 13", None), ("1300 Marseille", None),
        ("130021", None), ("INT-13002", None), ("INT-130021", None), ("13002-B", None), ("A13002", None),
        ("tél. 0491000000", None), ("D900 km 12", None), ("RN 10 200 m", None), ("PK 12 300", None),
        ("00100", None), ("96000", None), ("97900", None), ("98000 Monaco", None), ("99100", None), ("", None),
    ],
)  # fmt: skip
def test_the_department_comes_from_a_postcode(place: str, found: str | None) -> None:
    assert department(place) == found


@pytest.mark.parametrize(
    ("text", "written"), [("1", "01"), ("01", "01"), (" 2a ", "2A"), ("974", "974"), ("", ""), ("Var", "VAR")]
)
def test_codes_are_written_in_one_way(text: str, written: str) -> None:
    assert code(text) == written
