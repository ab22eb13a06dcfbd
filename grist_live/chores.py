"""Chores: what the web process writes to Redis after its answer, and what it could not write while Redis was away."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Iterable, Sequence
from typing import Any

from grist_live.board import Board
from grist_live.change import compat_change
from grist_live.journal import Commit, Journal, Unavailable

log = logging.getLogger(__name__)
MOST = 10_000
"""Chores that wait at the most; beyond it the compatible keys are not written (they are best effort)."""


class Chores:
    """A thread (under gevent: a greenlet) that does what needn't be done before the answer, in order."""

    def __init__(self, journal: Journal) -> None:
        self.journal = journal
        self._queue: queue.Queue[tuple[Board, Commit | None, Sequence[str], float]] = queue.Queue(MOST)
        self._owed: dict[str, tuple[Board, set[int]]] = {}
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def note(self, board: Board, commit: Commit | None, rejected: Sequence[str], at: float) -> None:
        """Write counters, reasons and the compatible form of a commit soon."""
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(target=self._work, name="chores", daemon=True)
            self._thread.start()
        try:
            self._queue.put_nowait((board, commit, rejected, at))
        except queue.Full:
            log.warning("too many chores: the compatible keys of some changes were not written")

    def owe(self, board: Board, rows: Iterable[int] = ()) -> None:
        """Note what must be read from Grist again; keep it here while Redis is away."""
        try:
            self.journal.owe(board, rows)
        except Unavailable:
            with self._lock:
                self._owed[board.name] = (board, set())  # which rows no longer matters: the whole table

    def redis_is_back(self) -> None:
        """Write what is owed since Redis went away."""
        with self._lock:
            owed, self._owed = self._owed, {}
        for board, rows in owed.values():
            self.owe(board, rows)

    def _work(self) -> None:
        while True:
            board, commit, rejected, at = self._queue.get()
            try:
                self.journal.note(board, commit, rejected, self._compat(board, commit, at))
            except Unavailable as error:
                log.warning("could not write the counters of board %s: %s", board.name, error)
            except Exception:
                log.exception("could not write the compatible keys of board %s", board.name)

    @staticmethod
    def _compat(board: Board, commit: Commit | None, at: float) -> list[tuple[int, str, bytes]]:
        if not commit or not board.compat:
            return []
        return [(row, action, compat_change(row, action, text, at, board)) for row, action, text in commit.changed]


def summary(commit: Commit) -> dict[str, Any]:
    """Say what became of a commit's rows, for answers and logs."""
    return {
        "changed": commit.new,
        "unchanged": commit.unchanged,
        "owed": len(commit.suspects),
        "id": str(commit.id),
    }
