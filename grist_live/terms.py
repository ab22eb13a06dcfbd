"""Terms: streams that end with the token of their viewer, so that access that was taken away ends, too."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from grist_live.viewers import Viewer

LOOK_EVERY = 60.0
"""Seconds after which those who left are forgotten, though nobody's time is up."""


class Terms:
    """Until when each viewer may stay; those that may stay for ever aren't in it."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._until: dict[Viewer, tuple[float, bytes]] = {}
        self._next = 0.0

    def __len__(self) -> int:
        return len(self._until)

    def add(self, viewer: Viewer, until: float, farewell: bytes) -> None:
        """Note a viewer that has joined, and may stay until a time (epoch seconds); `farewell` is said to it then."""
        self._until[viewer] = until, farewell
        self._next = min(self._next, until)

    def over(self) -> Iterator[tuple[Viewer, bytes]]:
        """Yield the viewers whose time is up, each with its farewell, and forget them and those that have left."""
        now = self._clock()
        if now < self._next:
            return
        self._next = now + LOOK_EVERY
        for viewer, (until, farewell) in list(self._until.items()):
            if viewer.place is None or until <= now:
                del self._until[viewer]
                if viewer.place is not None:
                    yield viewer, farewell
            else:
                self._next = min(self._next, until)
