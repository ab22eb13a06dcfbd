"""What each address of a document answers, with Grist's own words for what it refuses."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any, NamedTuple

from .actions import COLUMNS, Refusal
from .document import AUTHOR, StandinDocument
from .history import INLINE_ROWS
from .table import Row, Table

Query = dict[str, list[str]]


class Who(NamedTuple):
    """Who asks: e-mail address, role, and whether something is hidden from them."""

    user: str
    role: str
    partial: bool


def answer(doc: StandinDocument, method: str, path: str, query: Query, body: Any, who: Who) -> Any:
    """Find the route, check the role, and answer. Raises `Refusal`."""
    for allowed, verb, pattern, route in ROUTES:
        match = re.fullmatch(pattern, path)
        if match and verb == method:
            if allowed == "owners" and who.role != "owners":
                raise Refusal(403, "No owner access")
            if allowed == "editors" and who.role == "viewers":
                raise Refusal(403, "No write access")
            if who.partial and path.startswith("compare"):
                raise Refusal(403, "insufficient access")
            token = AUTHOR.set(who.user)
            try:
                return route(doc, *match.groups(), body if body is not None else query)
            finally:
                AUTHOR.reset(token)
    raise Refusal(404, f"not found: /api/docs/{doc.id}/{path}")


def _table(doc: StandinDocument, name: str) -> Table:
    if name not in doc.tables:
        raise Refusal(404, f'Table not found "{name}"')
    return doc.tables[name]


def get_tables(doc: StandinDocument, query: Query) -> Any:
    return {"tables": [{"id": t.id, "fields": {
        "tableRef": t.ref, "primaryViewId": t.view, "summarySourceTable": 0, "onDemand": False,
        "rawViewSectionRef": t.ref * 3 - 1, "recordCardViewSectionRef": t.ref * 3}}
        for t in doc.tables.values()]}  # fmt: skip


def post_tables(doc: StandinDocument, body: Any) -> Any:
    for i, table in enumerate(body["tables"]):
        what = f"body.tables[{i}]"
        if not isinstance(table.get("columns"), list):
            details = f"Error: {what} is not a TablePost; {what}.columns is not an array"
            raise Refusal(400, "Invalid payload", details)
        if not table["columns"]:
            details = f"Error: {what} is not a TablePost; {what}.columns[0] is not an object"
            raise Refusal(400, "Invalid payload", details)
    actions = [
        ["AddTable", t.get("id"), [{**c.get("fields", {}), "id": c.get("id")} for c in t["columns"]]]
        for t in body["tables"]
    ]
    return {"tables": [{"id": v["table_id"]} for v in doc.apply(actions)["retValues"]]}


def get_columns(doc: StandinDocument, name: str, query: Query) -> Any:
    table = _table(doc, name)
    shown = table.columns.values() if query.get("hidden") else table.visible()
    return {"columns": [{"id": c.id, "fields": c.fields()} for c in shown]}


def post_columns(doc: StandinDocument, name: str, body: Any) -> Any:
    table = _table(doc, name)
    for i, column in enumerate(body["columns"]):
        deps = column.get("fields", {}).get("recalcDeps")
        if isinstance(deps, list) and deps[:1] != ["L"]:
            details = f"Error: body.columns[{i}].fields.recalcDeps is not a CellValue"
            raise Refusal(400, "Invalid payload", details)
    actions = [["AddVisibleColumn", table.id, c.get("id"), c.get("fields") or {}] for c in body["columns"]]
    return {"columns": [{"id": v["colId"]} for v in doc.apply(actions)["retValues"]]}


def patch_columns(doc: StandinDocument, name: str, body: Any) -> None:
    table = _table(doc, name)
    for column in body["columns"]:
        if column["id"] not in table.columns:
            raise Refusal(404, f'Column not found "{column["id"]}"')
    _same_fields(body["columns"])
    doc.apply([["UpdateRecord", COLUMNS, table.columns[c["id"]].ref, c["fields"]] for c in body["columns"]])


def delete_column(doc: StandinDocument, name: str, column: str, query: Query) -> None:
    doc.apply([["RemoveColumn", _table(doc, name).id, column]])


def _same_fields(entries: list[Row]) -> None:
    if len({tuple(sorted(e["fields"])) for e in entries}) > 1:
        raise Refusal(400, "PATCH requires all records to have same fields")


def get_records(doc: StandinDocument, name: str, query: Query) -> Any:
    wanted = _filter(query)
    if name in doc.meta:
        rows = {i: dict(r) for i, r in doc.meta[name].items()}
        return {"records": [{"id": i, "fields": r} for i, r in rows.items() if i in wanted.get("id", [i])]}
    with doc.lock:
        table = _table(doc, name)
        for column in wanted:
            if column != "id" and column not in table.columns:
                raise Refusal(400, f"Error manipulating data: [Sandbox] KeyError '{column}'")
        shown = [c.id for c in (table.columns.values() if query.get("hidden") else table.visible())]
        records = [
            {"id": i, "fields": {c: row[c] for c in shown}}
            for i, row in sorted(table.rows.items())
            if all((i if c == "id" else row[c]) in values for c, values in wanted.items())
        ]
        return {"records": records[: int(query["limit"][0])] if "limit" in query else records}


def _filter(query: Query) -> dict[str, list[Any]]:
    try:
        wanted = json.loads(query.get("filter", ["{}"])[0])
    except ValueError as error:
        raise Refusal(500, str(error)) from None
    if not all(isinstance(v, list) for v in wanted.values()):
        raise Refusal(400, "Invalid query: filter values must be arrays")
    return dict(wanted)


def post_records(doc: StandinDocument, name: str, body: Any) -> Any:
    table = _table(doc, name)
    if not body["records"]:
        details = "Error: body.records[0] is not a NewRecord; body.records[0] is not an object"
        raise Refusal(400, "Invalid payload", details)
    records = [r.get("fields", {}) for r in body["records"]]
    _known_columns(table, records)
    return {"records": [{"id": i} for i in doc.add_records(table.id, records)]}


def patch_records(doc: StandinDocument, name: str, body: Any) -> None:
    table = _table(doc, name)
    if not body["records"]:
        details = "Error: body.records[0] is not a Record; body.records[0] is not an object"
        raise Refusal(400, "Invalid payload", details)
    _same_fields(body["records"])
    _known_columns(table, [r["fields"] for r in body["records"]])
    for record in body["records"]:
        if record["id"] not in table.rows:
            raise Refusal(400, f"Invalid row id {record['id']}")
    columns = {name: [r["fields"][name] for r in body["records"]] for name in body["records"][0]["fields"]}
    doc.apply([["BulkUpdateRecord", table.id, [r["id"] for r in body["records"]], columns]])


def _known_columns(table: Table, records: list[Row]) -> None:
    for record in records:
        for column in record:
            if column not in table.columns:
                raise Refusal(400, f'Invalid column "{column}"')


def delete_records(doc: StandinDocument, name: str, body: Any) -> None:
    doc.delete(_table(doc, name).id, *body)


def apply(doc: StandinDocument, body: Any) -> Any:
    return doc.apply(body)


def force_reload(doc: StandinDocument, query: Query) -> None:
    doc.restart()


def get_webhooks(doc: StandinDocument, query: Query) -> Any:
    return {"webhooks": doc.webhooks.listed()}


def post_webhooks(doc: StandinDocument, body: Any) -> Any:
    return {"webhooks": [{"id": id} for id in doc.webhooks.create(body)]}


def patch_webhook(doc: StandinDocument, id: str, body: Any) -> Any:
    doc.webhooks.patch(id, body)
    return {"success": True}


def delete_webhook(doc: StandinDocument, id: str, query: Query) -> Any:
    doc.webhooks.delete(id)
    return {"success": True}


def clear_queue(doc: StandinDocument, id: str | None, query: Query) -> Any:
    doc.queue.clear(id)
    return {"success": True}


def states(doc: StandinDocument, query: Query) -> Any:
    return {"states": doc.history.states()}


def compare(doc: StandinDocument, query: Query) -> Any:
    with doc.lock:
        left = doc.history.find(query["left"][0])
        right = doc.history.find(query.get("right", ["HEAD"])[0])
        if left is None or right is None:
            raise Refusal(500, "Cannot read hash")
        rows = int(query["maxRows"][0]) if "maxRows" in query else INLINE_ROWS
        return doc.history.compare(left, right, rows)


def remove_states(doc: StandinDocument, body: Any) -> None:
    with doc.lock:
        doc.history.keep(int(body["keep"]))


ROUTES: list[tuple[str, str, str, Callable[..., Any]]] = [
    ("viewers", "GET", r"tables", get_tables),
    ("editors", "POST", r"tables", post_tables),
    ("viewers", "GET", r"tables/([^/]+)/columns", get_columns),
    ("editors", "POST", r"tables/([^/]+)/columns", post_columns),
    ("editors", "PATCH", r"tables/([^/]+)/columns", patch_columns),
    ("editors", "DELETE", r"tables/([^/]+)/columns/([^/]+)", delete_column),
    ("viewers", "GET", r"tables/([^/]+)/records", get_records),
    ("editors", "POST", r"tables/([^/]+)/records", post_records),
    ("editors", "PATCH", r"tables/([^/]+)/records", patch_records),
    ("editors", "POST", r"tables/([^/]+)/records/delete", delete_records),
    ("editors", "POST", r"apply", apply),
    ("editors", "POST", r"force-reload", force_reload),
    ("owners", "GET", r"webhooks", get_webhooks),
    ("owners", "POST", r"webhooks", post_webhooks),
    ("owners", "DELETE", r"webhooks/queue(?:/([^/]+))?", clear_queue),
    ("owners", "PATCH", r"webhooks/([^/]+)", patch_webhook),
    ("owners", "DELETE", r"webhooks/([^/]+)", delete_webhook),
    ("viewers", "GET", r"states", states),
    ("owners", "POST", r"states/remove", remove_states),
    ("viewers", "GET", r"compare", compare),
]
