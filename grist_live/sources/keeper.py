"""The keeper of a document: one thread, in one process of all, that holds its boards true to it.

While it hears every action of the document (`watch`) it commits each as it comes, numbered: one that is missing shows
itself, and is caught up by `reconcile` before anything else. Webhook rows wait meanwhile. When it hears nothing (older
Grist, a proxy without websockets, a key that may not read everything), the webhook and `reconcile` go on alone.
"""

from __future__ import annotations

import contextlib
import logging
import random
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

import msgspec

from grist_live.actions import Action, State, author, read_action
from grist_live.board import Board
from grist_live.errors import UserError
from grist_live.grist import GristError, LiveError
from grist_live.journal import Commit, FencedError, GapError, Journal, OldStateError, Unavailable
from grist_live.sources.lease import SECONDS, Lease
from grist_live.sources.reading import Session, Source
from grist_live.sources.reconcile import Writer, pay, reconcile, stored_layout

log = logging.getLogger(__name__)
TURN = 0.25
"""Seconds that one turn waits at most; what is owed is paid as often."""
CONFIRM_EVERY = 3.0
"""Seconds between two looks at the document's state while webhook rows wait."""
LOOK_EVERY = 60.0
"""Seconds between two such looks otherwise: a key that was revoked is told by nothing else."""
LONGEST_PAUSE = 10.0
"""Seconds between two turns while Redis or Grist is away."""
LONGEST_WAIT = 60.0
"""Seconds between two tries of a websocket that breaks."""
NOT_OFFERED = 300.0
"""Seconds before a websocket is tried again where none is offered."""
ALONE_EVERY = 5.0
"""Seconds between two reconciles of a board that has no webhook, while its document isn't heard."""
OUTSIDE = (UserError, *Unavailable)
"""What the outside world does to us; anything else is a mistake of ours."""


