"""The journal: a board's memory in Redis. Every Redis key is named here and nowhere else.

`commit` is the only way in for rows. What it does in one atomic step is written in `journal.lua`; this room brings
rows there and answers what came of it, and keeps what belongs to a board beside its rows: what is owed to it, its
counters, who is alive.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import socket
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import resources
from typing import Any, Literal, NamedTuple, cast

import redis
from redis.backoff import NoBackoff
from redis.exceptions import NoScriptError, RedisError
from redis.retry import Retry

from grist_live.actions import State
from grist_live.board import Board
from grist_live.errors import UserError
from grist_live.wire import Wire, Wires

SCRIPT = (resources.files("grist_live") / "journal.lua").read_bytes()
EVENT_ID = re.compile(r"(\d{1,19})-(\d{1,15})")
BATCH = 1000
"""Rows per script call: Lua's `unpack` takes less than 8,000 values."""
RESET_ABOVE = 500
"""More changes than this at once go to viewers as one `reset`."""
WHOLE_TABLE = "*"
"""What is owed when nobody knows which rows."""
MOST_PARKED = 2000
"""Webhook rows that wait for the keeper; with more the whole table is owed."""

StateKind = Literal["next", "whole", "anew"]
Unavailable = (RedisError, OSError)
"""What a call raises while Redis is away."""


class StaleBoardError(UserError):
    """The journal holds this board with other columns: a newer configuration runs elsewhere."""


class EpochError(RuntimeError):
    """The journal began a new epoch while rows were read: read them again."""


class OldStateError(RuntimeError):
    """The rows are of a state of the document that the board has left behind."""


class GapError(RuntimeError):
    """Actions are missing between the board's state and these rows."""


class FencedError(RuntimeError):
    """Another keeper has taken the board over: this one must write nothing more."""


REFUSALS = {b"epoch": EpochError, b"old": OldStateError, b"gap": GapError, b"fenced": FencedError}


class Id(NamedTuple):
    """An event id, `<epoch>-<counter>`: dense per board, so that a gap shows itself."""

    epoch: str
    counter: int

    def __str__(self) -> str:
        return f"{self.epoch}-{self.counter}"


UNKNOWN = Id("0", 0)
"""Stands for an id that nobody can read: of no epoch, so that its viewer is told to begin anew."""


def parse_id(text: str | None) -> Id | None:
    """Read an event id that came from outside; None when it is none."""
    match = EVENT_ID.fullmatch(text or "")
    return Id(match[1], int(match[2])) if match else None


class Entry(NamedTuple):
    """One logged change: its id, the event's JSON, the whole row after it (before it, when removed), and the request
    that brought it, for our own logs."""

    id: Id
    row: int
    source: str
    at: float
    data: bytes
    text: bytes
    request: str


class Head(NamedTuple):
    """Where a board is: its last event id, whether its rows are the whole table of its document, since when it
    has been here (epoch seconds; None before the first process adopted it)."""

    id: Id
    complete: bool
    since: float | None

    def facts(self) -> dict[str, Any]:
        """What viewers are told of it: without the whole table they see rows since a time, and no deletions."""
        return {"complete": self.complete, "since": None if self.complete else self.since}


@dataclass(slots=True)
class Commit:
    """What came of a commit. `changed` is filled only where asked: (row id, action, row text).

    `skipped` rows are newer here than what was read; `parked` ones wait for the keeper.
    """

    id: Id
    new: int = 0
    unchanged: int = 0
    parked: int = 0
    request: str = ""
    suspects: list[int] = field(default_factory=list)
    skipped: list[int] = field(default_factory=list)
    changed: list[tuple[int, str, bytes]] = field(default_factory=list)

    def span(self) -> tuple[str, ...]:
        """Name the first and the last change that was logged, for our own logs."""
        first = self.id._replace(counter=self.id.counter - self.new + 1)
        return tuple(str(id) for id in dict.fromkeys((first, self.id))) if self.new else ()


