"""The user actions that the stand-in knows (grist-core: sandbox/grist/useractions.py), each with its
traps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from .history import Bundle
from .identifiers import pick_column, pick_table
from .table import MANUAL_UPDATES, TYPES, Column, Row, Table

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
    bundle.table_renames.append([None, table.id])
    table.columns["manualSort"] = Column(
        "manualSort", doc.next_ref("column"), table.ref, "ManualSortPos", "manualSort", hidden=True
    )
    for info in columns:
        fields = {k: v for k, v in info.items() if k in KEPT_BY_ADD_TABLE}
        _make_column(doc, table, info.get("id"), {"isFormula": not fields.get("type")} | fields)
    made = list(table.columns.values())
    bundle.did("AddTable", table.id, [_described(c) | {"id": c.id} for c in made])
    bundle.did("AddRecord", "_grist_Tables", table.ref, {"tableId": table.id, "primaryViewId": 0})
    described = {"parentId": [table.ref] * len(made), "colId": [c.id for c in made]}
    bundle.did("BulkAddRecord", COLUMNS, [c.ref for c in made], described)
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
    bundle.rename_column(table.id, None, column.id)
    bundle.back.append(lambda: [row.pop(column.id, None) for row in table.rows.values()])
    bundle.did("AddColumn", table.id, column.id, _described(column))
    bundle.did("AddRecord", COLUMNS, column.ref, {"parentId": table.ref, "colId": column.id, **_described(column)})
    for row_id, row in table.rows.items():
        if column.is_formula:
            bundle.touch(table.id, row_id, row)
        row[column.id] = column.now() if column.is_formula and column.tells_time else column.default
    if column.is_formula and column.tells_time:
        _did_column(bundle, table, column)
    return {"colRef": column.ref, "colId": column.id}


def _described(column: Column) -> Row:
    return {"type": column.type, "isFormula": column.is_formula, "formula": column.formula}


def _did_column(bundle: Bundle, table: Table, column: Column) -> None:
    """Note that a column's values are others in every row."""
    ids = sorted(table.rows)
    bundle.did_to_rows("Update", table.id, ids, {column.id: [table.rows[i][column.id] for i in ids]})


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
        _rename_column(bundle, table, column, pick_column(wanted, others))
    known = {k: v for k, v in fields.items() if k in COLUMN_FIELDS}
    modified = {k: v for k, v in known.items() if k in ("type", "isFormula", "formula")}
    if modified:
        bundle.did("ModifyColumn", table.id, column.id, modified)
    if column.type != was_type:
        _convert(bundle, table, column)
    bundle.did("UpdateRecord", COLUMNS, ref, known | ({"colId": column.id} if wanted is not None else {}))
    if column.is_formula and (column.is_formula, column.formula) != was_formula:
        for row_id, row in table.rows.items():
            bundle.touch(table.id, row_id, row)
            row[column.id] = column.now() if column.tells_time else None
        _did_column(bundle, table, column)


def _convert(bundle: Bundle, table: Table, column: Column) -> None:
    changed = []
    for row_id, row in sorted(table.rows.items()):
        value = column.convert(row[column.id])
        if value != row[column.id]:
            bundle.touch(table.id, row_id, row)
            row[column.id] = value
            changed.append(row_id)
    bundle.did_to_rows("Update", table.id, changed, {column.id: [table.rows[i][column.id] for i in changed]})


def rename_column(doc: StandinDocument, bundle: Bundle, table_id: str, old: str, wanted: str) -> str:
    table = doc.table(table_id)
    if old not in table.columns:
        raise Refusal(500, f"[Sandbox] KeyError '{old}'")
    column = table.columns[old]
    _rename_column(bundle, table, column, pick_column(wanted, [c for c in table.columns if c != old]))
    bundle.did("UpdateRecord", COLUMNS, column.ref, {"colId": column.id})
    return column.id


def _rename_column(bundle: Bundle, table: Table, column: Column, new: str) -> None:
    old = column.id
    if new == old:
        return
    bundle.rename_column(table.id, old, new)
    table.rename(old, new)
    bundle.back.append(lambda: table.rename(new, old))
    bundle.did("RenameColumn", table.id, old, new)


def rename_table(doc: StandinDocument, bundle: Bundle, old: str, wanted: str) -> str:
    table = doc.table(old)
    new = pick_table(wanted, [t for t in doc.tables if t != old])
    if new != old:
        bundle.rename_table(old, new)
        _move(doc, table, new)
        bundle.back.append(lambda: _move(doc, table, old))
        bundle.did("RenameTable", old, new)
        bundle.did("UpdateRecord", "_grist_Tables", table.ref, {"tableId": new})
    return new


def _move(doc: StandinDocument, table: Table, name: str) -> None:
    doc.tables = {name if t is table else t.id: t for t in doc.tables.values()}
    table.id = name


