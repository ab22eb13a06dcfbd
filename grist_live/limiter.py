"""A limiter: at most so many of something from one source in a time."""

from __future__ import annotations

import time
from collections import OrderedDict, deque
from collections.abc import Callable

MOST_SOURCES = 10_000
"""Sources that are remembered; beyond it the one that was quiet for the longest is forgotten."""


class Limiter:
    """Lets each source do something at most `times` within `seconds`."""

    def __init__(self, times: int, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._times, self._seconds, self._clock = times, seconds, clock
        self._done: OrderedDict[str, deque[float]] = OrderedDict()

    def wait(self, source: str) -> float:
        """Count one, and return 0; when there were too many, count none, and return the seconds to wait."""
        if wait := self.left(source):
            return wait
        self._done.setdefault(source, deque()).append(self._clock())
        while len(self._done) > MOST_SOURCES:
            self._done.popitem(last=False)
        return 0.0

    def left(self, source: str) -> float:
        """Return the seconds that this source has to wait now; count nothing."""
        done, now = self._done.get(source), self._clock()
        if done is None:
            return 0.0
        self._done.move_to_end(source)
        while done and done[0] <= now - self._seconds:
            done.popleft()
        return done[0] + self._seconds - now if len(done) >= self._times else 0.0
