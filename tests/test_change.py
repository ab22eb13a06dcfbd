"""Rows and events, input by input: what comes in, and the exact bytes that go out."""

from __future__ import annotations

import json
from functools import partial
from typing import Any

import pytest

from grist_live.board import Board, make_board
from grist_live.change import (
    BodyError,
    compat_change,
    event,
    read_records,
    read_webhook,
    row_text,
    values,
)
from grist_live.web.stream import Message


@pytest.fixture
def small() -> Board:
    return make_board("small", {"table": "T", "columns": [{"id": "A"}, {"id": "B"}]})


def rows(body: str | bytes, board: Board) -> list[tuple[int, bytes]]:
    return read_webhook(body if isinstance(body, bytes) else body.encode(), board).rows


def test_a_real_delivery_is_read_whatever_else_it_holds(board: Board) -> None:
    body = json.dumps(
        [{"id": 4, "manualSort": 4, "ID2": "A1", "Agent": "Zoé", "Derniere_MAJ": 1795345987.469473, "Secret": "no"}]
    )
    [(row, text)] = rows(body, board)
    assert row == 4
    assert values(text)[:2] == [b'"A1"', '"Zoé"'.encode()]
    assert b"no" not in text and b"manualSort" not in text


def test_a_missing_column_is_left_empty_and_null_is_not(small: Board) -> None:
    assert rows('[{"id": 1, "A": null}]', small) == [(1, b"null\t\t")]


@pytest.mark.parametrize(
    "token",
    ["1.0", "-0.0", "1795345916.031123", "0.30000000000000004", "9007199254740993", "18446744073709551616", "1e400",
     "[]", "{}", "null", "true", '["L",null,1,null]', "[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]"],
)  # fmt: skip
def test_no_value_loses_a_digit(small: Board, token: str) -> None:
    assert rows(f'[{{"id": 1, "A": {token}, "B": 0}}]', small) == [(1, f"{token}\t0\t".encode())]


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (r'"\u00e9\/"', '"é/"'),  # the same text, however it is escaped
        (r'"a\tb\nc\u0000"', r'"a\tb\nc\u0000"'),
        (r'"half \ud83d emoji"', '"half \ufffd emoji"'),  # JavaScript cuts surrogate pairs
        (r'"\ud83d\ude00 \\ud800"', r'"😀 \\ud800"'),
        ("[1,\t2 ,\n3]", "[1,2,3]"),  # a raw TAB would split the row text
        ('["E","ZeroDivisionError","division by zero",{}]', '["E","ZeroDivisionError"]'),
        ('"\u2028"', '"\u2028"'),
    ],
)
def test_one_value_has_one_form(small: Board, given: str, kept: str) -> None:
    assert rows(f'[{{"id": 1, "A": {given}}}]', small) == [(1, kept.encode() + b"\t\t")]


def test_id_and_fields_may_be_partial(small: Board) -> None:
    assert rows('{"id": 7, "fields": {"B": 2}}', small) == [(7, b"\t2\t")]
    assert rows('[{"id": 7, "fields": {"B": 2}}, {"id": 8, "A": 1}]', small) == [(7, b"\t2\t"), (8, b"1\t\t")]


def test_a_column_called_fields_is_a_column(small: Board) -> None:
    assert rows('[{"id": 7, "fields": "text", "A": 1}]', small) == [(7, b"1\t\t")]


@pytest.mark.parametrize("id", ['"test-123"', "0", "-1", "1.5", "null", "true", "[]", '"12"'])
def test_an_id_that_is_no_row_id_makes_a_test_event(small: Board, id: str) -> None:
    batch = read_webhook(f'{{"id": {id}, "fields": {{"A": "x", "Z": "secret"}}}}'.encode(), small)
    assert batch.rows == [] and batch.rejected == []
    assert json.loads(batch.tests[0]) == {"row": json.loads(id), "fields": {"A": "x"}}


