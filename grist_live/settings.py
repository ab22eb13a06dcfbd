"""Settings: one table, read once, from `grist-live.toml` and the environment.

The table is the fields of `Settings`: name, type, default, help. Each can be given in the file (`name = …`) or as
`GRIST_LIVE_<NAME>`; secrets also as `GRIST_LIVE_<NAME>_FILE`, the path of a file that holds them. The environment
wins over the file. The reference in the docs is generated from the same table.
"""

from __future__ import annotations

import dataclasses
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from grist_live.board import Board, BoardError, make_board
from grist_live.errors import UserError

PLACES = ("grist-live.toml", "/etc/grist-live/grist-live.toml")
DEFAULT_BOARD = "interventions"
OUTLET_ENV = "GRIST_LIVE_OUTLET_"
SECRET_KEYS = ("token", "password", "secret", "key")
"""Ends of the names of an outlet's secrets."""


class SettingsError(UserError, ValueError):
    """The configuration can't be used; one line a problem."""


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong with the configuration: `error` stops the server, `warning` doesn't."""

    id: str
    severity: Literal["error", "warning"]
    message: str
    hint: str

    def __str__(self) -> str:
        return f"{self.severity} [{self.id}] {self.message}. {self.hint}"


def _setting(default: Any, help: str, secret: bool = False) -> Any:
    return field(default=default, metadata={"help": help, "secret": secret})


@dataclass(frozen=True)
class Settings:
    """All settings of one process; see `Settings.table()` for names, types, defaults and help."""

    host: str = _setting("127.0.0.1", "Address that `serve` listens on.")
    port: int = _setting(8484, "Port that `serve` listens on; also PORT.")
    workers: int = _setting(1, "Web processes that `serve` starts; each has one Redis reader.")
    public_url: str = _setting("", "Our address as Grist and browsers see it; empty: http://host:port.")
    trusted_proxies: int = _setting(0, "Reverse proxies in front of us whose X-Forwarded-* headers are believed.")
    redis_url: str = _setting("redis://127.0.0.1:6379/0", "Redis (6.2 or later) or Valkey.", secret=True)
    webhook_secret: tuple[str, ...] = _setting(
        (), "What Grist must send in Authorization; several while you change it.", secret=True
    )
    token_keys: tuple[str, ...] = _setting(
        (), "Keys that sign viewer tokens; the first signs, all verify; remove one to revoke.", secret=True
    )
    grist_url: str = _setting("https://docs.getgrist.com", "The Grist server.")
    grist_api_key: str = _setting(
        "", "API key for reconcile and bootstrap; also GRIST_API_KEY, ~/.grist-api-key.", secret=True
    )
    doc_id: str = _setting("", "Document of the default board; boards.<name>.doc wins.")
    default_board: str = _setting(DEFAULT_BOARD, "Board of `/`, /webhook/grist-realtime and /sse-stream.")
    cors_origins: tuple[str, ...] = _setting((), "Origins whose pages may read our streams; * for any.")
    frame_ancestors: tuple[str, ...] = _setting((), "Sites that may embed the widget; empty: the origin of grist_url.")
    language: str = _setting("", "fr or en for pages that we serve; empty: the browser's choice.")
    heartbeat: float = _setting(20.0, "Seconds between two pings to a viewer.")
    viewer_buffer: int = _setting(262_144, "Bytes a viewer may lag behind before it is cut off (it resumes by itself).")
    max_viewers: int = _setting(20_000, "Streams of a board in one process; who comes on top is told to come back.")
    max_viewers_per_address: int = _setting(
        0, "Streams of a board from one address in one process; 0: any number (many share an office's)."
    )
    max_body: int = _setting(16_777_216, "Bytes that a webhook body may have.")
    reconcile_minutes: float = _setting(10.0, "Minutes between two comparisons with the Grist table; 0: never.")
    log_dir: str = _setting("", "Folder of our log files; empty: ~/.local/state/grist-live.")
    log_level: str = _setting("INFO", "DEBUG, INFO, WARNING or ERROR.")
    boards: Mapping[str, Board] = field(default_factory=dict)
    outlets: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    path: Path | None = None

    @property
    def url(self) -> str:
        """Our public address, without a slash at its end."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return (self.public_url or f"http://{host}:{self.port}").rstrip("/")

    @property
    def board(self) -> Board:
        """The default board."""
        return self.boards[self.default_board]

    @property
    def ancestors(self) -> tuple[str, ...]:
        """Who may embed the widget, for CSP `frame-ancestors`."""
        return self.frame_ancestors or tuple(filter(None, (origin(self.grist_url),)))

    @classmethod
    def table(cls) -> list[dataclasses.Field[Any]]:
        """The settings, in the order of the docs."""
        return [f for f in dataclasses.fields(cls) if "help" in f.metadata]


def origin(url: str) -> str:
    """Return scheme://host[:port] of an address, or "" when it has none."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}" if parts.scheme and parts.netloc else ""


