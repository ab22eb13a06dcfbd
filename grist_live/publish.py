"""Publish: the widgets' files on another web server, whole or not at all."""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from grist_live import widgets
from grist_live.errors import UserError
from grist_live.settings import Settings

WIDGET = "dashboard.html"
MANIFEST = "manifest.json"
ABANDONED = 3600.0
"""Seconds after which a half-written file is of a run that was killed: nobody reads it, and it goes."""


class PublishError(UserError):
    """The files can't be published; one line that says what to do."""


def files(settings: Settings) -> dict[str, bytes]:
    """Return what is to be published, by file name: each widget, then their list for Grist's gallery.

    They know our server and Grist's, and no secret. The list names them by their place beside it.
    Raises `widgets.NotBuiltError`.
    """
    config = widgets.for_grist(settings) | {"server": settings.url if settings.public_url else None}
    found = {name: widgets.page(settings, name, config).encode() for name in widgets.built()}
    gallery = json.loads(widgets.read(MANIFEST))
    for entry in gallery:
        entry["url"] = entry["url"].rpartition("/")[2]
    return {**found, MANIFEST: (json.dumps(gallery, ensure_ascii=False, indent=2) + "\n").encode()}


def stale(folder: Path, wanted: Mapping[str, bytes]) -> list[str]:
    """Name the files that are missing there, or are others. Raises `PublishError` when that can't be seen."""
    return [name for name, content in wanted.items() if _read(folder / name) != content]


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise PublishError(f"{path}: {error.strerror}; name a web server's folder that this user may read") from None


def publish(folder: Path, wanted: Mapping[str, bytes]) -> list[str]:
    """Write what isn't current, and return its names. Each file is replaced as a whole, while it may be read.

    Raises `PublishError`.
    """
    try:
        folder.mkdir(exist_ok=True)
        names = stale(folder, wanted)
        for name in names:
            _replace(folder / name, wanted[name])
            _sweep(folder, name)
    except OSError as error:
        raise PublishError(
            f"{error.filename or folder}: {error.strerror}; name a web server's folder that this user may write"
        ) from None
    return names


def _replace(path: Path, content: bytes) -> None:
    """Write beside the file and rename: whoever asks for it meanwhile gets the old one, or the new one."""
    mode = path.stat().st_mode & 0o777 if path.exists() else 0o644  # the web server runs as somebody else
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(name, mode)
        os.replace(name, path)
    except BaseException:
        os.unlink(name)
        raise


def _sweep(folder: Path, name: str) -> None:
    for left in folder.glob(f".{name}.????????"):
        with contextlib.suppress(OSError):
            if time.time() - left.stat().st_mtime > ABANDONED:
                left.unlink()


def address(url: str) -> str:
    """Return the widget's address: the one given, or in the folder whose address is given."""
    return url if url.partition("?")[0].endswith(".html") else f"{url.rstrip('/')}/{WIDGET}"
