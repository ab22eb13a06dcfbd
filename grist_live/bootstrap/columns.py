"""A board's columns in a Grist table: which is which, what is missing, what to repair, what is a trap."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from grist_live.board import Board, Column
from grist_live.bootstrap.plan import Mark, Note
from grist_live.grist import Entry

MANUAL_UPDATES = 2
"""Grist's `recalcWhen`: 0 when the row is created or a named column changes, 1 never, 2 at any change by hand."""

FITS = {
    "Choice": ("Choice", "Any"),
    "Numeric": ("Numeric", "Int", "Any"),
    "DateTime": ("DateTime", "Date", "Any"),
}
"""Types that do as well as the declared one; anything does for Text."""


@dataclass
class Columns:
    """What a look at the table's columns gave. Ids are Grist's; `repairs` is colRef → fields."""

    ids: dict[str, str] = field(default_factory=dict)
    missing: list[Column] = field(default_factory=list)
    left_out: list[Column] = field(default_factory=list)
    repairs: dict[int, dict[str, Any]] = field(default_factory=dict)
    notes: list[Note] = field(default_factory=list)

    def note(self, mark: Mark, text: str, hint: str = "") -> None:
        self.notes.append(Note(mark, text, hint))


def inspect(board: Board, there: list[Entry]) -> Columns:
    """Compare the declared columns with those that are there."""
    found = Columns()
    known = recognise(board, there, found)
    for column in board.columns:
        entry = known.get(column.id)
        if entry is not None:
            found.ids[column.id] = entry["id"]
            _check(column, entry, found)
        elif column.optional:
            found.left_out.append(column)
        else:
            found.missing.append(column)
    untied = [known[c] for c in known if not known[c]["fields"].get("untieColIdFromLabel")]
    for entry in untied:
        found.repairs.setdefault(entry["fields"]["colRef"], {})["untieColIdFromLabel"] = True
    if untied:
        names = ", ".join(e["id"] for e in untied)
        found.note("repair", f"a new label would rename the ids of {names}: they get tied to the id they have")
    return found


def recognise(board: Board, there: list[Entry], found: Columns) -> dict[str, Entry]:
    """Match declared columns (by their id) with Grist's: first by id, then by label, accents and case aside."""
    known: dict[str, Entry] = {}
    left = list(there)
    for same in (_same_id, _like_id, _same_label):
        for column in board.columns:
            hits = [] if column.id in known else [e for e in left if same(column, e)]
            if not hits:
                continue
            known[column.id] = hits[0]
            left.remove(hits[0])
            if len(hits) > 1:
                others = ", ".join(e["id"] for e in hits[1:])
                found.note(
                    "trap",
                    f"several columns could be {column.id}: {hits[0]['id']} is taken, not {others}",
                    f"Rename the others, or set column_ids.{column.id} in the configuration",
                )
    return known


def _same_id(column: Column, entry: Entry) -> bool:
    return bool(entry["id"] == column.id)


def _like_id(column: Column, entry: Entry) -> bool:
    return fold(entry["id"]) == fold(column.id)


def _same_label(column: Column, entry: Entry) -> bool:
    # A column without a label of its own is made with its id as the label.
    names = {fold(t) for t in (column.id, *column.label.values())} - {""}
    return fold(entry["fields"].get("label") or "") in names


def fold(text: str) -> str:
    """Reduce a name to what people take as the same: no accents, no case, letters and digits only."""
    plain = unicodedata.normalize("NFKD", text).casefold()
    return "".join(c for c in plain if c.isascii() and c.isalnum())


def _check(column: Column, entry: Entry, found: Columns) -> None:
    fields = entry["fields"]
    name = f'column {entry["id"]} (labelled "{fields.get("label")}")' if entry["id"] != column.id else ""
    name = f"{name}, recognised as {column.id}," if name else f"column {column.id}"
    repair: dict[str, Any] = {}
    before = len(found.notes)
    if fields["isFormula"] and not fields["formula"]:
        repair |= _fill_empty(column, fields)
        found.note("repair", f"{name} is an empty formula column: becomes {_kind(column)}")
    elif column.trigger:
        repair |= _check_trigger(column, name, fields, found.note)
    else:
        _check_data(column, name, fields, found.note)
    if column.choices and fields["type"] == "Choice":
        repair |= _missing_choices(column, name, fields, found.note)
    if repair:
        found.repairs[fields["colRef"]] = repair
    if len(found.notes) == before:
        found.note("ok", name.rstrip(","))


def _kind(column: Column) -> str:
    return f"a trigger column ({column.trigger} at each change)" if column.trigger else f"{column.type} data"