def remove_column(doc: StandinDocument, bundle: Bundle, table_id: str, name: str) -> None:
    table = doc.table(table_id)
    column = table.columns.pop(name)
    values = {row_id: row[name] for row_id, row in table.rows.items()}

    def put_back() -> None:
        table.columns[name] = column
        for row_id, value in values.items():
            if row_id in table.rows:
                table.rows[row_id].setdefault(name, value)

    bundle.back.append(put_back)
    bundle.rename_column(table.id, name, None)
    bundle.did("RemoveRecord", COLUMNS, column.ref)
    bundle.did("RemoveColumn", table.id, name)
    for row_id, row in table.rows.items():
        if column.is_formula:
            bundle.touch(table.id, row_id, row)
        del row[name]


def remove_table(doc: StandinDocument, bundle: Bundle, table_id: str) -> None:
    table = doc.table(table_id)
    del doc.tables[table.id]
    bundle.table_renames.append([table.id, None])
    bundle.before[f"-{table.id}"] = {**{i: dict(r) for i, r in table.rows.items()}, **bundle.before.pop(table.id, {})}
    bundle.did("BulkRemoveRecord", COLUMNS, [c.ref for c in table.columns.values()])
    bundle.did("RemoveRecord", "_grist_Tables", table.ref)
    bundle.did("RemoveTable", table.id)


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
    given = {name: [table.rows[i][name] for i in made] for name in (*columns, "manualSort")}
    bundle.did_to_rows("Add", table.id, made, given)
    for column in sorted(table.columns.values(), key=lambda c: c.id):
        if column.tells_time and column.id not in columns and column.recalc_when != MANUAL_UPDATES:
            _tell_results(bundle, table, column, made)
    return made


def _tell_results(bundle: Bundle, table: Table, column: Column, ids: Sequence[int]) -> None:
    """Note what a formula or a trigger gave: an action of its own for each column."""
    rows = [i for i in ids if i in table.rows]
    bundle.did_to_rows("Update", table.id, rows, {column.id: [table.rows[i][column.id] for i in rows]})


def update_record(doc: StandinDocument, bundle: Bundle, table_id: str, row_id: int, fields: Row) -> None:
    if table_id == COLUMNS:
        update_column(doc, bundle, row_id, fields)
    elif table_id in doc.meta:
        if row_id not in doc.meta[table_id]:
            raise _missing_row(row_id)
        doc.meta[table_id][row_id].update(fields)
        bundle.did("UpdateRecord", table_id, row_id, fields)
    else:
        bulk_update(doc, bundle, table_id, [row_id], {k: [v] for k, v in fields.items()})


def bulk_update(
    doc: StandinDocument, bundle: Bundle, table_id: str, ids: list[int], columns: dict[str, list[Any]]
) -> None:
    table = doc.table(table_id)
    changed = []
    for position, row_id in enumerate(ids):
        if row_id not in table.rows:
            raise _missing_row(row_id)
        row = table.rows[row_id]
        new = {n: _writable(table, n).convert(v[position]) for n, v in columns.items()}
        if any(row[name] != value for name, value in new.items()):
            bundle.touch(table.id, row_id, row)
            bundle.by_hand.setdefault(table.id, {}).setdefault(row_id, set()).update(new)
            row.update(new)
            changed.append(row_id)
    new_values = {name: [table.rows[i][name] for i in changed] for name in columns}
    bundle.did_to_rows("Update", table.id, changed, new_values)


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
    removed = [row_id for row_id in ids if row_id in table.rows]
    for row_id in removed:
        bundle.touch(table.id, row_id, table.rows.pop(row_id))
    if len(removed) == 1:
        bundle.did("RemoveRecord", table.id, removed[0])
    elif removed:
        bundle.did("BulkRemoveRecord", table.id, removed)


def replace_table_data(
    doc: StandinDocument, bundle: Bundle, table_id: str, ids: list[int], columns: dict[str, list[Any]]
) -> None:
    """Put these rows in the place of all: one action, whatever was there."""
    table = doc.table(table_id)
    said = len(bundle.doc_actions)
    bulk_remove(doc, bundle, table_id, sorted(table.rows))
    bulk_add(doc, bundle, table_id, list(ids), columns)
    given = {name: [table.rows[i][name] for i in ids] for name in (*columns, "manualSort")}
    results = [a for a in bundle.doc_actions[said:] if a[0].endswith("UpdateRecord")]
    bundle.doc_actions[said:] = [["ReplaceTableData", table.id, list(ids), given], *results]


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
                _did_column(bundle, table, column)


ACTIONS: dict[str, Callable[..., Any]] = {
    "AddTable": add_table,
    "AddVisibleColumn": add_column,
    "AddColumn": add_column,
    "RemoveColumn": remove_column,
    "RenameColumn": rename_column,
    "RenameTable": rename_table,
    "ReplaceTableData": replace_table_data,
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