class Keeper:
    """Keeps the boards of one document; `state` tells each board's how it goes, for `status` and `/metrics`."""

    def __init__(
        self,
        journal: Journal,
        boards: Sequence[Board],
        document: Source,
        *,
        state: dict[str, dict[str, Any]] | None = None,
        every: float = float("inf"),
        told: Callable[[Board, Commit], object] = lambda board, commit: None,
        lease: float = SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.journal, self.boards, self.document = journal, boards, document
        self.state = {} if state is None else state
        self.state.update({board.name: {} for board in boards})
        self.lease = Lease(journal, boards, lease)
        self._every, self._told, self._clock = every, told, clock
        self._session: Session | None = None
        self._failures = 0
        self._tried_at, self._looked_at = 0.0, 0.0
        self._due = {board.name: 0.0 for board in boards}
        self._watched = [board for board in boards if board.source != "webhook"]

    def run(self, stop: threading.Event) -> None:
        """Keep the boards until told to stop, whatever happens outside."""
        threading.Thread(target=self.lease.renew_until, args=(stop,), name="lease", daemon=True).start()
        failures = 0
        while not stop.is_set():
            try:
                self.turn()
                failures = 0
            except Exception as error:
                failures += not isinstance(error, FencedError)
                self.failed(error)
            pause = random.uniform(0.5, 1.0) * min(0.5 * 2.0**failures, LONGEST_PAUSE) if failures else 0.0
            if not failures and self._session is None:
                pause = TURN
            stop.wait(pause)
        self.stop()

    def stop(self) -> None:
        """Leave the boards to the next keeper at once."""
        self._close()
        with contextlib.suppress(*Unavailable):
            self.lease.release()

    def turn(self) -> None:
        """Do what is due: the lease, the websocket, what is owed, the actions that have come."""
        if self.lease.lost:
            raise FencedError
        if not self.lease.hold():
            return
        empty = [board.name for board in self.boards if not self.journal.head(board).complete]
        if not empty and self._session is None and self._clock() >= self._tried_at:
            self._listen()
        for board in self.boards:
            if board.name in empty or self._clock() >= self._due[board.name]:
                self._reconcile(board)
            else:
                pay(self.journal, board, self.document, self._writer(board))
        if self._session is not None:
            self._hear(self._session)

    def _lose(self, reason: str) -> None:
        """Begin again as if we had just come: nothing that we know of the boards is sure any more."""
        log.info("document %s: %s", self.document.doc_id, reason)
        self.lease.drop()
        self._close()
        self._due = dict.fromkeys(self._due, 0.0)

    def _tell(self, board: Board, **facts: Any) -> None:
        """Tell how it goes; another thread may be reading what was told before."""
        self.state[board.name] = self.state[board.name] | facts

    def _writer(self, board: Board) -> Writer:
        return Writer(self.lease.fences[board.name], lambda commit: self._told(board, commit))

    # ------------------------------------------------------------------------------------------------- the websocket

    def _listen(self) -> None:
        """Open the websocket, and let webhook rows wait from now on; where there is none, say why."""
        if not self._watched:
            return
        try:
            if not self.document.may_read_all():
                raise LiveError("the API key's user may not read everything in the document", permanent=True)
            self._session = self.document.live()
        except (LiveError, GristError) as error:
            self._not_heard(error)
            return
        for board in self._watched:
            self.journal.watch(board, self.lease.fences[board.name], self.lease.seconds)
            self._tell(board, source="watch", why="", since=time.time())
            self._due[board.name] = 0.0  # what happened before we listened
        self._looked_at = self._clock()
        log.info("document %s: every action is heard", self.document.doc_id)

    def _not_heard(self, error: LiveError | GristError) -> None:
        self._failures += 1
        pause = NOT_OFFERED if error.permanent else min(2.0 ** (self._failures - 1), LONGEST_WAIT)
        self._tried_at = self._clock() + random.uniform(0.5, 1.0) * pause
        for board in self._watched:
            if self.state[board.name].get("why") != str(error):  # once, however long it lasts
                log.warning("board %s: its document isn't heard (webhook only): %s", board.name, error)
                self._tell(board, source="webhook only", why=str(error), since=time.time())

    def _hear(self, session: Session) -> None:
        """Wait a moment for actions, and commit them; look now and then whether none was missed."""
        action, first = session.receive(TURN), self._clock()
        while action is not None:
            for board in self._watched:
                self._take(board, action)
            if self._clock() - first > TURN:
                break
            action = session.receive(0)
        for board in self._watched:
            self._tell(board, unknown_messages=dict(session.unknown))
        self._failures = 0
        parked = any(self.journal.parked(board) for board in self._watched)
        if self._clock() - self._looked_at > (CONFIRM_EVERY if parked else LOOK_EVERY):
            self._looked_at = self._clock()
            self._look(session)

    def _take(self, board: Board, action: Action) -> None:
        """Commit what an action did to a board's rows."""
        layout = stored_layout(self.journal, board)
        try:
            rows = read_action(action, layout) if layout else None
        except msgspec.DecodeError as error:
            self._tell(board, unread_actions=self.state[board.name].get("unread_actions", 0) + 1)
            log.warning("board %s: action %d can't be read: %s", board.name, action.state.n, error)
            rows = None
        if rows is None:  # the table itself changed
            self._reconcile(board)
            return
        try:
            commit = self.journal.commit(
                board,
                rows,
                "watch",
                state=action.state,
                kind="next",
                fence=self.lease.fences[board.name],
                by=author(board, action.user),
                want_rows=board.compat,
                request=f"action-{action.state.n}",
            )
        except OldStateError:
            return  # a reading was faster
        except GapError:
            self._reconcile(board)
            return
        self._tell(board, action=action.state.n)
        self._told(board, commit)

    def _look(self, session: Session) -> None:
        """Compare the boards' states with the document's at a time that Redis's clock tells."""
        at = self.journal.now()
        try:
            head = self.document.head()
        except GristError as error:
            if error.permanent:
                raise
            log.info("document %s: its state isn't told: %s", self.document.doc_id, error)
            return
        self._drain(session, head)
        for board in self._watched:
            state = self.journal.state(board)
            if state is None or state.n < head.n or (state.n == head.n and state.h != head.h):
                self._reconcile(board)
            self._confirm(board, at)

    def _confirm(self, board: Board, at: int) -> None:
        if not self.journal.confirm(board, self.lease.fences[board.name], at):
            raise FencedError(f"board {board.name}: webhook rows don't wait any more")

    def _drain(self, session: Session, head: State) -> None:
        """Take the actions up to a state, which may be on their way."""
        silences = 0
        while silences < 5:
            states = [self.journal.state(board) for board in self._watched]
            if all(state is not None and state.n >= head.n for state in states):
                return
            action = session.receive(TURN / 5)
            if action is None:
                silences += 1
                continue
            for board in self._watched:
                self._take(board, action)

    def _close(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            session.close()

    # -------------------------------------------------------------------------------------------------- the readings

    def _reconcile(self, board: Board) -> None:
        at, owed = self.journal.now(), self.journal.owed(board)
        result = reconcile(self.journal, board, self.document, self._writer(board))
        self.journal.pay(board, owed)
        if self._session is not None and board in self._watched:
            self._confirm(board, at)
        alone = board.source == "watch" and self._session is None
        self._due[board.name] = self._clock() + (ALONE_EVERY if alone else self._every)
        self._tell(board, reconciled=time.time(), changes=result.changes, error="")
        if result.changes or result.whole:
            log.info("board %s reconciled", board.name, extra=asdict(result))

    def failed(self, error: Exception) -> None:
        """Stop listening, so that webhook rows go through, and tell why."""
        if isinstance(error, FencedError):
            return self._lose("another process keeps it")
        listening = self._session is not None
        self._close()
        if not isinstance(error, OUTSIDE):
            log.error("document %s can't be kept", self.document.doc_id, exc_info=error)
        elif isinstance(error, LiveError):
            self._not_heard(error)
        for board in self.boards:
            if not isinstance(error, LiveError) and self.state[board.name].get("error") != str(error):
                log.warning("board %s can't be read: %s", board.name, error)
                self._tell(board, error=str(error), at=time.time())
            if listening and board in self._watched and board.name in self.lease.fences:
                self._unwatch(board)

    def _unwatch(self, board: Board) -> None:
        try:
            self.journal.watch(board, self.lease.fences[board.name], 0)
            self._told(board, self.journal.commit(board, (), "webhook", want_rows=board.compat))  # what is parked
        except Unavailable:
            pass  # it ends with the lease
