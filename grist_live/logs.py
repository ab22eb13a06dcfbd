"""Logs: one line of JSON each, to stderr and to a file that `grist_live logs` shows. Tokens never stand in them."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import re
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from logging.handlers import WatchedFileHandler
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from grist_live.errors import UserError
from grist_live.settings import SECRET_KEYS, Settings

TOKEN = re.compile(r"([?&](?:token|auth)=)[^&\s\"']+|(Bearer\s+)[^\s\"']+", re.IGNORECASE)
ROTATE_AT = 20_000_000
LINE = "json_line"
"""Where a record keeps its line."""
_hidden: set[str] = set()
_STANDARD = set(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName", LINE}

PLACES = {
    "redis": ("/var/log/redis/redis-server.log", "/var/log/redis/redis.log", "/var/log/valkey/valkey.log"),
    "nginx": ("/var/log/nginx/access.log",),
    "nginx-error": ("/var/log/nginx/error.log",),
}


class LogsError(UserError):
    """There is no log to show; the message says where it was looked for."""


class JsonFormatter(logging.Formatter):
    """Writes a record as one line of JSON, with whatever `extra` gave it; once, for however many handlers."""

    def format(self, record: logging.LogRecord) -> str:
        facts = vars(record)
        if LINE not in facts:
            facts[LINE] = mask(self._line(record, facts))
        return str(facts[LINE])

    def _line(self, record: logging.LogRecord, facts: dict[str, Any]) -> str:
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        line |= {name: value for name, value in facts.items() if name not in _STANDARD}
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)


class LogFile(WatchedFileHandler):
    """A file that several processes write to: when it is large one of them renames it, and the others notice."""

    def emit(self, record: logging.LogRecord) -> None:
        if self.stream and os.fstat(self.stream.fileno()).st_size > ROTATE_AT:
            with contextlib.suppress(OSError):
                path = Path(self.baseFilename)
                if path.stat().st_size > ROTATE_AT:  # no other process was faster
                    path.replace(path.with_suffix(".log.1"))
        super().emit(record)


def hide(secret: str) -> None:
    """Mask a secret wherever it stands in what this process logs from now on."""
    if len(secret) >= 4:
        _hidden.add(secret)


def mask(text: str) -> str:
    """Hide tokens in an address or a header, and every secret that we know of."""
    for secret in _hidden:
        if secret in text:
            text = text.replace(secret, "••••")
    return TOKEN.sub(lambda m: (m[1] or m[2]) + "••••", text)


def folder(settings: Settings) -> Path:
    """Return where our processes write their logs: `log_dir`, or the user's state folder."""
    if settings.log_dir:
        return Path(settings.log_dir)
    state = os.environ.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    return Path(state) / "grist-live"


def configure(settings: Settings, name: str) -> None:
    """Send this process's log to stderr and to `<folder>/<name>.log`; no secret of the settings stands in it."""
    for secret in _secrets(settings):
        hide(secret)
    handlers: list[logging.Handler] = [logging.StreamHandler(sys.stderr)]
    path = folder(settings) / f"{name}.log"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handlers.append(LogFile(path, encoding="utf-8"))
    except OSError as error:
        print(f"no log file: {error}; set log_dir to a folder that this user may write", file=sys.stderr)
    for handler in handlers:
        handler.setFormatter(JsonFormatter())
    logging.basicConfig(level=settings.log_level.upper(), handlers=handlers, force=True)


def _secrets(settings: Settings) -> Iterator[str]:
    yield from settings.webhook_secret
    yield from settings.token_keys
    yield settings.grist_api_key
    yield urlsplit(settings.redis_url).password or ""
    for table in settings.outlets.values():
        yield from (str(value) for name, value in table.items() if name.endswith(SECRET_KEYS))


def find(settings: Settings, name: str) -> Path:
    """Return the log file of `web`, `work`, `redis`, `nginx` or `nginx-error`. Raises `LogsError`."""
    own = folder(settings) / f"{name}.log"
    places = [own, *map(Path, PLACES.get(name, ()))]
    for path in places:
        if path.is_file():
            return path
    raise LogsError(f"there is no {name} log; looked for {', '.join(map(str, places))}")


def tail(path: Path, lines: int = 50, follow: bool = False, poll: float = 0.3) -> Iterator[str]:
    """Yield the last lines of a file, and with `follow` what is added, also after it was rotated."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - 1000 * lines))
            found = file.read().decode("utf-8", "replace").splitlines()
            yield from found[-lines:]
            inode = os.fstat(file.fileno()).st_ino
            while follow:
                line = file.readline()
                if line:
                    yield line.decode("utf-8", "replace").rstrip("\n")
                    continue
                time.sleep(poll)
                if path.exists() and (path.stat().st_ino != inode or path.stat().st_size < file.tell()):
                    yield from tail(path, 1000, follow, poll)
                    return
    except OSError as error:
        raise LogsError(f"{path}: {error.strerror}; try with sudo") from None
