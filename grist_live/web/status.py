"""The status door: health for operators, probes for load balancers, metrics for Prometheus; all of it measured."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify

from grist_live import health
from grist_live.hub import Hub
from grist_live.journal import Journal, Unavailable
from grist_live.metrics import Metrics
from grist_live.settings import Settings


def blueprint(settings: Settings, journal: Journal, hub: Hub, metrics: Metrics) -> Blueprint:
    door = Blueprint("status", __name__)

    @door.get("/webhook/health")
    @door.get("/health", endpoint="health")
    def full_health() -> tuple[Response, int]:
        """Answer the whole state: 200 while the stream works, 503 when it can't."""
        report = health.check(journal, settings.boards, bool(settings.grist_api_key), settings.outlets)
        for name, board in report.get("boards", {}).items():
            board["viewers"] = hub.viewers(name)
        return jsonify(report), 503 if report["status"] == "unhealthy" else 200

    @door.get("/livez")
    def livez() -> Response:
        """Answer as long as this process can answer at all."""
        return jsonify(alive=True)

    @door.get("/readyz")
    def readyz() -> tuple[Response, int]:
        """Answer 200 when this process can take webhooks and feed viewers."""
        try:
            journal.ping()
        except Unavailable:
            return jsonify(ready=False, reason="Redis is away"), 503
        behind = [name for name, feed in hub.feeds.items() if feed.position is None or feed.degraded_since]
        if behind:
            return jsonify(ready=False, reason=f"not caught up yet: {', '.join(behind)}"), 503
        return jsonify(ready=True), 200

    @door.get("/metrics")
    def prometheus() -> Response:
        return Response(metrics.text(), mimetype="text/plain; version=0.0.4")

    return door
