"""Widgets: the files that build.py made, given the configuration of who serves or publishes them."""

from __future__ import annotations

import json
import re
from importlib import resources
from typing import Any

from grist_live import __version__
from grist_live.errors import UserError
from grist_live.settings import Settings

STATIC = resources.files("grist_live") / "static"
CONFIG = re.compile(r'(<script type="application/json" id="grist-live-config">)(.*?)(</script>)', re.DOTALL)


class NotBuiltError(UserError):
    """The files aren't there."""


def read(path: str) -> bytes:
    """Read a file that build.py made. Raises `NotBuiltError`."""
    try:
        return (STATIC / path).read_bytes()
    except OSError:
        raise NotBuiltError("the widgets are not built: run `python build.py`") from None


def built() -> dict[str, dict[str, Any]]:
    """Return what build.py says of each file of a widget: `csp`, `sha256`."""
    return {widget["file"]: widget for widget in json.loads(read("widgets/build.json"))["widgets"]}


def page(settings: Settings, file: str, config: dict[str, Any]) -> str:
    """Return a widget's page with this in its configuration, besides what holds for all."""
    config = {
        "server": "",
        "grist": settings.grist_url or None,
        "language": settings.language or None,
        "standalone": False,
        "version": __version__,
        **config,
    }
    text = json.dumps(config, ensure_ascii=False).replace("<", "\\u003c")
    return CONFIG.sub(lambda m: m[1] + text + m[3], read(f"widgets/{file}").decode(), count=1)


def for_grist(settings: Settings) -> dict[str, Any]:
    """Return the configuration of a widget in anybody's Grist: what everybody may know of the default board."""
    board = settings.board
    return {"board": board.describe() if board.access == "public" else None, "name": board.name, "token": ""}
