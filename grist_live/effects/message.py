"""Messages: what a job says, from the templates beside this file, in French or English."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from jinja2 import Environment, PackageLoader, StrictUndefined

from grist_live.board import Board, Column
from grist_live.job import Job

LONGEST = 300
"""Characters of a cell that a message shows: a whole event may have 64 KiB."""
HIDDEN = {"title", "kind", "updated_at", "latitude", "longitude"}
"""Roles that have no line of their own."""
_BIDI = re.compile("[\u202a-\u202e\u2066-\u2069\u200e\u200f]")
_SPACE = re.compile(r"\s+")
_YES = {"fr": ("non", "oui"), "en": ("no", "yes")}


class Line(NamedTuple):
    """One column of a message: its label, the value, and the value before."""

    label: str
    value: str
    was: str


class Words:
    """Writes the messages of one language."""

    def __init__(self, language: str, public_url: str = "") -> None:
        self.language, self.public_url = language, public_url
        self._environment = Environment(
            loader=PackageLoader("grist_live.effects"),
            autoescape=lambda name: bool(name and name.endswith(".html")),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )

    def write(self, template: str, job: Job, board: Board, secret: bool = False, link: bool = True) -> str:
        """Fill a template with a job. `secret`: nobody else can read it, so all columns may stand in it."""
        return self._environment.get_template(template).render(self.facts(job, board, secret, link)).strip()

    def facts(self, job: Job, board: Board, secret: bool, link: bool) -> dict[str, Any]:
        """Return what templates may use; columns that the board doesn't declare public only in secret."""
        shown = [c for c in board.columns if c.public or secret]
        role = {c.role: self._cell(job.cells.get(c.id), c, board) for c in shown if c.role}
        return {
            "about": job.about,
            "language": self.language,
            "board": board.title.get(self.language) or board.name,
            "heading": job.heading.get(self.language) or next(iter(job.heading.values()), job.rule),
            "title": self._title(job.row, job.cells, board, secret),
            "kind": role.get("kind", ""),
            "done": _meaning(job, board) == "done",
            "urgent": _is_urgent(job, board),
            "lines": list(self._lines(job, board, shown)),
            "time": self._time(job.at, board),
            "until": self._time(job.until, board),
            "count": job.count,
            "limit": job.limit,
            "others": [self._title(row, cells, board, secret) for row, cells in job.others],
            "link": self._link(job, board, secret) if link else "",
        }

    def _title(self, row: int, cells: dict[str, Any], board: Board, secret: bool) -> str:
        column = board.column("title")
        shown = column is not None and (column.public or secret)
        return (self._cell(cells.get(column.id), column, board) if column and shown else "") or f"#{row}"

    def _lines(self, job: Job, board: Board, shown: list[Column]) -> Iterator[Line]:
        for column in shown:
            value = self._cell(job.cells.get(column.id), column, board)
            was = self._cell(job.was.get(column.id), column, board) if column.id in job.was else ""
            if column.role not in HIDDEN and (value or was):
                yield Line(column.title(self.language), value, was)

    def _link(self, job: Job, board: Board, secret: bool) -> str:
        """Return the row's address in Grist where the board tells it, else the dashboard's."""
        if board.link and job.row and (secret or board.access != "public" or board.link_public):
            return board.link.replace("{row}", str(job.row))
        return f"{self.public_url}/boards/{board.name}" if self.public_url else ""

    def _time(self, at: float, board: Board) -> str:
        here = datetime.fromtimestamp(at, ZoneInfo(board.timezone))
        today = datetime.now(here.tzinfo).date() == here.date()
        return here.strftime("%H:%M" if today else "%d/%m/%Y %H:%M" if self.language == "fr" else "%Y-%m-%d %H:%M")

    def _cell(self, cell: Any, column: Column, board: Board) -> str:
        """Write a cell as people read it: in one line, of bounded length, with nothing that turns text around."""
        if cell is None:
            return ""
        if isinstance(cell, bool):
            return _YES[self.language][cell]
        if isinstance(cell, int | float) and column.type.startswith("Date"):
            return self._date(cell, column, board)
        if isinstance(cell, list):
            cell = ", ".join(str(part) for part in cell[1:]) if cell[:1] == ["L"] else ""
        if isinstance(cell, float) and cell.is_integer():
            cell = int(cell)
        choice = next((c for c in column.choices if c.value == cell), None)
        text = choice.label.get(self.language, choice.value) if choice else str(cell)
        text = "".join(c for c in _BIDI.sub("", text) if c.isspace() or unicodedata.category(c) != "Cc")
        text = _SPACE.sub(" ", text).strip()
        return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"

    def _date(self, cell: float, column: Column, board: Board) -> str:
        try:
            if column.type == "Date":
                return datetime.fromtimestamp(cell, UTC).strftime("%d/%m/%Y" if self.language == "fr" else "%Y-%m-%d")
            return self._time(cell, board)
        except (OverflowError, ValueError, OSError):
            return str(cell)


def _meaning(job: Job, board: Board) -> str:
    column = board.column("status")
    return next((c.meaning or "" for c in column.choices if c.value == job.cells.get(column.id)), "") if column else ""


def _is_urgent(job: Job, board: Board) -> bool:
    column = board.column("priority")
    return bool(column) and any(c.urgent and c.value == job.cells.get(column.id) for c in column.choices)  # type: ignore[union-attr]
