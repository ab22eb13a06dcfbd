"""`interventions.grist` with its widget set for a test: a Grist document is a SQLite file."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

GIVEN = Path(__file__).parent / "interventions.grist"
WIDGET, PAGE, TABLE = 7, 3, 2
"""Row ids of the document: the widget's section, the page it is on, the table `Interventions`."""
GRID = 8


def prepare(
    folder: Path,
    url: str,
    options: dict[str, Any],
    *,
    access: str = "read table",
    only: dict[str, list[Any]] | None = None,
    grid: bool = False,
    cells: dict[int, dict[str, Any]] | None = None,
    renamed: dict[str, str] | None = None,
    mapped: list[str] | None = None,
) -> bytes:
    """Return the document with the widget's address and options.

    `only` filters its section (column id → the values that stay); `grid` puts a grid of the same table beside it, each
    selecting the other's row; `cells` replaces cells (row → column → value); `renamed` gives columns other ids, and
    maps all of them in the widget's settings; `mapped` maps these alone, each to itself.
    """
    path = folder / "prepared.grist"
    path.write_bytes(GIVEN.read_bytes())
    file = sqlite3.connect(path)
    try:
        _set_widget(file, {"url": url, "access": access, "widgetOptions": options})
        for column, values in (only or {}).items():
            [ref] = file.execute("SELECT id FROM _grist_Tables_column WHERE colId = ?", (column,)).fetchone()
            file.execute(
                "INSERT INTO _grist_Filters (viewSectionRef, colRef, filter, pinned) VALUES (?, ?, ?, 0)",
                (WIDGET, ref, json.dumps({"included": values})),
            )
        if grid:
            _add_grid(file)
        for row, fields in (cells or {}).items():
            sets = ", ".join(f'"{name}" = ?' for name in fields)
            file.execute(f"UPDATE Interventions SET {sets} WHERE id = ?", (*fields.values(), row))
        if renamed:
            _rename(file, renamed)
        if mapped is not None:
            columns = file.execute("SELECT colId, id FROM _grist_Tables_column WHERE parentId = ?", (TABLE,)).fetchall()
            _set_widget(file, {"columnsMapping": {name: ref for name, ref in columns if name in mapped}})
        file.commit()
    finally:
        file.close()
    return path.read_bytes()


def _set_widget(file: sqlite3.Connection, given: dict[str, Any]) -> None:
    [text] = file.execute("SELECT options FROM _grist_Views_section WHERE id = ?", (WIDGET,)).fetchone()
    options = json.loads(text)
    options["customView"] = json.dumps(json.loads(options["customView"]) | given)
    file.execute("UPDATE _grist_Views_section SET options = ? WHERE id = ?", (json.dumps(options), WIDGET))


def _rename(file: sqlite3.Connection, renamed: dict[str, str]) -> None:
    """Rename columns, and map all columns by their old ids."""
    columns = file.execute("SELECT id, colId FROM _grist_Tables_column WHERE parentId = ?", (TABLE,)).fetchall()
    for old, new in renamed.items():
        file.execute(f'ALTER TABLE Interventions RENAME COLUMN "{old}" TO "{new}"')
        file.execute("UPDATE _grist_Tables_column SET colId = ? WHERE parentId = ? AND colId = ?", (new, TABLE, old))
    _set_widget(file, {"columnsMapping": {name: ref for ref, name in columns if name != "manualSort"}})


def _add_grid(file: sqlite3.Connection) -> None:
    """Copy the widget's section as a grid, with its fields, and stand them one above the other."""
    names = [row[1] for row in file.execute("PRAGMA table_info(_grist_Views_section)")]
    copied = ", ".join(n for n in names if n not in ("id", "parentKey", "title", "options"))
    file.execute(
        f"INSERT INTO _grist_Views_section (id, parentKey, title, options, {copied}) "
        f"SELECT {GRID}, 'record', 'Grille', '', {copied} FROM _grist_Views_section WHERE id = {WIDGET}"
    )
    names = [row[1] for row in file.execute("PRAGMA table_info(_grist_Views_section_field)")]
    copied = ", ".join(n for n in names if n not in ("id", "parentId"))
    file.execute(
        f"INSERT INTO _grist_Views_section_field (parentId, {copied}) "
        f"SELECT {GRID}, {copied} FROM _grist_Views_section_field WHERE parentId = {WIDGET}"
    )
    # Each selects by the other: that is how the cursor goes both ways.
    for section, source in ((WIDGET, GRID), (GRID, WIDGET)):
        file.execute("UPDATE _grist_Views_section SET linkSrcSectionRef = ? WHERE id = ?", (source, section))
    layout = {"children": [{"leaf": WIDGET}, {"leaf": GRID}]}
    file.execute("UPDATE _grist_Views SET layoutSpec = ? WHERE id = ?", (json.dumps(layout), PAGE))
