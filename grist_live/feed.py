"""A feed: one board's stream in one web process, with its position, its newest changes and its viewers.

The newest changes stay in memory, so that a viewer that comes back is served from there and joins the live ones in
the same step: no hole, and nothing twice.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from grist_live.board import Board
from grist_live.change import change_frame, compat_change, event, iso
from grist_live.filters import Filter
from grist_live.journal import RESET_ABOVE, Entry, Id
from grist_live.viewers import Viewer, send_all

SLOTS = 20
"""Pings are spread over this many moments of a heartbeat, so that viewers aren't all woken at once."""


class _Head(msgspec.Struct):
    action: str
    row: int
    at: float


_head = msgspec.json.Decoder(_Head)


class Recent:
    """One change as the feed holds it; forms other than the native one are made when a viewer first needs them."""

    __slots__ = ("_compat", "frame", "id", "text")

    def __init__(self, id: Id, frame: bytes, text: bytes) -> None:
        self.id, self.frame, self.text = id, frame, text
        self._compat: bytes | None = None

    @property
    def data(self) -> bytes:
        """The change's JSON."""
        return self.frame[self.frame.index(b"\n") + 6 : -2]

    @classmethod
    def of(cls, entry: Entry) -> Recent:
        return cls(entry.id, change_frame(str(entry.id), entry.data), entry.text)

    def compat(self, board: Board) -> bytes:
        if self._compat is None:
            head = _head.decode(self.data)
            text = compat_change(head.row, head.action, self.text, head.at, board)
            self._compat = change_frame(str(self.id), text)
        return self._compat


class Group:
    """The viewers of a board that get the same bytes: one stream format, one filter."""

    def __init__(self, board: Board, compat: bool, filter: Filter | None) -> None:
        self.board, self.is_compat, self.filter = board, compat, filter
        self.facts = "," + msgspec.json.encode(filter.facts()).decode()[1:-1] if filter else ""
        self.slots: list[set[Viewer]] = [set() for _ in range(SLOTS)]
        self.joined = 0

    def frames(self, changes: Iterable[Recent]) -> list[bytes]:
        """Write changes as this group's viewers read them: a filter may leave out some."""
        if self.filter is not None:
            seen = ((change.id, self.filter.change(change.data, change.text)) for change in changes)
            return [change_frame(str(id), data) for id, data in seen if data]
        if self.is_compat:
            return [change.compat(self.board) for change in changes]
        return [change.frame for change in changes]

    def render(self, changes: Iterable[Recent]) -> bytes:
        return b"".join(self.frames(changes))

    def say(self, type: str, data: Any, id: Id | None = None) -> bytes:
        """Write an event that is no change. Clients of the compatible format know none, but keep the id."""
        if self.is_compat:
            return b"id:%s\n\n" % str(id).encode() if id else b""
        return event(type, data, id=str(id) if id else None)

    def send(self, data: bytes) -> None:
        if data:
            for slot in self.slots:
                send_all(tuple(slot), data)


