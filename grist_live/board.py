"""Boards: a Grist table made live, with what its columns mean.

A board is written in TOML: a preset (`grist_live/presets/*.toml`, or a file of the user's) and, over it, the
`[boards.<name>]` table of the configuration. Everything else asks the board for *roles* and never names a column.
"""

from __future__ import annotations

import re
import tomllib
from functools import cached_property
from importlib import resources
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo

import msgspec

from grist_live.errors import UserError

ROLES = (
    "title", "status", "priority", "assignee", "place", "department",
    "kind", "comment", "updated_at", "latitude", "longitude",
)  # fmt: skip
Role = Literal[
    "title", "status", "priority", "assignee", "place", "department",
    "kind", "comment", "updated_at", "latitude", "longitude",
]  # fmt: skip
Meaning = Literal["waiting", "active", "done", "blocked"]
Text = dict[str, str]
"""A text per language: `{"fr": …, "en": …}`; a missing language falls back to the other."""

RESERVED = {"health", "sse-stream", "grist-realtime"}
"""Words that stand after /webhook/ themselves."""
NAME = re.compile(r"[a-z][a-z0-9_-]{0,62}")
LINK = re.compile(r"https?://[^\s{}]+\{row\}[^\s{}]*")
MOST_MINUTES = 10 * 366 * 24 * 60
COLUMN_ID = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,199}")


class BoardError(UserError, ValueError):
    """A board that can't be used; the message names the place and says what to do."""


