"""The check of rules and outlets, for `config`, `doctor` and the start of a server: names the line that is wrong."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from importlib import resources
from ipaddress import ip_address
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import msgspec

from grist_live.board import Board, preset_names
from grist_live.effects import OutletError, make_outlet
from grist_live.effects.outlet import Outlet
from grist_live.rules import Rule, read
from grist_live.settings import Problem, Settings


class Source(NamedTuple):
    """Where a table stands: the file's name, its text, and the header of the table."""

    name: str
    text: str
    header: str
    own: bool

    def line(self, key: str, place: int = 0) -> str:
        """Name the line of a key in the table with this place among those of the same header: `file:12`."""
        lines = self.text.splitlines()
        header = re.compile(r"\s*" + self.header + r"\s*(#.*)?")
        starts = [i for i, line in enumerate(lines) if header.fullmatch(line)]
        if len(starts) <= place:
            return self.name
        at = starts[place]
        for i in range(at + 1, len(lines)):
            if lines[i].lstrip().startswith("["):
                break
            if re.match(rf"\s*[\"']?{re.escape(key)}[\"']?\s*[=.]", lines[i]):
                at = i
                break
        return f"{self.name}:{at + 1}"


def check(settings: Settings) -> list[Problem]:
    """Check every rule of every board, and every outlet. A rule of a preset whose outlet isn't there only sleeps."""
    problems: list[Problem] = []
    outlets: dict[str, Outlet] = {}
    own = _file(settings)
    for name, table in settings.outlets.items():
        try:
            outlets[name] = make_outlet(name, table, settings.language or "fr")
        except OutletError as error:
            line = Source(*own, rf"\[outlets\.[\"']?{re.escape(name)}[\"']?\]", True).line(_key(str(error)))
            hint = "Correct its table, or its GRIST_LIVE_OUTLET_… in the environment (docs: alerts)."
            problems.append(Problem("outlet", "error", f"{line}: outlet {name}: {error}", hint))
        else:
            problems += [*_secrecy(name, table), *_files(name, table)]
    for board in settings.boards.values():
        problems += _rules(settings, board, outlets)
    return problems


def _rules(settings: Settings, board: Board, outlets: dict[str, Outlet]) -> Iterator[Problem]:
    source = _source(settings, board)
    rules, wrong = read(board)
    places = {str(table.get("name")): place for place, table in reversed(list(enumerate(board.rules)))}
    for problem in wrong:
        name = board.rules[problem.place].get("name", problem.place + 1)
        line = source.line(problem.key, problem.place)
        key = f"{problem.key}: " if problem.key else ""
        text = f"{line}: rule {name} of board {board.name}: {key}{problem.message}"
        yield Problem("rule", "error", text, "Correct the line (docs: alerts).")
    for rule in rules:
        line = source.line("do", places[rule.name])
        for do in rule.do:
            name = do["outlet"]
            if name not in settings.outlets:
                if source.own:
                    text = f"{line}: rule {rule.name} of board {board.name}: there is no outlet {name}"
                    yield Problem("rule", "error", text, f"Add [outlets.{name}], or name one of those that there are.")
            elif name in outlets:
                yield from _do(outlets[name], rule, do, line, board)


def _do(outlet: Outlet, rule: Rule, do: Any, line: str, board: Board) -> Iterator[Problem]:
    try:
        outlet.check(do)
    except (msgspec.ValidationError, ValueError) as error:
        text = f"{line}: rule {rule.name} of board {board.name}: do: {error}"
        yield Problem("rule", "error", text, "Correct the line (docs: alerts).")


def _secrecy(name: str, table: Any) -> Iterator[Problem]:
    """Warn where a token would travel in clear."""
    url = urlsplit(str(table.get("url", "")))
    if url.scheme == "http" and not _is_local(url.hostname or ""):
        text = f"outlet {name} sends its token to {url.netloc} in clear"
        yield Problem("outlet-http", "warning", text, "Write its url with https://.")


def _files(name: str, table: Any) -> Iterator[Problem]:
    """Warn of files that can't be read here; who runs this may be another user than the server's."""
    for key, path in table.items():
        if key.endswith("_file") and not os.access(str(path), os.R_OK):
            text = f"outlet {name}: {key} {path} can't be read by this user"
            yield Problem("outlet-file", "warning", text, "Create it, or let the server's user read it.")


def _is_local(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _file(settings: Settings) -> tuple[str, str]:
    if not settings.path:
        return "environment", ""
    try:
        return str(settings.path), settings.path.read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        return str(settings.path), ""


def _source(settings: Settings, board: Board) -> Source:
    """Find the file that a board's rules stand in: the configuration, else its preset."""
    name, text = _file(settings)
    header = rf"\[\[boards\.[\"']?{re.escape(board.name)}[\"']?\.rules\]\]"
    inline = re.search(rf"^\[boards\.{re.escape(board.name)}\][^\[]*^rules\s*=", text, re.MULTILINE)
    if inline or re.search(rf"^\s*{header}", text, re.MULTILINE):
        return Source(name, text, header, True)
    preset = r"\[\[rules\]\]"
    if board.preset in preset_names():
        file = resources.files("grist_live") / "presets" / f"{board.preset}.toml"
        return Source(f"preset {board.preset}", file.read_text("utf-8"), preset, False)
    try:
        return Source(board.preset, Path(board.preset).read_text("utf-8"), preset, False)
    except (OSError, UnicodeDecodeError):
        return Source(board.preset or name, "", preset, False)


def _key(message: str) -> str:
    """Find the key that a message speaks of."""
    found = re.search(r"at `\$\.(\w+)|field `(\w+)`|^(\w+) ", message)
    return next(filter(None, found.groups()), "") if found else ""