def load(
    path: str | Path | None = None, env: Mapping[str, str] | None = None, **overrides: Any
) -> tuple[Settings, list[Problem]]:
    """Read the configuration; return the settings and every problem found, never just the first.

    `path` (or GRIST_LIVE_CONFIG) names the file; without it the first of `PLACES` that exists is read.
    `overrides` are settings from the command line; None means not given.
    """
    env = os.environ if env is None else env
    problems: list[Problem] = []
    file = _find(path or env.get("GRIST_LIVE_CONFIG"), problems)
    data = _read_file(file, problems) if file else {}
    tables = data.pop("boards", {})
    outlets = _outlets(data.pop("outlets", {}), env, problems)
    values = _from_file(data, problems) | _from_env(env, problems)
    values |= {k: v for k, v in overrides.items() if v is not None}
    if not values.get("grist_api_key"):
        values["grist_api_key"] = _grist_key(env)
    settings = Settings(**values, outlets=outlets, path=file)
    boards = _boards(settings, tables, problems)
    settings = dataclasses.replace(settings, boards=boards)
    return settings, problems + _check(settings)


def load_or_fail(path: str | Path | None = None, **overrides: Any) -> Settings:
    """Read the configuration for a process that can't start without it. Raises `SettingsError`."""
    settings, problems = load(path, **overrides)
    errors = [str(p) for p in problems if p.severity == "error"]
    if errors:
        raise SettingsError("\n".join(errors))
    return settings


def masked(settings: Settings) -> dict[str, Any]:
    """Return the settings for printing: secrets as `••••`, so that one sees whether they are there."""
    result: dict[str, Any] = {}
    for f in Settings.table():
        value = getattr(settings, f.name)
        if f.metadata["secret"] and value:
            value = _mask_url(value) if f.name == "redis_url" else "••••"
        result[f.name] = value
    return result


def masked_outlet(table: Mapping[str, Any]) -> dict[str, Any]:
    """Return an outlet's table for printing; secrets are known by their names."""
    return {k: "••••" if k.endswith(SECRET_KEYS) and v else v for k, v in table.items()}


def _mask_url(url: str) -> str:
    parts = urlsplit(url)
    return url.replace(f":{parts.password}@", ":••••@") if parts.password else url


def _find(path: str | Path | None, problems: list[Problem]) -> Path | None:
    if path:
        if Path(path).is_file():
            return Path(path)
        problems.append(
            Problem(
                "file-missing",
                "error",
                f"there is no configuration file {path}",
                "Create it, or name another.",
            )
        )
        return None
    return next((Path(p) for p in PLACES if Path(p).is_file()), None)


def _read_file(path: Path, problems: list[Problem]) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        problems.append(Problem("file-broken", "error", f"{path}: {error}", "Correct the file."))
        return {}


