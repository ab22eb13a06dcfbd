"""Take charge: a row becomes somebody's, in Grist: the board's first active status, and their name.

Grist has no "write only if": so the takers of all processes go one after the other, and each looks at the row first.
Two of them at the same time: one wins, the other is told who.
"""

from __future__ import annotations

import contextlib
import json
import logging
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from grist_live.board import Board
from grist_live.chores import Chores
from grist_live.errors import UserError
from grist_live.grist import Document, GristError
from grist_live.journal import Journal, Unavailable
from grist_live.settings import Settings

log = logging.getLogger(__name__)
NAME = re.compile(r"[^\W_](?:[^\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]{0,98}\S)?")
"""A person's name: no control characters, and none that turn the direction of writing."""
WRITABLE = ("Text", "Choice", "Any")
"""Types of an assignee column that takes a name."""
PATIENCE = 8.0
"""Seconds to wait for one's turn."""
LEASE = 45.0
"""Seconds after which a row is free again whose taker died: longer than what a take may last."""


class TakeError(UserError):
    """A row that could not be taken: `reason` is one of `STATUS`, `status` the HTTP answer, `by` who has it."""

    STATUS = {"gone": 404, "taken": 409, "done": 409, "key": 502, "table": 502, "busy": 503, "grist": 503}
    """Why not: there is no such row, somebody has it, it is done; the operator must mend the API key, or what the
    board says of the table; others take it just now, Grist doesn't answer: a retry helps."""

    def __init__(self, message: str, reason: str, by: str | None = None) -> None:
        super().__init__(message)
        self.status, self.reason, self.by = self.STATUS[reason], reason, by


class Plan(NamedTuple):
    """How a board's rows are taken: column ids ("" where there is none), the status to write, statuses by meaning."""

    status: str
    active: str
    assignee: str
    actives: frozenset[str]
    done: frozenset[str]


def why_not(settings: Settings, board: Board) -> str:
    """Tell why nobody can take this board's rows; "" when one can."""
    if board.access == "public":
        return 'everybody looks at a public board: give it access = "token"'
    if not board.values("status", meaning="active"):
        return 'no choice of its status column has the meaning "active"'
    if not board.doc or not settings.grist_api_key:
        return "the server needs the document's id and an API key that may write there"
    return ""


def plan(board: Board) -> Plan:
    """Work out what taking a row of this board writes; `why_not` has been asked."""
    status, assignee = board.column("status"), board.column("assignee")
    assert status is not None
    actives = board.values("status", meaning="active")
    writes_name = assignee is not None and assignee.type in WRITABLE
    return Plan(
        status.id,
        next(c.value for c in status.choices if c.value in actives),
        assignee.id if assignee is not None and writes_name else "",
        actives,
        board.values("status", meaning="done"),
    )


class Takes:
    """Takes rows for viewers, one at a time in this process. Its waiting is a greenlet's under gevent."""

    def __init__(
        self,
        settings: Settings,
        journal: Journal,
        chores: Chores,
        open_document: Callable[[Board], Document] | None = None,
    ) -> None:
        self._settings, self._journal, self._chores = settings, journal, chores
        self._open = open_document or self._document
        self._documents: dict[str, Document] = {}
        self._turn = threading.Lock()

    def _document(self, board: Board) -> Document:
        settings = self._settings
        return Document(settings.grist_url, board.doc, settings.grist_api_key, timeout=(3, 6), attempts=2)

    def take(self, board: Board, row: int, by: str) -> dict[str, Any]:
        """Make a row `by`'s, and return the fields as they are now. Raises `TakeError`.

        Steps:
        1. Wait for one's turn: no other viewer takes this row meanwhile, here or in another process.
        2. Look at the row in Grist. Who has it already is told; one's own is no error.
        3. Write, and owe the row unless every action is heard live: everybody sees it at once, whatever Grist tells us.
        """
        how = plan(board)
        with self._alone(board, row):
            if board.name not in self._documents:
                self._documents[board.name] = self._open(board)
            document = self._documents[board.name]
            try:
                cells = _row(document, board, row)
                fields = _wanted(how, cells, by)
                if fields and any(cells.get(column) != value for column, value in fields.items()):
                    document.apply([["UpdateRecord", board.table, row, fields]])
            except GristError as error:
                self._chores.owe(board, [row])  # it may have been written all the same
                log.warning("board %s: row %d could not be taken: %s", board.name, row, error)
                raise _failure(error, row) from None
            if not self._journal.watched(board):
                self._chores.owe(board, [row])
        return fields

    @contextmanager
    def _alone(self, board: Board, row: int) -> Iterator[None]:
        until, what = time.monotonic() + PATIENCE, f"take:{row}"
        if not self._turn.acquire(timeout=PATIENCE):
            raise TakeError("too many rows are being taken just now; try again", "busy")
        try:
            while not self._journal.lease(board, what, LEASE):
                if time.monotonic() > until:
                    raise TakeError("somebody is taking this row just now; try again", "busy")
                time.sleep(0.05)
            try:
                yield
            finally:
                with contextlib.suppress(*Unavailable):  # it ends by itself, and the row is taken
                    self._journal.release(board, what)
        finally:
            self._turn.release()


def _row(document: Document, board: Board, row: int) -> dict[str, Any]:
    found = json.loads(document.records_body(board.table, [row]))["records"]
    if not found:
        raise _gone(row)
    fields: dict[str, Any] = found[0]["fields"]
    return fields


def _gone(row: int) -> TakeError:
    return TakeError(f"there is no row {row}: it was removed", "gone")


def _failure(error: GristError, row: int) -> TakeError:
    """Tell the viewer what Grist's answer means to them, and nothing of where it is: the log has all of it."""
    if error.status in (401, 403):
        return TakeError("the server's API key may not write there; tell the administrator", "key")
    if "non-existent record" in error.reason:  # it went after we had looked
        return _gone(row)
    if error.permanent:
        return TakeError("Grist refuses it, and the server's log says why; tell the administrator", "table")
    return TakeError("Grist doesn't answer; try again in a moment", "grist")


def _wanted(how: Plan, cells: dict[str, Any], by: str) -> dict[str, Any]:
    """Return what is to be written; refuse when the row is somebody else's, or done."""
    if missing := [column for column in (how.status, how.assignee) if column and column not in cells]:
        raise TakeError(f"the table has no column {' and no column '.join(missing)}; tell the administrator", "table")
    status = cells[how.status]
    has = str(cells.get(how.assignee) or "").strip() if how.assignee else ""
    if status in how.done:
        raise TakeError("this row is done already", "done", has or None)
    if status in how.actives and has and has != by:
        raise TakeError(f"{has} has taken it already", "taken", has)
    if status in how.actives and not how.assignee:
        raise TakeError("somebody has taken it already", "taken")
    status = status if status in how.actives else how.active
    return {how.status: status, **({how.assignee: by} if how.assignee else {})}
