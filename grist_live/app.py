"""The web process: builds its rooms from the settings and hands them over."""

from __future__ import annotations

import contextlib
from typing import Any

from flask import Flask, Response, jsonify
from flask_cors import CORS
from werkzeug.exceptions import HTTPException
from werkzeug.middleware.proxy_fix import ProxyFix

from grist_live.access import Access, DeniedError
from grist_live.admission import Admission
from grist_live.chores import Chores
from grist_live.filters import FilterError
from grist_live.hub import Hub
from grist_live.jobs import Jobs
from grist_live.journal import Journal, Unavailable, connect
from grist_live.metrics import Metrics
from grist_live.settings import Settings
from grist_live.snapshot import Snapshots
from grist_live.take import Takes
from grist_live.web import data, page, pages, status, viewer, webhook
from grist_live.web.stream import Stream
from grist_live.widgets import NotBuiltError


def create_app(settings: Settings, journal: Journal | None = None) -> Flask:
    """Make the web application. Its hub starts at once; `app.extensions["grist_live"].stop()` ends it."""
    journal = journal or Journal(connect(settings.redis_url))
    access = Access(settings.webhook_secret, settings.token_keys)
    chores = Chores(journal)
    hub = Hub(
        journal,
        settings.boards,
        heartbeat=settings.heartbeat,
        viewer_buffer=settings.viewer_buffer,
        max_viewers=settings.max_viewers,
        max_per_address=settings.max_viewers_per_address,
        on_back=chores.redis_is_back,
    )
    metrics = Metrics(hub, journal, settings.boards)
    metrics.follow_jobs(journal, settings.boards.values(), settings.outlets)
    _begin_rules(settings, journal)
    app = Flask("grist_live", static_folder=None)
    app.extensions["grist_live"] = hub
    app.json.ensure_ascii = False  # type: ignore[attr-defined]
    app.json.sort_keys = False  # type: ignore[attr-defined]
    door = webhook.Door(settings, journal, access, chores, metrics)
    app.register_blueprint(door.blueprint())
    app.register_blueprint(Stream(settings, journal, hub, access))
    app.register_blueprint(data.blueprint(settings, journal, access, Snapshots(journal)))
    app.register_blueprint(
        viewer.blueprint(
            settings, access, Takes(settings, journal, chores), Admission(settings, access, journal), metrics
        )
    )
    app.register_blueprint(pages.blueprint(settings, access))
    app.register_blueprint(status.blueprint(settings, journal, hub, metrics))
    _handle_errors(app, settings)
    app.after_request(_harden)
    if settings.cors_origins:
        CORS(
            app,
            origins="*" if "*" in settings.cors_origins else list(settings.cors_origins),
            allow_headers=["Authorization", "Content-Type", "Last-Event-ID", "Cache-Control"],
            expose_headers=["Retry-After", "ETag"],
            max_age=86_400,
        )
    app.wsgi_app = door.before(app.wsgi_app)  # type: ignore[method-assign]
    if settings.trusted_proxies:
        n = settings.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=n, x_proto=n, x_host=n)  # type: ignore[method-assign]
    hub.start()
    return app


def _begin_rules(settings: Settings, journal: Journal) -> None:
    """Let no change be missed that comes in before the work process is up for the first time."""
    if settings.outlets:
        with contextlib.suppress(*Unavailable):
            for board in settings.boards.values():
                if board.rules:
                    Jobs(journal).begin(board)


def _handle_errors(app: Flask, settings: Settings) -> None:
    """Every error is a line of JSON that says what to do; who follows a link that leads nowhere gets a page."""

    @app.errorhandler(HTTPException)
    def http_error(error: HTTPException) -> Any:
        if error.response is not None:
            return error.response
        if error.code == 404 and page.is_wanted():
            return page.nothing_here(settings.language)
        answer = jsonify(success=False, error=error.description)
        answer.status_code = error.code or 500
        return answer

    @app.errorhandler(DeniedError)
    def denied(error: DeniedError) -> tuple[Response, int]:
        return jsonify(success=False, error=str(error)), error.status

    @app.errorhandler(NotBuiltError)
    def not_built(error: NotBuiltError) -> tuple[Response, int]:
        return jsonify(success=False, error=str(error)), 503

    @app.errorhandler(FilterError)
    def bad_filter(error: FilterError) -> tuple[Response, int]:
        return jsonify(success=False, error=str(error)), 400

    def away(error: Exception) -> tuple[Response, int]:
        app.logger.warning("Redis is away: %s", error)
        answer = jsonify(success=False, error="Redis is away; try again in a moment")
        answer.headers["Retry-After"] = "5"
        return answer, 503

    for kind in Unavailable:
        app.register_error_handler(kind, away)


def _harden(response: Response) -> Response:
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    return response
