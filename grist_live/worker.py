"""The work process: plain threads, one per document, that keep its boards true; no monkey patching, no viewers."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

from grist_live import counts
from grist_live.board import Board
from grist_live.chores import Chores
from grist_live.effects.run import Effects
from grist_live.grist import Document
from grist_live.journal import WORK, Commit, Journal, Unavailable
from grist_live.settings import Settings
from grist_live.sources.keeper import Keeper

log = logging.getLogger(__name__)
STATS_EVERY = 60.0
STATS_KEEP = 30 * 86_400


class Worker:
    """Keeps every board true to its document until `stop`."""

    def __init__(
        self,
        settings: Settings,
        journal: Journal,
        open_document: Callable[[Board], Document] | None = None,
    ) -> None:
        self.settings, self.journal = settings, journal
        self._open = open_document or self._document
        self._effects = Effects(settings, journal)
        self._chores = Chores(journal)
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []
        self.state: dict[str, Any] = {"started": time.time(), "boards": {}}

    def _document(self, board: Board) -> Document:
        return Document(self.settings.grist_url, board.doc, self.settings.grist_api_key)

    def start(self) -> None:
        tasks: list[tuple[Callable[..., None], tuple[Any, ...]]] = [(self._tell, ())]
        for board in self.settings.boards.values():
            tasks.append((self._keep_house, (board,)))
        for keeper in self._keepers():
            tasks.append((keeper.run, (self._stop,)))
        for target, args in tasks:
            thread = threading.Thread(target=target, args=args, daemon=True)
            thread.start()
            self._threads.append(thread)
        self._effects.start()

    def stop(self) -> None:
        self._stop.set()
        self._effects.stop()
        for thread in self._threads:
            thread.join(timeout=5)
        with contextlib.suppress(*Unavailable):
            self.journal.gone(WORK)

    def run(self) -> None:
        """Work until `stop` is called from a signal handler."""
        self.start()
        while not self._stop.wait(1.0):
            pass
        self.stop()

    def request_stop(self) -> None:
        self._stop.set()

    def _tell(self) -> None:
        """Tell, every few seconds, that this process lives."""
        while True:
            try:
                self.journal.alive(WORK, self.state)
            except Unavailable as error:
                log.warning("Redis is away: %s", error)
            if self._stop.wait(5.0):
                return

    def _keepers(self) -> Iterator[Keeper]:
        """Make a keeper for each document that we may read; boards of the same one share it."""
        documents: dict[str, list[Board]] = {}
        for board in self.settings.boards.values():
            if board.doc and self.settings.grist_api_key:
                documents.setdefault(board.doc, []).append(board)
            else:
                # No warning: `config`, `status` and the health address tell it.
                log.info("board %s: no document or no API key, so only its webhook tells of changes", board.name)
        for boards in documents.values():
            yield Keeper(
                self.journal,
                boards,
                self._open(boards[0]),
                state=self.state["boards"],
                every=self.settings.reconcile_minutes * 60 or float("inf"),
                told=self._told,
            )

    def _told(self, board: Board, commit: Commit) -> None:
        """Log what was committed, so that an edit can be followed, and write it in the compatible format."""
        if commit.new:
            log.info("committed", extra={"board": board.name, "request": commit.request, "changes": commit.span()})
        self._chores.tell_compat(board, commit, time.time())

    def _keep_house(self, board: Board) -> None:
        """Count the board's rows per status, a figure for every 10 minutes, and forget changes that are too old."""
        while True:
            slot = int(time.time() // counts.SLOT * counts.SLOT)
            try:
                self.journal.adopt(board)
                if self.journal.lease(board, "house", STATS_EVERY * 2):
                    _, rows = self.journal.snapshot(board)
                    self.journal.add_stats(board, slot, counts.count(board, rows.values()), STATS_KEEP)
                    self.journal.trim(board)
            except Unavailable as error:
                log.warning("board %s can't be counted: %s", board.name, error)
            except Exception:
                log.exception("board %s can't be counted", board.name)
            if self._stop.wait(STATS_EVERY):
                return
