"""Alerts under crashes: whatever dies, whenever, people see each thing once."""

from __future__ import annotations

from typing import Any, Literal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from grist_live.effects.evaluator import Evaluator
from grist_live.effects.sender import CLAIM, Sender
from grist_live.job import Claim
from grist_live.jobs import Jobs
from grist_live.journal import Journal, connect
from grist_live.rules import read
from tests.redis_server import RedisServer
from tests.rules_lab import ALERT, ANSWER, DONE, URGENT, WAITING, Lab

STATES = {"waiting": WAITING, "urgent": URGENT, "done": DONE, "gone": None}
LATE = {"name": "late", "when": "urgent and waiting for 10 s", "do": {"outlet": "memory", "thread": "urgent"}}


class CrashError(BaseException):
    """The process is killed here."""


class Fuse:
    """Burns down with each call; at its end the process is killed `before` or `after` the call, or overtaken."""

    def __init__(self) -> None:
        self.left, self.when = -1, "before"

    def call(self, do: Any, overtaken: Any) -> Any:
        self.left -= 1
        if self.left != 0:
            return do()
        if self.when == "overtaken":
            overtaken()
            return do()
        if self.when == "after":
            do()
        raise CrashError


class FusedJobs(Jobs):
    fuse: Fuse
    overtaken: Any

    def _run(self, *args: Any) -> Any:
        return self.fuse.call(lambda: super(FusedJobs, self)._run(*args), self.overtaken)


class Process:
    """One work process: an evaluator and a sender that may be killed between any two calls."""

    def __init__(self, lab: Lab, number: int, overtaken: Any) -> None:
        self.fuse = Fuse()
        self.jobs = FusedJobs(lab.journal, f"elsewhere:1:{number}")
        self.jobs.fuse, self.jobs.overtaken = self.fuse, overtaken
        rules, _ = read(lab.board)
        self.evaluator = Evaluator(lab.board, rules, ["memory"], self.jobs, lab.clock)
        outlet = lab.outlet
        send = type(outlet).send

        class Fused(type(outlet)):  # type: ignore[misc]
            def send(_, claim: Claim, board: Any) -> Any:
                return self.fuse.call(lambda: send(outlet, claim, board), overtaken)

        self.sender = Sender(Fused(), [lab.board], self.jobs, lab.clock)


class World:
    """Processes that come and go, and what people should have seen."""

    def __init__(self, lab: Lab) -> None:
        self.lab, self.started = lab, 0
        self.rows: dict[int, str] = {}
        self.expected: list[tuple[str, int]] = []
        self.timers: dict[int, float] = {}
        self.processes: list[Process] = []
        lab.jobs.release(lab.board)
        for _ in range(2):
            self.processes.append(self.start())

    def start(self) -> Process:
        self.started += 1
        return Process(self.lab, self.started, self.overtake)

    def overtake(self) -> None:
        """Another process takes the lease and does all there is, while the first one stands still."""
        self.expire()
        other = self.start()
        for _ in range(20):
            if other.evaluator.turn() > 0 and other.sender.step() > 0:
                break
        self.expire()

    def expire(self) -> None:
        self.lab.journal.redis.delete(self.lab.journal.keys(self.lab.board).lease + "rules")

    def change(self, row: int, state: str) -> None:
        before = self.rows.get(row, "gone")
        if state == "gone" and before == "gone":
            return
        self.lab.change(row, STATES[state])
        self.rows[row] = state
        if state == "urgent" and before in ("waiting", "gone"):
            self.expected.append(("urgent", row))
        if state == "done" and before == "urgent":
            self.expected.append(("resolved", row))
        if state == "done" and before in ("waiting", "gone"):
            self.expected.append(("urgent", row))  # it becomes urgent and done in one change

    def run(self, number: int, what: Literal["turn", "step"], left: int, when: str) -> None:
        process = self.processes[number]
        process.fuse.left, process.fuse.when = left, when
        try:
            process.evaluator.turn() if what == "turn" else process.sender.step()
        except CrashError:
            self.processes[number] = self.start()
        process.fuse.left = -1

    def settle(self, wait: float = CLAIM) -> None:
        """The lease ends, in time the claims of those who were killed, and a fresh process does the rest."""
        self.expire()
        last = self.start()
        for _ in range(1000):
            if last.evaluator.turn() > 0 and last.sender.step() > 0:
                if not wait or not self.lab.report()["waiting"]:
                    return
                self.lab.clock.now += wait
        raise AssertionError("it does not come to rest")