class Keys:
    """The Redis keys of one board; all share a hash tag, so that a cluster keeps them together."""

    def __init__(self, name: str) -> None:
        prefix = f"grist-live:{{{name}}}:"
        self.rows = prefix + "rows"
        self.log = prefix + "log"
        self.meta = prefix + "meta"
        self.feed = prefix + "feed"
        self.owed = prefix + "owed"
        self.rejected = prefix + "rejected"
        self.stats = prefix + "stats"
        self.lease = prefix + "lease:"
        self.rules = prefix + "rules:"
        self.jobs = prefix + "jobs:"
        self.keeper = prefix + "keeper"
        self.watching = prefix + "watching"
        self.parked = prefix + "parked"
        self.layout = prefix + "layout"
        self.script = (self.rows, self.log, self.meta, self.keeper, self.watching, self.parked, self.owed)


WEB = "grist-live:web"
WORK = "grist-live:work"


def connect(url: str) -> redis.Redis:
    """Make a client that fails fast: redis-py's own ten retries keep a webhook waiting for seconds."""
    return redis.Redis.from_url(
        url,
        socket_timeout=5,
        socket_connect_timeout=2,
        retry=Retry(NoBackoff(), 1),
        retry_on_error=[redis.exceptions.ConnectionError],
        client_name="grist-live",
        protocol=2,  # with RESP3, what is published comes as another kind of reply
    )


def process_name() -> str:
    return f"{socket.gethostname()}:{os.getpid()}"


class Subscription:
    """The messages of one subscribed connection."""

    def __init__(self, wire: Wire, silence: float) -> None:
        self._wire, self._asked = wire, False
        wire.timeout(silence)

    def next(self) -> list[tuple[bytes, bytes]]:
        """Wait for messages, and return all that have come: (channel, data). None came while Redis was silent: [].

        A connection can be dead without telling: after a silence Redis is asked, and the next one is an error.
        """
        try:
            reply = self._wire.read()
        except TimeoutError:
            if self._asked:
                raise
            self._wire.send("PING")
            self._asked = True
            return []
        self._asked = False
        found = []
        while reply is not None:
            if isinstance(reply, Exception):
                raise reply
            if reply[0] == b"message":
                found.append((reply[1], reply[2]))
            reply = self._wire.here()
        return found


