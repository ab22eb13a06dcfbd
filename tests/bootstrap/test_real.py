"""Bootstrap on a real Grist server: GRIST_URL and GRIST_API_KEY say which."""

from __future__ import annotations

from pathlib import Path

import pytest

from grist_live.grist import Document
from tests.bootstrap.operator import (
    SEED,
    run_on,
)


@pytest.fixture
def real(real_document: Document, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Document:
    monkeypatch.chdir(tmp_path)
    return real_document


@pytest.mark.grist
def test_on_a_real_grist_a_fresh_document(real: Document) -> None:
    run_on(real, dry_run=True)
    assert "Interventions" not in [t["id"] for t in real.tables()]
    result, _ = run_on(real, sample_data=120)
    assert result.left == []
    head = real.head()
    again, _ = run_on(real)
    assert again.lines()[0] == "Nothing to do."
    assert real.head() == head
    section = int(result.board.link.partition("#a3.s")[2].partition(".")[0])
    card = next(s["fields"] for s in real.records("_grist_Views_section") if s["id"] == section)
    assert (card["parentKey"], card["parentId"]) == ("single", 0), "the link leads to the rows' card"
    rows = real.records("Interventions")
    assert (len(rows), rows[-1]["fields"]["ID2"]) == (120, "INT-0120")
    before = rows[0]["fields"]["Derniere_MAJ"]
    real.apply([["UpdateRecord", "Interventions", 1, {"Statut": "Bloqué"}]])
    assert real.records("Interventions")[0]["fields"]["Derniere_MAJ"] > before


@pytest.mark.grist
def test_on_a_real_grist_a_table_made_by_hand(real: Document) -> None:
    seed = [{"id": c["id"], "fields": {k: v for k, v in c.items() if k != "id"}} for c in SEED]
    real.add_table("Interventions", seed)
    real.add_records("Interventions", [{"ID2": "A1", "Statut": "En cours"}])
    result, lines = run_on(real)
    assert result.left == []
    assert any(line.startswith("~ column Derniere_MAJ") for line in lines)
    again, _ = run_on(real)
    assert again.lines()[0] == "Nothing to do."
    assert [t["id"] for t in real.tables()].count("Interventions") == len(real.webhooks()) == 1
