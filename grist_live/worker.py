"""The work process: plain threads, one per board, that reconcile; no monkey patching, no viewers."""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from grist_live import counts
from grist_live.board import Board
from grist_live.effects.run import Effects
from grist_live.grist import Document, GristError
from grist_live.journal import WORK, Journal, Unavailable
from grist_live.settings import Settings
from grist_live.sources.reconcile import ReconcileError, pay, reconcile

log = logging.getLogger(__name__)
POLL = 0.5
STATS_EVERY = 60.0
STATS_KEEP = 30 * 86_400
LEASE = 20.0


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
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []
        self.state: dict[str, Any] = {"started": time.time(), "boards": {}}

    def _document(self, board: Board) -> Document:
        return Document(self.settings.grist_url, board.doc, self.settings.grist_api_key)

    def start(self) -> None:
        tasks: list[tuple[Callable[..., None], tuple[Any, ...]]] = [(self._tell, ())]
        for board in self.settings.boards.values():
            tasks.append((self._keep_house, (board,)))
            if board.doc and self.settings.grist_api_key:
                tasks.append((self._reconcile, (board,)))
            else:
                # No warning: `config`, `status` and the health address tell it.
                log.info("board %s: no document or no API key, so only its webhook tells of changes", board.name)
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
        try:
            for board in self.settings.boards.values():
                self.journal.release(board, "reconcile")  # the next process needn't wait for its end
            self.journal.gone(WORK)
        except Unavailable:
            pass

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

    def _reconcile(self, board: Board) -> None:
        """Compare the board with its table at start, every `reconcile_minutes`, and whenever something is owed."""
        document = self._open(board)
        every = self.settings.reconcile_minutes * 60 or float("inf")
        due, failures = 0.0, 0
        while not self._stop.wait(POLL if not failures else random.uniform(0.5, 1.0) * min(2.0**failures, 60.0)):
            try:
                if not self.journal.lease(board, "reconcile", LEASE):
                    continue
                if time.monotonic() >= due or not self.journal.head(board).complete:
                    owed = self.journal.owed(board)
                    result = reconcile(self.journal, board, document)
                    self.journal.pay(board, owed)
                    due = time.monotonic() + every
                    self.state["boards"][board.name] = {"reconciled": time.time(), "changes": result.changes}
                    log.info("board %s reconciled", board.name, extra=asdict(result))
                else:
                    pay(self.journal, board, document)
                failures = 0
            except (GristError, ReconcileError, *Unavailable) as error:
                failures += 1
                self.state["boards"][board.name] = {"error": str(error), "at": time.time()}
                log.warning("board %s can't be reconciled: %s", board.name, error)
            except Exception:
                failures += 1
                log.exception("board %s can't be reconciled", board.name)

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
