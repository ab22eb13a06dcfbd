"""What bootstrap works on, what it found, and what it means to do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from grist_live.board import Board
from grist_live.errors import UserError
from grist_live.grist import Document
from grist_live.settings import Settings

Mark = Literal["ok", "add", "repair", "trap"]
SIGNS: dict[Mark, str] = {"ok": "=", "add": "+", "repair": "~", "trap": "!"}
ACCESS = ("read table", "full")


class BootstrapError(UserError):
    """Bootstrap can't go on; the message is one line that says what to do."""


@dataclass(frozen=True)
class Note:
    """One line of the plan: what exists, what will be added or repaired, or a trap with what to do about it."""

    mark: Mark
    text: str
    hint: str = ""

    def __str__(self) -> str:
        return f"{SIGNS[self.mark]} {self.text}{f'. {self.hint}' if self.hint else ''}"


@dataclass(frozen=True)
class Step:
    """One thing to do; `text` is shown when it is done."""

    text: str
    run: Callable[[], None]


@dataclass
class Plan:
    """What was found and what is to be done, in order. Nothing has been changed yet."""

    notes: list[Note] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)

    def note(self, mark: Mark, text: str, hint: str = "") -> None:
        self.notes.append(Note(mark, text, hint))

    def step(self, text: str, run: Callable[[], None]) -> None:
        self.steps.append(Step(text, run))

    @property
    def traps(self) -> list[Note]:
        """What needs the user."""
        return [n for n in self.notes if n.mark == "trap"]

    def lines(self) -> list[str]:
        """Return the plan for showing: `=` is there, `+` will be added, `~` will be repaired, `!` is for
        you."""
        return [str(n) for n in self.notes]


@dataclass
class Job:
    """What bootstrap works on: the wish, and what it learns about the document on the way.

    `given` is the board as configured, `board` the same with the ids that the document really has, as soon
    as they are known; `table_ref` is 0 while there is no table, `page_ref` while there is no page.
    `token_ok` tells whether a token that is already in the widget's options still opens this board.
    `file_preset` is written to the configuration when it isn't empty; `made` names the secrets that were
    made for this run and must be kept.
    """

    settings: Settings
    given: Board
    board: Board
    document: Document
    path: Path
    token: str = ""
    token_ok: Callable[[str], bool] = bool
    access: str = ""
    file_preset: str = ""
    made: frozenset[str] = frozenset()
    table_ref: int = 0
    present: frozenset[str] = frozenset()
    """Ids of the declared columns that the table has."""
    read_only: frozenset[str] = frozenset()
    """Those of them that are formulas."""
    page_ref: int = 0
    card_ref: int = 0
    """The section that is a row's card; 0 where Grist has none."""
    raw_ref: int = 0

    @property
    def language(self) -> str:
        return self.settings.language or "fr"

    @property
    def watched(self) -> list[str]:
        """The columns that the webhook watches: those of the board's that are there."""
        return [c for c in self.board.watched if c in self.present]