class Journal:
    """The boards' memory. One per process; safe for threads and greenlets."""

    def __init__(self, client: redis.Redis, clock: Callable[[], float] = time.time) -> None:
        self.redis: Any = client
        self._wires = Wires(client)
        self.clock = clock
        self._sha = hashlib.sha1(SCRIPT).hexdigest()
        self._keys: dict[str, Keys] = {}

    def keys(self, board: Board) -> Keys:
        keys = self._keys.get(board.name)
        if keys is None:
            keys = self._keys[board.name] = Keys(board.name)
        return keys

    def _run(self, board: Board, verb: str, *args: str | bytes | int) -> list[Any]:
        keys = self.keys(board)
        given = (len(keys.script), *keys.script, verb, keys.feed, *args)
        try:
            return cast(list[Any], self._wires.call("EVALSHA", self._sha, *given))
        except NoScriptError:
            return cast(list[Any], self._wires.call("EVAL", SCRIPT, *given))

    # ------------------------------------------------------------------------------------------------- rows, log

    def commit(
        self,
        board: Board,
        rows: Sequence[tuple[int, bytes]],
        source: str,
        *,
        suspect: bool = False,
        since: Id | None = None,
        fill: bool = False,
        want_rows: bool = False,
        state: State | None = None,
        kind: StateKind = "whole",
        fence: bytes = b"",
        by: str = "",
        request: str = "",
    ) -> Commit:
        """Compare rows with the snapshot, and log, store and publish what really differs, atomically.

        `rows`: (row id, row text); an empty text removes the row. Rows come in the order in which they happened.
        `suspect`: leave out rows whose `updated_at` is older than the stored one, and name them.
        `since`: the rows were read as a whole at this id or later; what was pushed after it is newer, and skipped.
        `fill`: first fill: nothing is logged or published (`filled` tells it at the end).
        `state`: the document's state that the board is of after this. `kind` tells how it gets there: by the `next`
        action, by a comparison with a `whole` reading, or `anew`, when the document took up another history.
        `fence`: what `keep` gave; `by`: whom the change is from, as JSON; `request`: what our logs call it.

        Raises `EpochError` (read again), `StaleBoardError`, `OldStateError`, `GapError`, `FencedError`, or one of
        `Unavailable`. Repeating is harmless.
        """
        total = Commit(UNKNOWN, request=request)
        for start in range(0, len(rows), BATCH) or (0,):
            args: list[str | bytes | int] = [
                source,
                f"{self.clock():.3f}",
                _columns(board),
                board.index("updated_at") + 1,
                board.history_max,
                "1" if suspect else "",
                str(since or ""),
                "1" if fill else "",
                "1" if want_rows else "",
                RESET_ABOVE,
                by,
                state.n if state else "",
                state.h if state else "",
                kind + ("+" if start + BATCH < len(rows) else ""),
                fence,
                MOST_PARKED,
                request,
            ]
            part = self._commit_batch(board, args, rows[start : start + BATCH])
            if since and part.id == (since.epoch, since.counter + part.new):
                since = part.id  # nobody else wrote meanwhile: the next call has less to look through
            total.id = part.id
            total.new += part.new
            total.unchanged += part.unchanged
            total.parked += part.parked
            total.suspects += part.suspects
            total.skipped += part.skipped
            total.changed += part.changed
        return total

    def _commit_batch(self, board: Board, args: list[str | bytes | int], rows: Sequence[tuple[int, bytes]]) -> Commit:
        for row in rows:
            args += row
        answer = self._run(board, "commit", *args)
        if answer[0] == b"columns" and not answer[1]:  # Redis lost its data since we adopted the board
            self.adopt(board)
            answer = self._run(board, "commit", *args)
        if answer[0] == b"columns":
            raise StaleBoardError(f"board {board.name} has other columns in Redis: restart this process")
        if answer[0] in REFUSALS:
            raise REFUSALS[answer[0]](f"board {board.name}")
        epoch, n, new, unchanged, suspects, skipped, parked, changed = answer
        return Commit(
            Id(epoch.decode(), n),
            new,
            unchanged,
            parked,
            "",
            [int(x) for x in suspects],
            [int(x) for x in skipped],
            [(int(changed[i]), changed[i + 1].decode(), changed[i + 2]) for i in range(0, len(changed), 3)],
        )

    def head(self, board: Board) -> Head:
        """Return where the board is; see `Head`."""
        return _head(self._run(board, "head"), board)

    def adopt(self, board: Board) -> bool:
        """Make the stored rows fit the board's columns; tell whether anything had to change."""
        return bool(self._run(board, "adopt", _columns(board))[2])

    def filled(self, board: Board) -> Id:
        """Tell that the snapshot is now the whole table of the board's document: a new epoch, one reset."""
        epoch, n = self._run(board, "filled", board.doc)
        return Id(epoch.decode(), n)

    def since(self, board: Board, position: Id, most: int = RESET_ABOVE) -> tuple[Id, list[Entry] | None]:
        """Return the last id and every change after `position`; None instead of them where there is a hole."""
        epoch, n, *rest = self._run(board, "resume", position.epoch, position.counter, most)
        head = Id(epoch.decode(), n)
        return head, [_entry(e) for e in rest[0]] if rest else None

    def last(self, board: Board, count: int) -> list[Entry]:
        """Return the newest `count` changes, oldest first."""
        found = self.redis.xrevrange(self.keys(board).log, count=count)
        return [_entry((id, _flat(fields))) for id, fields in reversed(found)]

    def history(
        self, board: Board, before: Id | None = None, row: int | None = None, limit: int = 100
    ) -> tuple[list[Entry], Id | None]:
        """Return logged changes, newest first: those before an id, of one row or of all; and where to go on.

        One call looks through a bounded part of the log: for a row it may return few, or none, and yet not be the end.
        """
        found: list[Entry] = []
        step = limit if row is None else 1000
        for _ in range(1 if row is None else 10):
            part = self.redis.xrevrange(self.keys(board).log, max=f"({before}" if before else "+", count=step)
            entries = [_entry((id, _flat(fields))) for id, fields in part]
            for entry in entries:
                before = entry.id
                if row is None or entry.row == row:
                    found.append(entry)
                if len(found) == limit:
                    return found, before
            if len(part) < step:
                return found, None
        return found, before

    def snapshot(self, board: Board) -> tuple[Head, dict[bytes, bytes]]:
        """Return the rows (row id → row text), and the head that they are of."""
        keys = self.keys(board)
        for load in (True, False):
            pipe = self.redis.pipeline(transaction=True)
            pipe.evalsha(self._sha, len(keys.script), *keys.script, "head", keys.feed)
            pipe.hgetall(keys.rows)
            try:
                head, rows = pipe.execute()
                return _head(head, board), rows
            except NoScriptError:
                if not load:
                    raise
                self.redis.script_load(SCRIPT)
        raise AssertionError("unreachable")

    def row_ids(self, board: Board) -> set[int]:
        return {int(id) for id in self.redis.hkeys(self.keys(board).rows)}

    def rows(self, board: Board) -> int:
        return int(self.redis.hlen(self.keys(board).rows))

    def trim(self, board: Board) -> int:
        """Forget changes older than the board's `history_days`; return how many."""
        log, oldest = self.keys(board).log, self.clock() - board.history_days * 86_400
        keep_from, start = None, "-"
        while part := self.redis.xrange(log, min=start, count=500):
            entries = [_entry((id, _flat(fields))) for id, fields in part]
            start = f"({entries[-1].id}"
            keep_from = next((e.id for e in entries if e.at >= oldest), None)
            if keep_from:
                break
            last = entries[-1].id
            keep_from = Id(last.epoch, last.counter + 1)
        return int(self.redis.xtrim(log, minid=str(keep_from), approximate=False)) if keep_from else 0

    def publish_test(self, board: Board, data: bytes) -> None:
        """Show a test event to the viewers; nothing is stored. `data` is one line of JSON."""
        self.redis.publish(self.keys(board).feed, b"0 0 0 test\n" + data)

    # ------------------------------------------------------------------------------------- the board and its document

    def keep(self, board: Board, name: str, seconds: float) -> bytes:
        """Take or keep the lease of a board's keeper; return the fence for its commits, b"" when another holds it."""
        return cast(bytes, self._run(board, "keep", name, int(seconds * 1000)))

    def let_go(self, board: Board, fence: bytes) -> None:
        """Give the lease back; nothing happens when another holds it."""
        self._run(board, "let_go", fence)

    def watch(self, board: Board, fence: bytes, seconds: float) -> bool:
        """Tell that the keeper hears every action from now on (0 s: no more), so that webhook rows are parked.

        Keeping the lease prolongs it. When it ends, what is parked goes first at the next `commit` of a webhook.
        """
        return bool(self._run(board, "watch", fence, int(seconds * 1000)))

    def confirm(self, board: Board, fence: bytes, at: int) -> bool:
        """Tell that the rows are those of a state at this time (`now`) or later: what was parked before is known.

        False when the watch has ended.
        """
        return bool(self._run(board, "confirm", fence, at))

    def parked(self, board: Board) -> int:
        """Return how many webhook rows wait for the keeper."""
        return int(self.redis.llen(self.keys(board).parked))

    def watched(self, board: Board) -> bool:
        """Tell whether a keeper hears every action of the board's document."""
        return bool(self.redis.exists(self.keys(board).watching))

    def now(self) -> int:
        """Return the time in microseconds, of the one clock that all processes share: Redis's."""
        seconds, micros = self.redis.time()
        return int(seconds) * 1_000_000 + int(micros)

    def state(self, board: Board) -> State | None:
        """Return the document's state that the rows are of, if they are of one."""
        n, h = self.redis.hmget(self.keys(board).meta, "action", "hash")
        return State(int(n), h.decode()) if n else None

    def pushed(self, board: Board, most: int = BATCH) -> set[int] | None:
        """Return the rows that webhooks changed since the board was exactly of its state; None: too many to tell."""
        exact = self.redis.hget(self.keys(board).meta, "exact")
        if exact is None:
            return None
        epoch = self.head(board).id.epoch
        _, entries = self.since(board, Id(epoch, int(exact)), most)
        return None if entries is None else {entry.row for entry in entries if entry.source == "webhook"}

    def layout(self, board: Board) -> bytes | None:
        """Return how the board's columns stood in the document when its table was last read."""
        found: bytes | None = self.redis.get(self.keys(board).layout)
        return found

    def set_layout(self, board: Board, layout: bytes) -> None:
        self.redis.set(self.keys(board).layout, layout)

    # ----------------------------------------------------------------------------------------------- beside the rows

    def set_aside(self, board: Board, reasons: Sequence[str]) -> None:
        """Count records that were set aside, and keep the newest reasons."""
        keys, now = self.keys(board), f"{self.clock():.3f}"
        pipe = self.redis.pipeline(transaction=False)
        pipe.hincrby(keys.meta, "rejected", len(reasons))
        pipe.lpush(keys.rejected, *(f"{now} {reason}" for reason in reasons[:50]))
        pipe.ltrim(keys.rejected, 0, 49)
        pipe.execute()

    def tell_compat(self, changes: Sequence[tuple[Board, int, str, bytes]]) -> None:
        """Publish changes in the compatible format, and keep each row 24 h: (board, row id, action, message)."""
        pipe = self.redis.pipeline(transaction=False)
        kept: dict[str, bytes | None] = {}
        for board, row, action, message in changes:
            pipe.publish(board.compat_channel, message)
            kept[f"{board.compat_prefix}{row}"] = None if action == "remove" else message
        for key, last in kept.items():
            if last is None:
                pipe.delete(key)
            else:
                pipe.set(key, last, ex=86_400)
        pipe.execute()

    def counters(self, board: Board) -> dict[str, float]:
        """Return the board's totals: changes, rejected; last_change in epoch seconds. 0 where there is none."""
        names = ("changes", "rejected", "last_change")
        found = self.redis.hmget(self.keys(board).meta, names)
        return {name: float(value or 0) for name, value in zip(names, found, strict=True)}

    def rejected(self, board: Board) -> list[tuple[float, str]]:
        """Return the newest reasons why records were set aside, with their times."""
        found = [line.decode().partition(" ") for line in self.redis.lrange(self.keys(board).rejected, 0, 49)]
        return [(float(at), reason) for at, _, reason in found]

    def owe(self, board: Board, rows: Iterable[int] = ()) -> None:
        """Note that these rows (none named: the whole table) must be read from Grist."""
        pipe = self.redis.pipeline(transaction=False)
        for row in [str(row) for row in rows] or [WHOLE_TABLE]:
            pipe.hincrby(self.keys(board).owed, row, 1)
        pipe.execute()

    def owed(self, board: Board) -> dict[str, bytes]:
        """Return what is owed: row id (or `WHOLE_TABLE`) → a mark to pay it with."""
        return {row.decode(): mark for row, mark in self.redis.hgetall(self.keys(board).owed).items()}

    def pay(self, board: Board, owed: dict[str, bytes]) -> None:
        """Strike out what was owed when `owed` was read; what has come since stays."""
        script = (
            "for i = 1, #ARGV, 2 do if redis.call('HGET', KEYS[1], ARGV[i]) == ARGV[i + 1] then "
            "redis.call('HDEL', KEYS[1], ARGV[i]) end end"
        )
        flat = [x for pair in owed.items() for x in pair]
        if flat:
            self.redis.eval(script, 1, self.keys(board).owed, *flat)

    def lease(self, board: Board, what: str, seconds: float) -> bool:
        """Take or keep a lease for this process; False when another process holds it."""
        script = (
            "local holder = redis.call('GET', KEYS[1]) if holder and holder ~= ARGV[1] then return 0 end "
            "redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2]) return 1"
        )
        key = self.keys(board).lease + what
        return bool(self.redis.eval(script, 1, key, process_name(), int(seconds * 1000)))

    def release(self, board: Board, what: str) -> None:
        """Give a lease back; nothing happens when another process holds it."""
        script = "if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end"
        self.redis.eval(script, 1, self.keys(board).lease + what, process_name())

    def add_stats(self, board: Board, slot: int, counts: dict[str, int], keep: float) -> None:
        """Store the counts per status of one time slot (its start in epoch seconds); drop those older than `keep` s."""
        key, member = self.keys(board).stats, json.dumps({"at": slot, "counts": counts}, ensure_ascii=False)
        pipe = self.redis.pipeline(transaction=True)
        pipe.zremrangebyscore(key, slot, slot)
        pipe.zadd(key, {member: slot})
        pipe.zremrangebyscore(key, "-inf", slot - keep)
        pipe.execute()

    def stats(self, board: Board, since: float) -> list[dict[str, Any]]:
        """Return the slots since a time, oldest first: `{"at": …, "counts": {status: rows}}`."""
        return [json.loads(m) for m in self.redis.zrangebyscore(self.keys(board).stats, since, "+inf")]

    # ------------------------------------------------------------------------------------------------ who is alive

    def alive(self, kind: str, state: dict[str, Any]) -> None:
        """Tell that this process lives; `kind` is `WEB` or `WORK`."""
        self.redis.hset(kind, process_name(), json.dumps({**state, "at": self.clock()}))

    def gone(self, kind: str) -> None:
        self.redis.hdel(kind, process_name())

    def living(self, kind: str, within: float = 15.0) -> dict[str, dict[str, Any]]:
        """Return the processes of a kind that told that they live, and strike out those that stopped telling."""
        found = {name: json.loads(state) for name, state in self.redis.hgetall(kind).items()}
        dead = [name for name, state in found.items() if state["at"] < self.clock() - within]
        if dead:
            self.redis.hdel(kind, *dead)
        return {name.decode(): state for name, state in found.items() if name not in dead}

    def others(self, kind: str) -> list[dict[str, Any]]:
        """Return the states of the living processes of a kind, without this one."""
        own = process_name()
        return [state for name, state in self.living(kind).items() if name != own]

    @contextmanager
    def subscribe(self, channels: Iterable[bytes], silence: float = 10.0) -> Iterator[Subscription]:
        """Open one connection that gets what is published on these channels, from now on."""
        wire = Wire(self.redis)
        try:
            names = list(channels)
            wire.send("SUBSCRIBE", *names)
            for _ in names:  # wait for each confirmation: what is published before it is lost
                reply = wire.read()
                if isinstance(reply, Exception):
                    raise reply
            yield Subscription(wire, silence)
        finally:
            wire.close()

    def close(self) -> None:
        """Close all connections of this process."""
        self._wires.close()
        self.redis.close()

    def ping(self) -> float:
        """Return the seconds that Redis takes to answer."""
        start = time.perf_counter()
        self.redis.ping()
        return time.perf_counter() - start


def _head(answer: Sequence[Any], board: Board) -> Head:
    epoch, n, filled, born = answer
    return Head(Id(epoch.decode(), n), bool(filled) and filled.decode() == board.doc, float(born) if born else None)


def _columns(board: Board) -> str:
    return "".join(f"{id}\t" for id in board.ids)


def _flat(fields: dict[bytes, bytes]) -> list[bytes]:
    return [x for pair in fields.items() for x in pair]


def _entry(found: Sequence[Any]) -> Entry:
    """Read a log entry; its fields come in the order in which the script writes them."""
    id, fields = found
    epoch, _, counter = id.decode().partition("-")
    _, row, _, source, _, at, _, data, _, text, *request = fields
    name = request[1].decode() if request else ""  # entries of an earlier version have none
    return Entry(Id(epoch, int(counter)), int(row), source.decode(), float(at), data, text, name)
