"""The hub: the fan-out of one web process. One Redis reader, any number of viewers.

Pub/Sub only wakes it: each message tells the counter before its first change, so that anything lost shows as a
mismatch, and the hub reads the log from its own position. Under gevent its two threads are greenlets.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import random
import threading
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from grist_live.board import Board
from grist_live.change import compat_data, compat_message, event
from grist_live.feed import SLOTS, Address, Feed, Recent, goodbye
from grist_live.filters import Filter
from grist_live.journal import RESET_ABOVE, WEB, Id, Journal, Unavailable
from grist_live.loop import others_first
from grist_live.news import News
from grist_live.terms import Terms
from grist_live.viewers import QueueViewer, Sockets, Viewer

log = logging.getLogger(__name__)
TELL_EVERY = 5.0
"""Seconds between two moments at which this process tells the others how many viewers it has."""
EXPIRED_MS = 1000
"""What a viewer waits whose token has ended, before it asks again (and is refused, or shows a new one)."""
SILENCE = 10.0
"""Seconds without a message after which the connection to Redis is tried."""


class Hub:
    """Feeds of all boards, and what keeps them moving. `start` may be called again, also after a fork."""

    def __init__(
        self,
        journal: Journal,
        boards: Mapping[str, Board],
        *,
        heartbeat: float = 20.0,
        viewer_buffer: int = 262_144,
        max_viewers: int = 20_000,
        max_per_address: int = 0,
        on_back: Callable[[], None] = lambda: None,
    ) -> None:
        self.journal, self.heartbeat, self.viewer_buffer = journal, heartbeat, viewer_buffer
        self.feeds = {name: Feed(board, self._total_of(name)) for name, board in boards.items()}
        self.max_viewers, self.max_per_address = max_viewers, max_per_address
        self.cut_off = self.refused = 0
        self.on_lag: Callable[[float], None] = lambda seconds: None
        self.draining = False
        self._addresses: dict[tuple[str, str], Address] = {}
        self.started = time.time()
        self._elsewhere: dict[str, int] = {}
        self._sockets: Sockets | None = None
        self._pid = self._failures = 0
        self._stop = threading.Event()
        self._on_back = on_back
        self._terms = Terms()
        self._farewells = [goodbye(compat, EXPIRED_MS, reason="expired") for compat in (False, True)]

    def start(self) -> None:
        if self._pid == os.getpid():
            return
        self._pid, self._stop = os.getpid(), threading.Event()
        for work in (self._read, self._tick):
            threading.Thread(target=work, name=f"hub{work.__name__}", daemon=True).start()

    def stop(self) -> None:
        """Let every viewer go, each with a delay of its own before it comes back, and end the threads."""
        self.draining = True
        for feed in self.feeds.values():
            feed.close(self._delay)
        self._stop.set()
        with contextlib.suppress(Exception):
            self.journal.gone(WEB)

    def _delay(self) -> int:
        """Draw the milliseconds after which a viewer comes back: at most about 500 come back in a second."""
        crowd = sum(self.viewers(name) for name in self.feeds)
        return int(1000 * random.uniform(0.5, min(45.0, 3.0 + crowd / 500)))

    # ---------------------------------------------------------------------------------------------------- viewers

    def join(
        self,
        board: str,
        viewer: Viewer,
        compat: bool,
        filter: Filter | None,
        last: Id | None,
        address: str,
        head: bytes = b"",
        until: float | None = None,
    ) -> None:
        """Let a viewer into a board's feed; when there is no room, tell it to come back, and let it go.

        `until` (epoch seconds) is when its token ends, and the stream with it.
        It is never refused by an HTTP error: a native EventSource would give up for good.
        """
        feed, key = self.feeds[board], (board, address)
        crowded = key in self._addresses and 0 < self.max_per_address <= self._addresses[key].viewers
        if self.draining or crowded or feed.viewers >= self.max_viewers:
            self.refused += 1
            viewer.send(head + goodbye(compat, self._delay() if self.draining else random.randint(5000, 45_000)))
            viewer.close()
            return
        self._reach(feed, last)
        feed.join(viewer, compat, filter, last, head)
        if until is not None:
            self._terms.add(viewer, until, self._farewells[compat])
        if self.max_per_address and viewer.place is not None:  # it may have left while it was greeted
            if key not in self._addresses:
                self._addresses[key] = Address(feed, partial(self._addresses.pop, key))
            self._addresses[key].count(viewer)

    def queue_viewer(self) -> QueueViewer:
        return QueueViewer(self.viewer_buffer, self._count_cut_off)

    def socket_viewer(self, sock: Any) -> Viewer:
        """Make a viewer of a gevent socket; see `viewers.Sockets`."""
        if self._sockets is None:
            self._sockets = Sockets(self.viewer_buffer, self._count_cut_off)
        return self._sockets.adopt(sock)

    def _count_cut_off(self) -> None:
        self.cut_off += 1

    def pending_bytes(self) -> int:
        return self._sockets.pending_bytes() if self._sockets else 0

    def viewers(self, board: str) -> int:
        """Tell how many look at a board, in all processes."""
        return self.feeds[board].viewers + self._elsewhere.get(board, 0)

    def _total_of(self, board: str) -> Callable[[], int]:
        return lambda: self.viewers(board)

    # ----------------------------------------------------------------------------------------------------- reader

    def _read(self) -> None:
        """Keep the feeds fed for as long as the process lives, whatever happens to Redis."""
        stop, told = self._stop, ""
        while not stop.is_set():
            try:
                self._listen(stop)
            except Exception as error:  # redis-py's errors, and whatever a broken connection may raise
                if not stop.is_set() and str(error) != told:  # once, however long it lasts
                    told = str(error)
                    log.warning("Redis is away: %s", error)
            for feed in self.feeds.values():
                feed.degraded()
            self._failures += 1  # `_listen` sets it to 0 as soon as it listens
            stop.wait(random.uniform(0.5, 1.0) * min(0.05 * 2**self._failures, 2.0))

    def _listen(self, stop: threading.Event) -> None:
        """Subscribe, catch up, then forward until the connection breaks.

        Subscribing comes first: what is published while we catch up waits in the connection.
        """
        with self.journal.subscribe(self._channels(), SILENCE) as messages:
            for feed in self.feeds.values():
                self.journal.adopt(feed.board)
                self._catch_up(feed)
                feed.recovered()
            self._failures = 0
            self._on_back()
            channels = self._channels()
            while not stop.is_set():
                found = messages.next()
                # Redis publishes before it answers the webhook that made the change: its sender needn't wait for us.
                others_first()
                self._take_all([(*channels[channel], data) for channel, data in found])

    def _take_all(self, found: list[tuple[Feed, bool, bytes]]) -> None:
        """Take what has come at once; changes that follow each other go to the viewers in one write."""
        news: list[News] = []
        for feed, is_ours, data in found:
            new = News(feed, data if is_ours else b"0 0 0 foreign\n" + data)
            if not (news and news[-1].goes_on_with(new)):
                news.append(new)
        for new in news:
            self._take(new)

    def _channels(self) -> dict[bytes, tuple[Feed, bool]]:
        channels = {}
        for feed in self.feeds.values():
            channels[self.journal.keys(feed.board).feed.encode()] = (feed, True)
            if feed.board.sse_channel:
                channels[feed.board.sse_channel.encode()] = (feed, False)
        return channels

    def _take(self, new: News) -> None:
        feed = new.feed
        if new.kind == "changes":
            if not feed.take(new.epoch, new.before, new.changes, new.after):
                self._catch_up(feed)
            self.on_lag(time.time() - new.at)
            if log.isEnabledFor(logging.DEBUG):
                log.debug("sent to viewers", extra=new.facts())
        elif new.kind == "test":
            self._test(feed, new.body)
        elif new.kind == "foreign":
            self._foreign(feed, new.body)
        elif feed.position is None or (int(new.epoch), new.after) > (int(feed.position.epoch), feed.position.counter):
            self._reset(feed)

    def _catch_up(self, feed: Feed) -> None:
        """Read from the log what the feed has missed; where the log can't tell, begin anew."""
        feed.know(self.journal.head(feed.board).facts())
        position = feed.position
        if position is not None:
            head, entries = self.journal.since(feed.board, position)
            if entries is not None:
                # `take` leaves out what has come in meanwhile: a viewer that is ahead of us may ask for this, too.
                feed.take(head.epoch, position.counter, [Recent.of(e) for e in entries], head.counter)
                return
        self._reset(feed)

    def _reach(self, feed: Feed, last: Id | None) -> None:
        """Catch up when a viewer comes from another process that was ahead of us, so that it needn't begin anew."""
        position = feed.position
        if position and last and last.epoch == position.epoch and last.counter > position.counter:
            with contextlib.suppress(*Unavailable):
                self._catch_up(feed)

    def _reset(self, feed: Feed) -> None:
        head = self.journal.head(feed.board)
        feed.know(head.facts())
        # Only entries of this epoch, up to this position, can be replayed; what has come since will be sent to us.
        entries = self.journal.last(feed.board, RESET_ABOVE)
        usable = [e for e in entries if e.id.epoch == head.id.epoch and e.id.counter <= head.id.counter]
        feed.reset(head.id, [Recent.of(e) for e in usable])

    @staticmethod
    def _test(feed: Feed, body: bytes) -> None:
        data = json.loads(body)
        compat = compat_message(compat_data(data["row"], data["fields"], feed.board), "test", time.time(), "test")
        feed.show(event("test", data), event("", compat.decode()))

    @staticmethod
    def _foreign(feed: Feed, message: bytes) -> None:
        """Pass on what another Flask app published by `sse.publish`; it has no place in the log, so no id."""
        try:
            given = json.loads(message)
            frame = event(given.get("type") or "", given["data"])
        except (ValueError, TypeError, KeyError) as error:
            log.warning("dropped what was published on %s: %s", feed.board.sse_channel, error)
            return
        feed.show(frame, frame)

    # ----------------------------------------------------------------------------------------------------- ticker

    def _tick(self) -> None:
        """Ping the viewers, a part of them at a time, and tell the other processes how many there are."""
        stop, slot, told = self._stop, 0, 0.0
        while not stop.wait(self.heartbeat / SLOTS):
            slot = (slot + 1) % SLOTS
            try:
                for feed in self.feeds.values():
                    feed.ping(slot)
                for viewer, farewell in self._terms.over():
                    viewer.send(farewell)
                    viewer.close()
                if time.monotonic() - told >= TELL_EVERY:
                    told = time.monotonic()
                    self._tell()
            except Unavailable:
                pass  # the reader tells it
            except Exception:
                log.exception("could not ping")  # and go on: without pings every viewer would leave

    def _tell(self) -> None:
        viewers = {name: feed.viewers for name, feed in self.feeds.items()}
        self.journal.alive(WEB, {"viewers": viewers, "cut_off": self.cut_off, "started": self.started})
        others = self.journal.others(WEB)
        self._elsewhere = {name: sum(o["viewers"].get(name, 0) for o in others) for name in self.feeds}
