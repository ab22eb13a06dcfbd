"""The lease of a document's keeper: one of all processes, on all hosts, keeps its boards."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import time
import uuid
from collections.abc import Sequence

from grist_live.board import Board
from grist_live.journal import Journal, Unavailable

SECONDS = 7.0
"""After so long another process takes over from one that died."""
RENEWALS = 3.5
"""How often a lease is renewed before it would end."""
STUCK = 120.0
"""Seconds that one turn may take, a large table and a slow Grist included; then another process may try."""


class Lease:
    """The leases of all boards of a document, or none. `fences` go with every commit, so that a holder that was
    paused, and wakes up after its end, writes nothing."""

    def __init__(self, journal: Journal, boards: Sequence[Board], seconds: float = SECONDS) -> None:
        self.fences: dict[str, bytes] = {}
        self.lost = False
        self._journal, self._boards, self.seconds = journal, boards, seconds
        self._name = f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:6]}"
        self._turned = time.monotonic()

    def hold(self) -> bool:
        """Begin a turn of work: take the leases, unless we have them; False while another process has one."""
        self._turned = time.monotonic()
        if self.fences:
            return True
        fences: dict[str, bytes] = {}
        for board in self._boards:
            fence = self._journal.keep(board, self._name, self.seconds)
            if not fence:
                for other in self._boards[: len(fences)]:
                    self._journal.let_go(other, fences[other.name])
                return False
            fences[board.name] = fence
        self.fences, self.lost = fences, False
        return True

    def renew(self) -> None:
        """Prolong the leases; `lost` tells when one had ended meanwhile."""
        for board in self._boards:
            fence = self.fences.get(board.name)
            if fence and self._journal.keep(board, self._name, self.seconds) != fence:
                self.lost = True

    def renew_until(self, stop: threading.Event) -> None:
        """Prolong the leases for as long as work goes on, in a thread of its own: a turn may take long."""
        while not stop.wait(self.seconds / RENEWALS):
            if time.monotonic() - self._turned < STUCK:
                with contextlib.suppress(*Unavailable):
                    self.renew()

    def drop(self) -> None:
        """Forget the leases: others have them."""
        self.fences, self.lost = {}, False

    def release(self) -> None:
        """Give the leases back, so that the next process needn't wait for their end."""
        fences, self.fences = self.fences, {}
        for board in self._boards:
            if board.name in fences:
                self._journal.let_go(board, fences[board.name])