def _from_file(data: dict[str, Any], problems: list[Problem]) -> dict[str, Any]:
    known = {f.name: f for f in Settings.table()}
    values: dict[str, Any] = {}
    for name, value in data.items():
        if name not in known:
            problems.append(
                Problem("setting-unknown", "error", f"{name} is no setting", "See `python -m grist_live config`.")
            )
            continue
        try:
            values[name] = _convert(known[name], value)
        except ValueError as error:
            problems.append(Problem("setting-type", "error", f"{name}: {error}", "Correct the file."))
    return values


def _from_env(env: Mapping[str, str], problems: list[Problem]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for f in Settings.table():
        key = f"GRIST_LIVE_{f.name.upper()}"
        text = env.get(key)
        if text is None and f.metadata["secret"] and env.get(f"{key}_FILE"):
            text = _secret_file(key, env[f"{key}_FILE"], problems)
        if text is None and f.name == "port":
            key, text = "PORT", env.get("PORT") or None
        if text is None:
            continue
        try:
            values[f.name] = _convert(f, text)
        except ValueError as error:
            problems.append(Problem("env-type", "error", f"{key}: {error}", "Correct the environment."))
    return values


def _secret_file(key: str, path: str, problems: list[Problem]) -> str | None:
    try:
        return Path(path).read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        problems.append(
            Problem("secret-file", "error", f"{key}_FILE: {error}", "Make the file readable for this user.")
        )
        return None


def _convert(f: dataclasses.Field[Any], value: Any) -> Any:
    kind = str(f.type)
    if kind == "str":
        if not isinstance(value, str):
            raise ValueError(f"expected a text, got {value!r}")
        return value
    if kind.startswith("tuple"):
        parts = value.split(",") if isinstance(value, str) else value
        if not isinstance(parts, list) or not all(isinstance(p, str) for p in parts):
            raise ValueError(f"expected a list of texts, got {value!r}")
        return tuple(p.strip() for p in parts if p.strip())
    if isinstance(value, bool):
        raise ValueError(f"expected a number, got {value!r}")
    try:
        return int(value) if kind == "int" else float(value)
    except (TypeError, ValueError):
        raise ValueError(f"expected a number, got {value!r}") from None


def _grist_key(env: Mapping[str, str]) -> str:
    """Find the API key where grist-api looks for it."""
    if env.get("GRIST_API_KEY"):
        return env["GRIST_API_KEY"].strip()
    home = env.get("HOME")
    path = Path(home) / ".grist-api-key" if home else None
    try:
        return path.read_text("utf-8").strip() if path else ""
    except (OSError, UnicodeDecodeError):
        return ""


def _boards(settings: Settings, tables: Any, problems: list[Problem]) -> dict[str, Board]:
    if not isinstance(tables, dict) or not all(isinstance(t, dict) for t in tables.values()):
        problems.append(Problem("board", "error", "boards is no table of tables", "Write [boards.<name>] sections."))
        tables = {}
    tables = {name: dict(table) for name, table in tables.items()}
    tables.setdefault(settings.default_board, {"preset": DEFAULT_BOARD})
    default = tables[settings.default_board]
    if settings.doc_id:
        default.setdefault("doc", settings.doc_id)
    boards: dict[str, Board] = {}
    for name, table in tables.items():
        if "columns" not in table:
            table.setdefault("preset", DEFAULT_BOARD)
        try:
            boards[name] = make_board(name, table)
        except BoardError as error:
            problems.append(Problem("board", "error", str(error), "Correct its section of the file."))
    if settings.default_board not in boards:
        boards[settings.default_board] = make_board(DEFAULT_BOARD, {"preset": DEFAULT_BOARD})
    return boards


def _outlets(tables: Any, env: Mapping[str, str], problems: list[Problem]) -> dict[str, dict[str, Any]]:
    """Read the `[outlets.<name>]` tables; GRIST_LIVE_OUTLET_<NAME>_<KEY> in the environment adds to them, and wins.

    What may stand in them is known to the room `effects`, which checks it.
    """
    if not isinstance(tables, dict) or not all(isinstance(t, dict) for t in tables.values()):
        problems.append(Problem("outlet", "error", "outlets is no table of tables", "Write [outlets.<name>] sections."))
        tables = {}
    outlets = {name: dict(table) for name, table in tables.items()}
    for key, value in env.items():
        name, _, option = key.removeprefix(OUTLET_ENV).lower().partition("_")
        if key.startswith(OUTLET_ENV) and name and option:
            outlets.setdefault(name, {})[option] = value
    return outlets


def _check(settings: Settings) -> list[Problem]:
    problems: list[Problem] = []

    def add(id: str, severity: Literal["error", "warning"], message: str, hint: str) -> None:
        problems.append(Problem(id, severity, message, hint))

    for name in ("public_url", "grist_url"):
        url = getattr(settings, name)
        if url and (urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).netloc):
            add(
                "url",
                "error",
                f"{name} {url!r} is no http(s) address",
                "Write it as https://host[:port][/path].",
            )
    if urlsplit(settings.redis_url).scheme not in ("redis", "rediss", "unix"):
        add("redis-url", "error", "redis_url is no Redis address", "Write redis://, rediss:// or unix://.")
    if not 0 <= settings.port <= 65535:
        add("port", "error", f"port {settings.port} is out of range", "Use 1 to 65535.")
    if settings.workers < 1:
        add("workers", "error", "workers is less than 1", "Use 1 or more.")
    if (
        min(settings.heartbeat, settings.max_viewers) <= 0
        or settings.viewer_buffer < 4096
        or settings.max_body < 1024
        or settings.max_viewers_per_address < 0
    ):
        add(
            "limits",
            "error",
            "heartbeat, max_viewers, viewer_buffer or max_body is too small",
            "Use more than 0 s, 1 viewer, 4096 bytes and 1024 bytes or more.",
        )
    if settings.log_level.upper() not in ("DEBUG", "INFO", "WARNING", "ERROR"):
        add(
            "log-level",
            "error",
            f"log_level {settings.log_level!r} is unknown",
            "Use DEBUG, INFO, WARNING or ERROR.",
        )
    if settings.language not in ("", "fr", "en"):
        add(
            "language",
            "error",
            f"language {settings.language!r} is unknown",
            "Use fr, en, or leave it empty.",
        )
    if any(not b.open for b in settings.boards.values()) and not settings.webhook_secret:
        add(
            "webhook-secret",
            "error",
            "webhook_secret is empty, so nobody can post to a board that isn't open",
            "Let `bootstrap` make one, or set GRIST_LIVE_WEBHOOK_SECRET to a long random text.",
        )
    if any(b.access != "public" for b in settings.boards.values()) and not settings.token_keys:
        add(
            "token-keys",
            "error",
            "token_keys is empty, so nobody can look at a board that isn't public",
            "Let `bootstrap` make one, or set GRIST_LIVE_TOKEN_KEYS to a long random text.",
        )
    if any(len(s) < 16 for s in (*settings.webhook_secret, *settings.token_keys)):
        add("weak-secret", "warning", "a secret is shorter than 16 characters", "Use a long random text.")
    for board in settings.boards.values():
        if board.doc and not settings.grist_api_key:
            add(
                "no-api-key",
                "warning",
                f"board {board.name} has no API key: it can't see deletions nor rows older than its start, and Grist "
                "blocks its users' edits at 1,000 waiting events when we are away",
                "Set GRIST_API_KEY.",
            )
        if board.access == "grist" and not board.doc:
            add(
                "grist-no-doc",
                "error",
                f'board {board.name} has access = "grist" but names no document, so Grist can\'t say who may read it',
                "Run `python -m grist_live bootstrap DOC_ID`, or set boards.<name>.doc.",
            )
        if not board.doc:
            add(
                "no-doc",
                "warning",
                f"board {board.name} names no document: it only knows what the webhook tells",
                "Run `python -m grist_live bootstrap DOC_ID`, or set boards.<name>.doc.",
            )
    return problems
