"""Point a document's dashboard at files that were published elsewhere, or back at our own server."""

from __future__ import annotations

import msgspec

from grist_live.board import Board
from grist_live.bootstrap import configuration, page, prepare, table
from grist_live.bootstrap.plan import BootstrapError, Plan
from grist_live.grist import Document
from grist_live.settings import Settings


def point(settings: Settings, board: Board, document: Document, widget: str) -> list[str]:
    """Let the board's dashboard load from this address ("": our server's), and keep that; return what was done.

    Raises `GristError`, `BootstrapError`.
    """
    job = prepare(settings, board, document)
    configuration.check_writable(job)
    if not table.find(job):
        raise BootstrapError(f"the document has no table {board.table}: run bootstrap first")
    job.board = msgspec.structs.replace(job.board, widget=widget)
    plan, kept = Plan(), Plan()
    if not page.look_at_dashboards(job, plan):
        raise BootstrapError("the document has no page with the dashboard: run bootstrap first")
    # The file first: a bootstrap that runs meanwhile would put the old address back.
    configuration.look(job, kept)
    for step in (*kept.steps, *plan.steps):
        step.run()
    return [step.text for step in (*kept.steps, *plan.steps)]
