"""Admission: viewers that Grist itself vouches for. Who may read the whole document may look at its board.

A page inside Grist shows a token that Grist gave it for its user, and Grist is asked what that user may read. The
viewer token that we give for it ends when Grist's does: access that is taken away in Grist ends here with the next one.
"""

from __future__ import annotations

import hashlib
import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import NamedTuple

from grist_live.access import Access
from grist_live.board import Board
from grist_live.errors import UserError
from grist_live.grist import GristError, Reads, expiry, reads
from grist_live.journal import Journal, Unavailable
from grist_live.settings import Settings

log = logging.getLogger(__name__)
AT_ONCE = 2
"""Checks of a board in flight, in all processes: above 10 parallel requests Grist refuses the document's users, too."""
LEASE = 15.0
"""Seconds after which another may have the turn of a process that died: longer than what a check may last."""
PATIENCE = 5.0
"""Seconds to wait for one's turn to be checked."""
LONGEST = 900.0
"""Seconds that a viewer token lives at the most, whatever Grist's says."""
REFUSED_FOR = 30.0
"""Seconds for which a refusal is remembered: access may be given at any time."""
MOST_REMEMBERED = 10_000
BUSY = ("too many are asking at once; try again", 503, "busy")
REFUSALS: dict[Reads, tuple[int, str, str]] = {
    "partly": (
        403,
        "partial",
        "Grist hides a part of the document from you, and this stream would show it: you see Grist's own rows",
    ),
    "nothing": (403, "denied", "Grist doesn't let you read this board's document"),
    "unknown": (401, "token", "Grist doesn't know this token (any more): show a new one"),
}


class AdmissionError(UserError):
    """Somebody who isn't let in: `status` is the HTTP answer, `reason` a word for programs."""

    def __init__(self, message: str, status: int, reason: str) -> None:
        super().__init__(message)
        self.status, self.reason = status, reason


class Given(NamedTuple):
    """A viewer token, and when it ends (epoch seconds)."""

    token: str
    expires: int


class Turns:
    """Who may ask Grist now: so many in this process, and no more than that in all processes."""

    def __init__(self, journal: Journal | None) -> None:
        self._journal = journal
        self._here = threading.BoundedSemaphore(AT_ONCE)
        self._taken: set[int] = set()

    @contextmanager
    def one(self, board: Board) -> Iterator[None]:
        """Wait for a turn. Raises `AdmissionError` when none comes."""
        until = time.monotonic() + PATIENCE
        if not self._here.acquire(timeout=PATIENCE):
            raise AdmissionError(*BUSY)
        try:
            turn = self._lease(board)
            while turn is None:
                if time.monotonic() > until:
                    raise AdmissionError(*BUSY)
                time.sleep(0.02)
                turn = self._lease(board)
            try:
                yield
            finally:
                self._release(board, turn)
        finally:
            self._here.release()

    def _lease(self, board: Board) -> int | None:
        """Take a turn that nobody else has. While Redis is away only this process is counted."""
        for turn in range(AT_ONCE):
            if turn in self._taken:  # looked at each time: another of us may have come while we asked Redis
                continue
            self._taken.add(turn)
            try:
                if self._journal is None or self._journal.lease(board, f"admission:{turn}", LEASE):
                    return turn
            except Unavailable:
                return turn
            self._taken.discard(turn)
        return None

    def _release(self, board: Board, turn: int) -> None:
        with suppress(*Unavailable):  # it ends by itself
            if self._journal is not None:
                self._journal.release(board, f"admission:{turn}")
        self._taken.discard(turn)


class Admission:
    """Changes Grist's tokens for ours. One per process; waits as a greenlet under gevent."""

    def __init__(
        self,
        settings: Settings,
        access: Access,
        journal: Journal | None = None,
        ask: Callable[[str, str, str], Reads] = reads,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._settings, self._access, self._ask, self._clock = settings, access, ask, clock
        self._turns = Turns(journal)
        self._known: OrderedDict[bytes, tuple[Reads, float]] = OrderedDict()

    def admit(self, board: Board, token: str) -> Given:
        """Return a viewer token for who shows a token of Grist's. Raises `AdmissionError`."""
        if board.access != "grist":
            raise AdmissionError("this board doesn't take Grist's tokens, but its own", 403, "board")
        ends, now = expiry(token), self._clock()
        if ends is None:
            raise AdmissionError("this is no access token of Grist's: give what getAccessToken answers", 400, "token")
        if ends <= now:
            raise AdmissionError("Grist's token has expired: show a new one", 401, "expired")
        verdict = self._reads(board, token, ends)
        if verdict != "all":
            status, reason, message = REFUSALS[verdict]
            raise AdmissionError(message, status, reason)
        expires = int(min(ends, now + LONGEST))
        return Given(self._access.token(board, expires), expires)

    def _reads(self, board: Board, token: str, ends: float) -> Reads:
        """Ask Grist, unless it has answered for this token; only the token's hash is remembered."""
        key = hashlib.sha256(f"{board.doc} {token}".encode()).digest()
        verdict, until = self._known.get(key, ("unknown", 0.0))
        if self._clock() < until:
            return verdict
        with self._turns.one(board):
            try:
                verdict = self._ask(self._settings.grist_url, board.doc, token)
            except GristError as error:
                log.warning("board %s: a viewer could not be checked: %s", board.name, error)
                raise AdmissionError("Grist doesn't answer; try again in a moment", 503, "grist") from None
        self._known[key] = verdict, ends if verdict == "all" else min(ends, self._clock() + REFUSED_FOR)
        self._known.move_to_end(key)
        while len(self._known) > MOST_REMEMBERED:
            self._known.popitem(last=False)
        return verdict
