"""The configuration file: what bootstrap learned is kept there, with the comments that are in it."""

from __future__ import annotations

import os
import secrets
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import tomlkit
from tomlkit.exceptions import TOMLKitError

from grist_live.bootstrap.plan import BootstrapError, Job, Plan
from grist_live.settings import Settings

SECRETS = ("webhook_secret", "token_keys")
HEADER = "grist_live's configuration; `python -m grist_live config` shows all settings. It holds secrets."


def with_secrets(settings: Settings) -> tuple[Settings, frozenset[str]]:
    """Return the settings with a random secret wherever none is configured, and the names of those."""
    made: dict[str, Any] = {n: (secrets.token_urlsafe(32),) for n in SECRETS if not getattr(settings, n)}
    return replace(settings, **made), frozenset(made)


def look(job: Job, plan: Plan) -> None:
    """Plan what the configuration lacks to find this document again."""
    changes = _edit(job, _read(job.path))
    if not changes:
        plan.note("ok", f"configuration {job.path}")
    else:
        plan.note("add", f"configuration {job.path}: {', '.join(changes)}")
        plan.step(f"wrote {job.path}", lambda: save(job))


def check_writable(job: Job) -> None:
    """Refuse before anything is changed in Grist. Raises `BootstrapError`."""
    if not _edit(job, _read(job.path)):
        return
    target = job.path.resolve()
    if not os.access(target.parent, os.W_OK) or (target.exists() and not os.access(target, os.W_OK)):
        raise BootstrapError(f"{job.path} can't be written: run this as its owner, or name another file")


def _edit(job: Job, file: tomlkit.TOMLDocument) -> list[str]:
    """Change the file's content in place; return what changed, without secrets."""
    changes: list[str] = []
    if file.get("grist_url", Settings().grist_url).rstrip("/") != job.document.server:
        file["grist_url"] = job.document.server
        changes.append(f"grist_url = {job.document.server}")
    for name in sorted(job.made):
        if not file.get(name):
            file[name] = list(getattr(job.settings, name))
            changes.append(f"a new random {name}")
    there = file.get("boards", {}).get(job.board.name, {})
    wanted = {key: value for key, value in _board_keys(job).items() if there.get(key) != value}
    if wanted:
        boards = file.setdefault("boards", tomlkit.table(is_super_table=True))
        section = boards.setdefault(job.board.name, tomlkit.table())
        for key, value in wanted.items():
            section[key] = _inline(value) if isinstance(value, dict) else value
            changes.append(f"boards.{job.board.name}.{key}")
    return changes


def _board_keys(job: Job) -> dict[str, Any]:
    board, given = job.board, job.given
    keys: dict[str, Any] = {}
    if given.doc != job.document.doc_id:
        keys["doc"] = job.document.doc_id
    if job.file_preset:
        keys["preset"] = job.file_preset
    if board.table != given.table:
        keys["table"] = board.table
    if board.column_ids != given.column_ids:
        keys["column_ids"] = board.column_ids
    for name in ("link", "widget"):
        if getattr(board, name) != getattr(given, name):
            keys[name] = getattr(board, name)
    return keys


def has(job: Job, key: str) -> bool:
    """Tell whether the file has the board's key as it should be."""
    section = _read(job.path).get("boards", {}).get(job.board.name, {})
    return bool(section.get(key) == _board_keys(job).get(key))


def _inline(value: dict[str, str]) -> Any:
    table = tomlkit.inline_table()
    table.update(value)
    return table


def _read(path: Path) -> tomlkit.TOMLDocument:
    try:
        return tomlkit.parse(path.read_text("utf-8"))
    except FileNotFoundError:
        return tomlkit.parse(f"# {HEADER}\n\n")
    except (OSError, UnicodeDecodeError, TOMLKitError) as error:
        raise BootstrapError(f"{path} can't be read ({error}): correct it first") from None


def save(job: Job) -> None:
    """Write what the file lacks. Raises `BootstrapError`."""
    file = _read(job.path)
    _edit(job, file)
    try:
        _write(job.path.resolve(), tomlkit.dumps(file))
    except OSError as error:
        raise BootstrapError(f"{job.path} can't be written ({error}): run this as its owner") from None


def _write(path: Path, text: str) -> None:
    """Replace the file as a whole, so that nobody reads half of it, for its owner's eyes.

    A file that was there keeps its owner, group and mode (a service may read it by its group), but others
    lose it: it holds secrets. A new one is 0600.
    """
    before = path.stat() if path.exists() else None
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        if before:
            if (before.st_uid, before.st_gid) != (os.geteuid(), os.getegid()):
                os.chown(name, before.st_uid, before.st_gid)
            os.chmod(name, before.st_mode & 0o770)
        os.replace(name, path)
    except BaseException:
        os.unlink(name)
        raise
