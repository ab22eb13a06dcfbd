"""A job, and what evaluators and senders are handed of it. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

import msgspec

from grist_live.board import Text


class Job(msgspec.Struct, omit_defaults=True):
    """One message to send: by which rule, through which outlet (`do`: its settings), of which change, and the row.

    `id` is unique for ever: it is made of the change's id, the rule and the outlet. `about`: `alert`, `answer` (in the
    thread of an alert), `test`, or `summary`: `count` more than the `limit` of an hour that ends at `until`, with some
    of the `others`. `request` is what our logs call the webhook or action that brought the change.
    """

    id: str
    board: str
    rule: str
    outlet: str
    about: Literal["alert", "answer", "summary", "test"]
    change: str
    at: float
    row: int = 0
    cells: dict[str, Any] = {}
    was: dict[str, Any] = {}
    heading: Text = {}
    do: dict[str, Any] = {}
    count: int = 0
    limit: int = 0
    others: list[tuple[int, dict[str, Any]]] = []
    until: float = 0.0
    begins: bool = False
    request: str = ""

    @property
    def unique(self) -> str:
        """Name this job among those of all boards."""
        return f"{self.board}.{self.id}"


class Claim(NamedTuple):
    """A job that this process sends now: how often that failed, since when, the receipt of its thread's alert."""

    job: Job
    tries: int
    since: float
    thread: dict[str, Any] | None


class Due(NamedTuple):
    """A timer that has run out: a rule and a row, the change that began it, the row as it is now (empty: gone)."""

    rule: str
    row: int
    due: float
    change: str
    text: bytes


@dataclass(slots=True)
class Turn:
    """What the one evaluator of a board read: where it stands, and what comes next."""

    number: int
    position: str
    seen: int
    columns: str
    head: str
    changes: int
    columns_now: str
    entries: list[tuple[str, dict[bytes, bytes]]]
    due: list[Due]
    next_timer: float | None


@dataclass(slots=True)
class Outcome:
    """What an evaluator writes at the end of its turn: jobs with the thread they belong to and the one they begin."""

    position: str
    seen: int
    columns: str
    missed: int = 0
    cooled: int = 0
    over: int = 0
    jobs: list[tuple[Job, float, str, str]] = field(default_factory=list)
    timers: dict[tuple[str, int], tuple[float, str] | None] = field(default_factory=dict)
    cooldowns: dict[tuple[str, int], float] = field(default_factory=dict)
    hours: dict[str, str] = field(default_factory=dict)
