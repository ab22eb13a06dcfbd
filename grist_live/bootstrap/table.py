"""The board's table: found or created, its columns completed and repaired."""

from __future__ import annotations

import re
from collections.abc import Mapping

import msgspec

from grist_live.board import Board
from grist_live.bootstrap.columns import Columns, fields_of, fold, inspect
from grist_live.bootstrap.plan import BootstrapError, Job, Plan

TABLE_ID = re.compile(r"[A-Za-z][A-Za-z0-9_]*")


def look(job: Job, plan: Plan) -> None:
    """Find the table, say what its columns are, and plan what is missing."""
    if not TABLE_ID.fullmatch(job.board.table):
        raise BootstrapError(
            f"{job.board.table!r} is no Grist table id: use letters, digits and _, starting with a letter"
        )
    if not find(job):
        columns = ", ".join(c.id for c in job.board.columns)
        plan.note("add", f"table {job.board.table} with the columns {columns}")
        plan.step(f"created table {job.board.table}", lambda: _create(job))
        return
    plan.note("ok", f"table {job.board.table}")
    found = _inspect(job)
    plan.notes += found.notes
    for column in found.missing:
        plan.note("add", f'column {column.id} (labelled "{column.title(job.language)}", {column.type})')
    if found.left_out:
        names = ", ".join(c.id for c in found.left_out)
        plan.note("ok", f"without the optional {names} (add them in Grist if you want them)")
    if found.missing or found.repairs:
        plan.step(f"completed the columns of {job.board.table}", lambda: _complete(job))


def find(job: Job) -> bool:
    """Find the table by its id, case aside (Grist would make `Interventions2`), and note its real id."""
    tables = job.document.tables()
    same = [t for t in tables if t["id"] == job.board.table]
    like = [t for t in tables if fold(t["id"]) == fold(job.board.table)]
    for table in (same or like)[:1]:
        job.board = msgspec.structs.replace(job.board, table=table["id"])
        fields = table["fields"]
        job.table_ref, job.raw_ref = fields["tableRef"], fields.get("rawViewSectionRef") or 0
        job.card_ref = fields.get("recordCardViewSectionRef") or 0
        return True
    return False


def _inspect(job: Job) -> Columns:
    """Compare the columns, and note the ids that they really have."""
    there = job.document.columns(job.board.table)
    found = inspect(job.board, there)
    job.board = with_ids(job.board, found.ids)
    job.present = frozenset(found.ids.values())
    job.read_only = frozenset(
        e["id"] for e in there if e["fields"]["isFormula"] and "isFormula" not in _repair(found, e["fields"])
    )
    return found


def _repair(found: Columns, fields: Mapping[str, int]) -> Mapping[str, object]:
    return found.repairs.get(fields["colRef"], {})


def _create(job: Job) -> None:
    """Create the table, then complete it: POST /tables drops recalcWhen and untieColIdFromLabel."""
    columns = [{"id": c.id, "fields": fields_of(c, job.language)} for c in job.board.columns]
    given = job.document.add_table(job.board.table, columns)
    if fold(given) != fold(job.board.table):
        raise BootstrapError(
            f"somebody else made a table {job.board.table} just now, and ours became {given}: remove one of "
            "them in Grist and run this again"
        )
    find(job)
    _complete(job)


def _complete(job: Job) -> None:
    """Add the missing columns, then repair all in one bundle; looks again first, so it may be repeated."""
    missing = _inspect(job).missing
    if missing:
        columns = [{"id": c.id, "fields": fields_of(c, job.language)} for c in missing]
        given = job.document.add_columns(job.board.table, columns)
        job.board = with_ids(job.board, {c.id: id for c, id in zip(missing, given, strict=True)})
    repairs = _inspect(job).repairs
    if repairs:
        job.document.update_columns(repairs)


def with_ids(board: Board, ids: Mapping[str, str]) -> Board:
    """Return the board with the column ids (declared → real) of the document, kept in `column_ids`."""
    declared = {real: preset for preset, real in board.column_ids.items()}
    column_ids = dict(board.column_ids)
    for now, real in ids.items():
        preset = declared.get(now, now)
        column_ids[preset] = real
    column_ids = {preset: real for preset, real in column_ids.items() if preset != real}
    columns = tuple(msgspec.structs.replace(c, id=ids.get(c.id, c.id)) for c in board.columns)
    return msgspec.structs.replace(board, columns=columns, column_ids=column_ids)
