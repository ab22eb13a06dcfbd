"""Tables, columns and cell values of the stand-in."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

Row = dict[str, Any]
DEFAULTS = {"Text": "", "Choice": "", "Numeric": 0, "Int": 0, "Bool": False, "Ref": 0, "ManualSortPos": None}
TYPES = (*DEFAULTS, "Any", "Date", "DateTime", "ChoiceList", "RefList", "Attachments")
MANUAL_UPDATES = 2


@dataclass
class Column:
    """A column, with the fields that GET /columns answers."""

    id: str
    ref: int
    parent: int
    type: str = "Any"
    label: str = ""
    is_formula: bool = False
    formula: str = ""
    widget_options: str = ""
    untie: bool = False
    recalc_when: int = 0
    recalc_deps: list[Any] | None = None
    description: str = ""
    hidden: bool = False

    @property
    def kind(self) -> str:
        return self.type.split(":")[0]

    @property
    def default(self) -> Any:
        return DEFAULTS.get(self.kind)

    @property
    def tells_time(self) -> bool:
        return self.formula.strip() == "NOW()"

    def fields(self) -> dict[str, Any]:
        return {
            "colRef": self.ref, "label": self.label, "isFormula": self.is_formula, "type": self.type,
            "parentId": self.parent, "parentPos": self.ref, "widgetOptions": self.widget_options,
            "formula": self.formula, "description": self.description, "untieColIdFromLabel": self.untie,
            "summarySourceCol": 0, "displayCol": 0, "visibleCol": 0, "rules": None, "reverseCol": 0,
            "recalcWhen": self.recalc_when, "recalcDeps": self.recalc_deps,
        }  # fmt: skip

    def convert(self, value: Any) -> Any:
        """Read a value as Grist does; what doesn't fit stays as text."""
        if self.kind == "DateTime" and isinstance(value, list) and value[:1] == ["D"]:
            return value[1]
        if self.kind == "Date" and isinstance(value, str):
            try:
                return int(datetime.fromisoformat(value).replace(tzinfo=UTC).timestamp())
            except ValueError:
                return value
        if self.kind == "DateTime" and isinstance(value, str):
            zone = ZoneInfo(self.type.partition(":")[2] or "UTC")
            try:
                return int(datetime.fromisoformat(value).replace(tzinfo=zone).timestamp())
            except ValueError:
                return value
        if self.kind in ("Numeric", "Int") and isinstance(value, str):
            try:
                return float(value) if "." in value else int(value)
            except ValueError:
                return value
        return value

    def now(self) -> Any:
        """What NOW() gives here: a number, or a typed value in a column without a type."""
        return ["D", time.time(), "UTC"] if self.kind == "Any" else time.time()


@dataclass
class Table:
    """A table: columns in order (`manualSort` first, hidden) and rows by id."""

    id: str
    ref: int
    view: int = 0
    columns: dict[str, Column] = field(default_factory=dict)
    rows: dict[int, Row] = field(default_factory=dict)
    next_row: int = 1

    def visible(self) -> list[Column]:
        return [c for c in self.columns.values() if not c.hidden]

    def rename(self, old: str, new: str) -> None:
        self.columns = {new if k == old else k: c for k, c in self.columns.items()}
        self.columns[new].id = new
        for row in self.rows.values():
            row[new] = row.pop(old)

    def blank(self, row_id: int) -> Row:
        """A new row: defaults, and what formulas and triggers give at creation."""
        row: Row = {}
        for column in self.columns.values():
            fires = column.tells_time and (column.is_formula or column.recalc_when in (0, MANUAL_UPDATES))
            row[column.id] = column.now() if fires else column.default
        row["manualSort"] = row_id
        return row
