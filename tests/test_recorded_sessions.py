"""The recorded websocket sessions are what the README beside them says: pushes lead from `before` to `after`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).parent / "payloads" / "websocket"
SESSIONS = {p.stem: json.loads(p.read_text("utf-8")) for p in sorted(FOLDER.glob("*.json"))}
DEFAULTS = {"Text": "", "Choice": "", "Numeric": 0, "Int": 0, "Bool": False, "Ref": 0}
TYPES = {
    "Titre": "Text", "Statut": "Choice", "Montant": "Numeric", "Nombre": "Int", "Pret": "Bool", "Lieu": "Ref",
    "Ville": "Text", "Double": "Numeric", "Inverse": "Numeric", "Auteur": "Text", "Sujet": "Text", "Objet": "Text",
}  # fmt: skip
"""The types of the recorded tables' columns, whose defaults an AddRecord leaves out; the others' is null."""

WHOLE = [
    n for n, s in SESSIONS.items() if s.get("before") and s.get("after") and n not in ("undo-remove-table", "replaced")
]
Rows = dict[int, dict[str, Any]]


def pushes(session: dict[str, Any]) -> list[dict[str, Any]]:
    messages = [s["recv"] for s in session["steps"] if "recv" in s]
    return [m["data"] for m in messages if m.get("type") == "docUserAction"]


def plain(value: Any) -> Any:
    """Read a cell as GET /records shows it: an error is null."""
    return None if isinstance(value, list) and value[:1] == ["E"] else value


def replay(action: list[Any], tables: dict[str, Rows]) -> None:
    kind, name, *rest = action
    rows = tables.get(name, {})
    if kind == "RenameTable" and name in tables:
        tables[rest[0]] = tables.pop(name)
    elif kind == "RenameColumn":
        for row in rows.values():
            row[rest[1]] = row.pop(rest[0])
    elif kind == "RemoveColumn":
        for row in rows.values():
            del row[rest[0]]
    elif kind == "AddColumn":
        for row in rows.values():
            row[rest[0]] = DEFAULTS.get(rest[1]["type"].split(":")[0])
    elif kind in ("RemoveRecord", "BulkRemoveRecord"):
        for row_id in rest[0] if kind.startswith("Bulk") else [rest[0]]:
            rows.pop(row_id, None)
    elif kind.endswith("Record") or kind == "ReplaceTableData":
        many = not kind.startswith(("Add", "Update"))
        ids = rest[0] if many else [rest[0]]
        columns = rest[1] if many else {k: [v] for k, v in rest[1].items()}
        names = {c for row in rows.values() for c in row} | set(columns)
        if kind == "ReplaceTableData":
            rows.clear()
        for position, row_id in enumerate(ids):
            if "Update" not in kind and name in tables:
                rows[row_id] = {c: DEFAULTS.get(TYPES.get(c, "")) for c in names}
            if row_id in rows:
                rows[row_id].update({c: plain(v[position]) for c, v in columns.items()})


@pytest.mark.parametrize("name", WHOLE)
def test_the_pushes_of_a_session_lead_from_before_to_after(name: str) -> None:
    session = SESSIONS[name]
    before, after = ({r["id"]: r["fields"] for r in session[key]} for key in ("before", "after"))
    touched = [a[1] for p in pushes(session) for a in p["docActions"] if not a[1].startswith(("_grist", "Grist"))]
    tables: dict[str, Rows] = {next((t for t in touched if t != "Lieux"), "T"): before}
    for push in pushes(session):
        for action in push["docActions"]:
            replay(action, tables)
    assert list(tables.values()) == [after]


@pytest.mark.parametrize("name", [n for n, s in SESSIONS.items() if "head_before" in s])
def test_numbers_rise_by_one_from_head_to_head(name: str) -> None:
    session = SESSIONS[name]
    groups = [p["actionGroup"] for p in pushes(session)]
    start, end = session["head_before"], session["head_after"]
    assert [g["actionNum"] for g in groups] == list(range(start["n"] + 1, end["n"] + 1))
    assert (groups[-1]["actionHash"] if groups else start["h"]) == end["h"]


def test_what_the_sessions_show_of_their_end() -> None:
    closed = {n: [s["closed"]["code"] for s in x["steps"] if "closed" in s] for n, x in SESSIONS.items()}
    for name in ("force-reload", "replaced", "document-trashed", "document-deleted", "key-revoked", "server-stopped"):
        assert closed[name][0] == 1006, name
    for name in ("access-lost", "rules-added", "partial-reader"):
        assert closed[name] == []
    assert [p["actionGroup"]["actionNum"] for p in pushes(SESSIONS["partial-reader"])] == [10, 11, 13, 14, 16]


def test_no_secret_and_no_host_is_in_them() -> None:
    text = "".join(p.read_text("utf-8") for p in FOLDER.iterdir())
    assert "127.0.0.1" not in text and "localhost" not in text and "Bearer e" not in text
    assert text.count("Bearer") == text.count("Bearer KEY")
