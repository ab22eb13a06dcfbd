"""Reconcile: compare a board with its Grist table, and commit what differs.

It fills a new board, finds rows that no webhook told of, and is the only way in which webhooks alone learn of
deletions.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Protocol

from grist_live.board import Board
from grist_live.change import BodyError, read_records
from grist_live.errors import UserError
from grist_live.grist import State
from grist_live.journal import WHOLE_TABLE, EpochError, Journal

log = logging.getLogger(__name__)
TRIES = 3
CHUNK = 200
"""Row ids per request: they stand in the address."""


class Table(Protocol):
    """What reconcile needs of a document; `grist.Document` has it."""

    def records_body(self, table: str, row_ids: Collection[int] | None = None) -> bytes: ...

    def head(self) -> State: ...

    def compare(self, left: str, right: str = "HEAD") -> dict[str, Any]: ...


@dataclass(frozen=True, slots=True)
class Result:
    """What a reconcile found: rows read, changes logged, whether it was the board's first fill, seconds taken."""

    rows: int
    changes: int
    first: bool
    seconds: float


class ReconcileError(UserError):
    """The table could not be compared; the message says what to do."""


def reconcile(journal: Journal, board: Board, table: Table) -> Result:
    """Make the board equal to the whole table.

    Steps:
    1. Note the board's position, then read the table between two looks at the document's state: a reading counts
       only if nothing changed meanwhile. On a table that never rests, the rows that did change are left out.
    2. Commit. Rows that were pushed after the noted position are newer than the reading, and skipped there.
    3. On the first fill nothing is logged; one reset tells the viewers.

    Raises `ReconcileError`, grist's errors, or one of `journal.Unavailable`.
    """
    began = time.monotonic()
    journal.adopt(board)
    for _ in range(TRIES):
        head = journal.head(board)
        rows, moving = _read(board, table)
        gone = journal.row_ids(board) - {row for row, _ in rows}
        changes = [(row, text) for row, text in rows if row not in moving]
        changes += [(row, b"") for row in sorted(gone - moving)]
        first = not head.complete
        try:
            commit = journal.commit(board, changes, "reconcile", since=head.id, fill=first)
        except EpochError:
            continue  # Redis restarted, or another process filled the board: our position means nothing any more
        if first:
            journal.filled(board)
        if moving or commit.skipped:
            log.info("board %s: %d rows left to the pushes", board.name, len(moving) + len(commit.skipped))
        return Result(len(rows), commit.new, first, time.monotonic() - began)
    raise ReconcileError(f"board {board.name}: the journal began anew {TRIES} times; try again")


def _read(board: Board, table: Table) -> tuple[list[tuple[int, bytes]], set[int]]:
    """Read the whole table; return its rows, and those that changed while it was read."""
    before = table.head().h
    for last in (False, False, True):
        rows = _rows(board, table.records_body(board.table))
        after = table.head().h
        if after == before:
            return rows, set()
        if last:
            return rows, _touched(table.compare(before, after), board.table)
        before = after
    raise AssertionError("unreachable")


def _touched(comparison: dict[str, Any], table: str) -> set[int]:
    """Return the rows of a table that a comparison names; Grist lists them all, however many."""
    deltas = comparison["details"]["rightChanges"]["tableDeltas"].get(table, {})
    return {row for kind in ("addRows", "updateRows", "removeRows") for row in deltas.get(kind, ())}


def _rows(board: Board, body: bytes) -> list[tuple[int, bytes]]:
    try:
        return read_records(body, board)
    except BodyError as error:
        raise ReconcileError(f"board {board.name}: {error}") from None


def reread(journal: Journal, board: Board, table: Table, row_ids: Collection[int]) -> int:
    """Read single rows again and commit them; rows that are gone are removed. Return how many changed."""
    ids, changes = sorted(row_ids), 0
    for start in range(0, len(ids), CHUNK):
        part = ids[start : start + CHUNK]
        position = journal.head(board).id
        rows = _rows(board, table.records_body(board.table, part))
        found = {row for row, _ in rows}
        rows += [(row, b"") for row in part if row not in found]
        changes += journal.commit(board, rows, "reconcile", since=position).new
    return changes


def pay(journal: Journal, board: Board, table: Table) -> bool:
    """Read from Grist what is owed to the board; tell whether anything was."""
    owed = journal.owed(board)
    if not owed:
        return False
    if WHOLE_TABLE in owed:
        reconcile(journal, board, table)
    else:
        reread(journal, board, table, [int(row) for row in owed])
    journal.pay(board, owed)
    return True
