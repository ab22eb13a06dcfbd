"""Chores: what the web process writes to Redis after its answer, and what it could not write while Redis was away."""

from __future__ import annotations

import logging
import os
import queue
import threading
import time
from collections.abc import Iterable, Sequence
from typing import Any

from grist_live.board import Board
from grist_live.change import compat_change
from grist_live.journal import Commit, Journal, Unavailable

log = logging.getLogger(__name__)
MOST = 10_000
"""Chores that wait at the most; beyond it the compatible keys are not written (they are best effort)."""
GATHER = 0.015
"""Seconds in which others may join: each trip to Redis wakes two processes, which costs more than what it carries."""
PARKED_FOR = 10.0
"""Seconds after which parked rows are looked after: a keeper's lease has ended by then, or been prolonged."""
AT_ONCE = 500
"""Changes that go to Redis together, when many wait."""


class Chores:
    """A thread (under gevent: a greenlet) that does what needn't be done before the answer, in order."""

    def __init__(self, journal: Journal) -> None:
        self.journal = journal
        # Not queue.Queue: under gevent its `put` gives way to others, and the webhook's answer would come after them.
        self._queue: queue.SimpleQueue[tuple[Board, Commit, float]] = queue.SimpleQueue()
        self._owed: dict[str, Board] = {}
        self._parked: set[str] = set()
        self._lock = threading.Lock()
        self._pid = 0

    def tell_compat(self, board: Board, commit: Commit, at: float) -> None:
        """Write the changed rows of a commit in the compatible format soon."""
        if not board.compat or not commit.changed:
            return
        if self._pid != os.getpid():  # the first time, or the first since a fork
            self._pid = os.getpid()
            threading.Thread(target=self._work, name="chores", daemon=True).start()
        if self._queue.qsize() < MOST:
            self._queue.put((board, commit, at))
        else:
            log.warning("too many chores: the compatible keys of some changes were not written")

    def set_aside(self, board: Board, reasons: Sequence[str]) -> None:
        """Count records that were set aside; a board that gets many of them is not slowed down by it."""
        try:
            self.journal.set_aside(board, reasons)
        except Unavailable as error:
            log.warning("could not count what board %s set aside: %s", board.name, error)

    def owe(self, board: Board, rows: Iterable[int] = ()) -> None:
        """Note what must be read from Grist again; keep it here while Redis is away."""
        try:
            self.journal.owe(board, rows)
        except Unavailable:
            with self._lock:
                self._owed[board.name] = board  # which rows no longer matters: the whole table

    def redis_is_back(self) -> None:
        """Write what is owed since Redis went away."""
        with self._lock:
            owed, self._owed = self._owed, {}
        for board in owed.values():
            self.owe(board)

    def look_after_parked(self, board: Board) -> None:
        """See to it that webhook rows don't wait for a keeper that is no more, though no other webhook comes."""
        with self._lock:
            if board.name in self._parked:
                return
            self._parked.add(board.name)
        timer = threading.Timer(PARKED_FOR, self._unpark, (board,))
        timer.daemon = True
        timer.start()

    def _unpark(self, board: Board) -> None:
        with self._lock:
            self._parked.discard(board.name)
        try:
            commit = self.journal.commit(board, (), "webhook", want_rows=board.compat)
            self.tell_compat(board, commit, time.time())
            if not self.journal.parked(board):
                return
        except Unavailable as error:
            log.warning("board %s: could not look after its parked rows: %s", board.name, error)
        self.look_after_parked(board)

    def _work(self) -> None:
        while True:
            waiting = [self._queue.get()]
            time.sleep(GATHER)
            while sum(len(commit.changed) for _, commit, _ in waiting) < AT_ONCE and not self._queue.empty():
                waiting.append(self._queue.get())
            try:
                self.journal.tell_compat(
                    [
                        (board, row, action, compat_change(row, action, text, at, board))
                        for board, commit, at in waiting
                        for row, action, text in commit.changed
                    ]
                )
            except Unavailable as error:
                log.warning("the compatible keys of %d commits were not written: %s", len(waiting), error)
            except Exception:
                log.exception("the compatible keys of %d commits were not written", len(waiting))


def summary(commit: Commit) -> dict[str, Any]:
    """Say what became of a commit's rows, for answers and logs."""
    return {
        "changed": commit.new,
        "unchanged": commit.unchanged,
        "owed": len(commit.suspects),
        "parked": commit.parked,
        "id": str(commit.id),
    }
