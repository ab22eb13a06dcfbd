"""The threads of effects: an evaluator for each board with rules, a sender for each outlet, and one that wakes them."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Any

from grist_live.effects import make_outlets
from grist_live.effects.evaluator import Evaluator
from grist_live.effects.outlet import Outlet
from grist_live.effects.sender import Sender
from grist_live.jobs import Jobs
from grist_live.journal import WORK, Journal, Unavailable
from grist_live.rules import read
from grist_live.settings import Settings

log = logging.getLogger(__name__)


class Effects:
    """Rules and outlets of this process; without an outlet it does nothing."""

    def __init__(self, settings: Settings, journal: Journal, outlets: dict[str, Outlet] | None = None) -> None:
        self._journal, self.jobs = journal, Jobs(journal)
        outlets = make_outlets(settings) if outlets is None else outlets
        boards = list(settings.boards.values())
        self.senders = {name: Sender(outlet, boards, self.jobs) for name, outlet in outlets.items()}
        self.evaluators: list[Evaluator] = []
        for board in boards:
            rules = [rule for rule in read(board)[0] if any(do["outlet"] in outlets for do in rule.do)]
            if rules:
                self.evaluators.append(Evaluator(board, rules, outlets, self.jobs, made=self._made))
        active = {evaluator.board.name for evaluator in self.evaluators}
        self._asleep = [board for board in boards if board.name not in active]
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        runs: list[tuple[str, Callable[..., None], tuple[Any, ...]]] = [("rules asleep", self._forget, ())]
        runs += [(f"rules {e.board.name}", e.run, (self._stop,)) for e in self.evaluators]
        runs += [(f"outlet {name}", sender.run, (self._stop,)) for name, sender in self.senders.items()]
        if self.evaluators:
            runs.append(("rules wake", self._wake, ()))
        for name, target, args in runs:
            thread = threading.Thread(target=target, args=args, name=name, daemon=True)
            thread.start()
            self._threads.append(thread)

    def stop(self) -> None:
        """End the threads; what is being sent has a moment to end, and is claimed again otherwise."""
        self._stop.set()
        for news in [*(e.news for e in self.evaluators), *(s.news for s in self.senders.values())]:
            news.set()
        for thread in self._threads:
            if thread.name != "rules wake":  # it waits for Redis to speak, and holds nothing
                thread.join(timeout=5)
        for evaluator in self.evaluators:
            try:
                self.jobs.release(evaluator.board)  # the next process needn't wait for its end
            except Unavailable:
                return

    def _made(self, outlet: str) -> None:
        self.senders[outlet].news.set()

    def _forget(self) -> None:
        """Forget the cursor of boards whose rules sleep: when they wake, days later, they begin with what is new.

        Not while another work process lives: in its configuration they may be awake.
        """
        try:
            for board in self._asleep if not self._journal.others(WORK) else ():
                self.jobs.forget(board)
        except Unavailable as error:
            log.warning("Redis is away: %s", error)

    def _wake(self) -> None:
        """Wake a board's evaluator when something was logged; without this it would look once a second."""
        channels = {self._journal.keys(e.board).feed.encode(): e.news for e in self.evaluators}
        while not self._stop.is_set():
            try:
                with self._journal.subscribe(channels) as subscription:
                    for news in channels.values():
                        news.set()
                    while not self._stop.is_set():
                        for channel, _ in subscription.next():
                            channels[channel].set()
            except Exception as error:
                log.warning("rules are not woken by Redis, they look once a second: %s", error)
                self._stop.wait(1.0)
