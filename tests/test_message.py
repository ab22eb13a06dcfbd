"""What alerts say: cells as people read them, in both languages, and only what may be told."""

from __future__ import annotations

import time
from typing import Any

import msgspec
import pytest

from grist_live.board import Board, make_board
from grist_live.effects.message import LONGEST, Words
from grist_live.job import Job
from tests.rules_lab import URGENT, board_with

COLUMNS = [
    {"id": "T", "role": "title", "public": True},
    {"id": "D", "type": "Date", "public": True},
    {"id": "H", "type": "DateTime:Europe/Paris", "public": True},
    {"id": "B", "type": "Bool", "public": True},
    {"id": "N", "type": "Numeric", "public": True},
    {"id": "L", "type": "ChoiceList", "public": True, "label": {"fr": "Étiquettes", "en": "Tags"}},
    {"id": "P", "type": "Text"},
]
NOON = 1_599_991_200.0  # 2020-09-13, 12:00 in Paris


def job(**given: Any) -> Job:
    facts = {"id": "1-1.r.o", "board": "x", "rule": "r", "outlet": "o", "about": "alert", "change": "1-1", "at": NOON}
    return msgspec.convert(facts | given, Job)


def lines(cells: dict[str, Any], language: str = "fr", secret: bool = False, **given: Any) -> list[str]:
    board = make_board("x", {"table": "T", "columns": COLUMNS})
    text = Words(language).write("matrix.txt", job(cells=cells, row=7, **given), board, secret)
    return text.splitlines()[1:-1]


@pytest.mark.parametrize(
    ("cells", "french", "english"),
    [
        ({"D": 1_795_305_600}, "D : 22/11/2026", "D: 2026-11-22"),
        ({"H": NOON}, "H : 13/09/2020 12:00", "H: 2020-09-13 12:00"),
        ({"D": 1e300}, "D : 1e+300", "D: 1e+300"),
        ({"B": True}, "B : oui", "B: yes"),
        ({"N": 3.0}, "N : 3", "N: 3"),
        ({"N": 0.1}, "N : 0.1", "N: 0.1"),
        ({"N": 0}, "N : 0", "N: 0"),
        ({"L": ["L", "a", "b"]}, "Étiquettes : a, b", "Tags: a, b"),
        ({"N": " a\n\tb\0 "}, "N : a b", "N: a b"),
        ({"N": "\u202eabc\u2066"}, "N : abc", "N: abc"),
    ],
)
def test_cells_are_written_as_people_read_them(cells: dict[str, Any], french: str, english: str) -> None:
    assert lines(cells) == [french] and lines(cells, "en") == [english]


@pytest.mark.parametrize("empty", [None, "", ["L"], ["E", "ValueError"], "\u200e"])
def test_what_is_empty_has_no_line(empty: Any) -> None:
    assert lines({"N": empty}) == []


def test_a_change_shows_what_was() -> None:
    assert lines({"N": 2}, was={"N": 1}) == ["N : 1 → 2"]
    assert lines({"N": None}, was={"N": 1}) == ["N : 1 → —"]


def test_a_long_cell_is_cut() -> None:
    [line] = lines({"N": "x" * 10_000})
    assert len(line) == LONGEST + len("N : ") and line.endswith("x…")


def test_what_is_not_public_is_told_only_in_secret() -> None:
    cells = {"T": "title", "P": "private", "N": 1}
    assert lines(cells, was={"P": "before"}) == ["N : 1"]
    assert lines(cells, secret=True) == ["N : 1", "P : private"]


def test_a_title_that_is_not_public_is_the_rows_number() -> None:
    columns = [{"id": "T", "role": "title"}]
    board = make_board("x", {"table": "T", "columns": columns})
    for about in ("alert", "summary"):
        one = job(about=about, row=7, cells={"T": "Mme X"}, count=1, limit=1, until=NOON, others=[(7, {"T": "Mme X"})])
        text = Words("fr").write("matrix.txt", one, board) + Words("fr").write("matrix.html", one, board)
        assert "Mme X" not in text and "#7" in text
        assert "Mme X" in Words("fr").write("matrix.txt", one, board, secret=True)


def test_the_hour_stands_alone_today(board: Board) -> None:
    now = time.time()
    clock = time.strftime("%M", time.localtime(now))
    last = Words("fr").write("matrix.txt", job(at=now, row=7, cells=URGENT), board).splitlines()[-1]
    assert len(last) == 5 and last.endswith(f":{clock}")


@pytest.mark.parametrize("language", ["fr", "en"])
@pytest.mark.parametrize("about", ["alert", "answer", "summary", "test"])
def test_every_message_is_whole_in_both_languages(language: str, about: str) -> None:
    one = job(about=about, row=7, cells=URGENT, count=9, limit=5, until=NOON, others=[(7, {"ID2": "INT-1"})])
    words = Words(language, "https://live.example.fr")
    text, html = (words.write(f"matrix.{kind}", one, board_with()) for kind in ("txt", "html"))
    assert "{" not in text + html and "None" not in text + html and "  " not in text
    assert text.endswith("https://live.example.fr/boards/interventions") and html.count("<strong>") == html.count(
        "</strong>"
    )
    french = "regardez" in text.lower() or "Lieu" in text or "Localisation" in text or "essai" in text
    assert french == (language == "fr")
