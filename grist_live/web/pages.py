"""The pages door: the dashboard alone, the widgets for Grist, and Grist's widget list."""

from __future__ import annotations

import json
import re
from importlib import resources
from typing import Any

from flask import Blueprint, Response, abort, request

from grist_live import __version__
from grist_live.access import Access, DeniedError
from grist_live.board import Board
from grist_live.settings import Settings, origin
from grist_live.web import check_viewer, find_board

STATIC = resources.files("grist_live") / "static"
CONFIG = re.compile(r'(<script type="application/json" id="grist-live-config">)(.*?)(</script>)', re.DOTALL)


def blueprint(settings: Settings, access: Access) -> Blueprint:
    door = Blueprint("pages", __name__)
    widgets = Widgets(settings)

    def alone(name: str = settings.default_board) -> Response:
        """Serve the dashboard of one board as a page of its own."""
        board = find_board(settings.boards, name)
        try:
            check_viewer(access, board)
            described: dict[str, Any] | None = board.describe()
        except DeniedError:
            described = None  # the page asks for a token; it must not tell what it protects
        token = request.args.get("token", "")
        return widgets.page("dashboard.html", {"board": described, "name": name, "token": token, "standalone": True})

    door.add_url_rule("/", "home", alone)
    door.add_url_rule("/boards/<name>", "board", alone)

    @door.get("/widgets/<file>")
    def widget(file: str) -> Response:
        """Serve a widget for an iframe in Grist."""
        return widgets.page(file, {"board": _public(settings.board), "name": settings.default_board, "token": ""})

    @door.get("/manifest.json")
    def manifest() -> Response:
        """Serve the list for Grist's `GRIST_WIDGET_LIST_URL`; its addresses are relative to it."""
        return Response(widgets.read("manifest.json"), mimetype="application/json")

    return door


def _public(board: Board) -> dict[str, Any] | None:
    return board.describe() if board.access == "public" else None


class Widgets:
    """The files that build.py made, with the Content-Security-Policy that their hashes allow."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._policies: dict[str, str] = {}

    def read(self, path: str) -> bytes:
        try:
            return (STATIC / path).read_bytes()
        except OSError:
            abort(503, "the widgets are not built: run `python build.py`")

    def page(self, file: str, config: dict[str, Any]) -> Response:
        """Serve one widget with our configuration in its JSON block."""
        if file not in self._built():
            abort(404, f"there is no widget {file}; there is: {', '.join(self._built())}")
        config = {
            "server": "",
            "grist": self._settings.grist_url or None,
            "language": self._settings.language or None,
            "standalone": False,
            "version": __version__,
            **config,
        }
        text = json.dumps(config, ensure_ascii=False).replace("<", "\\u003c")
        html = CONFIG.sub(lambda m: m[1] + text + m[3], self.read(f"widgets/{file}").decode(), count=1)
        response = Response(html, mimetype="text/html")
        response.headers["Content-Security-Policy"] = self._policy(file)
        response.headers["Cache-Control"] = "no-cache"
        response.headers["Referrer-Policy"] = "no-referrer"  # the address may hold a token
        return response

    def _built(self) -> dict[str, dict[str, Any]]:
        built = json.loads(self.read("widgets/build.json"))
        return {widget["file"]: widget for widget in built["widgets"]}

    def _policy(self, file: str) -> str:
        csp = self._built()[file]["csp"]
        grist = origin(self._settings.grist_url)
        hashes = {kind: " ".join(f"'{h}'" for h in csp[kind]) for kind in ("script", "style")}
        parts = {
            "default-src": "'none'",
            "script-src": f"{hashes['script']} {grist}",
            "style-src": hashes["style"],
            "img-src": "'self' data: blob:",
            "connect-src": f"'self' {origin(self._settings.url)}",
            "media-src": "data:",
            "worker-src": "'self'",
            "object-src": "'none'",
            "base-uri": "'none'",
            "form-action": "'none'",
            "frame-ancestors": " ".join(self._settings.ancestors) or "'none'",
        }
        return "; ".join(f"{name} {value.strip()}" for name, value in parts.items())
