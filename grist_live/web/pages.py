"""The pages door: the dashboard alone, the widgets for Grist, and Grist's widget list."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, abort, request

from grist_live import widgets
from grist_live.access import Access, DeniedError
from grist_live.settings import Settings, origin
from grist_live.web import check_viewer, find_board


def blueprint(settings: Settings, access: Access) -> Blueprint:
    door = Blueprint("pages", __name__)
    pages = Pages(settings)

    def alone(name: str = settings.default_board) -> Response:
        """Serve the dashboard of one board as a page of its own."""
        board = find_board(settings.boards, name)
        try:
            check_viewer(access, board)
            described: dict[str, Any] | None = board.describe()
        except DeniedError:
            described = None  # the page asks for a token; it must not tell what it protects
        token = request.args.get("token", "")
        return pages.page("dashboard.html", {"board": described, "name": name, "token": token, "standalone": True})

    door.add_url_rule("/", "home", alone)
    door.add_url_rule("/boards/<name>", "board", alone)

    @door.get("/widgets/<file>")
    def widget(file: str) -> Response:
        """Serve a widget for an iframe in Grist."""
        return pages.page(file, widgets.for_grist(settings))

    @door.get("/manifest.json")
    def manifest() -> Response:
        """Serve the list for Grist's `GRIST_WIDGET_LIST_URL`; its addresses are relative to it."""
        return Response(widgets.read("manifest.json"), mimetype="application/json")

    return door


class Pages:
    """The widgets' pages, with the Content-Security-Policy that their hashes allow."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def page(self, file: str, config: dict[str, Any]) -> Response:
        """Serve one widget with our configuration in its JSON block."""
        built = widgets.built()
        if file not in built:
            abort(404, f"there is no widget {file}; there is: {', '.join(built)}")
        response = Response(widgets.page(self._settings, file, config), mimetype="text/html")
        response.headers["Content-Security-Policy"] = self._policy(built[file]["csp"])
        response.headers["Cache-Control"] = "no-cache"
        response.headers["Referrer-Policy"] = "no-referrer"  # the address may hold a token
        return response

    def _policy(self, csp: dict[str, list[str]]) -> str:
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
