"""The doctor: looks at a board from its Redis to its page in Grist, changes nothing, and says what to do.

Each check is a function of the patient that yields findings; a new one is a function, its kinds of findings, and a
line here. It must not matter what is broken: what a check can't find out is another check's finding, or `check-failed`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from grist_live.board import Board
from grist_live.doctor.address import check_address
from grist_live.doctor.configuration import check_configuration
from grist_live.doctor.finding import KINDS, Finding, Kind, found
from grist_live.doctor.key import check_key, check_reading
from grist_live.doctor.live import check_source, check_websocket
from grist_live.doctor.page import check_page
from grist_live.doctor.patient import Patient, Unknown
from grist_live.doctor.store import check_processes, check_redis
from grist_live.doctor.stream import Listening
from grist_live.doctor.table import check_clocks, check_columns, check_table, check_updated_at
from grist_live.doctor.webhook import check_domain, check_queue, check_webhook
from grist_live.settings import Problem, Settings

__all__ = ["CHECKS", "KINDS", "Finding", "Kind", "Patient", "examine"]

Check = Callable[[Patient], Iterator[Finding]]

CHECKS: tuple[Check, ...] = (
    check_configuration,
    check_redis,
    check_processes,
    check_key,
    check_reading,
    check_table,
    check_columns,
    check_clocks,
    check_updated_at,
    check_webhook,
    check_queue,
    check_domain,
    check_websocket,
    check_source,
    check_page,
    check_address,
)
"""In this order: the key first of all that asks Grist, the table before its columns."""


def examine(
    settings: Settings, problems: list[Problem], board: Board, *, quick: bool = False, timeout: float = 5.0
) -> Iterator[Finding]:
    """Make all checks of a board, one after the other, and yield what they find. Never raises.

    The stream is opened first and judged last: its ping takes a heartbeat, unless it is to be `quick`.
    """
    patient = Patient(settings, problems, board, quick=quick, timeout=timeout)
    listening = Listening(patient)
    try:
        for check in CHECKS:
            yield from _safely(check.__name__, lambda check=check: check(patient))  # type: ignore[misc]
        yield from _safely("check_stream", listening.findings)
    finally:
        patient.close()


def _safely(name: str, check: Callable[[], Iterator[Finding]]) -> Iterator[Finding]:
    try:
        yield from check()
    except Unknown:
        return
    except Exception as error:
        what = name.removeprefix("check_").replace("_", " ")
        text = " ".join(str(error).split())[:300]
        yield found("check-failed", f"the check of the {what} failed: {text or type(error).__name__}")