def test_bad_records_are_set_aside_and_the_good_ones_go_on(small: Board) -> None:
    batch = read_webhook(b'[{"id": 1, "A": 1}, 5, {"A": 2}, null, {"id": 99999999999999999999}, {"id": 2}]', small)
    assert [row for row, _ in batch.rows] == [1, 2]
    assert [r.split(":")[0] for r in batch.rejected] == ["record 1", "record 2", "record 3", "record 4"]
    assert "no id" in batch.rejected[1]


@pytest.mark.parametrize(
    "body",
    [b"", b"nonsense", b'[{"id":1', b'"text"', b"12", b'[{"id":1}] x', b'[{"id":1,"A":NaN}]', b'[{"id":1,"A":01}]',
     b'[{"id":1,"A":"\xff"}]', b'[{"id":1,"A":"\ttab"}]', b"[" * 100_000, b'[{"id":1,"A":' + b"[" * 99_999],
    ids=range(12),
)  # fmt: skip
def test_a_body_that_is_no_json_says_so(small: Board, body: bytes) -> None:
    with pytest.raises(BodyError):
        read_webhook(body, small)


def test_nothing_that_a_cell_says_can_raise_anything_else(small: Board) -> None:
    hostile = ["</script>", "\r\nid: 1\n\n", "\x00", "‮", "a" * 100_000, "{{7*7}}", "\\", '"', "\u2029"]
    for text in hostile:
        [(_, row)] = rows(json.dumps([{"id": 1, "A": text}]), small)
        assert json.loads(values(row)[0]) == text
        assert b"\n" not in row and b"\r" not in row and row.count(b"\t") == 2


def test_rest_records_have_the_form_of_the_webhook(small: Board) -> None:
    body = b'{"records":[{"id":3,"fields":{"A":1795345916.031123,"B":null},"errors":{"B":"ZeroDivisionError"}}]}'
    write = partial(row_text, ids=small.ids)
    assert read_records(body, write) == [(3, b'1795345916.031123\t["E","ZeroDivisionError"]\t')]
    with pytest.raises(BodyError):
        read_records(b'{"error": "no"}', write)


EVENTS = [
    (("", "a\nb\r\nc\rd"), "data:a\ndata:b\ndata:c\ndata:d\n\n"),
    (("", "a\u2028b\x0bc\x85d"), "data:a\u2028b\x0bc\x85d\n\n"),  # flask-sse splits here
    (("", ""), "data:\n\n"),
    (("", " x"), "data:  x\n\n"),  # the reader drops one space
    (("", "x", "1-1"), "id:1-1\ndata:x\n\n"),
    (("t", {"é": 1}, "1-2", 5), 'event:t\nid:1-2\nretry:5\ndata:{"é":1}\n\n'),
]


@pytest.mark.parametrize(("given", "written"), EVENTS)
def test_events_are_written_byte_for_byte(given: tuple[Any, ...], written: str) -> None:
    assert event(*given) == written.encode()
    names = ("type", "data", "id", "retry")
    assert str(Message(**{k: v or None if k == "type" else v for k, v in zip(names, given, strict=False)})) == written


@pytest.mark.parametrize("text", ["a\nb", "a\rb", "a\0b", "a\r\nevent:forged"])
def test_id_and_type_cannot_forge_an_event(text: str) -> None:
    for make in (lambda: event("", "x", id=text), lambda: event(text, "x"), lambda: Message("x", id=text)):
        with pytest.raises(ValueError):
            make()


def test_the_compatible_format_has_words_for_missing_values(board: Board) -> None:
    text = row_text({}, board.ids).replace(b"\t", b"null\t")
    found = json.loads(compat_change(12, "update", text, 1731837600.0, board))
    assert found == {
        "timestamp": "2024-11-17T10:00:00.000Z",
        "type": "intervention_update",
        "action": "update",
        "data": {
            "id": 12,
            "agent": "Non assigné",
            "localisation": "Non spécifié",
            "type": "Autre",
            "statut": "En attente",
            "priorite": "Normale",
            "commentaire": "",
        },
        "metadata": {"source": "grist"},
    }
