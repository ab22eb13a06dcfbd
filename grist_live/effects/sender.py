"""Senders: one thread for each outlet, so that a slow one delays no other; it sends the jobs of all boards."""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable, Sequence

from grist_live.board import Board
from grist_live.effects.outlet import Outlet
from grist_live.job import Claim
from grist_live.jobs import Jobs
from grist_live.journal import Unavailable
from grist_live.outbound import TOTAL, OutboundError

log = logging.getLogger(__name__)
CLAIM = 2 * TOTAL + 20
"""Seconds for which a claim holds: longer than any sending takes."""
REAP_EVERY = 5.0
"""Seconds between two looks for claims of processes of this host that were killed."""
POLL = 1.0
"""Seconds after which another process's jobs are looked for: nobody wakes us for them."""
FIRST, MOST = 1.0, 300.0
"""Seconds before the first retry, and between two of an outlet that is down for long."""
GIVE_UP = 20 * 3600.0
"""Seconds after the first try: a homeserver remembers for 24 hours that it has taken a message, then no longer."""


class Sender:
    """Sends the jobs of one outlet."""

    def __init__(
        self,
        outlet: Outlet,
        boards: Sequence[Board],
        jobs: Jobs,
        clock: Callable[[], float] = time.time,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self.outlet, self.boards, self.jobs = outlet, boards, jobs
        self._clock, self._jitter = clock, jitter
        self._rests_until = 0.0
        self.news = threading.Event()

    def run(self, stop: threading.Event) -> None:
        """Send until `stop`; wait for news in between."""
        reap_at = 0.0
        while not stop.is_set():
            try:
                if time.monotonic() >= reap_at:
                    for board in self.boards:
                        self.jobs.reap(board, [self.outlet.name], self._clock())
                    reap_at = time.monotonic() + REAP_EVERY
                wait = self.step()
            except Unavailable as error:
                log.warning("Redis is away: %s", error)
                wait = POLL
            except Exception:
                log.exception("outlet %s stumbled", self.outlet.name)
                wait = POLL
            if wait > 0:
                self.news.wait(min(wait, POLL))
                self.news.clear()

    def step(self) -> float:
        """Send one job of each board; return the seconds until there may be another, 0 for at once."""
        wait = float("inf")
        for board in self.boards:
            if self._clock() < self._rests_until:  # what one board was told holds for the account, so for all
                return self._rests_until - self._clock()
            found = self.jobs.claim(board, self.outlet.name, self._clock(), CLAIM)
            if isinstance(found, Claim):
                self._send(found, board)
                wait = 0.0
            elif found is not None:
                wait = min(wait, max(0.0, found - self._clock()))
        return wait

    def _send(self, claim: Claim, board: Board) -> None:
        job = claim.job
        facts = {
            "board": board.name,
            "change": job.change,
            "request": job.request,
            "job": job.id,
            "outlet": self.outlet.name,
        }
        began = self._clock()
        try:
            receipt = self.outlet.send(claim, board)
        except OutboundError as error:
            self._failed(claim, board, error, facts)
            return
        except Exception as error:  # ours: no retry mends it, and the others must go on
            log.exception("job can't be sent", extra=facts)
            self.jobs.bury(board, job, self._clock(), f"{type(error).__name__}: {error}")
            return
        now = self._clock()
        self.jobs.done(board, job, now, receipt)
        took = {"seconds": round(now - began, 3), "since_change": round(now - job.at, 3), "tries": claim.tries + 1}
        log.info("sent", extra={**facts, **took, **receipt})

    def _failed(self, claim: Claim, board: Board, error: OutboundError, facts: dict[str, str]) -> None:
        """Put the job back or set it aside, as the error says.

        What concerns the whole outlet makes it rest, and the job keeps its place, so that the order stays. What may
        concern this message alone lets the others pass.
        """
        job, now = claim.job, self._clock()
        if error.permanent or now - claim.since > GIVE_UP:
            reason = str(error) if error.permanent else f"given up after {GIVE_UP / 3600:g} hours: {error}"
            log.error("job is dead: %s", reason, extra=facts)
            self.jobs.bury(board, job, now, reason)
            return
        delay = min(FIRST * 2.0 ** min(claim.tries, 20), MOST) * (0.5 + self._jitter() / 2)
        if error.wait is not None:
            delay = error.wait * (1 + self._jitter() / 10) + 0.01 if error.limited else max(delay, error.wait)
        reason = "" if error.limited else str(error)
        level = logging.INFO if error.limited else logging.WARNING
        log.log(level, "job is put back for %.1f s: %s", delay, error, extra=facts)
        if error.whole:
            self._rests_until = now + delay
        due = None if error.whole else now + delay
        self.jobs.again(board, job, now, due=due, reason=reason, pause=now + delay if error.whole else None)