def _fill_empty(column: Column, fields: dict[str, Any]) -> dict[str, Any]:
    """Make a column that nobody has used yet (a new one of Grist's) what the board declares."""
    new = fields_of(column, "")
    keep = ("type", "widgetOptions", "label") if fields["type"] != "Any" else ("label",)
    return {k: v for k, v in new.items() if k not in keep}


def _check_trigger(column: Column, name: str, fields: dict[str, Any], note: Callable[..., None]) -> dict[str, Any]:
    formula, same = fields["formula"], _bare(fields["formula"]) == _bare(column.trigger)
    make = f"Make it a trigger column in Grist: formula {column.trigger}, applied on any change to the record"
    if fields["isFormula"]:
        if not same:
            note("trap", f"{name} is a formula column ({formula}): it doesn't tell when a row changed", make)
            return {}
        note(
            "repair",
            f"{name} is a formula column, which changes in every row every hour: becomes {_kind(column)}",
        )
        typed = {"type": column.type} if fields["type"] == "Any" else {}
        return {"isFormula": False, "formula": column.trigger, "recalcWhen": MANUAL_UPDATES} | typed
    if not fields["type"].startswith("DateTime"):
        note("trap", f"{name} has the type {fields['type']}", f"Set it to {column.type} in Grist")
    if not formula:
        note("trap", f"{name} is filled by hand: nothing sets it when a row changes", make)
    elif fields.get("recalcDeps"):
        note("ok", f"{name} (set when columns change that you chose)")
    elif fields.get("recalcWhen") != MANUAL_UPDATES:
        if same:
            note("repair", f"{name} is set only when a row is created: becomes {_kind(column)}")
            return {"recalcWhen": MANUAL_UPDATES}
        note("trap", f"{name} ({formula}) is set only when a row is created", make)
    return {}


def _bare(formula: str) -> str:
    return "".join(formula.split()).removeprefix("=").removeprefix("return")


def _check_data(column: Column, name: str, fields: dict[str, Any], note: Callable[..., None]) -> None:
    formula = fields["formula"] if fields["isFormula"] else ""
    if "NOW()" in formula or "TODAY()" in formula:
        note(
            "trap",
            f"{name} is a formula with the current time: every row changes every hour, and all are sent",
            "Use a trigger column, or take the time out of the formula",
        )
    elif formula:
        note("ok", f"{name.rstrip(',')} (a formula: it can't be written)")
    wanted, kind = column.type.split(":")[0], fields["type"].split(":")[0]
    if kind in ("Ref", "RefList", "Attachments", "ChoiceList"):
        note(
            "trap",
            f"{name} has the type {fields['type']}: Grist sends row numbers or lists, not the text one sees",
            f"Add a formula column with the text, and set column_ids.{column.id} to its id",
        )
    elif wanted == "Choice" and kind == "Text":
        note("ok", f"{name} (Text, where a Choice offers the values and colours)")
    elif kind not in FITS.get(wanted, (kind,)):
        note("trap", f"{name} has the type {fields['type']}", f"Set it to {column.type} in Grist")


def _missing_choices(column: Column, name: str, fields: dict[str, Any], note: Callable[..., None]) -> dict[str, Any]:
    try:
        options = json.loads(fields["widgetOptions"] or "{}")
    except ValueError:
        options = {}
    there = options.get("choices") or []
    ours = [c for c in column.choices if c.value not in there]
    if not ours:
        return {}
    note("repair", f"{name} lacks the choices {', '.join(c.value for c in ours)}: they are added")
    colours = json.loads(widget_options(column))["choiceOptions"]
    options["choices"] = [*there, *(c.value for c in ours)]
    options["choiceOptions"] = {c.value: colours[c.value] for c in ours} | (options.get("choiceOptions") or {})
    return {"widgetOptions": json.dumps(options, ensure_ascii=False)}


def fields_of(column: Column, language: str) -> dict[str, Any]:
    """Return the fields of a new column. isFormula must be said, else Grist makes an empty formula column."""
    fields: dict[str, Any] = {"type": column.type, "label": column.title(language), "isFormula": False}
    if column.trigger:
        fields |= {"formula": column.trigger, "recalcWhen": MANUAL_UPDATES}
    options = widget_options(column)
    return fields | ({"widgetOptions": options} if options else {})


def widget_options(column: Column) -> str:
    """Return Grist's `widgetOptions`: choices with their colours, or how a time is written."""
    if column.choices:
        colours = {c.value: {"fillColor": c.fill, "textColor": c.color} for c in column.choices}
        options: dict[str, Any] = {"choices": [c.value for c in column.choices], "choiceOptions": colours}
    elif column.type.startswith("DateTime"):
        options = {"dateFormat": "DD/MM/YYYY", "timeFormat": "HH:mm:ss"}
    else:
        return ""
    return json.dumps(options, ensure_ascii=False)