class Delay(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Minutes after which a row that nobody has dealt with turns amber, then red."""

    amber: int | float
    red: int | float


class Choice(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One value of a choice column; `meaning` for statuses; `rank`, `urgent` and `delay` for priorities."""

    value: str
    label: Text = {}
    color: str = "#000000"
    fill: str = "#FFFFFF"
    meaning: Meaning | None = None
    rank: int | None = None
    urgent: bool = False
    delay: Delay | None = None


class Column(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One declared column, by its Grist id. Only declared columns are stored and sent; `public` ones also into chat
    rooms that aren't encrypted."""

    id: str
    role: Role | None = None
    type: str = "Text"
    label: Text = {}
    choices: tuple[Choice, ...] = ()
    trigger: str = ""
    optional: bool = False
    public: bool = False

    def title(self, language: str = "fr") -> str:
        return self.label.get(language) or next(iter(self.label.values()), self.id)


class Board(msgspec.Struct, frozen=True, forbid_unknown_fields=True, dict=True):
    """One live table. Fields are the keys of a preset and of `[boards.<name>]`. `rules` is checked and read by the
    room of that name, which can tell the line of an error."""

    name: str
    title: Text
    table: str
    columns: tuple[Column, ...]
    preset: str = ""
    doc: str = ""
    page: str = "Tableau de bord"
    webhook: str = ""
    access: Literal["public", "token", "grist"] = "token"
    open: bool = False
    source: Literal["auto", "webhook", "watch", "both"] = "auto"
    authors: Literal["none", "name", "email"] = "none"
    history_days: float = 7.0
    history_max: int = 100_000
    compat: bool = False
    compat_type: str = "update"
    compat_channel: str = ""
    compat_prefix: str = ""
    sse_channel: str = ""
    column_ids: dict[str, str] = {}
    widget: str = ""
    link: str = ""
    link_public: bool = False
    timezone: str = "Europe/Paris"
    rules: tuple[dict[str, Any], ...] = ()

    @cached_property
    def ids(self) -> tuple[str, ...]:
        """The Grist ids of the declared columns, in order: the order of the values in a stored row."""
        return tuple(column.id for column in self.columns)

    def index(self, role: str) -> int:
        """Tell the position of the column with this role, or -1."""
        return self._by_role.get(role, -1)

    def column(self, role: str) -> Column | None:
        """Return the column with this role, if the board has one."""
        position = self.index(role)
        return self.columns[position] if position >= 0 else None

    @cached_property
    def _by_role(self) -> dict[str, int]:
        return {column.role: i for i, column in enumerate(self.columns) if column.role}

    @cached_property
    def ranks(self) -> dict[str, int]:
        """Rank of each priority value, greater is more pressing."""
        column = self.column("priority")
        return {c.value: c.rank if c.rank is not None else i for i, c in enumerate(column.choices)} if column else {}

    def values(self, role: str, **wanted: object) -> frozenset[str]:
        """Return the values of a choice column that are so: `values("status", meaning="done")`."""
        column = self.column(role)
        choices = column.choices if column else ()
        return frozenset(c.value for c in choices if all(getattr(c, key) == value for key, value in wanted.items()))

    @cached_property
    def watched(self) -> tuple[str, ...]:
        """The columns whose change is news: all but `updated_at`, which changes with each of them."""
        return tuple(column.id for column in self.columns if column.role != "updated_at")

    @property
    def department(self) -> Literal["role", "derived"] | None:
        """Tell where a row's department comes from: its own column, a postcode in its place, or nowhere."""
        if self.index("department") >= 0:
            return "role"
        return "derived" if self.index("place") >= 0 else None

    def describe(self) -> dict[str, Any]:
        """Return the description that viewers get: `hello`, the snapshot and the pages carry it."""
        status, priority = self.column("status"), self.column("priority")
        return {
            "name": self.name,
            "title": self.title,
            "access": self.access,
            "columns": [
                {"id": c.id, "role": c.role, "type": c.type, "label": c.label or {"fr": c.id, "en": c.id}}
                for c in self.columns
            ],
            "statuses": [
                {"value": c.value, "label": _labels(c), "meaning": c.meaning or "active", "color": c.color}
                for c in (status.choices if status else ())
            ],
            "priorities": [
                {
                    "value": c.value,
                    "label": _labels(c),
                    "rank": self.ranks[c.value],
                    "urgent": c.urgent,
                    "color": c.color,
                    "delay": msgspec.to_builtins(c.delay),
                }
                for c in (priority.choices if priority else ())
            ],
            "department": self.department,
            # Everybody looks at a public board, and its document's address is for those who may open it.
            "link": self.link or None if self.access != "public" or self.link_public else None,
        }


def _labels(choice: Choice) -> Text:
    return {"fr": choice.value, "en": choice.value} | choice.label


def preset_names() -> list[str]:
    """List the presets that come with the package."""
    folder = resources.files("grist_live") / "presets"
    return sorted(p.name.removesuffix(".toml") for p in folder.iterdir() if p.name.endswith(".toml"))


def read_preset(preset: str) -> dict[str, Any]:
    """Read a preset by its name, or by the path of a TOML file.

    Raises `BoardError` when there is none, or it is no TOML.
    """
    if preset in preset_names():
        return tomllib.loads((resources.files("grist_live") / "presets" / f"{preset}.toml").read_text("utf-8"))
    path = Path(preset)
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        known = ", ".join(preset_names())
        raise BoardError(f"preset {preset!r} can't be read ({error}); give a TOML file, or one of: {known}") from None
    except tomllib.TOMLDecodeError as error:
        raise BoardError(f"preset {preset}: not TOML: {error}") from None


def load_preset(preset: str, name: str = "") -> Board:
    """Make the board of a preset as it stands; `name` defaults to the preset's file name."""
    return make_board(name or Path(preset).stem, {"preset": preset})


def make_board(name: str, given: dict[str, Any]) -> Board:
    """Make a board from its configuration table: its preset, with the given keys over it.

    `column_ids` maps a preset's column id to the one that the document really has. Raises `BoardError`.
    """
    if not NAME.fullmatch(name) or name in RESERVED:
        raise BoardError(
            f"board name {name!r}: use lower-case letters, digits, - and _, starting with a "
            f"letter; not {', '.join(sorted(RESERVED))}"
        )
    data = (read_preset(str(given["preset"])) if given.get("preset") else {}) | given
    data.setdefault("title", {"fr": name, "en": name})
    data.setdefault("webhook", f"Broadcast {data.get('table', name)}")
    try:
        board = msgspec.convert({**data, "name": name}, Board)
    except msgspec.ValidationError as error:
        raise BoardError(f"board {name}: {error}") from None
    if board.column_ids:
        board = msgspec.structs.replace(board, columns=_renamed(board))
    _check(board)
    return board


def _renamed(board: Board) -> tuple[Column, ...]:
    unknown = set(board.column_ids) - {c.id for c in board.columns}
    if unknown:
        raise BoardError(f"board {board.name}: column_ids names {sorted(unknown)}, which its preset doesn't have")
    return tuple(
        msgspec.structs.replace(c, id=board.column_ids[c.id]) if c.id in board.column_ids else c for c in board.columns
    )


def _check(board: Board) -> None:
    if not board.columns:
        raise BoardError(f"board {board.name}: declare at least one column ([[columns]] with an id)")
    for what in ("id", "role"):
        seen = [getattr(c, what) for c in board.columns if getattr(c, what)]
        twice = {x for x in seen if seen.count(x) > 1}
        if twice:
            raise BoardError(f"board {board.name}: two columns have the {what} {', '.join(sorted(twice))}")
    for column in board.columns:
        if not COLUMN_ID.fullmatch(column.id) or column.id.lower() == "id":
            raise BoardError(f"board {board.name}: {column.id!r} is no Grist column id (letters, digits, _; not 'id')")
        for choice in column.choices:
            if choice.delay and not 0 < choice.delay.amber <= choice.delay.red <= MOST_MINUTES:
                raise BoardError(
                    f"board {board.name}: the delay of {choice.value!r}: minutes, more than 0, amber not after red"
                )
    if board.widget and not board.widget.startswith(("https://", "http://")):
        raise BoardError(f"board {board.name}: widget must be the http(s) address of the widget's file")
    if board.link and not LINK.fullmatch(board.link):
        raise BoardError(f"board {board.name}: link must be an http(s) address with {{row}} in it, for the row's id")
    try:
        ZoneInfo(board.timezone)
    except (KeyError, ValueError):
        raise BoardError(f"board {board.name}: there is no time zone {board.timezone!r}; e.g. Europe/Paris") from None
