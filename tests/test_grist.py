"""Grist by REST: what is repeated and what isn't, and errors that say what to do."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from grist_live.grist import MAX_IDS, Document, GristError, LiveError, State, parse_address
from tests.standin_grist import EDITOR, OUTSIDER, OWNER, VIEWER, StandinDocument, StandinGrist


@pytest.fixture
def grist() -> Iterator[StandinGrist]:
    with StandinGrist() as grist:
        yield grist


@pytest.fixture
def there(grist: StandinGrist) -> StandinDocument:
    """A document with a table of three rows."""
    document = grist.add_document()
    document.apply([["AddTable", "T", [{"id": "Titre", "type": "Text"}, {"id": "N", "type": "Numeric"}]]])
    document.add_records("T", [{"Titre": t, "N": 1.5} for t in "abc"])
    return document


@contextlib.contextmanager
def opened(grist: StandinGrist, key: str = OWNER, **given: object) -> Iterator[tuple[Document, list[float]]]:
    """Open the only document; the list tells how long it slept before each repeat."""
    sleeps: list[float] = []
    options: dict[str, object] = {"server": grist.url, "doc_id": next(iter(grist.documents), "missing-document")}
    options |= given
    document = Document(api_key=key, sleep=sleeps.append, **options)  # type: ignore[arg-type]
    try:
        yield document, sleeps
    finally:
        document.close()


def error_of(document: Document) -> GristError:
    with pytest.raises(GristError) as caught:
        document.tables()
    assert "\n" not in str(caught.value)
    return caught.value


def test_it_works(grist: StandinGrist, there: StandinDocument) -> None:
    with opened(grist) as (document, sleeps):
        assert [t["id"] for t in document.tables()] == ["Table1", "T"]
        assert [c["id"] for c in document.columns("T")] == ["Titre", "N"]
        assert [r["fields"]["Titre"] for r in document.records("T")] == ["a", "b", "c"]
        assert document.add_records("T", [{"Titre": "d"}]) == [4]
        assert document.webhooks() == []
        assert sleeps == []


def test_its_parents_methods_work_through_the_same_call(grist: StandinGrist, there: StandinDocument) -> None:
    with opened(grist) as (document, _):
        document.delete_records("T", [1, 2])
    assert list(there.rows("T")) == [3]


@pytest.mark.parametrize("slashes", ["/", "//", "/o/docs", "/o/docs/"])
def test_the_server_may_have_a_path_and_slashes(slashes: str, grist: StandinGrist, there: StandinDocument) -> None:
    with opened(grist, server=f" {grist.url}{slashes}") as (document, _):
        assert len(document.tables()) == 2


# Records


def test_the_body_of_records_is_raw_so_that_numbers_keep_their_digits(
    grist: StandinGrist, there: StandinDocument
) -> None:
    there.update("T", 2, {"N": 0.1 + 0.2})
    with opened(grist) as (document, _):
        assert b"0.30000000000000004" in document.records_body("T")


def test_some_rows_are_asked_by_id_and_missing_ones_are_left_out(grist: StandinGrist, there: StandinDocument) -> None:
    with opened(grist) as (document, _):
        body = document.records_body("T", {3, 1, 99})
        assert (b'"id":1' in body, b'"id":2' in body, b'"id":3' in body) == (True, False, True)
        assert document.records_body("T", []) == b'{"records":[]}'


def test_too_many_ids_are_refused_and_the_longest_list_fits_an_address(
    grist: StandinGrist, there: StandinDocument
) -> None:
    with opened(grist) as (document, _):
        with pytest.raises(ValueError, match="at most"):
            document.records_body("T", range(MAX_IDS + 1))
        document.records_body("T", range(10**9, 10**9 + MAX_IDS))
    assert len(grist.requests[-1][1]) < 8_000  # of the 16 KiB that Node.js takes


def test_a_large_body_comes_compressed(grist: StandinGrist, there: StandinDocument) -> None:
    there.add_records("T", [{"Titre": "x" * 100}] * 100)
    with opened(grist) as (document, _):
        answer = document.call("tables/T/records")
        assert answer.headers["Content-Encoding"] == "gzip"
        assert document.records_body("T") == answer.content


# States


def test_the_head_is_the_newest_state(grist: StandinGrist, there: StandinDocument) -> None:
    with opened(grist) as (document, _):
        before = document.head()
        there.delete("T", 2)
        after = document.head()
        assert after.n == before.n + 1
        changes = document.compare(before.h, after.h)["details"]["rightChanges"]
        assert changes["tableDeltas"]["T"]["removeRows"] == [2]


def test_a_key_that_may_not_read_everything_still_gets_the_head(grist: StandinGrist, there: StandinDocument) -> None:
    grist.partial_readers.add(VIEWER)
    with opened(grist, VIEWER) as (document, _):
        assert document.head() == State(*there.history.states()[0].values())
        with pytest.raises(GristError) as caught:
            document.compare("HEAD~")
        assert caught.value.status == 403


def test_a_hash_that_grist_forgot_is_told_apart(grist: StandinGrist, there: StandinDocument) -> None:
    with opened(grist) as (document, _), pytest.raises(GristError) as caught:
        document.compare("deadbeef")
    assert (caught.value.status, caught.value.reason) == (500, "Cannot read hash")


# What is repeated, and what isn't: nothing that creates is idempotent in Grist


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_a_question_is_repeated_after_a_passing_failure(
    status: int, grist: StandinGrist, there: StandinDocument
) -> None:
    grist.fail(status, times=3)
    with opened(grist) as (document, sleeps):
        assert len(document.tables()) == 2
        assert len(sleeps) == 3
        assert all(0.25 * 2**i <= s <= 0.75 * 2**i for i, s in enumerate(sleeps))


def test_it_gives_up_after_its_attempts(grist: StandinGrist, there: StandinDocument) -> None:
    grist.fail(503, times=99)
    with opened(grist) as (document, sleeps):
        assert error_of(document).status == 503
        assert len(sleeps) == 4


def test_too_many_at_once_is_repeated_for_a_change_too(grist: StandinGrist, there: StandinDocument) -> None:
    grist.fail(429, times=2)
    with opened(grist) as (document, _):
        assert document.add_records("T", [{"Titre": "d"}]) == [4]


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_change_that_grist_may_have_made_is_not_repeated(
    status: int, grist: StandinGrist, there: StandinDocument
) -> None:
    grist.fail(status, method="POST", after=True)
    with opened(grist) as (document, sleeps), pytest.raises(GristError):
        document.add_records("T", [{"Titre": "d"}])
    assert (len(there.rows("T")), sleeps) == (4, [])


def test_a_lost_answer_to_a_change_is_not_repeated(grist: StandinGrist, there: StandinDocument) -> None:
    grist.drop(method="POST", after=True)
    with opened(grist) as (document, _), pytest.raises(GristError):
        document.add_records("T", [{"Titre": "d"}])
    assert len(there.rows("T")) == 4


def test_a_lost_answer_to_a_question_is_repeated(grist: StandinGrist, there: StandinDocument) -> None:
    grist.drop(times=2)
    with opened(grist) as (document, sleeps):
        assert len(document.tables()) == 2
        assert len(sleeps) == 2


def test_a_locked_database_is_repeated_but_not_for_ever(grist: StandinGrist, there: StandinDocument) -> None:
    grist.fail(500, times=99, body={"error": "SQLITE_BUSY: database is locked"})
    with opened(grist) as (document, sleeps), pytest.raises(GristError):
        document.add_records("T", [{"Titre": "d"}])
    assert len(sleeps) == 4


def test_what_cant_succeed_is_not_repeated(grist: StandinGrist, there: StandinDocument) -> None:
    with opened(grist, "wrong") as (document, sleeps):
        assert error_of(document).permanent
        assert sleeps == []


def test_retry_after_is_obeyed_up_to_a_minute(grist: StandinGrist, there: StandinDocument) -> None:
    grist.fail(503, headers={"Retry-After": "7"})
    grist.fail(503, headers={"Retry-After": "4000"})
    with opened(grist) as (document, sleeps):
        document.tables()
        assert sleeps == [7, 60]


# Errors say what to do


@pytest.mark.parametrize(
    ("key", "status", "words"),
    [
        ("wrong", 401, "refuses the API key"),
        (OUTSIDER, 403, "let an owner share it"),
    ],
)
def test_a_key_that_does_not_fit(
    key: str, status: int, words: str, grist: StandinGrist, there: StandinDocument
) -> None:
    with opened(grist, key) as (document, _):
        error = error_of(document)
    assert (error.status, error.permanent) == (status, True)
    assert words in str(error)
    assert key not in str(error)


@pytest.mark.parametrize("key", [EDITOR, VIEWER])
def test_webhooks_need_an_owner(key: str, grist: StandinGrist, there: StandinDocument) -> None:
    with opened(grist, key) as (document, _), pytest.raises(GristError, match="isn't an owner"):
        document.webhooks()


def test_an_unknown_document(grist: StandinGrist) -> None:
    with opened(grist, doc_id="nobodyKnowsThis") as (document, _):
        assert "there is no document nobodyKnowsThis" in str(error_of(document))


def test_an_unknown_table(grist: StandinGrist, there: StandinDocument) -> None:
    with opened(grist) as (document, _), pytest.raises(GristError, match="Table not found"):
        document.columns("Absente")


def test_a_webhook_address_that_grist_may_not_use() -> None:
    with StandinGrist(allowed_domains="example.fr") as grist:
        grist.add_document()
        fields = {"url": "https://other.fr/x", "eventTypes": ["add"], "tableId": "Table1"}
        with opened(grist) as (document, _), pytest.raises(GristError, match="ALLOWED_WEBHOOK_DOMAINS"):
            document.add_webhook(fields)


def test_a_server_that_is_not_there() -> None:
    document = Document("http://127.0.0.1:1", "someDocument", "key", attempts=1)
    error = error_of(document)
    assert (error.permanent, error.status) == (False, None)
    assert "can't be reached" in str(error)


def test_a_server_that_does_not_answer_in_time(grist: StandinGrist, there: StandinDocument) -> None:
    grist.slow(0.5)
    with opened(grist, timeout=(1, 0.05), attempts=1) as (document, _):
        assert "doesn't answer in time" in str(error_of(document))


def test_a_login_page_is_no_answer(grist: StandinGrist, there: StandinDocument) -> None:
    grist.fail(200, body=b"<html>Please sign in</html>", content_type="text/html")
    with opened(grist) as (document, _):
        assert "login page" in str(error_of(document))


def test_a_redirect_is_not_followed_because_it_would_lose_the_key_or_the_body(
    grist: StandinGrist, there: StandinDocument
) -> None:
    grist.fail(301, headers={"Location": "https://grist.example.fr/api"}, body=b"")
    with opened(grist) as (document, _):
        assert "redirects to https://grist.example.fr/api" in str(error_of(document))


@pytest.mark.parametrize("server", ["grist.example.fr", "", "ftp://grist.example.fr"])
def test_a_server_that_is_no_address(server: str) -> None:
    error = error_of(Document(server, "someDocument", "key"))
    assert error.permanent
    assert "https://host" in str(error)


def test_without_a_key_it_says_where_to_get_one() -> None:
    with pytest.raises(GristError, match="GRIST_API_KEY"):
        Document("https://grist.example.fr", "someDocument", "")


def test_a_netrc_entry_does_not_replace_the_key(
    grist: StandinGrist, there: StandinDocument, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login somebody password something\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    with opened(grist) as (document, _):
        assert len(document.tables()) == 2


def test_a_proxy_does_not_lead_to_our_own_machine(
    grist: StandinGrist, there: StandinDocument, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    with opened(grist) as (document, _):
        assert len(document.tables()) == 2


# Addresses


@pytest.mark.parametrize(
    ("pasted", "server", "document"),
    [
        ("rshSwVm3EntT8bVcVDdUWL", "", "rshSwVm3EntT8bVcVDdUWL"),
        ("https://docs.getgrist.com/rshSwVm3EntT/Field-work/p/3", "https://docs.getgrist.com", "rshSwVm3EntT"),
        ("https://grist.fr/doc/rshSwVm3EntT8bVcVDdUWL", "https://grist.fr", "rshSwVm3EntT8bVcVDdUWL"),
        ("http://h:8485/o/team/doc/rshSwVm3EntT/p/1#a1", "http://h:8485/o/team", "rshSwVm3EntT"),
        (" https://h/o/docs/rshSwVm3EntT~fork~7/X ", "https://h/o/docs", "rshSwVm3EntT~fork~7"),
    ],
)
def test_a_document_may_be_pasted_as_its_address(pasted: str, server: str, document: str) -> None:
    assert parse_address(pasted) == (server, document)


@pytest.mark.parametrize("text", ["", "a/b", "../../other", "https://docs.getgrist.com/", "id with spaces"])
def test_what_is_no_document_is_refused(text: str) -> None:
    with pytest.raises(GristError, match="no document id"):
        parse_address(text)


def test_a_websocket_that_grist_closed_leaves_no_socket(grist: StandinGrist, there: StandinDocument) -> None:
    with opened(grist, VIEWER) as (document, _):
        live = document.live()
        grist.live.close(1001)
        with pytest.raises(LiveError, match="closed"):
            for _ in range(50):
                live.receive(0.1)
        live.close()
        assert live._socket.sock is None
