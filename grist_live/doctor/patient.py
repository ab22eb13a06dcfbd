"""The patient: what a board's configuration leads to, asked once, one request at a time."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

from grist_live.board import Board
from grist_live.bootstrap.plan import Job
from grist_live.grist import Document, Entry, GristError, Webhook
from grist_live.settings import Problem, Settings


class Unknown(Exception):
    """What a check needs can't be known, and another check has said why."""


class Patient:
    """One board with its document and its settings. Facts that couldn't be got raise `Unknown` the next time."""

    def __init__(
        self,
        settings: Settings,
        problems: list[Problem],
        board: Board,
        *,
        quick: bool = False,
        timeout: float = 5.0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.settings, self.problems, self.board = settings, problems, board
        self.quick, self.timeout, self.clock = quick, timeout, clock
        self.closed = not (board.doc and settings.grist_api_key)
        """Whether the document can't be asked; the check of the key says why."""
        self.is_owner = False
        self.reads_all = False
        self._facts: dict[str, Any] = {}
        self._document: Document | None = None

    @property
    def document(self) -> Document:
        """The board's document. Raises `Unknown` when it can't be asked."""
        if self.closed:
            raise Unknown
        if self._document is None:
            self._document = Document(
                self.settings.grist_url,
                self.board.doc,
                self.settings.grist_api_key,
                timeout=(self.timeout, 2 * self.timeout),
                attempts=2,
                sleep=lambda seconds: time.sleep(min(seconds, 1)),
            )
        return self._document

    def close(self) -> None:
        if self._document is not None:
            self._document.close()

    @property
    def token(self) -> str:
        """A viewer token for a minute; "" for a public board, or without keys."""
        from grist_live.access import Access

        if self.board.access == "public" or not self.settings.token_keys:
            return ""
        return Access((), self.settings.token_keys).token(self.board, self.clock() + 60)

    @property
    def job(self) -> Job:
        """The same for the functions of bootstrap that look at a document."""
        from grist_live.access import Access

        guard = Access((), self.settings.token_keys)
        table = self.table()
        return Job(
            settings=self.settings,
            given=self.board,
            board=self.board,
            document=self.document,
            path=Path(),
            token_ok=lambda token: guard.token_ok(self.board, token),
            table_ref=table["fields"]["tableRef"],
        )

    def tables(self) -> list[Entry]:
        return cast(list[Entry], self._ask("tables", lambda: self.document.tables()))

    def table(self) -> Entry:
        """Return the board's table. Raises `Unknown` when it isn't there."""
        for table in self.tables():
            if table["id"] == self.board.table:
                return table
        raise Unknown

    def columns(self) -> list[Entry]:
        self.table()
        return cast(list[Entry], self._ask("columns", lambda: self.document.columns(self.board.table)))

    def webhooks(self) -> list[Webhook]:
        """List the webhooks. Raises `Unknown` when the key's user is no owner."""
        if not self.is_owner:
            raise Unknown
        return cast(list[Webhook], self._ask("webhooks", lambda: self.document.webhooks()))

    def _ask(self, name: str, ask: Callable[[], Any]) -> Any:
        """Ask once; who asks again after a failure, which was told, gets `Unknown`."""
        if name not in self._facts:
            try:
                self._facts[name] = ask()
            except GristError as error:
                self._facts[name] = error
                raise
        if isinstance(self._facts[name], GristError):
            raise Unknown
        return self._facts[name]


def host_of(url: str) -> str:
    return urlsplit(url).hostname or ""
