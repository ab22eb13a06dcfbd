"""Jobs: what the board's rules decided to tell, kept in Redis until an outlet has accepted it.

A job carries all that its message needs, so that the log may forget the change. It waits, is claimed for a short time
by the process that sends it, and is removed when the outlet has accepted it; when a retry can't help it is dead, and
kept for people to look at. `jobs.lua` does each of these steps as a whole or not at all.
"""

from __future__ import annotations

import os
import secrets
import socket
from collections.abc import Iterable, Mapping, Sequence
from importlib import resources
from typing import Any

import msgspec

from grist_live.board import Board
from grist_live.job import Claim, Due, Job, Outcome, Turn
from grist_live.journal import Journal

SCRIPT = (resources.files("grist_live") / "jobs.lua").read_bytes()
BUCKETS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0, 300.0)
"""Upper ends, in seconds, of the classes in which the time from a change to its message is counted."""
REASON = 500
"""Characters of an error that are kept."""


class Jobs:
    """The jobs of all boards, and the memory of their rules. `holder` names who takes leases and claims."""

    def __init__(self, journal: Journal, holder: str = "") -> None:
        self._journal = journal
        self._script: Any = journal.redis.register_script(SCRIPT)
        self.holder = holder or f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"

    def _keys(self, board: Board, outlets: Iterable[str]) -> list[str]:
        keys = self._journal.keys(board)
        rules = ("state", "timers", "episodes", "cooldowns", "hours", "threads", "receipts", "ages")
        return [
            *(keys.meta, keys.log, keys.rows, keys.lease + "rules"),
            *(keys.rules + name for name in rules),
            *(keys.jobs + name for name in ("payloads", "roots", "claims")),
            *(f"{keys.jobs}{name}:{o}" for o in outlets for name in ("waiting", "claimed", "dead", "tries", "counts")),
        ]

    def _run(self, board: Board, outlets: Iterable[str], verb: str, now: float, *args: Any) -> Any:
        return self._script(keys=self._keys(board, outlets), args=[verb, f"{now:.6f}", *args])

    # ------------------------------------------------------------------------------------------------- for evaluators

    def begin(self, board: Board) -> None:
        """Set the cursor to the end of the log, unless there is one: what comes from now on is evaluated."""
        if not self._run(board, (), "begin", 0):
            self._journal.adopt(board)
            self._run(board, (), "begin", 0)

    def take(self, board: Board, now: float, lease: float, most: int) -> Turn | None:
        """Take or keep the board's lease, and read on from the cursor; None while another process has the lease."""
        answer = self._run(board, (), "take", now, self.holder, int(lease * 1000), most)
        if answer[0] == b"empty":
            self._journal.adopt(board)
            answer = self._run(board, (), "take", now, self.holder, int(lease * 1000), most)
        if answer[0] == b"busy":
            if _is_gone(answer[1].decode(), self.holder):
                self.release(board, answer[1].decode())
            return None
        _, number, position, seen, columns, head, changes, columns_now, entries, due, timer = answer
        return Turn(
            int(number),
            position.decode(),
            int(seen),
            columns.decode(),
            head.decode(),
            int(changes),
            columns_now.decode(),
            [(id.decode(), dict(zip(flat[::2], flat[1::2], strict=True))) for id, flat in entries],
            [Due(*_member(due[i]), float(due[i + 1]), due[i + 2].decode(), due[i + 3]) for i in range(0, len(due), 4)],
            float(timer) if timer else None,
        )

    def recall(
        self, board: Board, rows: Sequence[tuple[str, int]], rules: Sequence[str]
    ) -> tuple[dict[tuple[str, int], float], dict[str, str]]:
        """Return until when each (rule, row) cools down, and each rule's count of its hour."""
        keys = self._journal.keys(board)
        redis = self._journal.redis
        ends = redis.zmscore(keys.rules + "cooldowns", [f"{rule}\t{row}" for rule, row in rows]) if rows else []
        counts = redis.hmget(keys.rules + "hours", rules) if rules else []
        return (
            {key: end for key, end in zip(rows, ends, strict=True) if end is not None},
            {rule: count.decode() for rule, count in zip(rules, counts, strict=True) if count is not None},
        )

    def rows(self, board: Board, rows: Sequence[int]) -> dict[int, bytes]:
        """Return the texts of rows as they are now, of those that are there."""
        found = self._journal.redis.hmget(self._journal.keys(board).rows, rows) if rows else []
        return {row: text for row, text in zip(rows, found, strict=True) if text is not None}

    def write(self, board: Board, now: float, turn: int, outcome: Outcome) -> bool:
        """Write all that came of a turn, with the new cursor; False (and nothing) when it was no longer ours."""
        outlets = sorted({job.outlet for job, *_ in outcome.jobs})
        jobs = [
            (job.id, outlets.index(job.outlet), f"{due:.6f}", msgspec.json.encode(job), thread, begins)
            for job, due, thread, begins in outcome.jobs
        ]
        timers = [
            (f"{rule}\t{row}", f"{given[0]:.6f}" if given else "", given[1] if given else "")
            for (rule, row), given in outcome.timers.items()
        ]
        cooldowns = [(f"{rule}\t{row}", f"{end:.3f}") for (rule, row), end in outcome.cooldowns.items()]
        lists: Any = (jobs, timers, cooldowns, list(outcome.hours.items()))
        flat = [x for entries in lists for x in (len(entries), *(value for entry in entries for value in entry))]
        numbers = (outcome.missed, outcome.cooled, outcome.over)
        place = (outcome.position, outcome.seen, outcome.columns)
        return bool(self._run(board, outlets, "write", now, self.holder, turn, *place, *numbers, *flat))

    def release(self, board: Board, holder: str = "") -> None:
        """Give the lease back (or take it from a process that is gone)."""
        script = "if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end"
        self._journal.redis.eval(script, 1, self._journal.keys(board).lease + "rules", holder or self.holder)

    def forget(self, board: Board) -> None:
        """Forget the cursor and the timers: the next turn begins with what comes from then on."""
        prefix = self._journal.keys(board).rules
        self._journal.redis.delete(*(prefix + name for name in ("state", "timers", "episodes")))

    # ---------------------------------------------------------------------------------------------------- for senders

    def claim(self, board: Board, outlet: str, now: float, seconds: float) -> Claim | float | None:
        """Claim the job that has waited longest; else return when to look again (epoch seconds), None: no job waits."""
        kind, *rest = self._run(board, [outlet], "claim", now, self.holder, f"{now + seconds:.3f}")
        if kind != b"job":
            return float(rest[0]) if rest[0] else None
        _, payload, tries, since, receipt = rest
        thread = msgspec.json.decode(receipt) if receipt else None
        return Claim(msgspec.json.decode(payload, type=Job), int(tries), float(since or now), thread)

    def done(self, board: Board, job: Job, now: float, receipt: Mapping[str, Any]) -> bool:
        """Remove a job that its outlet has accepted; False when another process did."""
        took = max(0.0, now - job.at)
        bucket = next((f"le:{end:g}" for end in BUCKETS if took <= end), "le:+Inf")
        text = msgspec.json.encode(receipt)
        args = (job.id, text, "1" if job.begins else "", f"{took:.4f}", bucket)
        return bool(self._run(board, [job.outlet], "done", now, *args))

    def again(self, board: Board, job: Job, now: float, *, due: float | None, reason: str, pause: float | None) -> None:
        """Put a job back: `due` None keeps its place; no `reason`: no try is counted; `pause`: rest until then."""
        args = (f"{due:.6f}" if due else "", reason[:REASON], f"{pause:.3f}" if pause else "")
        self._run(board, [job.outlet], "again", now, job.id, self.holder, *args)

    def bury(self, board: Board, job: Job, now: float, reason: str) -> None:
        """Set a job aside that no retry can save."""
        self._run(board, [job.outlet], "bury", now, job.id, self.holder, reason[:REASON])

    def reap(self, board: Board, outlets: Iterable[str], now: float) -> int:
        """Free at once what processes of this host had claimed before they were killed; return how many."""
        held = self._journal.redis.hvals(self._journal.keys(board).jobs + "claims")
        holders = {value.decode().partition("\t")[2] for value in held}
        gone = [holder for holder in holders if _is_gone(holder, self.holder)]
        return sum(int(self._run(board, [o], "abandon", now, holder)) for holder in gone for o in outlets)

    # -------------------------------------------------------------------------------------------------- for operators

    def revive(self, board: Board, outlet: str, now: float) -> int:
        """Let the dead jobs of an outlet wait again; return how many."""
        return int(self._run(board, [outlet], "revive", now))

    def drop(self, board: Board, outlet: str, now: float) -> int:
        """Throw the dead jobs of an outlet away; return how many."""
        return int(self._run(board, [outlet], "forget", now))

    def report(self, board: Board, outlet: str, now: float, most: int = 5) -> dict[str, Any]:
        """Tell how an outlet's queue is: jobs by state, totals, the last error, the newest dead with their reasons."""
        waiting, claimed, dead, tried, oldest, flat, buried = self._run(board, [outlet], "report", now, most)
        counts = {flat[i].decode(): flat[i + 1].decode() for i in range(0, len(flat), 2)}
        retrying = max(0, tried - dead)
        pause = float(counts.get("pause", 0))
        tries = [(buried[i].decode(), *_try(buried[i + 1].decode())) for i in range(0, len(buried), 2)]
        return {
            "waiting": max(0, waiting + claimed - retrying),
            "retrying": retrying,
            "dead": dead,
            "sent": int(counts.get("sent", 0)),
            "failed": int(counts.get("failed", 0)),
            "oldest": float(oldest) if oldest else None,
            "paused_until": pause if pause > now else None,
            "last_error": counts.get("error"),
            "last_error_at": float(counts["error_at"]) if "error_at" in counts else None,
            "dead_jobs": [{"id": id, "tries": n, "at": at, "reason": reason} for id, n, _, at, reason in tries],
        }

    def latency(self, board: Board, outlet: str) -> tuple[list[tuple[str, int]], float]:
        """Return the cumulated buckets of the time from change to message, and its sum, for Prometheus."""
        found = self._journal.redis.hgetall(f"{self._journal.keys(board).jobs}counts:{outlet}")
        buckets, total = [], 0
        for end in [*(f"{b:g}" for b in BUCKETS), "+Inf"]:
            total += int(found.get(f"le:{end}".encode(), 0))
            buckets.append((end, total))
        return buckets, float(found.get(b"seconds", 0))

    def rules(self, board: Board) -> dict[str, float]:
        """Tell what became of changes that no job was made of: missed (and when), cooled down, over the limit; and when
        the change that is next to be looked at was logged, 0 for none."""
        keys, names = self._journal.keys(board), ("missed", "missed_at", "cooled", "over")
        *found, position = self._journal.redis.hmget(keys.rules + "state", (*names, "position"))
        told = {name: float(value or 0) for name, value in zip(names, found, strict=True)}
        waiting = self._journal.redis.xrange(keys.log, f"({position.decode()}", count=1) if position else []
        return {**told, "next_at": float(waiting[0][1][b"t"]) if waiting else 0.0}


def _member(member: bytes) -> tuple[str, int]:
    rule, _, row = member.decode().partition("\t")
    return rule, int(row)


def _try(text: str) -> tuple[int, float, float, str]:
    count, first, at, reason = text.split("\t", 3)
    return int(count), float(first), float(at), reason


def _is_gone(holder: str, own: str) -> bool:
    """Tell whether a process of this host has ended; of another host nobody knows, and its time runs out by itself."""
    host, _, pid = holder.rpartition(":")[0].rpartition(":")
    if host != socket.gethostname() or holder == own or not pid.isdigit():
        return False
    if int(pid) == os.getpid():
        return True  # it had our number before us, as in a container that was started again
    try:
        os.kill(int(pid), 0)
    except OSError as error:
        return isinstance(error, ProcessLookupError)
    return False
