"""Tables as a websocket tells them, by column, and Grist's own tables among them."""

from __future__ import annotations

from typing import Any

from .actions import Refusal
from .document import StandinDocument

TableData = list[Any]
COLUMN_META = ("parentId", "parentPos", "type", "widgetOptions", "isFormula", "formula", "label", "description",
               "untieColIdFromLabel", "summarySourceCol", "displayCol", "visibleCol", "rules", "reverseCol",
               "recalcWhen", "recalcDeps")  # fmt: skip


def table_data(doc: StandinDocument, name: str) -> TableData:
    """Return a table as `fetchTable` does."""
    if name not in doc.tables:
        raise Refusal(0, f"[Sandbox] KeyError '{name}'")
    table = doc.tables[name]
    ids = sorted(table.rows)
    return ["TableData", name, ids, {c: [table.rows[i][c] for i in ids] for c in table.columns}]


def tables_of(doc: StandinDocument) -> dict[str, TableData]:
    """Return Grist's own tables, as `openDoc` does."""
    with doc.lock:
        tables = list(doc.tables.values())
        columns = [c for t in tables for c in t.columns.values()]
        told = [c.fields() for c in columns]
        found: dict[str, TableData] = {
            "_grist_Tables": ["TableData", "_grist_Tables", [t.ref for t in tables], {
                "tableId": [t.id for t in tables],
                "primaryViewId": [t.view for t in tables],
                "summarySourceTable": [0] * len(tables),
                "onDemand": [False] * len(tables),
                "rawViewSectionRef": [t.ref * 3 - 1 for t in tables],
                "recordCardViewSectionRef": [t.ref * 3 for t in tables]}],
            "_grist_Tables_column": ["TableData", "_grist_Tables_column", [c.ref for c in columns], {
                "colId": [c.id for c in columns], **{k: [f[k] for f in told] for k in COLUMN_META}}],
        }  # fmt: skip
        for name, rows in doc.meta.items():
            names = list(dict.fromkeys(k for row in rows.values() for k in row))
            found[name] = ["TableData", name, list(rows), {k: [r.get(k) for r in rows.values()] for k in names}]
        return found