class Feed:
    """See the module. All methods may be called from any thread or greenlet; none waits for a viewer."""

    def __init__(self, board: Board, total: Callable[[], int], clock: Callable[[], float] = time.time) -> None:
        self.board, self._total, self._clock = board, total, clock
        self.lock = threading.RLock()
        self.position: Id | None = None
        self.recent: deque[Recent] = deque()
        self.groups: dict[tuple[bool, str], Group] = {}
        self.waiting: list[tuple[Viewer, Group, Id | None]] = []
        self.viewers = 0
        self.degraded_since: float | None = clock()
        self._facts: dict[str, Any] = {}
        self._described: str | None = None
        self.deliveries = self.replayed = self.resets = 0
        self._on_leave = self.leave  # bound once: each viewer keeps it

    def know(self, facts: dict[str, Any]) -> None:
        """Take what `hello` says beside the board's description: `complete`, `since`."""
        if facts != self._facts:
            self._facts, self._described = facts, None

    # ---------------------------------------------------------------------------------------------------- viewers

    def join(
        self,
        viewer: Viewer,
        compat: bool = False,
        filter: Filter | None = None,
        last: Id | None = None,
        head: bytes = b"",
    ) -> None:
        """Greet a viewer, give it what it missed since `last`, and let it live on from exactly there.

        `head` goes before the greeting, in the same write.
        """
        with self.lock:
            group = self._group(compat, filter)
            slot = group.slots[group.joined % SLOTS]
            group.joined += 1
            slot.add(viewer)
            self.viewers += 1
            viewer.place, viewer.on_leave = slot, self._on_leave
            if self.position is None:
                self.waiting.append((viewer, group, last))
                viewer.send(head + self._hello(group, 0, None) + self._degraded(group))
            else:
                viewer.send(head + self._welcome(group, last))

    def _group(self, compat: bool, filter: Filter | None) -> Group:
        key = (compat, filter.key if filter else "")
        if key not in self.groups:
            self.groups = {k: g for k, g in self.groups.items() if any(g.slots)}
            self.groups[key] = Group(self.board, compat, filter)
        return self.groups[key]

    def leave(self, viewer: Viewer) -> None:
        """Forget a viewer whose stream has ended."""
        with self.lock:
            if viewer.place is not None:
                viewer.place.discard(viewer)
                viewer.place = None
                self.viewers -= 1

    def _welcome(self, group: Group, last: Id | None) -> bytes:
        missed = self._since(last) if last else []
        self.replayed += len(missed or ())
        if missed is None:
            self.resets += 1
            data = self._hello(group, 0, None) + group.say("reset", {"id": str(self.position)}, self.position)
        else:
            frames = group.frames(missed)  # it tells how many follow, not how many there were
            data = self._hello(group, len(frames), None if frames else self.position) + b"".join(frames)
        return data + self._degraded(group)

    def _since(self, last: Id) -> list[Recent] | None:
        """Return the changes after an id, or None when they aren't all here."""
        position = self.position
        if position is None or last.epoch != position.epoch:
            return None
        count = position.counter - last.counter
        if not 0 <= count <= len(self.recent):
            return None
        return list(self.recent)[len(self.recent) - count :]

    def _hello(self, group: Group, replayed: int, id: Id | None) -> bytes:
        position = str(id) if id else None
        if group.is_compat:
            greeting = {"type": "connected", "timestamp": iso(self._clock()), "message": "Connexion SSE établie"}
            return event("", greeting, id=position, retry=5000)
        if self._described is None:
            self._described = msgspec.json.encode(self.board.describe() | self._facts).decode()
        place = f'"{self.position}"' if self.position else "null"
        state = f'"viewers":{self._total()},"id":{place},"replayed":{replayed},"at":{round(self._clock(), 3)}'
        data = f'{{"board":{self._described},{state}{group.facts}}}'
        return event("hello", data, id=position, retry=1000)

    def _degraded(self, group: Group) -> bytes:
        return b"" if self.degraded_since is None else group.say("degraded", {"since": round(self.degraded_since, 3)})

    # ---------------------------------------------------------------------------------------------------- changes

    def take(self, epoch: str, before: int, changes: list[Recent], after: int) -> bool:
        """Take the changes of one message, from `before` to `after`; False when some before them are missing."""
        with self.lock:
            position = self.position
            if position is None or int(epoch) > int(position.epoch):
                return False
            if epoch != position.epoch or after <= position.counter:
                return True  # old news
            if before > position.counter:
                return False
            self.extend([c for c in changes if c.id.counter > position.counter], Id(epoch, after))
            return True

    def extend(self, changes: list[Recent], position: Id) -> None:
        """Send the changes that follow our position, and move on to `position`."""
        with self.lock:
            self.position = position
            self.recent.extend(changes)
            while len(self.recent) > RESET_ABOVE:
                self.recent.popleft()
            self.deliveries += len(changes) * self.viewers
            for group in self.groups.values():
                group.send(group.render(changes))

    def reset(self, position: Id, recent: list[Recent]) -> None:
        """Begin anew at a position: every viewer is told to fetch the snapshot again."""
        with self.lock:
            waiting, self.waiting = self.waiting, []
            first, self.position = self.position is None, position
            self.recent = deque(recent[-RESET_ABOVE:])
            for group in self.groups.values():
                if not first:
                    self.resets += sum(map(len, group.slots))
                    group.send(group.say("reset", {"id": str(position)}, position))
            for viewer, group, last in waiting:
                viewer.send(self._welcome(group, last))

    def degraded(self) -> None:
        """Tell the viewers, once, that Redis is away: what they see may be old."""
        with self.lock:
            if self.degraded_since is None:
                self.degraded_since = self._clock()
                for group in self.groups.values():
                    group.send(self._degraded(group))

    def recovered(self) -> None:
        with self.lock:
            if self.degraded_since is not None:
                self.degraded_since = None
                for group in self.groups.values():
                    group.send(group.say("recovered", {}))

    def show(self, native: bytes, compat: bytes) -> None:
        """Send an event that is no change of a row, in both formats, as it is."""
        with self.lock:
            for group in self.groups.values():
                group.send(compat if group.is_compat else native)

    def ping(self, slot: int) -> None:
        """Tell one part of the viewers that the link is alive, and where the stream is."""
        with self.lock:
            position = str(self.position) if self.position else None
            data = {"at": round(self._clock(), 3), "viewers": self._total(), "id": position}
            native = event("ping", data, id=position)
            compat = b": ping\nid:%s\n\n" % position.encode() if position else b": ping\n\n"
            for group in self.groups.values():
                send_all(tuple(group.slots[slot]), compat if group.is_compat else native)

    def close(self, delay: Callable[[], int]) -> None:
        """Say goodbye to every viewer, each with a delay (ms) of its own, and let it go."""
        with self.lock:
            for group in self.groups.values():
                for viewer in [v for slot in group.slots for v in slot]:
                    viewer.send(goodbye(group.is_compat, delay()))
                    viewer.close()


class Address:
    """The viewers that one board has from one address."""

    def __init__(self, feed: Feed, gone: Callable[[], object]) -> None:
        self.viewers, self._feed, self._gone = 0, feed, gone
        self._on_leave = self._left  # bound once: each viewer keeps it

    def count(self, viewer: Viewer) -> None:
        self.viewers += 1
        viewer.on_leave = self._on_leave

    def _left(self, viewer: Viewer) -> None:
        self._feed.leave(viewer)
        self.viewers -= 1
        if not self.viewers:
            self._gone()


def goodbye(compat: bool, delay: int, **more: str) -> bytes:
    """Tell a viewer to come back after `delay` ms. Clients of the compatible format obey `retry:` alone."""
    return b"retry:%d\n\n" % delay if compat else event("bye", {"retry_ms": delay, **more}, retry=delay)
