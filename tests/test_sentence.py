"""Sentences: what a rule's `when` may say, and which changes it fits."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from grist_live.board import Board, make_board
from grist_live.sentence import Change, RuleError, parse, seconds

WAITING = {"Statut": "En attente", "Priorite": "Normale", "Localisation": "13001 Marseille", "Agent": None}
URGENT = WAITING | {"Priorite": "Urgente"}
DONE = URGENT | {"Statut": "Terminé"}
HIGH = WAITING | {"Priorite": "Haute"}

TABLE = [
    # sentence, before, after, fits
    ("becomes urgent", WAITING, URGENT, True),
    ("becomes urgent", None, URGENT, True),
    ("becomes urgent", URGENT, URGENT | {"Agent": "x"}, False),
    ("becomes urgent", URGENT, None, False),
    ("becomes not urgent", URGENT, WAITING, True),
    ("becomes not urgent", WAITING, WAITING, False),
    ("priority becomes Urgente", HIGH, URGENT, True),
    ("Priorite becomes Urgente", HIGH, URGENT, True),
    ("priority becomes urgent", HIGH, URGENT, True),
    ("priority becomes Haute or Urgente", HIGH, URGENT, False),
    ("priority becomes Haute or Urgente", WAITING, URGENT, True),
    ("status becomes Terminé", URGENT, DONE, True),
    ("status becomes En cours", URGENT, DONE, False),
    ('status becomes "En cours"', URGENT, URGENT | {"Statut": "En cours"}, True),
    ("was urgent and becomes done", URGENT, DONE, True),
    ("was urgent and becomes done", WAITING, WAITING | {"Statut": "Terminé"}, False),
    ("was urgent and becomes done", None, DONE, False),
    ("status changes", URGENT, DONE, True),
    ("status changes", URGENT, URGENT | {"Agent": "x"}, False),
    ("status changes", None, URGENT, False),
    ("status changes from En attente to Terminé", URGENT, DONE, True),
    ("status changes from En cours to Terminé", URGENT, DONE, False),
    ("status changes from En cours", URGENT | {"Statut": "En cours"}, DONE, True),
    ("status changes to Terminé", URGENT, DONE, True),
    ("priority was Haute and priority becomes Urgente", HIGH, URGENT, True),
    ("priority was Haute and priority becomes Urgente", WAITING, URGENT, False),
    ("urgent", WAITING, URGENT, True),  # without a word of change: when it comes true
    ("urgent", URGENT, URGENT | {"Agent": "x"}, False),
    ("urgent and done", URGENT, DONE, True),
    ("urgent and not done", DONE, URGENT, True),
    ("added", None, WAITING, True),
    ("added and urgent", None, WAITING, False),
    ("added", WAITING, URGENT, False),
    ("removed", URGENT, None, True),
    ("removed and was urgent", URGENT, None, True),
    ("removed and was urgent", WAITING, None, False),
    ("removed and urgent", URGENT, None, False),
    ("becomes urgent and place contains 13", None, URGENT, True),
    ("becomes urgent and place contains 31", None, URGENT, False),
    ("becomes urgent and place contains MARSEILLE", None, URGENT, True),
    ("assignee becomes not empty", URGENT, URGENT | {"Agent": "Léa"}, True),
    ("assignee is empty and becomes urgent", WAITING, URGENT, True),
    ("Latitude above 43 and becomes urgent", WAITING, URGENT | {"Latitude": 43.5}, True),
    ("Latitude above 43.5 and becomes urgent", WAITING, URGENT | {"Latitude": 43.5}, False),
    ("Latitude becomes below 0", {"Latitude": 1}, {"Latitude": -1}, True),
    ("Latitude is 3 and becomes urgent", WAITING, URGENT | {"Latitude": 3.0}, True),
    ("place is L'Estaque and becomes urgent", WAITING, URGENT | {"Localisation": "L'Estaque"}, True),
    ("place becomes 'for and or'", WAITING, WAITING | {"Localisation": "for and or"}, True),
    ("place becomes a or b", WAITING, WAITING | {"Localisation": ["L", "b", "c"]}, True),
    ("comment is true and becomes urgent", WAITING, URGENT | {"Commentaire": True}, True),
]


@pytest.mark.parametrize(("text", "before", "after", "fits"), TABLE)
def test_a_sentence_fits_what_it_says(
    board: Board, text: str, before: dict[str, Any] | None, after: dict[str, Any] | None, fits: bool
) -> None:
    assert parse(text, board).fits(Change("1-1", 1, 0.0, before, after)) is fits


def test_a_sentence_with_a_time_waits_for_it(board: Board) -> None:
    sentence = parse("urgent and waiting for more than 15 min", board)
    assert sentence.after == 900 and sentence.holds(URGENT) and not sentence.holds(DONE) and not sentence.holds(None)
    assert parse("urgent for 2 h", board).after == 7200
    assert [seconds(t) for t in ("30 s", "15min", "1.5 h", "1 d")] == [30, 900, 5400, 86_400]


def test_a_board_names_its_columns_as_its_document_does() -> None:
    board = make_board("x", {"preset": "interventions", "column_ids": {"Statut": "Statut2"}})
    for name in ("status", "Statut", "Statut2"):
        assert parse(f"{name} becomes Bloqué", board).tests[0].column == "Statut2"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "empty"),
        ("urgent and", "empty"),
        ("becomes urgnt", "no meaning"),
        ("priority becomes Urgent", "did you mean 'Urgente'"),
        ("prioritty becomes Urgente", "did you mean 'priority'"),
        ("priority equals Urgente", "is, was, becomes"),
        ("priority", "what of priority"),
        ("priority becomes", "missing"),
        ("Latitude above high", "no number"),
        ("status changes of x", "from"),
        ("becomes urgent for 15 min", "moment"),
        ("urgent for a while", "no time"),
    ],
)
def test_what_is_not_understood_is_named(board: Board, text: str, said: str) -> None:
    with pytest.raises(RuleError, match=said):
        parse(text, board)


def test_a_meaning_that_no_choice_has_is_named() -> None:
    board = make_board("x", {"table": "T", "columns": [{"id": "P", "role": "priority"}]})
    for text in ("becomes urgent", "becomes done"):
        with pytest.raises(RuleError, match="no choice"):
            parse(text, board)


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.sampled_from(
            "becomes urgent waiting done is was not and or for more than 15 min priority status changes from to "
            "Urgente Haute place contains above 3 empty added removed ' \" é".split(" ")
        ),
        max_size=9,
    )
)
def test_any_text_is_read_or_refused_in_words(board: Board, words: list[str]) -> None:
    try:
        sentence = parse(" ".join(words), board)
    except RuleError as error:
        assert str(error)
        return
    for before in (None, WAITING, URGENT, DONE):
        for after in (None, WAITING, URGENT, DONE):
            assert sentence.fits(Change("1-1", 1, 0.0, before, after)) in (True, False)
