"""Sample rows for a board's table, numbered on from those that are there."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

from grist_live import sample
from grist_live.bootstrap.plan import BootstrapError, Job

BATCH = 100
ROOM = 500
"""Waiting events above which we wait: at 1,000 Grist doesn't answer our own request any more."""
NUMBER = re.compile(r"INT-(?:\d+-)?(\d+)")
PATIENCE = 60.0


def add_samples(
    job: Job,
    n: int,
    progress: Callable[[int, int], None],
    sleep: Callable[[float], object] = time.sleep,
) -> int:
    """Add `n` sample rows in batches; `progress` is told (rows added, of how many). Returns how many."""
    rows = sample.interventions(n, start=_next_number(job), choices=sample.board_choices(job.board))
    columns = {
        c.role: c.id for c in job.board.columns if c.role in sample.ROLES and c.id in job.present - job.read_only
    }
    records = [{columns[role]: value for role, value in row.items() if role in columns} for row in rows]
    progress(0, n)
    for start in range(0, n, BATCH):
        _wait_for_room(job, sleep)
        batch = records[start : start + BATCH]
        job.document.add_records(job.board.table, batch)
        progress(start + len(batch), n)
    return n


def _next_number(job: Job) -> int:
    column = job.board.column("title")
    if column is None or column.id not in job.present:
        return 1
    titles = (str(r["fields"].get(column.id)) for r in job.document.records(job.board.table))
    return 1 + max((int(m[1]) for m in map(NUMBER.fullmatch, titles) if m), default=0)


def _wait_for_room(job: Job, sleep: Callable[[float], object]) -> None:
    """Wait until Grist's webhook queue has room: nobody may be there to take what it sends."""
    for _ in range(int(PATIENCE / 0.5)):
        waiting = sum((w.get("usage") or {}).get("numWaiting", 0) for w in job.document.webhooks())
        if waiting <= ROOM:
            return
        sleep(0.5)
    raise BootstrapError(
        f"{waiting} events wait in Grist's webhook queue, and more rows would block the document: start the "
        "server (python -m grist_live serve), then run this again for the rest of the rows"
    )
