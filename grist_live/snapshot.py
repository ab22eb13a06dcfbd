"""Snapshots: a board's current rows as one JSON body, built once for all who ask."""

from __future__ import annotations

import gzip
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from grist_live.board import Board
from grist_live.change import fields_json, json_keys, values
from grist_live.filters import Filter
from grist_live.journal import Head, Id, Journal, Unavailable
from grist_live.loop import off_the_loop

FRESH = 2.0
"""Seconds for which a snapshot is given to others: it carries its id, and the stream goes on from there."""
_KEEP = 20


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A snapshot's body, plain and compressed, with the event id that it is of."""

    id: Id
    count: int
    body: bytes
    gzipped: bytes
    built: float


class Snapshots:
    """The newest snapshot of each board (and filter)."""

    def __init__(self, journal: Journal, clock: Callable[[], float] = time.time) -> None:
        self.journal, self._clock = journal, clock
        self._made: dict[tuple[str, str], Snapshot] = {}
        self._locks: dict[str, threading.Lock] = {}
        self.built = 0

    def get(self, board: Board, filter: Filter | None = None) -> Snapshot:
        """Return a snapshot not older than `FRESH`, or the last one while Redis is away.

        An old one is as right as a new one: whoever goes on from its id gets all that came since. Raises one of
        `Unavailable` when there is none.
        """
        key = (board.name, filter.key if filter else "")
        with self._locks.setdefault(board.name, threading.Lock()):
            made = self._made.get(key)
            if made and self._clock() - made.built < FRESH:
                return made
            try:
                head, rows = self.journal.snapshot(board)
            except Unavailable:
                if made:
                    return made
                raise
            made = off_the_loop(lambda: self._build(board, filter, head, rows))
            self.built += 1
            self._made[key] = made
            while len(self._made) > _KEEP:
                self._made.pop(next(iter(self._made)))
            return made

    def _build(self, board: Board, filter: Filter | None, at: Head, rows: Mapping[bytes, bytes]) -> Snapshot:
        now, keys = self._clock(), json_keys(board)
        if filter is not None:
            rows = {row: text for row, text in rows.items() if filter.matches(values(text))}
        head: dict[str, Any] = {
            "board": board.describe() | at.facts(),
            "id": str(at.id),
            "at": round(now, 3),
            "count": len(rows),
            **(filter.facts() if filter else {}),
        }
        parts = [b'{"id":%s,"fields":%s}' % (row, fields_json(text, keys)) for row, text in rows.items()]
        body = msgspec.json.encode(head)[:-1] + b',"rows":[' + b",".join(parts) + b"]}"
        return Snapshot(at.id, len(rows), body, gzip.compress(body, 4, mtime=0), now)
