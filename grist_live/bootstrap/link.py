"""The way from a dashboard to a row in Grist: the row's card, over the dashboard's page; kept in the configuration."""

from __future__ import annotations

import re

import msgspec

from grist_live.bootstrap import configuration
from grist_live.bootstrap.plan import Job, Plan

OURS = re.compile(r"/p/\d+#a[23]\.s\d+\.r\{row\}")
WHAT = "link from the dashboard to each row in Grist"


def know(job: Job, page: int) -> None:
    """Note the dashboard's page, and with it where a row is found; a link that the user made stays."""
    job.page_ref = page
    document = f"{job.document.server}/doc/{job.document.doc_id}"
    link = job.board.link
    if not link.startswith(document) or OURS.fullmatch(link, len(document)):
        # a3 is the row's card, a2 the raw table (grist-core: gristUrls.ts); before 1.1.7 there are no cards.
        kind, section = ("a3", job.card_ref) if job.card_ref else ("a2", job.raw_ref)
        job.board = msgspec.structs.replace(job.board, link=f"{document}/p/{page}#{kind}.s{section}.r{{row}}")


def look(job: Job, plan: Plan) -> None:
    """Plan to keep the link; until there is a page nobody knows it."""
    if not job.page_ref or job.board.link != job.given.link and not configuration.has(job, "link"):
        plan.note("add", WHAT)
        plan.step(f"noted the {WHAT}", lambda: configuration.save(job))
