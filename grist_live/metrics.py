"""Metrics: counters for Prometheus, on prometheus-client."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric

from grist_live.board import Board
from grist_live.health import source
from grist_live.hub import Hub
from grist_live.jobs import Jobs
from grist_live.journal import WORK, Journal, Unavailable


class Metrics:
    """What this process counts; each web process answers for itself."""

    def __init__(self, hub: Hub, journal: Journal, boards: Mapping[str, Board]) -> None:
        self.registry = CollectorRegistry()
        self._children: dict[tuple[Any, ...], Any] = {}
        self._rows = Counter(
            "grist_live_rows",
            "Rows that came in, by what became of them.",
            ["board", "result"],
            registry=self.registry,
        )
        self._webhook_seconds = Histogram(
            "grist_live_webhook_seconds",
            "Time from a webhook's headers to its answer.",
            ["board"],
            registry=self.registry,
            buckets=(0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5),
        )
        self.lag = Histogram(
            "grist_live_lag_seconds",
            "Time from a commit to its fan-out.",
            registry=self.registry,
            buckets=(0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5),
        )
        self._takes = Counter(
            "grist_live_takes",
            "Rows that viewers wanted to take.",
            ["board", "result"],
            registry=self.registry,
        )
        self._admissions = Counter(
            "grist_live_admissions",
            "Tokens of Grist that were shown for a viewer token.",
            ["board", "result"],
            registry=self.registry,
        )
        hub.on_lag = self.lag.observe
        self.registry.register(_HubCollector(hub))
        self.registry.register(_BoardCollector(journal, boards))

    def follow_jobs(self, journal: Journal, boards: Iterable[Board], outlets: Iterable[str]) -> None:
        """Tell of alerts, too: what every process did, as Redis knows it."""
        self.registry.register(_JobsCollector(journal, list(boards), list(outlets)))

    def webhook(self, board: str, seconds: float) -> None:
        """Count an answered webhook."""
        self._child(self._webhook_seconds, board).observe(seconds)

    def rows(self, board: str, new: int, same: int, stale: int, parked: int, rejected: int) -> None:
        """Count rows by what became of them."""
        counts = {"new": new, "same": same, "stale": stale, "parked": parked, "rejected": rejected}
        for result, count in counts.items():
            if count:
                self._child(self._rows, board, result).inc(count)

    def take(self, board: str, result: str) -> None:
        """Count a viewer who wanted a row: `taken`, `lost` to somebody else, `failed`."""
        self._child(self._takes, board, result).inc()

    def admission(self, board: str, result: str) -> None:
        """Count a token of Grist's: `given` one of ours, or the reason why not."""
        self._child(self._admissions, board, result).inc()

    def _child(self, metric: Any, *labels: str) -> Any:
        """Return `metric.labels(…)`, which is slow to look up."""
        key = (metric, *labels)
        child = self._children.get(key)
        if child is None:
            child = self._children[key] = metric.labels(*labels)
        return child

    def text(self) -> bytes:
        return generate_latest(self.registry)


class _BoardCollector:
    """Reads what the journal and the work processes tell of the boards; nothing while Redis is away."""

    def __init__(self, journal: Journal, boards: Mapping[str, Board]) -> None:
        self._journal, self._boards = journal, boards

    def describe(self) -> Iterable[Metric]:
        return []

    def collect(self) -> Iterator[Any]:
        watched = GaugeMetricFamily("grist_live_watched", "1 while every action is heard live.", labels=["board"])
        parked = GaugeMetricFamily("grist_live_parked", "Webhook rows that wait for the keeper.", labels=["board"])
        owed = GaugeMetricFamily("grist_live_owed", "Rows that must be read from Grist.", labels=["board"])
        unknown = CounterMetricFamily(
            "grist_live_unknown_messages", "Messages of Grist's websocket that aren't known.", labels=["board", "type"]
        )
        with contextlib.suppress(*Unavailable):
            work = self._journal.living(WORK)
            for name, board in self._boards.items():
                watched.add_metric([name], float(self._journal.watched(board)))
                parked.add_metric([name], self._journal.parked(board))
                owed.add_metric([name], len(self._journal.owed(board)))
                for type, count in source(board, work, True).get("unknown_messages", {}).items():
                    unknown.add_metric([name, type], count)
        yield from (watched, parked, owed, unknown)