ops = st.one_of(
    st.tuples(st.just("change"), st.integers(1, 3), st.sampled_from(sorted(STATES))),
    st.tuples(
        st.just("run"),
        st.integers(0, 1),
        st.sampled_from(["turn", "turn", "step"]),
        st.integers(1, 5),
        st.sampled_from(["before", "after", "overtaken"]),
    ),
    st.tuples(st.just("expire")),
    st.tuples(st.just("pass"), st.sampled_from([1.0, CLAIM])),
    st.tuples(st.just("epoch")),
)


@pytest.fixture
def journal_of_tests(redis_server: RedisServer) -> Any:
    journal = Journal(connect(redis_server.url))
    yield journal
    journal.close()


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(ops, min_size=1, max_size=40))
def test_each_match_is_seen_once_whatever_crashes(journal_of_tests: Journal, program: list[tuple[Any, ...]]) -> None:
    journal_of_tests.redis.flushall()
    world = World(Lab(journal_of_tests, ALERT, ANSWER))
    for name, *args in program:
        if name == "change":
            world.change(*args)
        elif name == "run":
            world.run(*args)
        elif name == "expire":
            world.expire()
        elif name == "pass":
            world.lab.clock.now += args[0]
        else:
            world.lab.journal.filled(world.lab.board)
    world.settle()
    told = world.lab.outlet.told
    assert sorted(told) == sorted(world.expected)
    assert len(world.lab.outlet.seen) == len(told)
    report = world.lab.report()
    assert (report["waiting"], report["retrying"], report["dead"]) == (0, 0, 0)
    assert report["sent"] == len(told) and world.lab.jobs.rules(world.lab.board)["missed"] == 0
    for claim in world.lab.outlet.seen.values():  # an answer whose alert was told stands in its thread
        if claim.job.about == "answer":
            root = [c for c in world.lab.outlet.seen.values() if c.job.row == claim.job.row and c.job.begins]
            older = [c for c in root if c.job.id < claim.job.id]
            assert claim.thread == {"event": f"${older[-1].job.id}"}


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(st.sampled_from(sorted(STATES)), st.sampled_from([1.0, 4.0, 11.0]), st.integers(1, 5), st.booleans()),
        min_size=1,
        max_size=12,
    )
)
def test_a_timer_fires_once_for_each_episode_whatever_crashes(
    journal_of_tests: Journal, program: list[tuple[str, float, int, bool]]
) -> None:
    journal_of_tests.redis.flushall()
    world = World(Lab(journal_of_tests, ALERT, LATE))
    began: float | None = None
    expected = 0
    fired = False
    for state, seconds, left, after in program:
        world.change(1, state)
        if state == "urgent" and began is None:
            began, fired = world.lab.clock.now, False
        elif state != "urgent":
            began = None
        for _ in range(3):
            world.expire()
            world.run(0, "turn", left, "after" if after else "before")
        world.expire()
        world.settle(wait=0)
        world.lab.clock.now += seconds
        world.expire()
        world.run(0, "turn", left, "after" if after else "before")
        world.settle(wait=0)
        if began is not None and not fired and world.lab.clock.now >= began + 10:
            expected, fired = expected + 1, True
    world.settle()
    assert [rule for rule, _ in world.lab.outlet.told].count("late") == expected
