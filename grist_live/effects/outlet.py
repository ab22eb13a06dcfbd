"""What an outlet is: a class that sends one message and returns a receipt, or raises `OutboundError`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Literal

import msgspec

from grist_live.board import Board
from grist_live.effects.message import Words
from grist_live.job import Claim
from grist_live.outbound import Outbound

Receipt = dict[str, Any]
"""What an outlet must know later to answer in the same thread."""


class Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The keys of `[outlets.<name>]` that every outlet has."""

    kind: str = ""
    language: Literal["fr", "en"] = "fr"


class Do(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The keys of a rule's `do` that every outlet has."""

    outlet: str
    thread: str = ""


class Outlet:
    """One way out. A subclass says what it may be told, and how it sends.

    `send` must bear repetition: after a crash the same job comes again, with the same `claim.job.unique`. If what it
    sends to knows such keys, people see one message; else they may, rarely, see two.
    """

    Options: ClassVar[type[Options]] = Options
    Do: ClassVar[type[Do]] = Do

    def __init__(self, name: str, options: Any, words: Words, http: Outbound) -> None:
        self.name, self.options, self.words, self.http = name, options, words, http

    def send(self, claim: Claim, board: Board) -> Receipt:
        """Send a job's message. Raises `OutboundError`."""
        raise NotImplementedError

    def legs(self, claim: Claim, board: Board) -> Iterator[tuple[str, Any]]:
        """Name the parts of a test, each with a call that returns what to say of it, or raises `OutboundError`."""
        yield "message accepted", lambda: self.send(claim, board) and ""

    def check(self, do: Mapping[str, Any]) -> None:
        """Check the settings of a rule's `do`. Raises `msgspec.ValidationError`, or `ValueError`."""
        msgspec.convert(dict(do), self.Do)
