"""The probe of outlets: a test alert through each of them, marked as one; every leg with its time."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator

from grist_live.board import Board
from grist_live.effects import OutletError, make_outlet
from grist_live.job import Claim, Job
from grist_live.outbound import OutboundError
from grist_live.probe import Leg
from grist_live.settings import Settings


def probe(settings: Settings, board: Board) -> Iterator[Leg]:
    """Send a test alert through every outlet, past the queue: the answer is wanted now."""
    for name, table in settings.outlets.items():
        try:
            outlet = make_outlet(name, table, settings.language or "fr", settings.public_url.rstrip("/"))
        except OutletError as error:
            yield Leg(f"{name}: settings", False, 0.0, str(error))
            continue
        id, now = f"test-{secrets.token_hex(8)}", time.time()
        job = Job(id=id, board=board.name, rule="test", outlet=name, about="test", change="", at=now)
        for part, call in outlet.legs(Claim(job, 0, now, None), board):
            began = time.perf_counter()
            try:
                detail, ok = str(call()), True
            except OutboundError as error:
                detail, ok = str(error), False
            yield Leg(f"{name}: {part}", ok, (time.perf_counter() - began) * 1000, detail)