class _HubCollector:
    """Reads the hub when Prometheus asks, so that the fan-out itself counts nothing."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    def describe(self) -> Iterable[Metric]:
        return []

    def collect(self) -> Iterator[Any]:
        viewers = GaugeMetricFamily("grist_live_viewers", "Open streams of this process.", labels=["board"])
        total = GaugeMetricFamily("grist_live_viewers_total", "Open streams of all processes.", labels=["board"])
        degraded = GaugeMetricFamily("grist_live_degraded", "1 while Redis is away.", labels=["board"])
        position = GaugeMetricFamily("grist_live_position", "Counter of the last change sent.", labels=["board"])
        deliveries = CounterMetricFamily("grist_live_deliveries", "Changes sent, times viewers.", labels=["board"])
        replayed = CounterMetricFamily(
            "grist_live_replayed", "Changes sent to viewers that came back.", labels=["board"]
        )
        resets = CounterMetricFamily("grist_live_resets", "Viewers told to begin anew.", labels=["board"])
        for name, feed in self._hub.feeds.items():
            viewers.add_metric([name], feed.viewers)
            total.add_metric([name], self._hub.viewers(name))
            degraded.add_metric([name], 0.0 if feed.degraded_since is None else 1.0)
            position.add_metric([name], feed.position.counter if feed.position else 0)
            deliveries.add_metric([name], feed.deliveries)
            replayed.add_metric([name], feed.replayed)
            resets.add_metric([name], feed.resets)
        yield from (viewers, total, degraded, position, deliveries, replayed, resets)
        yield CounterMetricFamily("grist_live_cut_off", "Viewers cut off because they lagged.", self._hub.cut_off)
        yield CounterMetricFamily("grist_live_refused", "Viewers told to come back: no room.", self._hub.refused)
        yield GaugeMetricFamily(
            "grist_live_buffer_bytes", "Bytes that wait for slow viewers.", self._hub.pending_bytes()
        )


class _JobsCollector:
    """Reads the queues when Prometheus asks; nothing is told while Redis is away."""

    def __init__(self, journal: Journal, boards: Sequence[Board], outlets: Sequence[str]) -> None:
        self._jobs, self._boards, self._outlets = Jobs(journal), boards, outlets

    def describe(self) -> Iterable[Metric]:
        return []

    def collect(self) -> Iterator[Any]:
        names = ["board", "outlet"]
        jobs = GaugeMetricFamily("grist_live_jobs", "Alerts by state.", labels=[*names, "state"])
        sent = CounterMetricFamily("grist_live_jobs_sent", "Alerts that their outlet accepted.", labels=names)
        failed = CounterMetricFamily("grist_live_jobs_failed", "Tries that failed.", labels=names)
        seconds = HistogramMetricFamily("grist_live_alert_seconds", "Time from a change to its message.", labels=names)
        missed = CounterMetricFamily(
            "grist_live_rules_missed", "Changes that the log forgot before rules saw them.", labels=["board"]
        )
        now = time.time()
        try:
            for board in self._boards:
                missed.add_metric([board.name], self._jobs.rules(board)["missed"])
                for outlet in self._outlets:
                    labels, found = [board.name, outlet], self._jobs.report(board, outlet, now, 0)
                    for state in ("waiting", "retrying", "dead"):
                        jobs.add_metric([*labels, state], found[state])
                    sent.add_metric(labels, found["sent"])
                    failed.add_metric(labels, found["failed"])
                    seconds.add_metric(labels, *self._jobs.latency(board, outlet))
        except Unavailable:
            return
        yield from (jobs, sent, failed, seconds, missed)
