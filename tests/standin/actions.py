"""The user actions that the stand-in knows (grist-core: sandbox/grist/useractions.py), each with its
traps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from .history import Bundle
from .identifiers import pick_column, pick_table
from .table import TYPES, Column, Row, Table

if TYPE_CHECKING:
    from .document import StandinDocument

COLUMN_FIELDS = {
    "colId": "id", "type": "type", "label": "label", "isFormula": "is_formula", "formula": "formula",
    "widgetOptions": "widget_options", "untieColIdFromLabel": "untie", "recalcWhen": "recalc_when",
    "recalcDeps": "recalc_deps", "description": "description",
}  # fmt: skip
KEPT_BY_ADD_TABLE = ("type", "isFormula", "formula", "label", "widgetOptions")
KEPT_BY_ADD_COLUMN = (*KEPT_BY_ADD_TABLE, "recalcWhen", "description")
COLUMNS = "_grist_Tables_column"


class Refusal(Exception):
    """An answer that isn't success: status and Grist's text."""

    def __init__(self, status: int, error: str, details: str = "") -> None:
        super().__init__(error)
        self.status, self.error, self.details = status, error, details


def run(doc: StandinDocument, bundle: Bundle, action: Sequence[Any]) -> Any:
    name, *args = action
    if name not in ACTIONS:
        raise Refusal(500, f"Blocked by access rules: '{name}' actions are not controlled")
    return ACTIONS[name](doc, bundle, *args)


def add_table(doc: StandinDocument, bundle: Bundle, name: str | None, columns: list[Row]) -> dict[str, Any]:
    table = Table(pick_table(name, doc.tables), doc.next_ref("table"))
    doc.tables[table.id] = table
    bundle.tables_made.append(table.id)
    table.columns["manualSort"] = Column(
        "manualSort", doc.next_ref("column"), table.ref, "ManualSortPos", "manualSort", hidden=True
    )
    for info in columns:
        fields = {k: v for k, v in info.items() if k in KEPT_BY_ADD_TABLE}
        _make_column(doc, table, info.get("id"), {"isFormula": not fields.get("type")} | fields)
    table.view = doc.add_meta("_grist_Views", {"name": table.id, "type": "raw_data", "layoutSpec": ""})
    doc.add_page(table.view)
    sections = [doc.add_section(table.ref, view, kind)
                for view, kind in ((table.view, "record"), (0, "record"), (0, "single"))]  # fmt: skip
    names = [c.id for c in table.visible()]
    views = [{"id": table.view, "sections": sections[:1]}]
    return {"id": table.ref, "table_id": table.id, "columns": names, "views": views}


def add_column(doc: StandinDocument, bundle: Bundle, table_id: str, name: str | None, info: Row) -> Row:
    if info.get("recalcDeps") is not None:
        # Real Grist answers 400 and leaves the open document corrupt: later adds fail, rows are lost.
        doc.corrupt = True
        raise Refusal(400, "Error manipulating data: [Sandbox] TypeError 'AltText' object is not iterable")
    table = doc.table(table_id)
    fields = {k: v for k, v in info.items() if k in KEPT_BY_ADD_COLUMN}
    column = _make_column(doc, table, name, {"isFormula": True} | fields)
    bundle.renames.setdefault(table.id, []).append([None, column.id])
    for row_id, row in table.rows.items():
        if column.is_formula:
            bundle.touch(table.id, row_id, row)
        row[column.id] = column.now() if column.is_formula and column.tells_time else column.default
    return {"colRef": column.ref, "colId": column.id}


def _make_column(doc: StandinDocument, table: Table, name: str | None, fields: Row) -> Column:
    column = Column(pick_column(name, table.columns), doc.next_ref("column"), table.ref)
    _set(column, {"label": column.id} | fields)
    table.columns[column.id] = column
    return column


def _set(column: Column, fields: Row) -> None:
    if fields.get("type", "Any").split(":")[0] not in TYPES:
        name = fields["type"]
        raise Refusal(500, f"[Sandbox] AttributeError module 'grist' has no attribute '{name}'")
    for key, value in fields.items():
        if key in COLUMN_FIELDS and key != "colId":
            setattr(column, COLUMN_FIELDS[key], value)


def update_column(doc: StandinDocument, bundle: Bundle, ref: int, fields: Row) -> None:
    """Change a column; its id follows a new label unless it is untied from it."""
    table, column = doc.column(ref)
    was_type, was_formula = column.type, (column.is_formula, column.formula)
    _set(column, fields)
    wanted = fields.get("colId")
    if wanted is None and "label" in fields and not column.untie:
        wanted = column.label
    if wanted is not None and wanted != column.id:
        others = [c for c in table.columns if c != column.id]
        new = pick_column(wanted, others)
        if new != column.id:
            bundle.renames.setdefault(table.id, []).append([column.id, new])
            _rename_before(bundle, table.id, column.id, new)
            table.rename(column.id, new)
    if column.type != was_type:
        for row in table.rows.values():
            row[column.id] = column.convert(row[column.id])
    if column.is_formula and (column.is_formula, column.formula) != was_formula:
        for row_id, row in table.rows.items():
            bundle.touch(table.id, row_id, row)
            row[column.id] = column.now() if column.tells_time else None


def _rename_before(bundle: Bundle, table: str, old: str, new: str) -> None:
    for row in bundle.before.get(table, {}).values():
        if row is not None and old in row:
            row[new] = row.pop(old)


def remove_column(doc: StandinDocument, bundle: Bundle, table_id: str, name: str) -> None:
    table = doc.table(table_id)
    column = table.columns.pop(name)
    for row_id, row in table.rows.items():
        if column.is_formula:
            bundle.touch(table.id, row_id, row)
        del row[name]


def remove_table(doc: StandinDocument, bundle: Bundle, table_id: str) -> None:
    del doc.tables[doc.table(table_id).id]


def add_record(doc: StandinDocument, bundle: Bundle, table: str, row_id: int | None, fields: Row) -> int:
    return bulk_add(doc, bundle, table, [row_id], {k: [v] for k, v in fields.items()})[0]


def bulk_add(
    doc: StandinDocument, bundle: Bundle, table_id: str, ids: list[int | None], columns: dict[str, list[Any]]
) -> list[int]:
    if doc.corrupt:
        raise Refusal(400, "Error manipulating data: SQLITE_ERROR: no such column")
    table = doc.table(table_id)
    made = []
    for position, wanted in enumerate(ids):
        row_id = wanted if wanted and wanted > 0 else table.next_row
        table.next_row = max(table.next_row, row_id + 1)
        bundle.touch(table.id, row_id, None)
        row = table.blank(row_id)
        for name, values in columns.items():
            row[name] = _writable(table, name).convert(values[position])
        table.rows[row_id] = row
        bundle.by_hand.setdefault(table.id, {}).setdefault(row_id, set()).update(columns)
        made.append(row_id)
    return made


def update_record(doc: StandinDocument, bundle: Bundle, table_id: str, row_id: int, fields: Row) -> None:
    if table_id == COLUMNS:
        update_column(doc, bundle, row_id, fields)
    elif table_id in doc.meta:
        if row_id not in doc.meta[table_id]:
            raise _missing_row(row_id)
        doc.meta[table_id][row_id].update(fields)
    else:
        bulk_update(doc, bundle, table_id, [row_id], {k: [v] for k, v in fields.items()})


def bulk_update(
    doc: StandinDocument, bundle: Bundle, table_id: str, ids: list[int], columns: dict[str, list[Any]]
) -> None:
    table = doc.table(table_id)
    for position, row_id in enumerate(ids):
        if row_id not in table.rows:
            raise _missing_row(row_id)
        row = table.rows[row_id]
        new = {n: _writable(table, n).convert(v[position]) for n, v in columns.items()}
        if any(row[name] != value for name, value in new.items()):
            bundle.touch(table.id, row_id, row)
            bundle.by_hand.setdefault(table.id, {}).setdefault(row_id, set()).update(new)
            row.update(new)


def _missing_row(row_id: int) -> Refusal:
    text = f"[Sandbox] AssertionError docactions.[Bulk]UpdateRecord for non-existent record #{row_id}"
    return Refusal(500, text)


def _writable(table: Table, name: str) -> Column:
    column = table.columns.get(name)
    if column is None:
        raise Refusal(500, f"[Sandbox] KeyError '{name}'")
    if column.is_formula and column.formula:
        text = f"[Sandbox] ValueError Can't save value to formula column {name}"
        raise Refusal(400, f"Error manipulating data: {text}")
    column.is_formula = False  # an empty column becomes data at its first value
    return column


def remove_record(doc: StandinDocument, bundle: Bundle, table_id: str, row_id: int) -> None:
    bulk_remove(doc, bundle, table_id, [row_id])


def bulk_remove(doc: StandinDocument, bundle: Bundle, table_id: str, ids: list[int]) -> None:
    table = doc.table(table_id)
    for row_id in ids:
        if row_id in table.rows:
            bundle.touch(table.id, row_id, table.rows.pop(row_id))


def create_view_section(
    doc: StandinDocument, bundle: Bundle, table_ref: int, view: int, kind: str, *_: Any
) -> dict[str, int]:
    if not any(t.ref == table_ref for t in doc.tables.values()):
        raise Refusal(500, "[Sandbox] KeyError \"'get_record' found no matching record\"")
    if not view:
        view = doc.add_meta("_grist_Views", {"name": "New page", "type": "empty", "layoutSpec": ""})
        doc.add_page(view)
    return {"tableRef": table_ref, "viewRef": view, "sectionRef": doc.add_section(table_ref, view, kind)}


def update_current_time(doc: StandinDocument, bundle: Bundle) -> None:
    """What Grist does each hour: formula columns with NOW() change in every row, and fire."""
    for table in doc.tables.values():
        for column in table.columns.values():
            if column.is_formula and column.tells_time:
                for row_id, row in table.rows.items():
                    bundle.touch(table.id, row_id, row)
                    row[column.id] = column.now()


ACTIONS: dict[str, Callable[..., Any]] = {
    "AddTable": add_table,
    "AddVisibleColumn": add_column,
    "AddColumn": add_column,
    "RemoveColumn": remove_column,
    "RemoveTable": remove_table,
    "AddRecord": add_record,
    "BulkAddRecord": bulk_add,
    "UpdateRecord": update_record,
    "BulkUpdateRecord": bulk_update,
    "RemoveRecord": remove_record,
    "BulkRemoveRecord": bulk_remove,
    "CreateViewSection": create_view_section,
    "UpdateCurrentTime": update_current_time,
    "Calculate": lambda doc, bundle: None,
}
