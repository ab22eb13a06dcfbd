"""The table and its columns: are they what the board says?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from grist_live.board import Column
from grist_live.bootstrap.columns import FITS, MANUAL_UPDATES, Columns, recognise
from grist_live.doctor.finding import Finding, found
from grist_live.doctor.patient import Patient

CLOCKS = ("NOW()", "TODAY()")
OPAQUE = ("Ref", "RefList", "Attachments", "ChoiceList")
"""Types whose values are row numbers or lists, not the text that one sees."""


def check_table(patient: Patient) -> Iterator[Finding]:
    ids = [t["id"] for t in patient.tables()]
    if patient.board.table in ids:
        yield found("table", f"table {patient.board.table}")
    else:
        there = ", ".join(ids[:20]) or "no table"
        yield found("table-missing", f"there is no table {patient.board.table}; there is {there}")


def check_columns(patient: Patient) -> Iterator[Finding]:
    known = recognise(patient.board, patient.columns(), Columns())
    wrong: list[Finding] = []
    for column in patient.board.columns:
        entry = known.get(column.id)
        if entry is None:
            if not column.optional:
                wrong.append(found("column-missing", f"there is no column {column.id} in {patient.board.table}"))
            continue
        if entry["id"] != column.id:
            wrong.append(
                found("column-renamed", f'column {column.id} is there as {entry["id"]} ("{entry["fields"]["label"]}")')
            )
        wrong += _type(column, entry["id"], entry["fields"])
    yield from wrong
    if not wrong:
        yield found("columns", f"{len(known)} columns of the board")


def _type(column: Column, id: str, fields: dict[str, Any]) -> Iterator[Finding]:
    wanted, kind = column.type.split(":")[0], fields["type"].split(":")[0]
    if kind in OPAQUE and wanted not in OPAQUE:
        yield found("column-type", f"column {id} has the type {fields['type']}, whose values are numbers or lists")
    elif kind not in FITS.get(wanted, (kind,)) and not (wanted == "Choice" and kind == "Text"):
        yield found("column-type", f"column {id} has the type {fields['type']}, not {column.type}")


def check_clocks(patient: Patient) -> Iterator[Finding]:
    """Look at all columns of the table: one that the board doesn't name makes Grist send, too."""
    for entry in patient.columns():
        fields = entry["fields"]
        formula = "".join(str(fields["formula"]).split()) if fields["isFormula"] else ""
        clock = next((c for c in CLOCKS if c in formula), "")
        if clock:
            yield found("now-formula", f"column {entry['id']} is a formula with {clock}")


def check_updated_at(patient: Patient) -> Iterator[Finding]:
    column = patient.board.column("updated_at")
    if column is None:
        yield found("updated-at", "the board has no column with the role updated_at")
        return
    entry = next((e for e in patient.columns() if e["id"] == column.id), None)
    if entry is None:
        return  # missing or renamed, which has its own finding
    fields = entry["fields"]
    triggered = fields["formula"] and (fields.get("recalcDeps") or fields.get("recalcWhen") == MANUAL_UPDATES)
    if fields["isFormula"] or not triggered:
        yield found("updated-at", f"column {column.id} isn't set when a row changes")
