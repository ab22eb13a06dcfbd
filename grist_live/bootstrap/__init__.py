"""Bootstrap: make a document's table live. Look first, show the plan, then do it.

Nothing in Grist is idempotent (a second POST /tables makes `Interventions2`), so every part looks at what
is there right before it acts: a second run finds nothing to do, and an interrupted run is completed by the
next.

1. `table`: the table, its columns, their repairs
2. `configuration`: the document, the real ids and new secrets in `grist-live.toml`
3. `page`: the page with the dashboard
4. `link`: where a row is in Grist, in the configuration, too; only now is it known
5. `samples`: sample rows, before the webhook is there to send them
6. `webhook`: last, because Grist may refuse its address (ALLOWED_WEBHOOK_DOMAINS): all else is done then
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from grist_live.access import Access
from grist_live.board import Board
from grist_live.bootstrap import configuration, link, page, table, webhook
from grist_live.bootstrap.plan import ACCESS, BootstrapError, Job, Note, Plan, Step
from grist_live.bootstrap.samples import add_samples
from grist_live.grist import Document
from grist_live.settings import Settings

__all__ = [
    "BootstrapError",
    "Job",
    "Note",
    "Plan",
    "Result",
    "Step",
    "apply",
    "bootstrap",
    "make_plan",
    "prepare",
]

PARTS = (table, configuration, page, link, webhook)


@dataclass(frozen=True)
class Result:
    """What a run did. `settings` and `board` are as they are now, with new secrets and real column ids."""

    plan: Plan
    done: list[str]
    left: list[str]
    added: int
    settings: Settings
    board: Board
    page: str
    dry_run: bool

    def lines(self) -> list[str]:
        """Return the result for showing."""
        if self.dry_run:
            n = len(self.plan.steps)
            return [f"Dry run: nothing was changed; {n} to do." if n else "Nothing to do."]
        lines = [] if self.done or self.added else ["Nothing to do."]
        lines += [f"Added {self.added} sample rows."] if self.added else []
        lines += [f"Grist didn't keep: {text}" for text in self.left]
        lines += [f"The dashboard in Grist: {self.page}"]
        if any(d.startswith(("wrote ", "noted ")) for d in self.done):
            lines.append("The configuration changed: restart the server if it runs.")
        return lines


def prepare(
    settings: Settings, board: Board, document: Document, *, access: str | None = None, preset: str = ""
) -> Job:
    """Gather what a run needs; makes the secrets that aren't configured yet, and a viewer token."""
    if access not in (None, *ACCESS):
        raise BootstrapError(f"access {access!r} is unknown: use one of {', '.join(ACCESS)}")
    filled, made = configuration.with_secrets(settings)
    guard = Access(filled.webhook_secret, filled.token_keys)
    return Job(
        settings=filled,
        given=board,
        board=board,
        document=document,
        path=settings.path or Path("grist-live.toml"),
        token=guard.token(board) if board.access == "token" else "",
        token_ok=lambda token: guard.token_ok(board, token),
        access=access or "",
        file_preset=_preset_path(preset),
        made=made,
    )


def _preset_path(preset: str) -> str:
    """Make a preset's file findable from everywhere; a preset of ours goes by its name."""
    return str(Path(preset).resolve()) if preset and Path(preset).is_file() else preset


def make_plan(job: Job) -> Plan:
    """Look at the document and the configuration; change nothing. Raises `GristError`, `BootstrapError`."""
    plan = Plan()
    for part in PARTS:
        part.look(job, plan)
    return plan


def apply(
    job: Job,
    *,
    sample_data: int = 0,
    echo: Callable[[str], None] = print,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> list[str]:
    """Do what is to be done, part by part; each looks again first, so this completes an interrupted run.

    Returns what was done. Raises `GristError`, `BootstrapError`; what was done until then stays.
    """
    configuration.check_writable(job)
    done: list[str] = []
    for part in PARTS:
        if part is webhook and sample_data:
            add_samples(job, sample_data, progress)
        plan = Plan()
        part.look(job, plan)
        for step in plan.steps:
            step.run()
            done.append(step.text)
            echo(f"✓ {step.text}")
    return done


def bootstrap(
    settings: Settings,
    board: Board,
    document: Document,
    *,
    access: str | None = None,
    preset: str = "",
    dry_run: bool = False,
    sample_data: int = 0,
    echo: Callable[[str], None] = print,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Result:
    """Show the plan, do it, and check that Grist kept it. Raises `GristError`, `BootstrapError`: one line
    each.

    `access` is what the widget may do in Grist ("read table", "full"; None: as it is); `preset` is written
    to the configuration when given; `echo` gets each line of the plan and each step that is done;
    `progress` is told (rows added, of how many).
    """
    job = prepare(settings, board, document, access=access, preset=preset)
    plan = make_plan(job)
    if sample_data:
        plan.note("add", f"{sample_data} sample rows")
    for line in plan.lines():
        echo(line)
    if dry_run:
        return _result(job, plan, [], [], 0, dry_run)
    done = apply(job, sample_data=sample_data, echo=echo, progress=progress)
    # What is still to be done now is what Grist silently dropped.
    left = [str(n) for n in make_plan(job).notes if n.mark in ("add", "repair")] if done else []
    return _result(job, plan, done, left, sample_data, dry_run)


def _result(job: Job, plan: Plan, done: list[str], left: list[str], added: int, dry_run: bool) -> Result:
    document = job.document
    board = msgspec.structs.replace(job.board, doc=document.doc_id, preset=job.file_preset or job.board.preset)
    settings = replace(
        job.settings,
        grist_url=document.server,
        path=job.path,
        boards={**job.settings.boards, board.name: board},
    )
    address = f"{document.server}/doc/{document.doc_id}/p/{job.page_ref}"
    return Result(plan, done, left, added, settings, board, address, dry_run)
