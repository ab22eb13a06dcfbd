"""Sample rows: numbered on, and never more than Grist's queue takes."""

from __future__ import annotations

import pytest

from grist_live import bootstrap
from grist_live.bootstrap import BootstrapError
from grist_live.bootstrap.samples import add_samples
from grist_live.grist import Document
from grist_live.settings import load
from tests.bootstrap.operator import (
    Operator,
    seed_with,
)
from tests.standin_grist import OWNER, Receiver


def test_sample_rows_are_numbered_on(op: Operator) -> None:
    seen: list[tuple[int, int]] = []
    op.run(sample_data=250, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(0, 250), (100, 250), (200, 250), (250, 250)]
    result = op.run(sample_data=5)
    assert result.lines()[0] == "Added 5 sample rows."
    titles = [r["ID2"] for r in op.doc.rows("Interventions").values()]
    assert len(set(titles)) == len(titles) == 255
    assert titles[-1] == "INT-0255"


def test_sample_rows_leave_out_columns_that_are_not_there_or_are_formulas(op: Operator) -> None:
    op.make_table(*seed_with("Agent", isFormula=True, formula="'x'"))
    op.run(sample_data=3)
    row = op.doc.rows("Interventions")[1]
    assert row["Localisation"] and row["Statut"] and "Latitude" not in row


def test_sample_rows_wait_for_a_queue_that_nobody_empties_and_then_say_so(op: Operator) -> None:
    with Receiver(500) as receiver:
        op.url = receiver.url.removesuffix("/hook")
        op.run()
        op.doc.add_records("Interventions", [{"Agent": "x"}] * 600)
        settings, _ = load(None, {}, grist_url=op.grist.url)
        document = Document(op.grist.url, op.doc.id, OWNER)
        job = bootstrap.prepare(settings, settings.board, document)
        bootstrap.make_plan(job)
        with pytest.raises(BootstrapError, match="600 events wait.*serve"):
            add_samples(job, 5, lambda done, total: None, sleep=lambda seconds: None)
        document.close()
