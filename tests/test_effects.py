"""From change to job to message: each thing is told once, whatever happens in between."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from grist_live import alerts
from grist_live.app import create_app
from grist_live.board import Column
from grist_live.change import row_text
from grist_live.effects.evaluator import AT_ONCE, LEASE, Evaluator
from grist_live.effects.message import Words
from grist_live.effects.run import Effects
from grist_live.effects.sender import CLAIM, GIVE_UP, Sender
from grist_live.jobs import Jobs
from grist_live.journal import WORK, Journal, connect
from grist_live.outbound import OutboundError
from grist_live.rules import read
from grist_live.settings import Settings
from tests.redis_server import RedisServer, executables
from tests.rules_lab import ALERT, ANSWER, DONE, START, URGENT, WAITING, Lab, Memory, board_with, text_of

LATE = {
    "name": "late",
    "when": "urgent and waiting for more than 15 min",
    "do": {"outlet": "memory"},
}


@pytest.fixture
def lab(journal: Journal) -> Callable[..., Lab]:
    return lambda *rules, **keys: Lab(journal, *rules, **keys)


# ------------------------------------------------------------------------------------------------- from change to job


def test_an_urgent_row_is_told_once_and_its_resolution_in_its_thread(lab: Callable[..., Lab]) -> None:
    it = lab()
    it.change(7, WAITING)
    it.change(7, URGENT)
    it.change(7, URGENT | {"Agent": "Léa"})
    it.settle()
    assert it.outlet.told == [("urgent", 7)]
    it.change(7, DONE)
    it.settle()
    alert, answer = it.outlet.seen.values()
    assert answer.job.about == "answer" and answer.thread == {"event": f"${alert.job.id}"}
    assert answer.job.was == {"Statut": "En attente"} and answer.job.cells["Statut"] == "Terminé"
    assert it.report()["sent"] == 2 and it.report()["waiting"] == 0


def test_what_happened_before_the_first_turn_is_not_told(journal: Journal) -> None:
    it = Lab(journal)
    it.jobs.forget(it.board)
    it.change(1, URGENT)
    it.settle()
    it.change(2, URGENT)
    it.settle()
    assert it.outlet.told == [("urgent", 2)]


def test_the_first_fill_alerts_nobody(lab: Callable[..., Lab]) -> None:
    it = lab()
    rows = [text_of(it.board, n, URGENT) for n in range(1, 50)]
    it.journal.commit(it.board, rows, "reconcile", fill=True)
    it.journal.filled(it.board)
    it.settle()
    it.change(1, URGENT | {"Statut": "En cours"})
    it.settle()
    assert it.outlet.told == []
    it.change(99, URGENT, "reconcile")  # what reconcile finds later is a change like any other
    it.settle()
    assert it.outlet.told == [("urgent", 99)]


def test_a_new_epoch_leaves_no_hole(lab: Callable[..., Lab]) -> None:
    it = lab()
    it.change(1, URGENT)
    it.journal.filled(it.board)
    it.change(2, URGENT)
    it.journal.filled(it.board)
    it.journal.filled(it.board)
    it.change(3, URGENT)
    it.settle()
    assert it.outlet.told == [("urgent", 1), ("urgent", 2), ("urgent", 3)]
    assert it.jobs.rules(it.board)["missed"] == 0


def test_what_the_log_forgot_is_counted_and_the_rest_is_told(lab: Callable[..., Lab]) -> None:
    it = lab()
    for row in range(1, 11):
        it.change(row, URGENT)
    it.journal.filled(it.board)
    for row in range(11, 15):
        it.change(row, URGENT)
    it.journal.redis.xtrim(it.journal.keys(it.board).log, maxlen=3, approximate=False)
    it.settle()
    assert it.outlet.told == [("urgent", n) for n in (12, 13, 14)]
    assert it.jobs.rules(it.board)["missed"] == 11
    it.change(20, URGENT)
    it.settle()
    assert it.jobs.rules(it.board)["missed"] == 11 and it.outlet.told[-1] == ("urgent", 20)


def test_a_log_that_was_forgotten_whole_is_counted(lab: Callable[..., Lab]) -> None:
    it = lab()
    for row in range(1, 6):
        it.change(row, URGENT)
    it.journal.redis.xtrim(it.journal.keys(it.board).log, maxlen=0, approximate=False)
    it.settle()
    assert it.outlet.told == [] and it.jobs.rules(it.board)["missed"] == 5


def test_jobs_outlive_the_log(lab: Callable[..., Lab]) -> None:
    it = lab()
    it.change(1, URGENT)
    it.evaluator.turn()
    it.journal.redis.xtrim(it.journal.keys(it.board).log, maxlen=0, approximate=False)
    it.settle()
    assert it.outlet.told == [("urgent", 1)]


def test_more_changes_than_one_turn_takes_are_told_in_order(lab: Callable[..., Lab]) -> None:
    it = lab()
    count = 2 * AT_ONCE + 7
    it.journal.commit(it.board, [text_of(it.board, n, URGENT) for n in range(1, count + 1)], "webhook")
    it.settle(most=2 * count)
    assert it.outlet.told == [("urgent", n) for n in range(1, count + 1)]


def test_rows_of_other_columns_are_read_as_they_were_written(lab: Callable[..., Lab]) -> None:
    it = lab()
    it.change(1, URGENT)
    columns = [{"id": c.id, "role": c.role, "choices": []} for c in it.board.columns if c.id != "Agent"][::-1]
    rules = [{"name": "urgent", "when": "priority becomes Urgente", "do": {"outlet": "memory"}}]
    old, it.board = it.board, type(it.board)(**{**_keys(it.board), "columns": _columns(columns), "rules": tuple(rules)})
    it.journal.adopt(it.board)
    it.process("new")
    it.jobs.release(old, "elsewhere:1:one")
    it.change(2, URGENT)
    it.settle()
    assert it.outlet.told == [("urgent", 1), ("urgent", 2)]
    assert it.outlet.seen[next(iter(it.outlet.seen))].job.cells["Statut"] == "En attente"


def _keys(board: Any) -> dict[str, Any]:
    return {name: getattr(board, name) for name in board.__struct_fields__}


def _columns(columns: list[dict[str, Any]]) -> Any:
    return msgspec.convert(columns, tuple[Column, ...])


def test_cells_that_nobody_can_read_hold_nothing_up(lab: Callable[..., Lab]) -> None:
    it = lab(ALERT | {"when": "becomes urgent and Latitude is not 3"})
    deep = b"[" * 5000 + b"]" * 5000  # (the doors refuse this one)
    for row, cell in enumerate((b"1e400", b"18446744073709551616", deep), 1):
        raw = {"Latitude": msgspec.Raw(cell), "Priorite": msgspec.Raw(b'"Normale"')}
        it.journal.commit(it.board, [(row, row_text(raw, it.board.ids))], "webhook")
        raw = {"Latitude": msgspec.Raw(b"0"), "Priorite": msgspec.Raw(b'"Urgente"')}
        it.journal.commit(it.board, [(row, row_text(raw, it.board.ids))], "webhook")
    it.change(4, URGENT)
    it.settle()
    assert it.outlet.told == [("urgent", n) for n in (1, 2, 4)] and it.jobs.rules(it.board)["missed"] == 2


def test_a_fault_in_a_rule_keeps_no_other_from_being_told(lab: Callable[..., Lab]) -> None:
    it = lab(ALERT, ALERT | {"name": "other"})
    broken = it.evaluator._rules["urgent"].when.tests[0]
    object.__setattr__(broken, "fits", lambda cell: 1 / 0)
    it.change(1, URGENT)
    it.settle()
    assert it.outlet.told == [("other", 1)] and it.jobs.rules(it.board)["missed"] == 1


def test_rules_that_stand_still_are_told(lab: Callable[..., Lab]) -> None:
    it = lab()
    it.change(1, URGENT)
    it.clock.now += 59
    found, outlets = {"x": {"alerts": alerts.rules(it.journal, it.board)}}, {"memory": _NOTHING_WRONG}
    assert list(alerts.problems(found, outlets, it.clock())) == []
    [problem] = alerts.problems(found, outlets, it.clock() + 2)
    assert "stand still" in problem and list(alerts.problems(found, {}, it.clock() + 2)) == []
    it.settle()
    assert alerts.rules(it.journal, it.board)["next_at"] is None


_NOTHING_WRONG = {"dead": 0, "retrying": 0}


# ------------------------------------------------------------------------------------------------------ timers, limits


def test_a_rule_with_a_time_fires_once_without_a_change(lab: Callable[..., Lab]) -> None:
    it = lab(ALERT, LATE | {"do": {"outlet": "memory", "thread": "urgent"}})
    it.change(1, URGENT)
    it.settle()
    it.settle(after=899)
    assert it.outlet.told == [("urgent", 1)]
    it.jobs.release(it.board)
    it.process("two")  # restarted meanwhile
    it.settle(after=2)
    it.settle(after=10_000)
    assert it.outlet.told == [("urgent", 1), ("late", 1)]
    late = list(it.outlet.seen.values())[1]
    assert late.job.at == START + 900 and late.thread is not None


def test_what_is_taken_in_time_is_not_late(lab: Callable[..., Lab]) -> None:
    it = lab(LATE)
    it.change(1, URGENT)
    it.settle(after=890)
    it.change(1, URGENT | {"Statut": "En cours"})
    it.settle(after=5)
    assert it.journal.redis.zcard(it.journal.keys(it.board).rules + "timers") == 0
    it.settle(after=1000)
    assert it.outlet.told == []
    it.change(1, URGENT)  # it waits again: another episode
    it.settle()
    it.settle(after=901)
    assert it.outlet.told == [("late", 1)]


def test_an_end_that_was_logged_while_nobody_looked_counts(lab: Callable[..., Lab]) -> None:
    it = lab(LATE)
    it.change(1, URGENT)
    it.change(2, URGENT)
    it.settle()
    it.change(1, None)
    it.change(2, URGENT | {"Commentaire": "still there"})
    it.settle(after=5000)
    assert it.outlet.told == [("late", 2)]


def test_an_episode_that_ended_unseen_does_not_fire_for_the_next(lab: Callable[..., Lab]) -> None:
    it = lab(LATE)
    it.change(1, URGENT)
    it.settle(after=880)
    it.change(1, URGENT | {"Statut": "En cours"})
    it.change(1, URGENT)
    it.settle(after=25)  # nobody looked meanwhile, and the first episode would be over time
    assert it.outlet.told == []
    it.settle(after=900)
    assert it.outlet.told == [("late", 1)]


def test_a_missed_end_does_not_fire(lab: Callable[..., Lab]) -> None:
    it = lab(LATE)
    it.change(1, URGENT)
    it.settle()
    it.change(1, DONE)
    it.journal.redis.xtrim(it.journal.keys(it.board).log, maxlen=0, approximate=False)
    it.settle(after=5000)
    assert it.outlet.told == [] and it.jobs.rules(it.board)["missed"] == 1


def test_a_row_that_flaps_is_told_once_in_its_cooldown(lab: Callable[..., Lab]) -> None:
    it = lab(ALERT | {"cooldown": "10 min"})
    for _ in range(3):
        it.change(1, URGENT)
        it.change(1, WAITING)
    it.change(2, URGENT)
    it.settle()
    assert it.outlet.told == [("urgent", 1), ("urgent", 2)]
    it.clock.now += 601
    it.change(1, URGENT)
    it.settle()
    assert it.outlet.told[2:] == [("urgent", 1)] and it.jobs.rules(it.board)["cooled"] == 2


def test_a_cooldown_counts_from_change_to_change_however_late_they_are_seen(lab: Callable[..., Lab]) -> None:
    it = lab(ALERT | {"cooldown": "10 min"})
    for _ in range(3):
        it.change(1, URGENT)
        it.change(1, WAITING)
        it.clock.now += 400
    it.settle()
    assert it.outlet.told == [("urgent", 1), ("urgent", 1)]


def test_beyond_the_limit_of_an_hour_there_is_one_summary(lab: Callable[..., Lab]) -> None:
    it = lab(ALERT | {"limit": 3})
    for row in range(1, 9):
        it.change(row, URGENT | {"ID2": f"INT-{row}"})
        it.settle(after=1)
    assert it.outlet.told == [("urgent", 1), ("urgent", 2), ("urgent", 3)]
    it.jobs.release(it.board)
    it.process("two")  # restarted meanwhile
    it.settle(after=20)
    it.change(9, URGENT)
    it.settle(after=60)
    assert it.outlet.told[3:] == [("urgent", 0)]
    summary = list(it.outlet.seen.values())[-1].job
    assert (summary.about, summary.count, summary.limit, summary.cells) == ("summary", 5, 3, {})
    text = Words("en").write("matrix.txt", summary, it.board)
    assert "5 more than this hour's 3: INT-4, INT-5, INT-6, INT-7, INT-8. Others before" in text
    assert it.jobs.rules(it.board)["over"] == 6
    it.clock.now = summary.until
    it.change(20, URGENT)
    it.settle()
    assert it.outlet.told[4:] == [("urgent", 20)]


def test_a_single_one_beyond_the_limit_has_its_summary(lab: Callable[..., Lab]) -> None:
    it = lab(ALERT | {"limit": 1})
    it.change(1, URGENT)
    it.change(2, URGENT)
    it.settle()
    it.settle(after=21)
    it.settle(after=3600)
    assert it.outlet.told == [("urgent", 1), ("urgent", 0)]


def test_in_quiet_hours_messages_wait_for_their_end(lab: Callable[..., Lab]) -> None:
    from datetime import datetime
    from zoneinfo import ZoneInfo

    it = lab(ALERT | {"quiet": "20:00-07:00"}, ANSWER)
    it.clock.now = datetime(2027, 1, 10, 23, 0, tzinfo=ZoneInfo("Europe/Paris")).timestamp()
    it.change(1, URGENT)
    it.settle()
    it.change(1, DONE)
    it.settle(after=60)
    assert it.outlet.told == []  # not even the answer, which waits for what it answers
    it.settle(after=8 * 3600)
    assert it.outlet.told == [("urgent", 1), ("resolved", 1)]


def test_one_rule_may_tell_several(lab: Callable[..., Lab]) -> None:
    it = lab(ALERT | {"do": [{"outlet": "memory"}, {"outlet": "memory", "room": "!x"}, {"outlet": "absent"}]})
    it.change(1, URGENT)
    it.settle()
    assert [claim.job.do for claim in it.outlet.seen.values()] == [{}, {"room": "!x"}]


# ------------------------------------------------------------------------------------------------- one evaluator only


def test_a_paused_evaluator_that_wakes_up_writes_nothing(lab: Callable[..., Lab]) -> None:
    it = lab()
    first = it.evaluator
    it.change(1, URGENT)

    def paused(*args: Any) -> Any:  # it has read, and is stopped before it writes: the other one takes over
        it.journal.redis.delete(it.journal.keys(it.board).lease + "rules")
        it.process("two")
        it.settle()
        return write(*args)

    write, first.jobs.write = first.jobs.write, paused  # type: ignore[method-assign]
    first.turn()
    it.settle()
    assert it.outlet.sent == it.outlet.sent[:1] and it.outlet.told == [("urgent", 1)]


def test_the_same_holder_never_writes_a_turn_twice(lab: Callable[..., Lab]) -> None:
    it = lab()
    it.change(1, URGENT)
    write = it.jobs.write
    it.jobs.write = lambda *args: (write(*args), it.sender.step(), write(*args))[0]  # type: ignore[method-assign]
    it.evaluator.turn()
    it.jobs.write = write  # type: ignore[method-assign]
    it.settle()
    assert len(it.outlet.sent) == 1


def test_another_process_waits_for_the_lease_and_takes_it_over(lab: Callable[..., Lab]) -> None:
    it = lab()
    it.process("two")
    it.change(1, URGENT)
    it.settle()
    assert it.outlet.told == []
    it.journal.redis.pexpire(it.journal.keys(it.board).lease + "rules", 1)
    import time

    time.sleep(0.01)
    it.settle()
    assert it.outlet.told == [("urgent", 1)]


def test_a_process_killed_on_this_host_is_replaced_at_once(lab: Callable[..., Lab]) -> None:
    import socket
    import subprocess

    ended = subprocess.Popen(["true"])
    ended.wait()
    it = lab()
    it.jobs.release(it.board)
    dead = Jobs(it.journal, f"{socket.gethostname()}:{ended.pid}:x")
    assert dead.take(it.board, it.clock(), LEASE, 10)
    it.change(1, URGENT)
    it.evaluator.turn()
    it.evaluator.turn()
    assert dead.claim(it.board, "memory", it.clock(), CLAIM)
    assert it.sender.step() > 0 and it.report()["waiting"] == 1
    stop = threading.Event()
    thread = threading.Thread(target=it.sender.run, args=(stop,))
    thread.start()
    until(lambda: it.outlet.told, 5)
    stop.set()
    thread.join()
    assert it.outlet.told == [("urgent", 1)]


# ------------------------------------------------------------------------------------------------ from job to message


def test_a_claim_of_a_process_that_was_killed_ends(lab: Callable[..., Lab]) -> None:
    it = lab()
    it.change(1, URGENT)
    it.evaluator.turn()
    assert it.jobs.claim(it.board, "memory", it.clock(), CLAIM)
    it.process("two")
    assert 0 < it.sender.step() <= CLAIM
    it.clock.now += CLAIM
    assert it.sender.step() == 0
    assert it.outlet.told == [("urgent", 1)]


def test_who_sent_says_so_even_after_its_claim_ended(lab: Callable[..., Lab]) -> None:
    it = lab()
    it.change(1, URGENT)
    it.evaluator.turn()
    slow = it.jobs.claim(it.board, "memory", it.clock(), CLAIM)
    it.clock.now += CLAIM
    it.process("two")
    again = it.jobs.claim(it.board, "memory", it.clock(), CLAIM)
    assert slow and again and slow.job == again.job  # type: ignore[union-attr]
    assert it.jobs.done(it.board, slow.job, it.clock(), {})  # type: ignore[union-attr]
    assert not it.jobs.done(it.board, again.job, it.clock(), {})  # type: ignore[union-attr]
    it.jobs.again(it.board, again.job, it.clock(), due=None, reason="x", pause=None)  # type: ignore[union-attr]
    it.jobs.bury(it.board, again.job, it.clock(), "x")  # type: ignore[union-attr]
    report = it.report()
    assert (report["waiting"], report["retrying"], report["dead"], report["sent"]) == (0, 0, 0, 1)


def test_an_outlet_that_is_down_for_hours_gets_all_in_order(lab: Callable[..., Lab]) -> None:
    it = lab()
    tries = 0
    for row in range(1, 21):
        it.change(row, URGENT)
    it.change(1, DONE)
    end = it.clock.now + 5 * 3600
    while it.clock.now < end:
        it.outlet.fails = [OutboundError("down", whole=True)]
        it.settle(after=1)
        tries += not it.outlet.fails
    report = it.report()
    assert report["retrying"] == 1 and report["waiting"] == 20 and report["last_error"] == "down"
    assert 20 < tries < 80, "it is asked seldom: every 5 minutes at last"
    it.outlet.fails = []
    it.settle(after=301)
    assert it.outlet.told == [*(("urgent", n) for n in range(1, 21)), ("resolved", 1)]
    assert len(it.outlet.sent) == 21


def test_a_message_that_fails_lets_the_others_pass(lab: Callable[..., Lab]) -> None:
    it = lab()
    for row in (1, 2, 3):
        it.change(row, URGENT)
    it.evaluator.turn()
    it.outlet.fails = [OutboundError("this one hurts")]
    it.settle()
    assert it.outlet.told == [("urgent", 2), ("urgent", 3)]
    it.settle(after=1.1)
    assert it.outlet.told[2:] == [("urgent", 1)]


def test_a_limit_is_obeyed_to_the_moment_and_is_no_failure(lab: Callable[..., Lab]) -> None:
    it = lab()
    it.change(1, URGENT)
    it.change(2, URGENT)
    it.outlet.fails = [OutboundError("slow down", whole=True, wait=1.866, limited=True)]
    it.settle()
    it.settle(after=1.866)
    assert it.outlet.told == []
    assert it.report()["retrying"] == 0 and it.report()["failed"] == 0 and it.report()["paused_until"]
    it.settle(after=0.25)
    assert it.outlet.told == [("urgent", 1), ("urgent", 2)]


def test_an_outlet_rests_for_all_boards_together(lab: Callable[..., Lab]) -> None:
    it = lab()
    other = msgspec.structs.replace(it.board, name="other")
    it.journal.adopt(other)
    rules, _ = read(other)
    evaluator = Evaluator(other, rules, ["memory"], it.jobs, it.clock)
    evaluator.turn()
    it.journal.commit(other, [text_of(other, 1, URGENT)], "webhook")
    evaluator.turn()
    it.change(1, URGENT)
    it.evaluator.turn()
    sender = Sender(it.outlet, [it.board, other], it.jobs, it.clock, lambda: 1.0)
    it.outlet.fails = [OutboundError("slow down", whole=True, wait=5.0, limited=True)]
    assert sender.step() > 5 and it.outlet.sent == []
    it.clock.now += 6
    assert sender.step() == 0 and len(it.outlet.sent) == 2


def test_what_no_retry_can_save_is_dead_until_somebody_asks_again(lab: Callable[..., Lab]) -> None:
    it = lab()
    it.change(1, URGENT)
    it.change(2, URGENT)
    it.outlet.fails = [OutboundError("not in the room", permanent=True)]
    it.settle()
    it.change(1, DONE)  # the alert is dead: the answer goes without a thread
    it.settle(after=10_000)
    assert it.outlet.told == [("urgent", 2), ("resolved", 1)] and list(it.outlet.seen.values())[1].thread is None
    report = it.report()
    assert report["dead"] == 1 and report["dead_jobs"][0]["reason"] == "not in the room"
    assert it.jobs.revive(it.board, "memory", it.clock()) == 1
    it.settle()
    assert it.outlet.told[2:] == [("urgent", 1)] and it.report()["dead"] == 0


def test_dead_jobs_can_be_thrown_away(lab: Callable[..., Lab]) -> None:
    it = lab()
    it.change(1, URGENT)
    it.outlet.fails = [OutboundError("no", permanent=True)]
    it.settle()
    assert it.jobs.drop(it.board, "memory", it.clock()) == 1
    assert it.jobs.revive(it.board, "memory", it.clock()) == 0 and it.report()["dead"] == 0


def test_what_is_tried_for_too_long_is_dead(lab: Callable[..., Lab]) -> None:
    it = lab()
    it.change(1, URGENT)
    it.outlet.fails = [OutboundError("down", whole=True)]
    it.settle()
    it.outlet.fails = [OutboundError("down", whole=True)]
    it.settle(after=GIVE_UP + 1)
    assert it.report()["dead"] == 1 and "given up" in it.report()["dead_jobs"][0]["reason"]


def test_a_fault_of_ours_does_not_hold_up_the_others(lab: Callable[..., Lab]) -> None:
    it = lab()
    it.change(1, URGENT)
    it.change(2, URGENT)
    it.outlet.fails = [KeyError("event")]
    it.settle()
    assert it.outlet.told == [("urgent", 2)] and "KeyError" in it.report()["dead_jobs"][0]["reason"]


# ---------------------------------------------------------------------------------------------- Redis comes and goes


@pytest.mark.parametrize("empty", [False, True])
def test_redis_may_be_killed_and_restarted(own_redis: RedisServer, empty: bool) -> None:
    it = Lab(Journal(connect(own_redis.url)), ALERT, ANSWER, LATE)
    it.change(1, URGENT)
    it.settle()
    it.change(2, URGENT)
    it.evaluator.turn()
    it.change(3, URGENT)
    own_redis.restart(empty=empty)
    it.journal.redis.connection_pool.disconnect()
    it.journal.adopt(it.board)
    it.jobs.release(it.board)
    it.process("two")
    it.settle(after=1)
    it.change(4, URGENT)
    it.settle()
    told = [row for rule, row in it.outlet.told if rule == "urgent"]
    assert told == ([1, 4] if empty else [1, 2, 3, 4])
    assert it.jobs.rules(it.board)["missed"] == 0
    it.settle(after=901)
    assert [row for rule, row in it.outlet.told if rule == "late"] == ([4] if empty else [1, 2, 3, 4])
    it.journal.close()


@pytest.mark.parametrize("executable", executables())
def test_every_redis_does(executable: str, tmp_path: Path) -> None:
    server = RedisServer(executable, tmp_path / "redis").start()
    journal = Journal(connect(server.url))
    try:
        it = Lab(journal, ALERT | {"cooldown": "1 min", "limit": 2}, ANSWER, LATE)
        for row in range(1, 5):
            it.change(row, URGENT)
        it.outlet.fails = [OutboundError("no", permanent=True), OutboundError("later", whole=True)]
        it.settle()
        it.settle(after=30)
        it.change(1, DONE)
        it.settle()
        it.settle(after=1000)
        assert it.jobs.revive(it.board, "memory", it.clock()) == 1
        it.settle()
        told = [("urgent", 2), ("urgent", 0), ("resolved", 1), *(("late", n) for n in (2, 3, 4)), ("urgent", 1)]
        assert it.outlet.told == told
        assert it.jobs.latency(it.board, "memory")[0][-1] == ("+Inf", 7)
    finally:
        journal.close()
        server.kill()


# -------------------------------------------------------------------------------------------------- rules that sleep


def test_rules_that_slept_begin_with_what_is_new(journal: Journal) -> None:
    board = board_with(ALERT)
    journal.adopt(board)
    outlet = Memory()
    settings = Settings(boards={"interventions": board})
    awake = Effects(settings, journal, {"memory": outlet})
    awake.start()
    until(lambda: journal.redis.exists(journal.keys(board).rules + "state"))
    awake.stop()
    journal.commit(board, [text_of(board, 1, URGENT)], "webhook")
    other = json.dumps({"at": time.time()})
    journal.redis.hset(WORK, "elsewhere:1", other)  # there the outlet may be configured
    for alive in (True, False):
        asleep = Effects(settings, journal, {})
        asleep.start()
        asleep.stop()
        assert journal.redis.exists(journal.keys(board).rules + "state") == alive
        journal.redis.delete(WORK)
    awake = Effects(settings, journal, {"memory": outlet})
    awake.start()
    until(lambda: journal.redis.exists(journal.keys(board).rules + "state"))
    journal.commit(board, [text_of(board, 2, URGENT)], "webhook")
    until(lambda: outlet.told)
    awake.stop()
    assert outlet.told == [("urgent", 2)]


def test_the_web_process_begins_the_rules_too(make_settings: Callable[..., Settings], journal: Journal) -> None:
    tchap = {"url": "http://127.0.0.1:9", "token": "x", "room": "!r"}
    app = create_app(make_settings(outlets={"tchap": tchap}))
    app.extensions["grist_live"].stop()
    assert journal.redis.hget("grist-live:{interventions}:rules:state", "position").endswith(b"-0")


def until(condition: Callable[[], Any], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.01)
