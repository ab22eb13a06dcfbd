"""Reconcile: compare a board with its Grist table, and commit what differs.

It fills a new board, finds what no webhook told, and is the way back after any gap. It asks Grist what was touched
since the state that the board is of; the whole table is read only where Grist can't tell.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass

import msgspec

from grist_live.actions import Layout, State
from grist_live.board import Board
from grist_live.journal import WHOLE_TABLE, Commit, EpochError, Journal, OldStateError
from grist_live.sources.reading import (
    LayoutChangedError,
    Reading,
    ReadingError,
    Table,
    read_layout,
    read_since,
    read_whole,
)

log = logging.getLogger(__name__)
TRIES = 5
_layout = msgspec.json.Decoder(Layout)


@dataclass(frozen=True, slots=True)
class Result:
    """What a reconcile found: rows read, changes logged, whether it was the board's first fill, whether the whole
    table was read, seconds taken."""

    rows: int
    changes: int
    first: bool
    whole: bool
    seconds: float


@dataclass(frozen=True, slots=True)
class Writer:
    """How a reconcile may write: with which fence, and who is told of what was committed."""

    fence: bytes = b""
    told: Callable[[Commit], object] = lambda commit: None


PLAIN = Writer()


def reconcile(journal: Journal, board: Board, table: Table, writer: Writer = PLAIN, whole: bool = False) -> Result:
    """Make the board equal to the table.

    Steps:
    1. Note the board's position and the document's state that it is of, then read what was touched since that state,
       or the whole table: on the first fill, when `whole` asks for it, when the state is forgotten or unknown.
    2. Commit. Rows that were pushed after the noted position are newer than the reading: they are skipped, and owed.
    3. On the first fill nothing is logged; one reset tells the viewers.

    Raises `ReadingError`, grist's errors, `FencedError`, or one of `journal.Unavailable`.
    """
    began = time.monotonic()
    journal.adopt(board)
    for _ in range(TRIES):
        head = journal.head(board)
        state = journal.state(board) if head.complete else None
        try:
            reading = _read(journal, board, table, None if whole else state)
            commit = _commit(journal, board, reading, state, writer, fill=not head.complete, since=head.id)
        except (EpochError, OldStateError):
            continue  # Redis restarted, or another process was faster: our position means nothing any more
        except LayoutChangedError:
            whole = True
            continue
        if not head.complete:
            journal.filled(board)
        if commit.skipped:
            log.info("board %s: %d rows are newer than the reading: read again", board.name, len(commit.skipped))
        return Result(len(reading.rows), commit.new, not head.complete, reading.whole, time.monotonic() - began)
    raise ReadingError(f"board {board.name}: the journal or the table's columns changed {TRIES} times; try again")


def _read(journal: Journal, board: Board, table: Table, state: State | None) -> Reading:
    layout = stored_layout(journal, board)
    if state and layout and layout.doc == table.doc_id and [p.id for p in layout.columns] == list(board.ids):
        pushed = journal.pushed(board)
        reading = None if pushed is None else read_since(board, table, layout, state, pushed)
        if reading is not None:
            return reading
    before = table.head()
    layout = read_layout(board, table, layout)
    reading = read_whole(board, table, layout, before)
    journal.set_layout(board, msgspec.json.encode(layout))
    return reading


def stored_layout(journal: Journal, board: Board) -> Layout | None:
    """Return the layout of the last whole reading."""
    text = journal.layout(board)
    return _layout.decode(text) if text else None


def _commit(
    journal: Journal, board: Board, reading: Reading, state: State | None, writer: Writer, **how: object
) -> Commit:
    rows = list(reading.rows.items())
    if reading.whole:
        rows += [(row, b"") for row in sorted(journal.row_ids(board) - reading.rows.keys())]
    # Numbers only grow: with a smaller one the document was put back to an earlier state.
    anew = reading.whole and state is not None and reading.state.n < state.n
    commit = journal.commit(
        board,
        rows,
        "reconcile",
        state=reading.state,
        kind="anew" if anew else "whole",
        fence=writer.fence,
        want_rows=board.compat,
        **how,  # type: ignore[arg-type]
    )
    writer.told(commit)
    return commit


def reread(journal: Journal, board: Board, table: Table, row_ids: Collection[int], writer: Writer = PLAIN) -> int:
    """Read single rows again, and commit them; rows that are gone are removed. Return how many changed."""
    position, state, layout = journal.head(board).id, journal.state(board), stored_layout(journal, board)
    pushed = journal.pushed(board)
    if state is None or layout is None or pushed is None:
        return reconcile(journal, board, table, writer).changes
    try:
        # The commit says that all rows are of the new state, so those that a webhook brought are read, too.
        reading = read_since(board, table, layout, state, {*row_ids, *pushed})
    except LayoutChangedError:
        reading = None
    if reading is None:
        return reconcile(journal, board, table, writer).changes
    return _commit(journal, board, reading, state, writer, since=position).new


def pay(journal: Journal, board: Board, table: Table, writer: Writer = PLAIN) -> bool:
    """Read from Grist what is owed to the board; tell whether anything was."""
    owed = journal.owed(board)
    if not owed:
        return False
    if WHOLE_TABLE in owed:
        reconcile(journal, board, table, writer)
    else:
        reread(journal, board, table, [int(row) for row in owed], writer)
    journal.pay(board, owed)
    return True
